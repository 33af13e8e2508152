package e2e_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

// backend is an agent's backend, where an event webhook ends. It checks each call
// with the library of Standard Webhooks.
type backend struct {
	t   *testing.T
	url string

	mu     sync.Mutex
	secret string
	answer func(n *handoffv1.EventNotification) int // nil = 204
	calls  []notified
}

// notified is a call that was let in.
type notified struct {
	*handoffv1.EventNotification

	id     string
	status int
}

func (n *notified) session() string { return n.GetData().GetSessionId() }

func startBackend(t *testing.T) *backend {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := &backend{t: t, url: "http://" + listener.Addr().String() + "/events"}
	server := &http.Server{Handler: b, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return b
}

// ServeHTTP takes a call.
func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // cut, as by a kill
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	verifier, err := standardwebhooks.NewWebhook(b.secret)
	if err != nil || verifier.Verify(body, r.Header) != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	n := new(handoffv1.EventNotification)
	assert.NoError(b.t, protojson.Unmarshal(body, n), "%s", body)
	status := http.StatusNoContent
	if b.answer != nil {
		status = b.answer(n)
	}
	b.calls = append(b.calls, notified{n, r.Header.Get("Webhook-Id"), status})
	w.WriteHeader(status)
}

// does sets what is answered.
func (b *backend) does(answer func(n *handoffv1.EventNotification) int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = answer
}

func (b *backend) says(status int) { b.does(func(*handoffv1.EventNotification) int { return status }) }

// knows sets the secret that signatures are checked with.
func (b *backend) knows(secret string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.secret = secret
}

// of returns the calls of a session so far.
func (b *backend) of(session string) (calls []notified) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.calls {
		if n.session() == session {
			calls = append(calls, n)
		}
	}
	return calls
}

// events returns what of a session was taken, each event once, in the order in
// which they came first.
func (b *backend) events(session string) (events []*handoffv1.Event) {
	var seen []string
	for _, n := range b.of(session) {
		if n.status < 300 && !slices.Contains(seen, n.id) {
			seen = append(seen, n.id)
			events = append(events, n.GetData().GetEvent())
		}
	}
	return events
}

// setWebhook lets an agent's events go to the backend.
func (s *server) setWebhook(b *backend, agent string, changes ...func(*handoffv1.SetEventWebhookRequest)) *handoffv1.EventWebhook {
	s.t.Helper()
	request := &handoffv1.SetEventWebhookRequest{AgentId: agent, Url: b.url}
	for _, change := range changes {
		change(request)
	}
	answer, err := s.admin.SetEventWebhook(s.t.Context(), request)
	require.NoError(s.t, err)
	if secret := answer.GetSigningSecret(); secret != "" {
		s.vault.addHanded("event webhook's secret", secret, handoffv1connect.HandoffServiceSetEventWebhookProcedure)
		b.knows(secret)
	}
	return answer.GetEventWebhook()
}

func (s *server) webhook(agent string) *handoffv1.EventWebhook {
	s.t.Helper()
	answer, err := s.admin.GetEventWebhook(s.t.Context(), &handoffv1.GetEventWebhookRequest{AgentId: agent})
	require.NoError(s.t, err)
	return answer.GetEventWebhook()
}

// requireFollowed checks that the backend took a session's log from an event on, in
// order and without a gap, and that repeats have the same id.
func requireFollowed(t *testing.T, s *server, b *backend, session string, from uint64) {
	t.Helper()
	log := s.admin.events(t, session)[from-1:]
	eventuallyWithin(t, 3*patience, func() error {
		if got := b.events(session); len(got) < len(log) {
			return fmt.Errorf("%d of %d events came", len(got), len(log))
		}
		return nil
	})
	got := b.events(session) // and what was logged since
	for i := range log {
		require.True(t, proto.Equal(log[i], got[i]), "event %d: %v is not %v", i, got[i], log[i])
	}
	for _, n := range b.of(session) {
		require.Equal(t, fmt.Sprint(session, "_", n.GetData().GetEvent().GetSequence()), n.id)
		require.True(t, proto.Equal(n.GetTimestamp(), n.GetData().GetEvent().GetTime()))
		require.True(t, strings.HasPrefix(n.GetData().GetConversationId(), "conversation"))
	}
}

// startEventsExample starts examples/events, which the docs show.
func startEventsExample(t *testing.T, secret string) (p *process, url string) {
	t.Helper()
	p = startProcess(t, t.TempDir(), []string{"EVENTS_SECRET=" + secret}, bin.events, "-listen=127.0.0.1:0")
	return p, p.lineWith("listening on ")
}
