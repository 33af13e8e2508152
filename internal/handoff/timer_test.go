package handoff_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
)

func timedSession(limits handoff.Limits) *handoff.Session {
	return handoff.NewSession(handoff.Session{ID: "s", ConnectionID: "c", Limits: limits}, handoff.Start{}, 0, t0)
}

var minute = handoff.Limits{Wait: handoff.WaitTimeout(time.Minute), Session: handoff.SessionTimeout(3 * time.Minute), Longest: time.Hour}

// at fires what is due some time after the session began.
func at(s *handoff.Session, after time.Duration) time.Time {
	s.Fire(t0.Add(after))
	return t0.Add(after)
}

func TestWaitIsPromptedAndThenEnds(t *testing.T) {
	t.Parallel()
	s := timedSession(minute)
	s.Settle(lane(s)[0], delivered, t0)
	at(s, time.Minute-time.Microsecond)
	require.Equal(t, []string{"requested", "waiting"}, kinds(s), "not before its time")
	at(s, time.Minute)
	at(s, time.Minute)
	require.Equal(t, []string{"requested", "waiting", "handoff.WaitPrompted"}, kinds(s), "one prompt at a time")
	require.Equal(t, t0.Add(2*time.Minute), s.Changes().Events[2].Body.(handoff.WaitPrompted).Deadline)
	at(s, 2*time.Minute)
	require.Equal(t, handoff.ClosedByWaitTimeout, s.CloseReason)
	require.Zero(t, s.Timers.Next(), "a closed session has no timer")
}

func TestAPromptIsAnswered(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(*handoff.Session, time.Time){
		"by going on": func(s *handoff.Session, now time.Time) { require.NoError(t, s.ContinueWaiting(now)) },
		"by a message": func(s *handoff.Session, now time.Time) {
			_, err := s.Accept(handoff.Message{ID: "m", Text: "still here"}, now)
			require.NoError(t, err)
		},
	} {
		s := timedSession(minute)
		s.Settle(lane(s)[0], delivered, t0)
		answer(s, at(s, 90*time.Second))
		require.True(t, s.Changed(), name)
		at(s, 149*time.Second)
		require.NotEqual(t, handoff.StateClosed, s.State, name)
		at(s, 150*time.Second)
		require.True(t, s.Prompted, "%s: a new wait from now, and a new prompt", name)
	}
}

func TestWithoutAPromptTheWaitEndsAtOnce(t *testing.T) {
	t.Parallel()
	limits := minute
	limits.OnWait = handoff.WaitTimeoutClose
	s := timedSession(limits)
	s.Settle(lane(s)[0], delivered, t0)
	at(s, time.Minute)
	require.Equal(t, handoff.ClosedByWaitTimeout, s.CloseReason)

	s = timedSession(limits)
	at(s, time.Minute)
	require.Equal(t, handoff.ClosedByProvider, s.CloseReason, "a start that never got through")
}

func TestSessionTimeout(t *testing.T) {
	t.Parallel()
	s := timedSession(minute)
	s.Receive(handoff.HumanMessage{Text: "hello"}, "m1", t0.Add(30*time.Second))
	require.NoError(t, s.ContinueWaiting(t0.Add(40*time.Second)), "with a human there it has nothing to do")
	_, err := s.Accept(handoff.Message{ID: "m2", Text: "hi"}, t0.Add(time.Minute))
	require.NoError(t, err)
	at(s, 20*time.Minute)
	require.Equal(t, handoff.StateActive, s.State, "the customer answered")
	s.Receive(handoff.HumanMessage{Text: "still there?"}, "m3", t0.Add(21*time.Minute))
	at(s, 24*time.Minute-time.Microsecond)
	require.Equal(t, handoff.StateActive, s.State)
	at(s, 24*time.Minute)
	require.Equal(t, handoff.ClosedBySessionTimeout, s.CloseReason)
}

func TestASilentHumanAndTheLongestSession(t *testing.T) {
	t.Parallel()
	limits := minute
	limits.Silence = 10 * time.Second
	s := timedSession(limits)
	s.Receive(handoff.HumanMessage{Text: "hello"}, "m1", t0)
	_, err := s.Accept(handoff.Message{ID: "m2", Text: "hi"}, t0)
	require.NoError(t, err)
	at(s, 10*time.Second)
	at(s, 20*time.Second)
	names := kinds(s)
	require.Equal(t, "handoff.WaitPrompted", names[len(names)-1])
	require.NotEqual(t, "handoff.WaitPrompted", names[len(names)-2], "asked once")
	at(s, time.Hour)
	require.Equal(t, handoff.ClosedByExpiry, s.CloseReason)
	require.ErrorIs(t, s.ContinueWaiting(t0), handoff.ErrSessionClosed)
}
