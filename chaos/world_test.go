package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

// agent is the one agent of a run.
const agent = "shop"

const (
	callLimit  = 10 * time.Second // of one call by a client
	maxBacklog = 400              // messages that the vendor has not got; beyond it customers wait a little
)

// world is a run: the server, the vendor, those who use them and the record.
type world struct {
	plan   plan
	server *server
	vendor *vendor
	http   *http.Client

	acknowledged atomic.Int64
	full         atomic.Bool
	refused      atomic.Int64 // callers who were told no while the disk was full
	cut          atomic.Int64 // calls and streams that their own client cut

	mu     sync.Mutex // guards the record and all that it holds
	record record

	stopping context.Context // done when customers begin no more
	stop     context.CancelFunc
	readers  sync.WaitGroup
	goals    sync.Map // session id to the last sequence, once nothing more comes
}

func newWorld(p plan, dir string) (*world, error) {
	v, err := startVendor(p.Seed)
	if err != nil {
		return nil, err
	}
	s, err := newServer(dir)
	if err != nil {
		return nil, err
	}
	w := &world{plan: p, vendor: v, server: s}
	w.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	w.stopping, w.stop = context.WithCancel(context.Background())
	return w, nil
}

// configure connects the agent to the vendor. Time-outs are long, so that
// nothing closes but what is closed.
func (w *world) configure(ctx context.Context) error {
	answer, err := w.calls(w.server.adminKey).ConfigureProvider(ctx, &handoffv1.ConfigureProviderRequest{
		AgentId:  agent,
		Provider: &handoffv1.ConfigureProviderRequest_Webhook{Webhook: &handoffv1.WebhookConfig{Url: "http://" + w.vendor.address}},
		Settings: &handoffv1.Settings{
			WaitTimeout: durationpb.New(20 * time.Hour), SessionTimeout: durationpb.New(20 * time.Hour),
			EmailPolicy: handoffv1.EmailPolicy_EMAIL_POLICY_OPTIONAL,
		},
	})
	if err == nil && answer.GetStatus().GetState() != handoffv1.ServiceState_SERVICE_STATE_AVAILABLE {
		err = fmt.Errorf("the vendor is not taken: %v", answer.GetStatus())
	}
	if err != nil {
		return err
	}
	return w.setWebhook(ctx)
}

// rpc is the generated client of one key.
type rpc struct {
	handoffv1connect.HandoffServiceClient
	handoffv1connect.AdminServiceClient
}

func (w *world) calls(key string) rpc {
	with := connect.WithInterceptors(bearer(key))
	return rpc{
		handoffv1connect.NewHandoffServiceClient(w.http, w.server.url(), with),
		handoffv1connect.NewAdminServiceClient(w.http, w.server.url(), with),
	}
}

// bearer adds a key to each call.
type bearer string

// WrapUnary implements connect.Interceptor.
func (b bearer) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		r.Header().Set("Authorization", "Bearer "+string(b))
		return next(ctx, r)
	}
}

// WrapStreamingClient implements connect.Interceptor.
func (b bearer) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		conn.RequestHeader().Set("Authorization", "Bearer "+string(b))
		return conn
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (bearer) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// errNoAnswer says that nobody knows what became of a call.
var errNoAnswer = errors.New("no answer")

// once makes one call. Its error is errNoAnswer, or what the server said.
func (w *world) once(ctx context.Context, limit time.Duration, try func(ctx context.Context) error) error {
	if err := w.server.up(ctx); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began, wasFull := time.Now(), w.full.Load()
	err := try(limited)
	if err == nil {
		return nil
	}
	if limit < callLimit && limited.Err() != nil {
		w.cut.Add(1)
	}
	if !connect.IsWireError(err) && !errors.As(err, new(*statusError)) {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	if wasFull && w.full.Load() && mayTryAgain(err) {
		w.refused.Add(1)
		w.mu.Lock()
		w.record.Refusals = append(w.record.Refusals, time.Since(began))
		w.mu.Unlock()
	}
	return err
}

// persist repeats a call until it is answered for good. Now and then the client
// leaves before the answer.
func (w *world) persist(ctx context.Context, random *rand.Rand, try func(ctx context.Context) error) error {
	limit := callLimit
	if random.IntN(100) < 4 {
		limit = time.Duration(random.Int64N(int64(8 * time.Millisecond)))
	}
	for {
		err := w.once(ctx, limit, try)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil, !errors.Is(err, errNoAnswer) && !mayTryAgain(err):
			return err
		}
		limit = callLimit
		time.Sleep(5*time.Millisecond + time.Duration(random.Int64N(int64(40*time.Millisecond))))
	}
}

// mayTryAgain tells answers that bad weather explains.
func mayTryAgain(err error) bool {
	if status, ok := errors.AsType[*statusError](err); ok {
		return status.status == http.StatusServiceUnavailable || status.status == http.StatusTooManyRequests
	}
	return slices.Contains([]connect.Code{
		connect.CodeUnavailable, connect.CodeResourceExhausted, connect.CodeCanceled, connect.CodeDeadlineExceeded,
	}, connect.CodeOf(err))
}

// reasonOf returns the machine-readable reason of an answer.
func reasonOf(err error) string {
	if rpc, ok := errors.AsType[*connect.Error](err); ok {
		for _, detail := range rpc.Details() {
			if value, err := detail.Value(); err == nil {
				if info, ok := value.(*errdetails.ErrorInfo); ok {
					return info.GetReason()
				}
			}
		}
	}
	return ""
}

// statusError is an answer of the reply routes that is not 200.
type statusError struct {
	status int
	body   string
}

func (e *statusError) Error() string { return fmt.Sprintf("%d %s", e.status, e.body) }

// post calls a reply route.
func (w *world) post(ctx context.Context, path, body string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.server.url()+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+w.server.adminKey)
	r.Header.Set("Content-Type", "application/json")
	answer, err := w.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = &statusError{answer.StatusCode, string(text)}
	}
	return err
}

// note changes the record.
func (w *world) note(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// unexpected notes an answer that nobody may get.
func (w *world) unexpected(what string, err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errNoAnswer) {
		return // the run is over
	}
	w.note(func() { w.record.Unexpected = append(w.record.Unexpected, fmt.Sprintf("%s: %v", what, err)) })
}

// digest stands for a whole event.
func digest(event *handoffv1.Event) uint64 {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(event)
	h := fnv.New64a()
	_, _ = h.Write(data)
	if err != nil {
		panic(err) // it came over the wire in this form
	}
	return h.Sum64()
}
