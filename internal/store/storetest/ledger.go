package storetest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
)

// deliveryOf returns the delivery of a message, with its log.
func deliveryOf(t *testing.T, s Store, messageID string) handoff.AgentDelivery {
	t.Helper()
	list, next, err := s.Deliveries(t.Context(), handoff.DeliveryFilter{MessageID: messageID}, handoff.Page{})
	require.NoError(t, err)
	require.Empty(t, next)
	require.Len(t, list, 1)
	return list[0]
}

// started opens a session that the provider has taken, with a message "m1" in its lane.
func started(t *testing.T, s Store) {
	t.Helper()
	create(t, s, "s1")
	settleHead(t, s, "s1", handoff.Attempt{State: handoff.DeliveryDelivered, Ref: handoff.Ref{ID: "ref"}})
	accept(t, s, "s1", "m1", "k1")
}

func retry(t *testing.T, s Store, d handoff.Delivery) error {
	t.Helper()
	return s.Update(t.Context(), d.SessionID, "", func(ses *handoff.Session) error { return ses.Retry(d, at(50)) })
}

func refused(detail string) handoff.Attempt {
	return handoff.Attempt{State: handoff.DeliveryFailed, Class: "rejected", Detail: detail}
}

var ledgerTests = map[string]func(t *testing.T, db Database){
	"SuccessHasNoLog": func(t *testing.T, db Database) {
		s := db.Open(t)
		started(t, s)
		settleHead(t, s, "s1", handoff.Attempt{State: handoff.DeliveryDelivered, VendorID: "v1", Degraded: "the file was too large"})
		d := deliveryOf(t, s, "m1")
		require.Equal(t, handoff.Delivery{
			ID: d.ID, SessionID: "s1", Kind: handoff.DeliverMessage, Sequence: 3, MessageID: "m1", State: handoff.DeliveryDelivered,
			Attempts: 1, LastAttempt: at(4), VendorID: "v1", Degraded: "the file was too large", CreateTime: at(1), SettleTime: at(4),
		}, d.Delivery)
		require.Empty(t, d.Log)
		require.Zero(t, d.LeftOut())
		log := wholeLog(t, s, "s1")
		require.Equal(t, handoff.MessageStatusChanged{
			MessageID: "m1", Status: handoff.MessageDelivered, Detail: "the file was too large",
		}, log[len(log)-1].Body)
	},

	"FailedAttemptsAreLogged": func(t *testing.T, db Database) {
		s := db.Open(t)
		started(t, s)
		settleHead(t, s, "s1", handoff.Attempt{State: handoff.DeliveryPending, RetryAt: at(60), Class: "transient", Detail: "503"})
		settleHead(t, s, "s1", handoff.Attempt{State: handoff.DeliveryPending, RetryAt: at(90), Class: "rate_limited", Detail: "429"})
		settleHead(t, s, "s1", handoff.Attempt{State: handoff.DeliveryDelivered})
		d := deliveryOf(t, s, "m1")
		require.Equal(t, []handoff.FailedAttempt{
			{DeliveryID: d.ID, Number: 1, Time: at(4), Class: "transient", Detail: "503"},
			{DeliveryID: d.ID, Number: 2, Time: at(4), Class: "rate_limited", Detail: "429"},
		}, d.Log)
		require.Zero(t, d.LeftOut())
		require.Equal(t, 3, d.Attempts)
		all, _, err := s.Deliveries(t.Context(), handoff.DeliveryFilter{AgentID: "agent"}, handoff.Page{})
		require.NoError(t, err)
		require.Empty(t, all[0].Log, "lists of many leave it out")
		of, _, err := s.Deliveries(t.Context(), handoff.DeliveryFilter{SessionID: "s1"}, handoff.Page{})
		require.NoError(t, err)
		require.Equal(t, d.Log, of[0].Log)
	},

	"LongLogsKeepBothEnds": func(t *testing.T, db Database) {
		s := db.Open(t)
		started(t, s)
		for i := range 100 {
			settleHead(t, s, "s1", handoff.Attempt{State: handoff.DeliveryPending, Class: "transient", Detail: fmt.Sprint(i + 1)})
		}
		d := deliveryOf(t, s, "m1")
		require.Len(t, d.Log, 40)
		require.Equal(t, 60, d.LeftOut())
		for i := range 20 {
			require.Equal(t, i+1, d.Log[i].Number)
			require.Equal(t, 81+i, d.Log[20+i].Number)
			require.Equal(t, fmt.Sprint(81+i), d.Log[20+i].Detail)
		}
	},

	"SettleTwiceLogsOnce": func(t *testing.T, db Database) {
		s := db.Open(t)
		started(t, s)
		job, _, err := s.Head(t.Context(), "s1")
		require.NoError(t, err)
		settle(t, s, job.Delivery, refused("400"))
		settle(t, s, job.Delivery, refused("400"))
		require.Len(t, deliveryOf(t, s, "m1").Log, 1)
	},

	"ReportedFailuresAreLogged": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		d := newDomain(s)
		d.deliver(t, s, "")
		m := d.send(t, "k", "hello")
		d.deliver(t, s, "v1")
		d.now = at(30)
		require.NoError(t, d.Receive(t.Context(), "connection", status(handoff.MessageFailed, "no such number")))
		got := deliveryOf(t, s, m.ID)
		require.Equal(t, []handoff.FailedAttempt{
			{DeliveryID: got.ID, Number: 1, Time: at(30), Class: handoff.FailureReported, Detail: "no such number"},
		}, got.Log)
		require.Zero(t, got.LeftOut())
		require.Equal(t, start, got.SettleTime, "when it was taken")

		again, err := d.RetryDelivery(t.Context(), m.ID)
		require.NoError(t, err)
		require.Equal(t, "v1", again.VendorID, "until it has another")
		d.deliver(t, s, "v2")
		require.NoError(t, d.Receive(t.Context(), "connection", handoff.Inbound{VendorID: "v2", Body: handoff.StatusReported{Status: handoff.MessageRead}}))
		got = deliveryOf(t, s, m.ID)
		require.Equal(t, "v2", got.VendorID)
		require.Equal(t, at(30), got.ReadTime)
		require.Zero(t, got.LeftOut())
	},

	"RetryKeepsThePlace": func(t *testing.T, db Database) {
		s := db.Open(t)
		started(t, s)
		settleHead(t, s, "s1", refused("400"))
		accept(t, s, "s1", "m2", "k2")
		before := deliveryOf(t, s, "m1").Delivery
		log := wholeLog(t, s, "s1")
		require.NoError(t, retry(t, s, before))
		want := before
		want.State, want.SettleTime, want.RetryTime = handoff.DeliveryPending, deliveryOf(t, s, "m2").SettleTime, at(50)
		require.Equal(t, want, deliveryOf(t, s, "m1").Delivery)
		require.Equal(t, log, wholeLog(t, s, "s1"), "how it ends will be an event")
		job, ok, err := s.Head(t.Context(), "s1")
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, "m1", job.Message.ID, "before what was accepted after it")
		require.Equal(t, handoff.MessageAccepted, accept(t, s, "s1", "again", "k1").Status)
		settleHead(t, s, "s1", handoff.Attempt{State: handoff.DeliveryDelivered})
		require.Equal(t, handoff.MessageDelivered, accept(t, s, "s1", "again", "k1").Status)
		d := deliveryOf(t, s, "m1")
		require.Equal(t, 2, d.Attempts)
		require.Len(t, d.Log, 1)
		log = wholeLog(t, s, "s1")
		require.Equal(t, handoff.MessageStatusChanged{MessageID: "m1", Status: handoff.MessageDelivered}, log[len(log)-1].Body)
	},

	"RetryOnlyOfWhatFailed": func(t *testing.T, db Database) {
		s := db.Open(t)
		started(t, s)
		settleHead(t, s, "s1", refused("400"))
		failed := deliveryOf(t, s, "m1").Delivery
		require.NoError(t, retry(t, s, failed))
		unchanged(t, s, "s1", func() {
			require.ErrorIs(t, retry(t, s, failed), handoff.ErrDeliveryNotFailed, "somebody else was quicker")
			require.ErrorIs(t, retry(t, s, deliveryOf(t, s, "m1").Delivery), handoff.ErrDeliveryNotFailed)
		})
		create(t, s, "s2")
		failed.SessionID = "s2"
		settleHead(t, s, "s2", handoff.Attempt{State: handoff.DeliveryDelivered, Ref: handoff.Ref{ID: "ref2"}})
		require.ErrorIs(t, retry(t, s, failed), handoff.ErrDeliveryNotFailed, "it is another session's")
	},

	"RetryAfterTheClose": func(t *testing.T, db Database) {
		s := db.Open(t)
		d := newDomain(s)
		started(t, s)
		settleHead(t, s, "s1", refused("400"))
		closeSession(t, s, "s1")
		settleHead(t, s, "s1", refused("404"))
		for _, key := range []string{"m1", "s1-close"} {
			got, err := d.RetryDelivery(t.Context(), key)
			require.NoError(t, err)
			require.Equal(t, key, got.IdempotencyKey())
			require.Equal(t, handoff.DeliveryPending, got.State)
		}
		lanes, err := s.Lanes(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"s1"}, lanes)

		create(t, s, "s2")
		accept(t, s, "s2", "m2", "")
		settleHead(t, s, "s2", refused("422"))
		settleHead(t, s, "s2", refused("never started"))
		for _, key := range []string{"s2-start", "m2"} {
			_, err := d.RetryDelivery(t.Context(), key)
			require.Equal(t, handoff.CodePrecondition, handoff.CodeOf(err), key)
		}
		for _, key := range []string{"", "nothing", "s1-message", "s2-close", "nobody-start"} {
			_, err := d.RetryDelivery(t.Context(), key)
			require.ErrorIs(t, err, handoff.ErrDeliveryNotFound, key)
		}
	},

	"DeliveriesAreFoundByAllThatIsKnown": func(t *testing.T, db Database) {
		s := db.Open(t)
		started(t, s)
		settleHead(t, s, "s1", refused("400"))
		accept(t, s, "s1", "m2", "")
		closeSession(t, s, "s1")
		keys := func(f handoff.DeliveryFilter, size int) (keys []string) {
			p := handoff.Page{Size: size}
			for {
				list, next, err := s.Deliveries(t.Context(), f, p)
				require.NoError(t, err)
				for _, d := range list {
					keys = append(keys, d.IdempotencyKey())
				}
				if next == "" {
					return keys
				}
				p.Token = next
			}
		}
		failed, pending, done := handoff.DeliveryFailed, handoff.DeliveryPending, handoff.DeliveryDelivered
		for _, c := range []struct {
			filter handoff.DeliveryFilter
			want   []string
		}{
			{handoff.DeliveryFilter{MessageID: "m1"}, []string{"m1"}},
			{handoff.DeliveryFilter{MessageID: "m1", SessionID: "s2"}, nil},
			{handoff.DeliveryFilter{MessageID: "s1-close"}, nil},
			{handoff.DeliveryFilter{Provider: "webhook"}, []string{"s1-close", "m2", "m1", "s1-start"}},
			{handoff.DeliveryFilter{Provider: "desk"}, nil},
			{handoff.DeliveryFilter{Kinds: []handoff.DeliveryKind{handoff.DeliverStart, handoff.DeliverClose}}, []string{"s1-close", "s1-start"}},
			{handoff.DeliveryFilter{States: []handoff.DeliveryState{failed}}, []string{"m1"}},
			{handoff.DeliveryFilter{States: []handoff.DeliveryState{failed, pending, failed}}, []string{"s1-close", "m2", "m1"}},
			{handoff.DeliveryFilter{States: []handoff.DeliveryState{pending}, Kinds: []handoff.DeliveryKind{handoff.DeliverMessage}}, []string{"m2"}},
			{handoff.DeliveryFilter{States: []handoff.DeliveryState{done, failed}}, []string{"m1", "s1-start"}},
		} {
			for _, size := range []int{1, 2, 50} {
				require.Equal(t, c.want, keys(c.filter, size), "%+v", c.filter)
			}
		}
	},
}
