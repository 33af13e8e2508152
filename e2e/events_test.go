package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

const (
	webhookActive   = handoffv1.EventWebhookState_EVENT_WEBHOOK_STATE_ACTIVE
	webhookDisabled = handoffv1.EventWebhookState_EVENT_WEBHOOK_STATE_DISABLED
)

// TestEventWebhook follows the sessions of one agent, and no other's.
func TestEventWebhook(t *testing.T) {
	t.Parallel()
	s, b := startServer(t), startBackend(t)
	s.deskOf("shop", longSettings())
	s.deskOf("other", longSettings())
	before, _ := s.admin.request(t, "shop", "conversation before")
	s.admin.awaitState(t, before.GetId(), waiting)
	missed := len(s.admin.events(t, before.GetId()))
	w := s.setWebhook(b, "shop")
	assert.Equal(t, webhookActive, w.GetState())
	assert.True(t, w.GetSecretSet())
	first, _ := s.admin.request(t, "shop", "conversation 1")
	foreign, _ := s.admin.request(t, "other", "conversation 2")
	for i := range 5 {
		for _, session := range []*handoffv1.Session{before, first, foreign} {
			s.admin.send(t, session.GetId(), strconv.Itoa(i), fmt.Sprint("<b>message</b> ", i))
		}
	}
	s.admin.close(t, first.GetId())
	requireFollowed(t, s, b, first.GetId(), 1)
	requireFollowed(t, s, b, before.GetId(), uint64(missed)+1)
	assert.Empty(t, b.of(foreign.GetId()))
	for _, n := range b.of(first.GetId()) {
		assert.Equal(t, "shop", n.GetData().GetAgentId())
		assert.Equal(t, "conversation 1", n.GetData().GetConversationId())
	}
	assert.Equal(t, "state_changed", b.of(first.GetId())[0].GetType())
	assert.Len(t, b.of(first.GetId()), len(b.events(first.GetId())), "nothing was repeated")

	tested, err := s.admin.TestEventWebhook(t.Context(), &handoffv1.TestEventWebhookRequest{AgentId: "shop"})
	require.NoError(t, err)
	assert.True(t, tested.GetSuccess(), "%v", tested)
	assert.Equal(t, "ping", b.of("")[0].GetType())
	_, err = s.admin.DeleteEventWebhook(t.Context(), &handoffv1.DeleteEventWebhookRequest{AgentId: "shop"})
	require.NoError(t, err)
	_, err = s.admin.GetEventWebhook(t.Context(), &handoffv1.GetEventWebhookRequest{AgentId: "shop"})
	requireCode(t, connect.CodeNotFound, err)
}

// TestEventWebhookHoldsUpOneSession refuses one session's event: others go on, and
// an operator sees what waits and why.
func TestEventWebhookHoldsUpOneSession(t *testing.T) {
	t.Parallel()
	s, b := startServer(t), startBackend(t)
	s.deskOf("shop", longSettings())
	s.setWebhook(b, "shop")
	b.does(func(n *handoffv1.EventNotification) int {
		if n.GetData().GetConversationId() == "conversation bad" && n.GetData().GetEvent().GetSequence() == 2 {
			return http.StatusBadRequest
		}
		return http.StatusOK
	})
	bad, _ := s.admin.request(t, "shop", "conversation bad")
	good, _ := s.admin.request(t, "shop", "conversation good")
	defer b.says(http.StatusOK)
	for i := range 3 {
		s.admin.send(t, bad.GetId(), strconv.Itoa(i), "hello")
		s.admin.send(t, good.GetId(), strconv.Itoa(i), "hello")
	}
	requireFollowed(t, s, b, good.GetId(), 1)
	var failing *handoffv1.EventDelivery
	eventually(t, func() error {
		list, err := s.admin.ops.ListEventDeliveries(t.Context(), &handoffv1.ListEventDeliveriesRequest{AgentId: "shop", Failing: true})
		require.NoError(t, err)
		if len(list.GetDeliveries()) != 1 || list.GetDeliveries()[0].GetAttempts() < 3 {
			return fmt.Errorf("%v", list)
		}
		failing = list.GetDeliveries()[0]
		return nil
	})
	assert.Equal(t, bad.GetId(), failing.GetSessionId())
	assert.Equal(t, uint64(1), failing.GetDeliveredSequence())
	assert.Equal(t, uint64(len(s.admin.events(t, bad.GetId()))-1), failing.GetLag())
	assert.Equal(t, "the address answered 400 Bad Request", failing.GetLastError())
	assert.True(t, recent(failing.GetFailingSince().AsTime()))
	assert.True(t, recent(failing.GetNextAttemptTime().AsTime()))
	assert.Equal(t, int64(1), s.webhook("shop").GetPendingSessions())
	list, err := s.admin.ops.ListEventDeliveries(t.Context(), &handoffv1.ListEventDeliveriesRequest{SessionId: good.GetId()})
	require.NoError(t, err)
	assert.Zero(t, list.GetDeliveries()[0].GetLag())
	b.says(http.StatusOK)
	requireFollowed(t, s, b, bad.GetId(), 1)
}

