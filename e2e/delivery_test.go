package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// texts returns the messages that the receiver took, in order. A call that was
// repeated must have the key of the one before it, and counts once.
func (r *receiver) texts(session string) []string {
	r.t.Helper()
	var texts []string
	seen := map[string]string{}
	taken := map[string]bool{}
	previous := ""
	for _, c := range r.callsOf(session, "/chat") {
		require.NotEmpty(r.t, c.IdempotencyKey)
		if text, again := seen[c.IdempotencyKey]; again {
			require.Equal(r.t, text, c.text(), "one key, two messages")
			require.Equal(r.t, previous, c.IdempotencyKey, "a repeat came after another message: %q", text)
		}
		seen[c.IdempotencyKey], previous = c.text(), c.IdempotencyKey
		if c.Status < 300 && !taken[c.IdempotencyKey] {
			taken[c.IdempotencyKey] = true
			texts = append(texts, c.text())
		}
	}
	return texts
}

func TestRetries(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	for name, c := range map[string]struct {
		orders string
		calls  int // until the first message is through
		least  time.Duration
	}{
		"500, 503, 502":      {`{"path":"/chat","answers":[500,503,502]}`, 4, 0},
		"408, 425":           {`{"path":"/chat","answers":[408,425]}`, 3, 0},
		"429 with a time":    {`{"path":"/chat","answers":[429],"retry_after":"3"}`, 2, 3 * time.Second},
		"503 with a time":    {`{"path":"/chat","answers":[503],"retry_after":"3"}`, 2, 3 * time.Second},
		"cut after the call": {`{"path":"/chat","answers":[0,0]}`, 3, 0},
		"silence":            {`{"path":"/chat","answers":[-1]}`, 2, 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startReceiver(t)
			s.configure(name, r)
			session, _ := s.admin.request(t, name, "conversation")
			s.admin.awaitState(t, session.GetId(), waiting)
			r.misbehave(c.orders)
			var want []string
			for i := range 3 {
				want = append(want, fmt.Sprintf("message %d", i))
				s.admin.send(t, session.GetId(), strconv.Itoa(i), want[i])
			}
			calls := r.await(session.GetId(), "/chat", c.calls+2)
			require.Len(t, calls, c.calls+2)
			assert.Equal(t, want, r.texts(session.GetId()))
			for _, call := range calls[:c.calls] {
				assert.Equal(t, calls[0].IdempotencyKey, call.IdempotencyKey, "the same key")
			}
			assert.GreaterOrEqual(t, calls[c.calls-1].Time.Sub(calls[c.calls-2].Time), c.least)
			assert.Less(t, calls[c.calls-1].Time.Sub(calls[c.calls-2].Time), c.least+20*time.Second)
			assert.Equal(t, available, s.status(name).GetState(), "an outage makes nobody unavailable")
		})
	}
}

func TestAnySuccessIsSuccess(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	session, _ := s.admin.request(t, "shop", "conversation")
	r.misbehave(`{"path":"/chat","answers":[201,202,204,299]}`)
	for i := range 4 {
		message := s.admin.send(t, session.GetId(), strconv.Itoa(i), strconv.Itoa(i))
		s.admin.awaitStatus(t, session.GetId(), message.GetId(), delivered)
	}
	assert.Len(t, r.callsOf(session.GetId(), "/chat"), 4)
}

func TestRefusedMessageFails(t *testing.T) {
	t.Parallel()
	s, r, elsewhere := startServer(t), startReceiver(t), startReceiver(t)
	s.configure("shop", r)
	session, _ := s.admin.request(t, "shop", "conversation")
	id := session.GetId()
	s.admin.awaitState(t, id, waiting)
	for _, status := range []int{400, 404, 409, 410, 413, 422, 301, 302, 307, 308} {
		r.misbehave(fmt.Sprintf(`{"path":"/chat","answers":[%d],"location":%q}`, status, elsewhere.url+"/chat"))
		refused := s.admin.send(t, id, strconv.Itoa(status), "refused")
		next := s.admin.send(t, id, fmt.Sprint(status, " next"), "next")
		change := s.admin.awaitStatus(t, id, refused.GetId(), failed)
		assert.NotEmpty(t, change.GetDetail(), status)
		s.admin.awaitStatus(t, id, next.GetId(), delivered)
		again := s.admin.send(t, id, strconv.Itoa(status), "refused")
		assert.Equal(t, failed, again.GetStatus(), status)
	}
	assert.Empty(t, elsewhere.calls(), "redirects are not followed")
	assert.Equal(t, available, s.status("shop").GetState())
	assert.Len(t, r.callsOf(id, "/chat"), 20, "what is refused is not repeated")
}

