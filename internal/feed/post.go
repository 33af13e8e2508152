package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/flow"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/stdwebhook"
)

const (
	// callTimeout is how long one call may take.
	callTimeout = 15 * time.Second
	// maxAnswer is how much of an answer is read, so that the connection stays usable.
	maxAnswer = 64 << 10
)

// typePing is the type of a test call.
const typePing = "ping"

// target is where calls go.
type target struct {
	agentID string
	url     string
	keys    [][]byte // that sign
}

// callError is why a call failed.
type callError struct {
	status     int // 0 = there was no answer
	retryAfter time.Duration
	err        error
}

// Error implements error. It quotes nothing of the answer, in which a customer's
// words may be repeated, and not the address, in which a secret may stand.
func (e *callError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *callError) Unwrap() error { return e.err }

func statusOf(err error) int {
	if e, ok := errors.AsType[*callError](err); ok {
		return e.status
	}
	return 0
}

func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*callError](err); ok {
		return e.retryAfter
	}
	return 0
}

// outcomeOf tells what a call says of the other side. A refusal may be one
// event's trouble, so that it keeps nobody else back.
func outcomeOf(err error) flow.Outcome {
	status := statusOf(err)
	switch {
	case err == nil:
		return flow.Answered
	case status == http.StatusTooManyRequests:
		return flow.Limited
	case status >= http.StatusInternalServerError, status == 0, status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return flow.Outage
	default:
		return flow.Answered
	}
}

// post makes one signed call. Any 2xx is success.
func (svc *Service) post(ctx context.Context, t target, id string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return &callError{err: errors.New("the address cannot be called; set another one")} // err quotes it
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Handoff/1")
	r.Header.Set("Idempotency-Key", id)
	stdwebhook.Sign(r.Header, id, svc.now(), body, t.keys...)
	answer, err := svc.http.Do(r)
	if err != nil {
		return &callError{err: noAnswer(err)}
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer)) // the status alone decides
	if answer.StatusCode >= 200 && answer.StatusCode < 300 {
		return nil
	}
	e := &callError{status: answer.StatusCode, retryAfter: provider.RetryAfter(answer.Header, svc.now())}
	text := strings.TrimSpace(strconv.Itoa(answer.StatusCode) + " " + http.StatusText(answer.StatusCode))
	e.err = fmt.Errorf("the address answered %s", text)
	if answer.StatusCode >= 300 && answer.StatusCode < 400 {
		e.err = fmt.Errorf("the address answered %s; redirects are not followed, set the address itself", text)
	}
	return e
}

// noAnswer says why there was no answer, without the address.
func noAnswer(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s", callTimeout)
	}
	if about, ok := errors.AsType[*url.Error](err); ok {
		err = about.Err
	}
	return fmt.Errorf("no answer: %w", err)
}

// Tested is what became of a test call.
type Tested struct {
	Status int   // of the answer; 0 = there was none, or it was a success
	Err    error // nil = success
	Took   time.Duration
}

// Test sends one call of type ping. It changes nothing.
func (svc *Service) Test(ctx context.Context, agentID string) (Tested, error) {
	stored, err := svc.store.Feed(ctx, agentID)
	if err != nil {
		return Tested{}, err
	}
	s, err := svc.open(stored)
	if err != nil {
		return Tested{}, err
	}
	f := feed{stored: *stored, until: s.ReplacedTime.Add(previousFor)}
	if f.keys, err = s.keys(); err != nil {
		return Tested{}, err
	}
	began := svc.now()
	body, err := svc.encode(Notification{Type: typePing, Time: began, AgentID: agentID})
	if err != nil {
		return Tested{}, err
	}
	err = svc.post(ctx, f.target(began), svc.newID("ping"), body)
	if ctx.Err() != nil {
		return Tested{}, ctx.Err()
	}
	return Tested{Status: statusOf(err), Err: err, Took: svc.now().Sub(began)}, nil
}