// TestEventWebhookThroughOutagesAndKills writes while the backend fails now and then
// and the server is killed. The backend gets each log in order and whole; a repeat
// has the id of the call before.
func TestEventWebhookThroughOutagesAndKills(t *testing.T) {
	t.Parallel()
	s, b := startServer(t, withFixedPort()), startBackend(t)
	s.deskOf("shop", longSettings())
	s.setWebhook(b, "shop")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, seed))
	var writers []*writer
	for i := range 4 {
		session, _ := s.admin.request(t, "shop", "conversation "+strconv.Itoa(i))
		writers = append(writers, &writer{session: session.GetId()})
	}
	const kills = 8
	for range kills {
		switch random.IntN(3) {
		case 0:
			b.says(http.StatusServiceUnavailable)
		case 1:
			b.says(http.StatusTooManyRequests)
		default:
			b.says(http.StatusNoContent)
		}
		killAfterOK(t, s, writers, 1+random.IntN(60))
	}
	b.says(http.StatusNoContent)
	repeats := 0
	for _, w := range writers {
		requireFollowed(t, s, b, w.session, 1)
		taken := map[string]int{}
		for _, n := range b.of(w.session) {
			if n.status < 300 {
				taken[n.id]++
			}
		}
		for _, n := range taken {
			repeats += n - 1
		}
	}
	assert.LessOrEqual(t, repeats, kills*len(writers), "only what was under way at a kill may come again")
	eventually(t, func() error {
		if n := s.webhook("shop").GetPendingSessions(); n > 0 {
			return fmt.Errorf("%d sessions", n)
		}
		return nil
	})
}

// TestEventWebhookSecretIsReplaced lets the backend verify by its old secret until it
// has the new one.
func TestEventWebhookSecretIsReplaced(t *testing.T) {
	t.Parallel()
	s, b := startServer(t), startBackend(t)
	s.deskOf("shop", longSettings())
	s.setWebhook(b, "shop")
	old := b.secret
	replaced := s.setWebhook(b, "shop", func(r *handoffv1.SetEventWebhookRequest) { r.ReplaceSecret = true })
	assert.WithinDuration(t, time.Now().Add(24*time.Hour), replaced.GetPreviousSecretUntil().AsTime(), time.Minute)
	require.NotEqual(t, old, b.secret)
	latest := b.secret
	for i, secret := range []string{old, latest, old} {
		b.knows(secret)
		session, _ := s.admin.request(t, "shop", "conversation "+strconv.Itoa(i))
		requireFollowed(t, s, b, session.GetId(), 1)
		if i == 1 {
			s.restart()
		}
	}
	given := s.vault.add("given secret", "whsec_"+randomBase64())
	s.setWebhook(b, "shop", func(r *handoffv1.SetEventWebhookRequest) { r.SigningSecret = given })
	b.knows(given)
	session, _ := s.admin.request(t, "shop", "conversation given")
	requireFollowed(t, s, b, session.GetId(), 1)
	b.knows(old)
	last, _ := s.admin.request(t, "shop", "conversation last")
	eventually(t, func() error {
		if s.webhook("shop").GetLastError() == "" {
			return errors.New("the secret before the last one signs no more")
		}
		return nil
	})
	b.knows(given)
	requireFollowed(t, s, b, last.GetId(), 1)
}

