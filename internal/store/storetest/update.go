package storetest

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
)

var updateTests = map[string]func(t *testing.T, db Database){
	"UpdateWritesWhatWasRecorded": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		m := accept(t, s, "s1", "m1", "k1")
		require.Equal(t, handoff.MessageAccepted, m.Status)
		require.Equal(t, []handoff.Event{
			{Sequence: 1, Time: start, Body: handoff.StateChanged{State: handoff.StateRequested}},
			{Sequence: 2, Time: at(1), Body: handoff.MessageLogged{Message: m}},
		}, wholeLog(t, s, "s1"))
		require.EqualValues(t, 2, session(t, s, "s1").LastSequence)
		deliveries, next, err := s.Deliveries(t.Context(), handoff.DeliveryFilter{SessionID: "s1"}, handoff.Page{})
		require.NoError(t, err)
		require.Empty(t, next)
		require.Len(t, deliveries, 2)
		require.Equal(t, handoff.AgentDelivery{AgentID: "agent", Provider: "webhook", Delivery: handoff.Delivery{
			ID: deliveries[0].ID, SessionID: "s1", Kind: handoff.DeliverMessage, Sequence: 2, MessageID: "m1",
			State: handoff.DeliveryPending, CreateTime: at(1),
		}}, deliveries[0])
		require.Equal(t, handoff.DeliverStart, deliveries[1].Kind)
		require.Greater(t, deliveries[0].ID, deliveries[1].ID)
	},

	"UpdateTellsTheIDsOfNewDeliveries": func(t *testing.T, db Database) {
		s := db.Open(t)
		ses := create(t, s, "s1")
		job, ok, err := s.Head(t.Context(), "s1")
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, job.Delivery.ID, ses.Changes().Deliveries[0].ID)
	},

	"UpdateOfAnUnknownSession": func(t *testing.T, db Database) {
		err := db.Open(t).Update(t.Context(), "nobody", "", func(*handoff.Session) error {
			panic("there is no session to run it on")
		})
		require.ErrorIs(t, err, handoff.ErrSessionNotFound)
	},

	"UpdateWithoutChangesWritesNothing": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		unchanged(t, s, "s1", func() {
			for range 2 { // the key is not remembered, or the second would be a repeat
				repeat := &handoff.Repeat{}
				err := s.Update(t.Context(), "s1", "k", func(ses *handoff.Session) error {
					repeat = ses.Repeat
					return nil
				})
				require.NoError(t, err)
				require.Nil(t, repeat)
			}
		})
	},

	"UpdateWithAnErrorWritesNothing": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		failure := errors.New("no")
		unchanged(t, s, "s1", func() {
			err := s.Update(t.Context(), "s1", "k", func(ses *handoff.Session) error {
				if _, err := ses.Accept(handoff.Message{ID: "m1"}, at(1)); err != nil {
					return err
				}
				return failure
			})
			require.Equal(t, failure, err)
		})
		accept(t, s, "s1", "m1", "k")
		require.Len(t, wholeLog(t, s, "s1"), 2)
	},

	"UpdateWithAPanicWritesNothing": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		unchanged(t, s, "s1", func() {
			err := s.Update(t.Context(), "s1", "", func(ses *handoff.Session) error {
				ses.Close(handoff.ClosedByHuman, handoff.Outcome{}, at(1))
				panic("a bug")
			})
			require.ErrorContains(t, err, "a bug")
			require.Equal(t, handoff.CodeInternal, handoff.CodeOf(err))
		})
	},

	"UpdateKeepsEveryFieldOfASession": func(t *testing.T, db Database) {
		s := db.Open(t)
		created := create(t, s, "s1")
		want := created.Snapshot()
		require.Equal(t, want, *session(t, s, "s1"))
		settleHead(t, s, "s1", handoff.Attempt{State: handoff.DeliveryDelivered, Ref: handoff.Ref{ID: "ref", Data: "data"}})
		receive(t, s, "s1", "k", handoff.HumanMessage{AuthorName: "Bob", Text: "hello"})
		closeSession(t, s, "s1")
		want.State, want.CloseReason = handoff.StateClosed, handoff.ClosedByCustomer
		want.Outcome = handoff.Outcome{Disposition: "solved", Note: "thanks"}
		want.Ref = handoff.Ref{ID: "ref", Data: "data"}
		want.ActivateTime, want.CloseTime = at(2), at(3)
		want.LastSequence, want.Epoch = 5, 3
		want.Timers = handoff.Timers{}
		stored := *session(t, s, "s1")
		require.Greater(t, stored.Change, want.Change)
		want.Change = stored.Change
		require.Equal(t, want, stored)
	},

	"UpdateLoadsWhatTheOneBeforeWrote": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		receive(t, s, "s1", "", handoff.HumanMessage{Text: "hello"})
		var loaded handoff.Session
		require.NoError(t, s.Update(t.Context(), "s1", "", func(ses *handoff.Session) error {
			loaded = *ses
			return nil
		}))
		require.False(t, loaded.Changed())
		require.Equal(t, *session(t, s, "s1"), loaded)
	},

	"ReadSessionsHaveNoChanges": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		require.False(t, session(t, s, "s1").Changed())
		require.Equal(t, handoff.Changes{}, *session(t, s, "s1").Changes())
	},

	"ReopenKeepsAll": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		accept(t, s, "s1", "m1", "k1")
		receive(t, s, "s1", "k2", handoff.HumanMessage{Text: "hello"})
		before, log := session(t, s, "s1"), wholeLog(t, s, "s1")
		require.NoError(t, s.Close())
		require.NoError(t, s.Close(), "closing again")

		s = db.Open(t)
		require.Equal(t, before, session(t, s, "s1"))
		require.Equal(t, log, wholeLog(t, s, "s1"))
		require.Equal(t, "m1", accept(t, s, "s1", "m2", "k1").ID, "the key is remembered")
		lanes, err := s.Lanes(t.Context())
		require.NoError(t, err)
		require.Len(t, lanes, 1)
		require.Equal(t, "m3", accept(t, s, "s1", "m3", "k3").ID)
		wholeLog(t, s, "s1")
	},

	"ClosedStore": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		require.NoError(t, s.Close())
		_, err := tryAccept(t.Context(), s, "s1", "m1", "")
		require.Equal(t, handoff.CodeUnavailable, handoff.CodeOf(err))
		_, err = s.Session(t.Context(), "s1")
		require.Equal(t, handoff.CodeUnavailable, handoff.CodeOf(err))
	},
}