func TestSessionsDoNotWaitForOneAnother(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	slow, _ := s.admin.request(t, "shop", "slow")
	fast, _ := s.admin.request(t, "shop", "fast")
	s.admin.awaitState(t, slow.GetId(), waiting)
	r.misbehave(`{"path":"/chat","answers":[-1]}`)
	first := s.admin.send(t, slow.GetId(), "1", "hangs")
	hanging := r.await(slow.GetId(), "/chat", 1)[0]
	message := s.admin.send(t, fast.GetId(), "1", "quick")
	s.admin.awaitStatus(t, fast.GetId(), message.GetId(), delivered)
	assert.Less(t, r.callsOf(fast.GetId(), "/chat")[0].Time.Sub(hanging.Time), 10*time.Second)
	assert.Len(t, r.callsOf(slow.GetId(), "/chat"), 1, "the other call is still under way")
	s.admin.awaitStatus(t, slow.GetId(), first.GetId(), delivered)
}

func TestMessagesComeBeforeTheClose(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	session, _ := s.admin.request(t, "shop", "conversation")
	id := session.GetId()
	s.admin.awaitState(t, id, waiting)
	r.misbehave(`{"path":"/chat","answers":[503,503]}`)
	for i := range 3 {
		s.admin.send(t, id, strconv.Itoa(i), strconv.Itoa(i))
	}
	s.admin.close(t, id)
	end := r.await(id, "/conversation/close", 1)[0]
	assert.Equal(t, []string{"0", "1", "2"}, r.texts(id))
	for _, chat := range r.callsOf(id, "/chat") {
		assert.True(t, chat.Time.Before(end.Time))
	}
	assert.Equal(t, http.StatusOK, end.Status)
	requireGapless(t, s.admin.events(t, id))
	eventually(t, func() error {
		if status := s.admin.send(t, id, "2", "2").GetStatus(); status != delivered {
			return fmt.Errorf("the message's status is %s", status)
		}
		return nil
	})
}

func TestStart(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)

	r.misbehave(`{"path":"/conversation/establish","answers":[500,0]}`)
	late, _ := s.admin.request(t, "shop", "late")
	s.admin.send(t, late.GetId(), "1", "before the start got through")
	starts := r.await(late.GetId(), "/conversation/establish", 3)
	assert.Equal(t, starts[0].IdempotencyKey, starts[2].IdempotencyKey)
	chat := r.await(late.GetId(), "/chat", 1)[0]
	assert.True(t, chat.Time.After(starts[2].Time), "no message before the start")
	assert.NotEqual(t, starts[0].IdempotencyKey, chat.IdempotencyKey)

	r.misbehave(`{"path":"/conversation/establish","answers":[422]}`)
	refused, _ := s.admin.request(t, "shop", "refused")
	s.admin.awaitState(t, refused.GetId(), closed)
	events := s.admin.events(t, refused.GetId())
	assert.Equal(t, handoffv1.CloseReason_CLOSE_REASON_PROVIDER_FAILED, last(events).GetStateChanged().GetCloseReason())
	assert.Equal(t, available, s.status("shop").GetState())
	assert.Empty(t, r.callsOf(refused.GetId(), "/conversation/close"), "nothing to close")

	// The human answers before our call has returned.
	r.misbehave(`{"path":"/conversation/establish","delay_ms":1500}`)
	early, _ := s.admin.request(t, "shop", "early")
	r.await(early.GetId(), "/conversation/establish", 1)
	status, body := s.admin.post(t, "/v1/human/message/receive", reply(early.GetId(), "Here already"))
	require.Equal(t, http.StatusOK, status, body)
	message := s.admin.send(t, early.GetId(), "1", "Great")
	s.admin.awaitStatus(t, early.GetId(), message.GetId(), delivered)
	var states []handoffv1.SessionState
	for _, event := range s.admin.events(t, early.GetId()) {
		if event.GetStateChanged() != nil {
			states = append(states, event.GetStateChanged().GetState())
		}
	}
	assert.IsIncreasing(t, states, "states only move forward")
	assert.Equal(t, active, states[len(states)-1])
}

