package storetest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
)

var deliveryTests = map[string]func(t *testing.T, db Database){
	"HeadComesInTheOrderOfTheLane": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		create(t, s, "s2")
		for i := range 5 {
			accept(t, s, "s1", fmt.Sprintf("m%d", i), "")
			accept(t, s, "s2", fmt.Sprintf("other%d", i), "")
		}
		closeSession(t, s, "s1")
		var order []string
		last := int64(0)
		for {
			job, ok, err := s.Head(t.Context(), "s1")
			require.NoError(t, err)
			if !ok {
				break
			}
			require.Greater(t, job.Delivery.ID, last)
			last = job.Delivery.ID
			require.Equal(t, *session(t, s, "s1"), job.Session)
			order = append(order, string(job.Delivery.Kind)+" "+job.Message.Text)
			settle(t, s, job.Delivery, delivered())
		}
		require.Equal(t, []string{
			"start ", "message text of m0", "message text of m1", "message text of m2", "message text of m3", "message text of m4", "close ",
		}, order)
	},

	"HeadCarriesWhatIsNeeded": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		m := accept(t, s, "s1", "m1", "k")
		settleHead(t, s, "s1", handoff.Attempt{State: handoff.DeliveryDelivered, Ref: handoff.Ref{ID: "ref"}, VendorID: "v"})
		job, ok, err := s.Head(t.Context(), "s1")
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, handoff.Job{
			Delivery: handoff.Delivery{
				ID: job.Delivery.ID, SessionID: "s1", Kind: handoff.DeliverMessage, Sequence: 2, MessageID: "m1",
				State: handoff.DeliveryPending, CreateTime: at(1),
			},
			Session: *session(t, s, "s1"),
			Message: m,
		}, job)
		require.Equal(t, "ref", job.Session.Ref.ID)
	},

	"HeadOfAnEmptyLane": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		settleHead(t, s, "s1", delivered())
		for _, id := range []string{"s1", "nobody"} {
			_, ok, err := s.Head(t.Context(), id)
			require.NoError(t, err)
			require.False(t, ok)
		}
	},

	"LanesAreTheSessionsThatWait": func(t *testing.T, db Database) {
		s := db.Open(t)
		lanes, err := s.Lanes(t.Context())
		require.NoError(t, err)
		require.Empty(t, lanes)
		for _, id := range []string{"s1", "s2", "s3"} {
			create(t, s, id)
			accept(t, s, id, "m-"+id, "")
		}
		settleHead(t, s, "s2", delivered())
		settleHead(t, s, "s2", handoff.Attempt{State: handoff.DeliveryFailed})
		settleHead(t, s, "s3", handoff.Attempt{State: handoff.DeliveryPending, RetryAt: at(60)})
		lanes, err = s.Lanes(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"s1", "s3"}, lanes)
	},

	"SettleForLater": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		log := wholeLog(t, s, "s1")
		retry := handoff.Attempt{State: handoff.DeliveryPending, RetryAt: at(60), Detail: "503"}
		settleHead(t, s, "s1", retry)
		settleHead(t, s, "s1", retry)
		job, ok, err := s.Head(t.Context(), "s1")
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, handoff.Delivery{
			ID: job.Delivery.ID, SessionID: "s1", Kind: handoff.DeliverStart, State: handoff.DeliveryPending,
			Attempts: 2, LastAttempt: at(4), NextAttempt: at(60), LastError: "503", CreateTime: start,
		}, job.Delivery)
		require.Equal(t, log, wholeLog(t, s, "s1"))
	},

	"SettleForGood": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		accept(t, s, "s1", "m1", "")
		settleHead(t, s, "s1", delivered())
		settleHead(t, s, "s1", handoff.Attempt{State: handoff.DeliveryFailed, Detail: "400"})
		list, _, err := s.Deliveries(t.Context(), handoff.DeliveryFilter{States: []handoff.DeliveryState{handoff.DeliveryFailed}}, handoff.Page{})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, handoff.Delivery{
			ID: list[0].ID, SessionID: "s1", Kind: handoff.DeliverMessage, Sequence: 2, MessageID: "m1", State: handoff.DeliveryFailed,
			Attempts: 1, LastAttempt: at(4), LastError: "400", CreateTime: at(1), SettleTime: at(4),
		}, list[0].Delivery)
		log := wholeLog(t, s, "s1")
		require.Equal(t, handoff.MessageStatusChanged{MessageID: "m1", Status: handoff.MessageFailed, Detail: "400"}, log[len(log)-1].Body)
	},

	"SettleOfAStart": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		create(t, s, "s2")
		settleHead(t, s, "s1", handoff.Attempt{State: handoff.DeliveryDelivered, Ref: handoff.Ref{ID: "ref", Data: "data"}})
		require.Equal(t, handoff.StateWaiting, session(t, s, "s1").State)
		require.Equal(t, handoff.Ref{ID: "ref", Data: "data"}, session(t, s, "s1").Ref)
		settleHead(t, s, "s2", handoff.Attempt{State: handoff.DeliveryFailed, Detail: "404"})
		require.Equal(t, handoff.ClosedByProvider, session(t, s, "s2").CloseReason)
	},

	// The desk's first message may overtake the answer to our start.
	"SettleOfAStartThatIsActiveAlready": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		receive(t, s, "s1", "", handoff.HumanMessage{Text: "hello"})
		log := wholeLog(t, s, "s1")
		settleHead(t, s, "s1", handoff.Attempt{State: handoff.DeliveryDelivered, Ref: handoff.Ref{ID: "ref"}})
		require.Equal(t, "ref", session(t, s, "s1").Ref.ID)
		require.Equal(t, log, wholeLog(t, s, "s1"))
	},

	"SettleTwiceCountsOnce": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		accept(t, s, "s1", "m1", "")
		start, _, err := s.Head(t.Context(), "s1")
		require.NoError(t, err)
		settle(t, s, start.Delivery, delivered())
		message, _, err := s.Head(t.Context(), "s1")
		require.NoError(t, err)
		settle(t, s, message.Delivery, delivered())
		unchanged(t, s, "s1", func() {
			settle(t, s, message.Delivery, handoff.Attempt{State: handoff.DeliveryFailed, Detail: "too late"})
			settle(t, s, message.Delivery, handoff.Attempt{State: handoff.DeliveryPending, RetryAt: at(60)})
			settle(t, s, start.Delivery, handoff.Attempt{State: handoff.DeliveryFailed})
		})
		other := message.Delivery
		other.ID += 1000
		unchanged(t, s, "s1", func() { settle(t, s, other, delivered()) })
	},

	"SettleOfAnotherSessionsDelivery": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		create(t, s, "s2")
		job, _, err := s.Head(t.Context(), "s1")
		require.NoError(t, err)
		job.Delivery.SessionID = "s2"
		unchanged(t, s, "s1", func() {
			unchanged(t, s, "s2", func() { settle(t, s, job.Delivery, delivered()) })
		})
	},

	"SettleAfterTheClose": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		accept(t, s, "s1", "m1", "k")
		settleHead(t, s, "s1", delivered())
		closeSession(t, s, "s1")
		log := wholeLog(t, s, "s1")
		settleHead(t, s, "s1", delivered())
		require.Equal(t, log, wholeLog(t, s, "s1"))
		require.Equal(t, handoff.MessageDelivered, accept(t, s, "s1", "m2", "k").Status)
	},

	"DeliveriesAreFiltered": func(t *testing.T, db Database) {
		s := db.Open(t)
		createIn(t, s, "s1", handoff.ConversationKey{AgentID: "a", ConversationID: "1"})
		createIn(t, s, "s2", handoff.ConversationKey{AgentID: "b", ConversationID: "1"})
		accept(t, s, "s1", "m1", "")
		settleHead(t, s, "s1", delivered())
		pending, done := handoff.DeliveryPending, handoff.DeliveryDelivered
		for _, c := range []struct {
			filter handoff.DeliveryFilter
			want   []string
		}{
			{handoff.DeliveryFilter{}, []string{"a s1 message", "b s2 start", "a s1 start"}},
			{handoff.DeliveryFilter{AgentID: "a"}, []string{"a s1 message", "a s1 start"}},
			{handoff.DeliveryFilter{SessionID: "s2"}, []string{"b s2 start"}},
			{handoff.DeliveryFilter{SessionID: "s2", AgentID: "a"}, []string{}},
			{handoff.DeliveryFilter{SessionID: "nobody"}, []string{}},
			{handoff.DeliveryFilter{States: []handoff.DeliveryState{pending}}, []string{"a s1 message", "b s2 start"}},
			{handoff.DeliveryFilter{AgentID: "a", States: []handoff.DeliveryState{done, handoff.DeliveryFailed}}, []string{"a s1 start"}},
		} {
			list, _, err := s.Deliveries(t.Context(), c.filter, handoff.Page{})
			require.NoError(t, err)
			got := []string{}
			for _, d := range list {
				got = append(got, d.AgentID+" "+d.SessionID+" "+string(d.Kind))
			}
			require.Equal(t, c.want, got, "%+v", c.filter)
		}
	},
}
