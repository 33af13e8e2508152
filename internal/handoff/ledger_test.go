package handoff_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
)

// failedMessage returns a session that the provider took, and a message that it refused.
func failedMessage(t *testing.T) (*handoff.Session, handoff.Delivery) {
	t.Helper()
	s := newSession()
	s.Settle(lane(s)[0], delivered, t0)
	_, err := s.Accept(handoff.Message{ID: "m1", Text: "hi"}, t0)
	require.NoError(t, err)
	s.Settle(lane(s)[1], handoff.Attempt{State: handoff.DeliveryFailed, Class: "rejected", Detail: "400"}, t0)
	settled := s.Changes().Settled
	return s, settled[len(settled)-1]
}

func TestFailuresAreNoted(t *testing.T) {
	t.Parallel()
	s, d := failedMessage(t)
	require.Equal(t, []handoff.FailedAttempt{{DeliveryID: 2, Number: 1, Time: t0, Class: "rejected", Detail: "400"}}, s.Changes().Failures)
	require.Equal(t, t0, d.LastAttempt)

	d.State = handoff.DeliveryPending
	s.Settle(d, handoff.Attempt{State: handoff.DeliveryPending, Class: "transient", Detail: strings.Repeat("é", 1000)}, t0)
	detail := s.Changes().Failures[1].Detail
	require.True(t, utf8.ValidString(detail))
	require.Len(t, detail, 1024+len("…"), "a foreign text does not fill the table")
	require.Equal(t, 2, s.Changes().Failures[1].Number)
}

func TestDegradedIsTold(t *testing.T) {
	t.Parallel()
	s := newSession()
	start := delivered
	start.Degraded = "no transcript"
	s.Settle(lane(s)[0], start, t0)
	require.Equal(t, "no transcript", s.Changes().Settled[0].Degraded)
	_, err := s.Accept(handoff.Message{ID: "m1"}, t0)
	require.NoError(t, err)
	s.Settle(lane(s)[1], handoff.Attempt{State: handoff.DeliveryDelivered, Degraded: "no picture"}, t0)
	events := s.Changes().Events
	require.Equal(t, handoff.MessageStatusChanged{MessageID: "m1", Status: handoff.MessageDelivered, Detail: "no picture"}, events[len(events)-1].Body)
	require.Empty(t, s.Changes().Failures)
}

func TestRetry(t *testing.T) {
	t.Parallel()
	s, d := failedMessage(t)
	d.NextAttempt = t0
	require.NoError(t, s.Retry(d, t0.Add(time.Hour)))
	again := s.Changes().Retried[0]
	want := d
	want.State, want.SettleTime, want.NextAttempt, want.RetryTime = handoff.DeliveryPending, time.Time{}, time.Time{}, t0.Add(time.Hour)
	require.Equal(t, want, again)
	require.Equal(t, t0.Add(time.Hour), again.QueueTime())
	require.Equal(t, t0, d.QueueTime())
	require.ErrorIs(t, s.Retry(again, t0), handoff.ErrDeliveryNotFailed)

	s.Close(handoff.ClosedByCustomer, handoff.Outcome{}, t0)
	require.NoError(t, s.Retry(d, t0), "a message of a closed session can still arrive")
	start := lane(s)[0]
	start.State = handoff.DeliveryFailed
	err := s.Retry(start, t0)
	require.Equal(t, handoff.CodePrecondition, handoff.CodeOf(err))
	require.ErrorContains(t, err, "request a new handoff")
	s.Ref = handoff.Ref{}
	require.Equal(t, handoff.CodePrecondition, handoff.CodeOf(s.Retry(d, t0)), "there is nobody to whom it could go")
	require.Len(t, s.Changes().Retried, 2)
}

// The retried delivery goes before what the lane knows of, so the lane has to look.
func TestTheLaneLooksForWhatIsRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, svc, got := newSlowReturn()
		s.session.Ref = handoff.Ref{ID: "s"}
		s.found = []handoff.AgentDelivery{{Delivery: handoff.Delivery{ID: 1, SessionID: "s", MessageID: "m1", Kind: handoff.DeliverMessage, State: handoff.DeliveryFailed}}}
		go func() { _, _ = svc.RetryDelivery(t.Context(), "m1") }()
		synctest.Wait()
		s.returns[0] <- nil
		synctest.Wait()
		require.Len(t, got.got, 1)
		require.True(t, got.got[0].Unsure)
		require.Zero(t, got.under["s"])
	})
}

func TestFilterOfADelivery(t *testing.T) {
	t.Parallel()
	s, svc, _ := newSlowReturn()
	for key, want := range map[string]handoff.DeliveryFilter{
		"msg_1":       {MessageID: "msg_1"},
		"ses_1-start": {SessionID: "ses_1", Kinds: []handoff.DeliveryKind{handoff.DeliverStart}},
		"a-b-close":   {SessionID: "a-b", Kinds: []handoff.DeliveryKind{handoff.DeliverClose}},
		"a-b":         {MessageID: "a-b"},
		"-start":      {MessageID: "-start"},
		"s-message":   {MessageID: "s-message"},
	} {
		_, err := svc.RetryDelivery(t.Context(), key)
		require.ErrorIs(t, err, handoff.ErrDeliveryNotFound)
		require.Equal(t, want, s.asked, key)
		require.True(t, want.Detailed())
	}
	require.False(t, (&handoff.DeliveryFilter{AgentID: "a", Provider: "desk"}).Detailed())
}