func TestCredentialsRefusedInMidSession(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startSecuredReceiver(t)
	s.configure("shop", r)
	session, _ := s.admin.request(t, "shop", "conversation")
	id := session.GetId()
	s.admin.awaitState(t, id, waiting)

	changed := s.vault.add("password", randomSecret())
	r.misbehave(`{"password": "` + changed + `"}`)
	var want []string
	for i := range 3 {
		want = append(want, fmt.Sprint("kept ", i))
		s.admin.send(t, id, strconv.Itoa(i), want[i])
	}
	refused := r.await(id, "/chat", 1)[0]
	assert.Equal(t, http.StatusUnauthorized, refused.Status)
	eventuallyWithin(t, 5*time.Second, func() error {
		if status := s.status("shop"); status.GetState() != unavailable || status.GetReasonCode() != "CREDENTIALS" {
			return fmt.Errorf("the status is %v", status)
		}
		return nil
	})
	answer, err := s.admin.RequestHandoff(t.Context(), &handoffv1.RequestHandoffRequest{AgentId: "shop", ConversationId: "other"})
	require.NoError(t, err)
	assert.Equal(t, handoffv1.DeclineReason_DECLINE_REASON_PROVIDER_UNAVAILABLE, answer.GetDeclined().GetReason())

	r.password = changed
	s.configure("shop", r)
	eventually(t, func() error {
		if len(r.texts(id)) < 3 {
			return fmt.Errorf("taken so far: %v", r.texts(id))
		}
		return nil
	})
	assert.Equal(t, want, r.texts(id))
	for _, event := range s.admin.events(t, id) {
		assert.NotEqual(t, failed, event.GetMessageStatus().GetStatus(), "nothing is lost")
	}
}

// TestRefusedCredentialsHoldOverARestart counts the calls to a desk that refuses
// our credentials: one found out, and the re-check alone asks again.
func TestRefusedCredentialsHoldOverARestart(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startSecuredReceiver(t)
	s.configure("shop", r)
	session, _ := s.admin.request(t, "shop", "conversation")
	id := session.GetId()
	s.admin.awaitState(t, id, waiting)
	right := r.password
	r.misbehave(`{"password": "` + s.vault.add("password", randomSecret()) + `"}`)
	s.admin.send(t, id, "1", "kept 1")
	r.await(id, "/chat", 1)
	eventually(t, func() error {
		if state := s.status("shop").GetState(); state != unavailable {
			return fmt.Errorf("the state is %v", state)
		}
		return nil
	})
	s.admin.send(t, id, "2", "kept 2")
	s.restart()
	s.admin.send(t, id, "3", "kept 3")
	probes := len(r.probes())
	eventually(t, func() error {
		if len(r.probes()) == probes {
			return errors.New("no re-check yet")
		}
		return nil
	})
	assert.Len(t, r.callsOf(id, "/chat"), 1)
	r.misbehave(`{"password": "` + right + `"}`)
	r.await(id, "/chat", 4)
	assert.Equal(t, []string{"kept 1", "kept 2", "kept 3"}, r.texts(id))
}

func TestOutageDegrades(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	session, _ := s.admin.request(t, "shop", "conversation")
	s.admin.awaitState(t, session.GetId(), waiting)
	r.misbehave(`{"path":"/chat","always":503}`)
	s.admin.send(t, session.GetId(), "1", "Hello?")
	degraded := func(want bool) {
		t.Helper()
		eventually(t, func() error {
			status := s.status("shop")
			require.Equal(t, available, status.GetState(), "outages only degrade")
			if (status.GetDegradedSince() != nil) != want {
				return fmt.Errorf("the status is %v", status)
			}
			return nil
		})
	}
	degraded(true)
	r.misbehave(`{}`)
	degraded(false)
	r.await(session.GetId(), "/chat", 2)
}
