package storetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
)

var repeatTests = map[string]func(t *testing.T, db Database){
	"RepeatReturnsTheFirstMessage": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		first := accept(t, s, "s1", "m1", "k")
		unchanged(t, s, "s1", func() {
			require.Equal(t, first, accept(t, s, "s1", "m2", "k"))
		})
	},

	"RepeatTellsTheStatusOfNow": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		m1 := accept(t, s, "s1", "m1", "k1")
		m2 := accept(t, s, "s1", "m2", "k2")
		settleHead(t, s, "s1", delivered())
		settleHead(t, s, "s1", delivered())
		settleHead(t, s, "s1", handoff.Attempt{State: handoff.DeliveryFailed, Detail: "refused"})
		m1.Status, m2.Status = handoff.MessageDelivered, handoff.MessageFailed
		require.Equal(t, m1, accept(t, s, "s1", "m3", "k1"))
		require.Equal(t, m2, accept(t, s, "s1", "m3", "k2"))
		closeSession(t, s, "s1")
		require.Equal(t, m1, accept(t, s, "s1", "m3", "k1"), "after the close too")
	},

	"RepeatOfWhatIsNoMessage": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		receive(t, s, "s1", "joined", handoff.HumanJoined{Name: "Bob"})
		unchanged(t, s, "s1", func() {
			var repeat *handoff.Repeat
			require.NoError(t, s.Update(t.Context(), "s1", "joined", func(ses *handoff.Session) error {
				repeat = ses.Repeat
				ses.Receive(handoff.HumanJoined{Name: "Bob"}, "m", at(9))
				return nil
			}))
			require.Equal(t, &handoff.Repeat{}, repeat)
		})
	},

	"RepeatOfAHumansMessage": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		receive(t, s, "s1", "joined", handoff.HumanJoined{Name: "Bob"})
		receive(t, s, "s1", "first", handoff.HumanMessage{Text: "hello"})
		receive(t, s, "s1", "second", handoff.HumanMessage{Text: "still there?"})
		unchanged(t, s, "s1", func() {
			receive(t, s, "s1", "first", handoff.HumanMessage{Text: "hello"})
			var repeat *handoff.Repeat
			require.NoError(t, s.Update(t.Context(), "s1", "second", func(ses *handoff.Session) error {
				repeat = ses.Repeat
				return nil
			}))
			require.NotNil(t, repeat)
			require.NotNil(t, repeat.Message)
			require.Equal(t, "still there?", repeat.Message.Text)
			require.Equal(t, handoff.MessageDelivered, repeat.Message.Status)
		})
	},

	"RepeatThatChangesSomethingAllTheSame": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		accept(t, s, "s1", "m1", "k")
		require.NoError(t, s.Update(t.Context(), "s1", "k", func(ses *handoff.Session) error {
			ses.Close(handoff.ClosedByHuman, handoff.Outcome{}, at(5))
			return nil
		}))
		require.Equal(t, handoff.StateClosed, session(t, s, "s1").State)
		require.Equal(t, "m1", accept(t, s, "s1", "m2", "k").ID)
	},

	"KeysBelongToOneSession": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		create(t, s, "s2")
		accept(t, s, "s1", "m1", "k")
		require.Equal(t, "m2", accept(t, s, "s2", "m2", "k").ID)
	},

	"UpdatesWithoutAKeyAreNoRepeats": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		require.Equal(t, "m1", accept(t, s, "s1", "m1", "").ID)
		require.Equal(t, "m2", accept(t, s, "s1", "m2", "").ID)
	},

	"LateMessagesAreKeptOnce": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		closeSession(t, s, "s1")
		log := wholeLog(t, s, "s1")
		require.True(t, receive(t, s, "s1", "k1", handoff.HumanMessage{AuthorName: "Bob", Text: "sorry"}))
		receive(t, s, "s1", "k1", handoff.HumanMessage{AuthorName: "Bob", Text: "sorry"})
		receive(t, s, "s1", "k2", handoff.HumanMessage{Text: "here now"})
		late, next, err := s.LateMessages(t.Context(), "s1", handoff.Page{})
		require.NoError(t, err)
		require.Empty(t, next)
		require.Equal(t, []handoff.LateMessage{
			{SessionID: "s1", Text: "here now", Time: at(2), CloseReason: handoff.ClosedByCustomer, CloseTime: at(3)},
			{SessionID: "s1", AuthorName: "Bob", Text: "sorry", Time: at(2), CloseReason: handoff.ClosedByCustomer, CloseTime: at(3)},
		}, late)
		require.Equal(t, log, wholeLog(t, s, "s1"), "CLOSED stays the last event")
	},

	"LateMessagesOfOthers": func(t *testing.T, db Database) {
		s := db.Open(t)
		for _, id := range []string{"s1", "s2"} {
			create(t, s, id)
			closeSession(t, s, id)
			receive(t, s, id, "", handoff.HumanMessage{Text: "to " + id})
		}
		late, _, err := s.LateMessages(t.Context(), "s1", handoff.Page{})
		require.NoError(t, err)
		require.Equal(t, []handoff.LateMessage{
			{SessionID: "s1", Text: "to s1", Time: at(2), CloseReason: handoff.ClosedByCustomer, CloseTime: at(3)},
		}, late)
		late, _, err = s.LateMessages(t.Context(), "", handoff.Page{})
		require.NoError(t, err)
		require.Len(t, late, 2)
		late, _, err = s.LateMessages(t.Context(), "nobody", handoff.Page{})
		require.NoError(t, err)
		require.Empty(t, late)
	},
}
