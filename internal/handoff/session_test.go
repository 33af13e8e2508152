package handoff_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
)

var t0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newSession() *handoff.Session {
	return handoff.NewSession(handoff.Session{ID: "s", ConnectionID: "c"}, handoff.Start{Question: "help"}, 0, t0)
}

// kinds names the events of a session's changes, in order.
func kinds(s *handoff.Session) []string {
	var names []string
	for _, e := range s.Changes().Events {
		switch b := e.Body.(type) {
		case handoff.StateChanged:
			names = append(names, string(b.State))
		case handoff.MessageLogged:
			names = append(names, "message:"+string(b.Message.Author))
		case handoff.MessageStatusChanged:
			names = append(names, "status:"+string(b.Status))
		default:
			names = append(names, fmt.Sprintf("%T", b))
		}
	}
	return names
}

// lane returns the session's new deliveries as a store would: with ids.
func lane(s *handoff.Session) []handoff.Delivery {
	for i := range s.Changes().Deliveries {
		s.Changes().Deliveries[i].ID = int64(i + 1)
	}
	return s.Changes().Deliveries
}

var delivered = handoff.Attempt{State: handoff.DeliveryDelivered, Ref: handoff.Ref{ID: "s"}}

func TestLifeOfASession(t *testing.T) {
	t.Parallel()
	s := newSession()
	require.Equal(t, handoff.OwnerWaiting, s.Owner())
	require.EqualValues(t, 1, s.Epoch)

	s.Settle(lane(s)[0], delivered, t0)
	require.Equal(t, handoff.StateWaiting, s.State)
	require.EqualValues(t, 1, s.Epoch, "REQUESTED and WAITING have the same owner")

	m, err := s.Accept(handoff.Message{ID: "m1", Text: "hi"}, t0)
	require.NoError(t, err)
	require.Equal(t, handoff.MessageAccepted, m.Status)
	require.False(t, s.Receive(handoff.HumanJoined{Name: "Ann"}, "", t0))
	require.Equal(t, handoff.StateWaiting, s.State, "joining does not make a session active")

	require.False(t, s.Receive(handoff.HumanMessage{Text: "hello"}, "m2", t0))
	require.Equal(t, handoff.OwnerHuman, s.Owner())
	require.EqualValues(t, 2, s.Epoch)
	require.False(t, s.Receive(handoff.HumanMessage{Text: "again"}, "m3", t0))

	s.Settle(lane(s)[1], delivered, t0)
	s.Close(handoff.ClosedByCustomer, handoff.Outcome{Note: "thanks"}, t0)
	require.Equal(t, handoff.OwnerBot, s.Owner())
	require.EqualValues(t, 3, s.Epoch)
	require.Equal(t, []string{
		"requested", "waiting", "message:customer", "handoff.ParticipantChanged",
		"message:human", "active", "message:human", "status:delivered", "closed",
	}, kinds(s))
	require.Equal(t, []handoff.DeliveryKind{handoff.DeliverStart, handoff.DeliverMessage, handoff.DeliverClose}, deliveryKinds(s))
}

func deliveryKinds(s *handoff.Session) []handoff.DeliveryKind {
	var list []handoff.DeliveryKind
	for _, d := range s.Changes().Deliveries {
		list = append(list, d.Kind)
	}
	return list
}

func TestAHumanMayAnswerBeforeTheStartIsAcknowledged(t *testing.T) {
	t.Parallel()
	s := newSession()
	s.Receive(handoff.HumanMessage{Text: "hello"}, "m1", t0)
	s.Settle(lane(s)[0], delivered, t0)
	require.Equal(t, []string{"requested", "waiting", "message:human", "active"}, kinds(s))
}

func TestARefusedStartCloses(t *testing.T) {
	t.Parallel()
	s := newSession()
	s.Settle(lane(s)[0], handoff.Attempt{State: handoff.DeliveryFailed, Detail: "no such path"}, t0)
	require.Equal(t, handoff.ClosedByProvider, s.CloseReason)
	require.Equal(t, []handoff.DeliveryKind{handoff.DeliverStart}, deliveryKinds(s), "there is nobody to tell")
}

func TestAStartTakenTooLateIsClosedAtTheProvider(t *testing.T) {
	t.Parallel()
	s := newSession()
	s.Close(handoff.ClosedByProvider, handoff.Outcome{}, t0)
	require.Equal(t, []handoff.DeliveryKind{handoff.DeliverStart}, deliveryKinds(s))
	s.Settle(lane(s)[0], delivered, t0)
	require.Equal(t, []handoff.DeliveryKind{handoff.DeliverStart, handoff.DeliverClose}, deliveryKinds(s))
	require.Equal(t, handoff.ClosedByProvider, s.CloseReason)
}