// TestEventWebhookIsGone disables an event webhook whose address is gone, tells of it
// wherever one looks, and goes on where it was when it is set again.
func TestEventWebhookIsGone(t *testing.T) {
	t.Parallel()
	s, b := startServer(t, withFixedPort()), startBackend(t)
	s.deskOf("shop", longSettings())
	s.setWebhook(b, "shop")
	session, _ := s.admin.request(t, "shop", "conversation 1")
	s.admin.awaitState(t, session.GetId(), waiting)
	requireFollowed(t, s, b, session.GetId(), 1)
	taken := len(b.events(session.GetId()))
	status := s.admin.watchStatus(t, "shop")
	assert.Equal(t, webhookActive, status.next()[0].GetEventWebhookState())

	b.says(http.StatusGone)
	s.admin.send(t, session.GetId(), "1", "is anybody there?")
	for state := webhookActive; state != webhookDisabled; {
		for _, agent := range status.next() {
			state = agent.GetEventWebhookState()
		}
	}
	w := s.webhook("shop")
	assert.Equal(t, "GONE", w.GetDisabledReason())
	assert.True(t, recent(w.GetDisableTime().AsTime()))
	assert.Equal(t, "the address answered 410 Gone", w.GetLastError())
	list, err := s.admin.ListAgents(t.Context(), &handoffv1.ListAgentsRequest{})
	require.NoError(t, err)
	assert.Equal(t, webhookDisabled, list.GetAgents()[0].GetEventWebhookState())
	_, metrics := s.admin.do(t, http.MethodGet, "/metrics", "")
	assert.Contains(t, metrics, `handoff_event_webhooks{state="disabled"} 1`)
	assert.Contains(t, metrics, `handoff_event_webhooks_disabled_total{reason="GONE"} 1`)

	b.says(http.StatusNoContent)
	s.admin.send(t, session.GetId(), "2", "hello?")
	s.crash()
	s.admin.send(t, session.GetId(), "3", "hello!")
	assert.Equal(t, webhookDisabled, s.webhook("shop").GetState())
	assert.Len(t, b.events(session.GetId()), taken)
	assert.Equal(t, webhookActive, s.setWebhook(b, "shop").GetState())
	requireFollowed(t, s, b, session.GetId(), 1)
}

