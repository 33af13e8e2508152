package feed_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/feed"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/seal"
)

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// backend is an agent's backend, which does what it is told, and a feed that
// calls it. Its tests run in bubbles, where days pass at once.
type backend struct {
	t     *testing.T
	table *table
	svc   *feed.Service
	log   strings.Builder

	mu     sync.Mutex
	got    []got
	answer func(g got) answer // called with mu held; nil = 204
	took   time.Duration
	now    map[string]int // calls under way, by session
	all    int
	most   int // calls at once, of all sessions

	states   []string
	disabled []string
}

// got is a call that the backend got.
type got struct {
	id, session, kind string
	sequence          int
	at                time.Time
	header            http.Header
	body              []byte
	url               string
}

type answer struct {
	status     int // 0 = the connection is cut
	retryAfter string
}

var refused = answer{status: http.StatusBadRequest}

func newBackend(t *testing.T) *backend {
	t.Helper()
	return &backend{t: t, table: newTable(), now: map[string]int{}}
}

// run starts a service on the table that ends with the test.
func (b *backend) run() *feed.Service {
	b.t.Helper()
	key := make([]byte, 32)
	sealer, err := seal.New([][]byte{key})
	require.NoError(b.t, err)
	svc := feed.New(feed.Config{
		Store: b.table, Sealer: sealer, HTTP: &http.Client{Transport: b}, Encode: encode,
		NewID: func(prefix string) string { return prefix + "_" + rand.Text() }, Now: time.Now,
		Logger: slog.New(slog.NewTextHandler(&b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	svc.OnState(func(agentID string) {
		state := string(svc.State(agentID))
		b.mu.Lock()
		defer b.mu.Unlock()
		b.states = append(b.states, state)
	})
	svc.OnDisabled(func(reason string) { b.disabled = append(b.disabled, reason) })
	require.NoError(b.t, svc.Start(b.t.Context()))
	b.t.Cleanup(svc.Stop)
	b.svc = svc
	return svc
}

func encode(n feed.Notification) ([]byte, error) {
	body := map[string]any{"type": n.Type, "agent": n.AgentID, "session": n.SessionID, "conversation": n.ConversationID}
	if n.Event != nil {
		body["sequence"] = n.Event.Sequence
	}
	return json.Marshal(body)
}

// set gives an agent a feed.
func (b *backend) set(changes ...func(*feed.Change)) (secret string) {
	b.t.Helper()
	c := feed.Change{AgentID: "shop", URL: "https://shop.example/events?token=hush"}
	for _, change := range changes {
		change(&c)
	}
	v, secret, err := b.svc.Set(b.t.Context(), c)
	require.NoError(b.t, err)
	require.Equal(b.t, c.URL, v.URL)
	return secret
}

func (b *backend) view() *feed.View {
	b.t.Helper()
	v, err := b.svc.Get(b.t.Context(), "shop")
	require.NoError(b.t, err)
	return v
}

// happen logs events of sessions, and tells of them.
func (b *backend) happen(sessionIDs ...string) {
	for _, id := range sessionIDs {
		b.table.log("shop", id, handoff.MessageLogged{})
		b.svc.Changed(id, "shop")
	}
}

// does sets what the backend answers.
func (b *backend) does(fn func(g got) answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = fn
}

// says sets one answer to all calls.
func (b *backend) says(status int) { b.does(func(got) answer { return answer{status: status} }) }

// takes sets how long the backend takes to answer.
func (b *backend) takes(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.took = d
}

// RoundTrip implements http.RoundTripper: it is the backend.
func (b *backend) RoundTrip(r *http.Request) (*http.Response, error) {
	g := got{id: r.Header.Get("Webhook-Id"), at: time.Now(), header: r.Header, url: r.URL.String()}
	g.body, _ = io.ReadAll(r.Body)
	var content struct {
		Type     string `json:"type"`
		Session  string `json:"session"`
		Sequence int    `json:"sequence"`
	}
	if err := json.Unmarshal(g.body, &content); err != nil {
		return nil, err
	}
	g.session, g.kind, g.sequence = content.Session, content.Type, content.Sequence
	b.mu.Lock()
	b.now[g.session]++
	b.all++
	b.most = max(b.most, b.all)
	alone := b.now[g.session] == 1
	took := b.took
	b.mu.Unlock()
	if !alone {
		b.t.Errorf("two calls of %s at once", g.session)
	}
	if took > 0 {
		select {
		case <-time.After(took):
		case <-r.Context().Done():
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now[g.session]--
	b.all--
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	b.got = append(b.got, g)
	a := answer{status: http.StatusNoContent}
	if b.answer != nil {
		a = b.answer(g)
	}
	if a.status == 0 {
		return nil, errors.New("the connection was cut")
	}
	header := http.Header{}
	if a.retryAfter != "" {
		header.Set("Retry-After", a.retryAfter)
	}
	return &http.Response{StatusCode: a.status, Header: header, Body: http.NoBody, Request: r}, nil
}

// calls returns what came of a session, of all if the id is empty.
func (b *backend) calls(sessionID string) (calls []got) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, g := range b.got {
		if sessionID == "" || g.session == sessionID {
			calls = append(calls, g)
		}
	}
	return calls
}

// idsOf returns the ids of a session's calls in their order.
func (b *backend) idsOf(sessionID string) (all []string) {
	for _, g := range b.calls(sessionID) {
		all = append(all, g.id)
	}
	return all
}

// verify checks a call with the library of Standard Webhooks.
func verify(t *testing.T, g got, secret string) error {
	t.Helper()
	wh, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	return wh.VerifyIgnoringTimestamp(g.body, g.header)
}

// bubble runs a test where time passes at once.
func bubble(t *testing.T, test func(t *testing.T, b *backend)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { test(t, newBackend(t)) })
}

// pass lets time pass, and what is due happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (b *backend) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = nil
}

func last(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1]
}

func deduped(list []string) []string {
	return slices.Compact(slices.Clone(list))
}