func TestARetryIsNoEvent(t *testing.T) {
	t.Parallel()
	s := newSession()
	s.Settle(lane(s)[0], handoff.Attempt{State: handoff.DeliveryPending, RetryAt: t0.Add(time.Second), Detail: "503"}, t0)
	require.Equal(t, []string{"requested"}, kinds(s))
	require.Equal(t, 1, s.Changes().Settled[0].Attempts)
}

func TestAClosedSession(t *testing.T) {
	t.Parallel()
	s := newSession()
	m, err := s.Accept(handoff.Message{ID: "m1", Text: "hi"}, t0)
	require.NoError(t, err)
	s.Close(handoff.ClosedByHuman, handoff.Outcome{}, t0)
	events := len(s.Changes().Events)
	require.Len(t, s.Changes().Deliveries, 2, "a human who closed is not told so")

	t.Run("takes no new message", func(t *testing.T) {
		_, err := s.Accept(handoff.Message{ID: "m2", Text: "hi"}, t0)
		require.ErrorIs(t, err, handoff.ErrSessionClosed)
	})
	t.Run("returns a repeated one", func(t *testing.T) {
		s.Repeat = &handoff.Repeat{Message: &m}
		again, err := s.Accept(handoff.Message{ID: "m3", Text: "hi"}, t0)
		require.NoError(t, err)
		require.Equal(t, m, again)
		s.Repeat = nil
	})
	t.Run("keeps what a human says too late", func(t *testing.T) {
		require.True(t, s.Receive(handoff.HumanMessage{Text: "late"}, "m4", t0))
		require.Equal(t, "late", s.Changes().Late[0].Text)
	})
	t.Run("shows a later delivery in the message's status alone", func(t *testing.T) {
		s.Settle(lane(s)[1], delivered, t0)
		require.Equal(t, handoff.DeliveryDelivered, s.Changes().Settled[0].State)
	})
	t.Run("closes once", func(t *testing.T) {
		s.Close(handoff.ClosedByCustomer, handoff.Outcome{}, t0.Add(time.Hour))
		require.Equal(t, handoff.ClosedByHuman, s.CloseReason)
	})
	require.Len(t, s.Changes().Events, events, "CLOSED is the last event")
}

func TestARepeatedInboundChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSession()
	before := s.LastSequence
	s.Repeat = &handoff.Repeat{}
	require.False(t, s.Receive(handoff.HumanMessage{Text: "hello"}, "m1", t0))
	require.Equal(t, before, s.LastSequence)
}

func TestARepeatIsToldWhatTheFirstWasTold(t *testing.T) {
	t.Parallel()
	s := newSession()
	s.Close(handoff.ClosedByCustomer, handoff.Outcome{}, t0)
	require.True(t, s.Receive(handoff.HumanMessage{Text: "hello"}, "m1", t0))
	require.Len(t, s.Changes().Late, 1)

	s.Repeat = &handoff.Repeat{} // of what made no message
	require.True(t, s.Receive(handoff.HumanMessage{Text: "hello"}, "m2", t0), "too late the second time, too")
	require.Len(t, s.Changes().Late, 1, "and not kept twice")
	require.False(t, s.Receive(handoff.HumanClosed{}, "", t0))

	s.Repeat = &handoff.Repeat{Message: &handoff.Message{ID: "m0"}}
	require.False(t, s.Receive(handoff.HumanMessage{Text: "in time"}, "m3", t0), "what came in time stays so after the close")
}

func TestADeskThatEndsASilentSessionIsNotToldOfIt(t *testing.T) {
	t.Parallel()
	s := newSession()
	before := len(s.Changes().Deliveries)
	require.False(t, s.Receive(handoff.HumanClosed{Silent: true, Outcome: handoff.Outcome{Note: "idle"}}, "", t0))
	require.Equal(t, handoff.ClosedBySessionTimeout, s.CloseReason)
	require.Equal(t, "idle", s.Outcome.Note)
	require.Len(t, s.Changes().Deliveries, before)
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	start := handoff.Delivery{SessionID: "s", Kind: handoff.DeliverStart}
	closing := handoff.Delivery{SessionID: "s", Kind: handoff.DeliverClose}
	message := handoff.Delivery{SessionID: "s", Kind: handoff.DeliverMessage, MessageID: "m"}
	require.Equal(t, "s-start", start.IdempotencyKey())
	require.Equal(t, "s-close", closing.IdempotencyKey())
	require.Equal(t, "m", message.IdempotencyKey())
}