// TestEventWebhookReachesNoPrivateAddress keeps an operator of an agent from looking
// around in our network.
func TestEventWebhookReachesNoPrivateAddress(t *testing.T) {
	t.Parallel()
	s, b := startServer(t, withoutPrivateDestinations()), startBackend(t)
	s.deskOf("shop", longSettings())
	s.setWebhook(b, "shop")
	s.admin.request(t, "shop", "conversation")
	tested, err := s.admin.TestEventWebhook(t.Context(), &handoffv1.TestEventWebhookRequest{AgentId: "shop"})
	require.NoError(t, err)
	assert.False(t, tested.GetSuccess())
	assert.Zero(t, tested.GetHttpStatus())
	assert.Contains(t, tested.GetError(), "--allow-private-destinations")
	eventually(t, func() error {
		if s.webhook("shop").GetLastError() == "" {
			return errors.New("it has not failed yet")
		}
		return nil
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	assert.Empty(t, b.calls)
}

// TestEventsExample runs the backend that the docs show.
func TestEventsExample(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.deskOf("shop", longSettings())
	secret := s.vault.add("given secret", "whsec_"+randomBase64())
	example, url := startEventsExample(t, secret)
	set := func(secret string) *handoffv1.TestEventWebhookResponse {
		_, err := s.admin.SetEventWebhook(t.Context(), &handoffv1.SetEventWebhookRequest{AgentId: "shop", Url: url, SigningSecret: secret})
		require.NoError(t, err)
		tested, err := s.admin.TestEventWebhook(t.Context(), &handoffv1.TestEventWebhookRequest{AgentId: "shop"})
		require.NoError(t, err)
		return tested
	}
	wrong := set(s.vault.add("wrong secret", "whsec_"+randomBase64()))
	assert.Equal(t, int32(http.StatusUnauthorized), wrong.GetHttpStatus())
	assert.True(t, set(secret).GetSuccess())
	session, _ := s.admin.request(t, "shop", "conversation")
	s.admin.awaitState(t, session.GetId(), waiting)
	s.admin.send(t, session.GetId(), "1", "hello")
	example.lineWith("ping")
	example.lineWith(session.GetId() + " 1 state_changed")
	example.lineWith(session.GetId() + " 3 message hello")
}

// TestWatchSessions follows the sessions of an agent by its key, over a restart.
func TestWatchSessions(t *testing.T) {
	t.Parallel()
	s := startServer(t, withFixedPort())
	s.deskOf("shop", longSettings())
	s.deskOf("other", longSettings())
	var sessions []string
	for i := range 3 {
		session, _ := s.admin.request(t, "shop", "conversation "+strconv.Itoa(i))
		sessions = append(sessions, session.GetId())
	}
	s.admin.request(t, "other", "conversation")
	s.admin.close(t, sessions[0])
	shop := s.agentClient("shop")
	w := shop.watchSessions(t, &handoffv1.WatchSessionsRequest{})
	require.ElementsMatch(t, sessions[1:], w.until(func(*handoffv1.Session) bool { return len(w.seen) == 2 }), "what is open, of its own agent")
	s.admin.send(t, sessions[1], "1", "hello")
	w.until(func(ses *handoffv1.Session) bool { return ses.GetId() == sessions[1] && ses.GetLastSequence() >= 3 })
	s.admin.close(t, sessions[2])
	w.until(func(ses *handoffv1.Session) bool { return ses.GetState() == closed })
	s.awaitSettled(t, sessions[1])
	settled := uint64(len(s.admin.events(t, sessions[1])))
	if w.seen[sessions[1]].GetLastSequence() < settled {
		w.until(func(ses *handoffv1.Session) bool { return ses.GetLastSequence() == settled })
	}
	token := w.token
	require.NotEmpty(t, token)

	s.crash()
	shop = s.client(shop.key)
	s.admin.send(t, sessions[1], "2", "are you there?")
	again := shop.watchSessions(t, &handoffv1.WatchSessionsRequest{ResumeToken: token})
	require.Equal(t, sessions[1:2], again.until(func(ses *handoffv1.Session) bool { return ses.GetLastSequence() > settled }), "only what changed since")
	require.False(t, again.restarted)
	unknown := shop.watchSessions(t, &handoffv1.WatchSessionsRequest{ResumeToken: "bm90aGluZw"})
	require.Equal(t, sessions[1:2], unknown.until(func(*handoffv1.Session) bool { return true }))
	require.True(t, unknown.restarted)
	stream, err := shop.WatchSessions(t.Context(), &handoffv1.WatchSessionsRequest{AgentId: "other"})
	require.NoError(t, err)
	require.False(t, stream.Receive())
	requireCode(t, connect.CodePermissionDenied, stream.Err())
	all := s.admin.watchSessions(t, &handoffv1.WatchSessionsRequest{States: []handoffv1.SessionState{waiting}})
	all.until(func(*handoffv1.Session) bool { return len(all.seen) == 2 })
}

// sessionWatch is an open stream of sessions.
type sessionWatch struct {
	t         *testing.T
	stream    *connect.ServerStreamForClient[handoffv1.WatchSessionsResponse]
	seen      map[string]*handoffv1.Session
	token     string
	restarted bool
}

func (c *client) watchSessions(t *testing.T, r *handoffv1.WatchSessionsRequest) *sessionWatch {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	stream, err := c.WatchSessions(ctx, r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = stream.Close() })
	return &sessionWatch{t: t, stream: stream, seen: map[string]*handoffv1.Session{}}
}

// until reads on until a session matches, and returns the ids of all seen by then.
func (w *sessionWatch) until(match func(*handoffv1.Session) bool) (ids []string) {
	w.t.Helper()
	for {
		require.True(w.t, w.stream.Receive(), "the stream ended: %v", w.stream.Err())
		part := w.stream.Msg()
		w.token, w.restarted = part.GetResumeToken(), w.restarted || part.GetRestarted()
		matched := false
		for _, session := range part.GetSessions() {
			w.seen[session.GetId()] = session
			matched = match(session) || matched
		}
		if matched {
			for id := range w.seen {
				ids = append(ids, id)
			}
			return ids
		}
	}
}
