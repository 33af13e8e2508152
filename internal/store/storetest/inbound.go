package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/wake"
)

// domain is a Service on a store, at a time that the test sets.
type domain struct {
	*handoff.Service

	now       time.Time
	ids       int
	confirmed []string // what humans were shown
}

// Confirm implements handoff.Confirmer.
func (d *domain) Confirm(s handoff.Session, in handoff.Inbound, late bool) {
	d.confirmed = append(d.confirmed, fmt.Sprint(s.ID, " ", in.Key, " ", in.Person, " ", late))
}

func newDomain(s Store) *domain {
	d := &domain{now: start}
	d.Service = handoff.NewService(handoff.Config{
		Store: s, Waker: wake.NewHub(), Confirmer: d, Now: func() time.Time { return d.now },
		NewID: func(prefix string) string { d.ids++; return fmt.Sprintf("%s%d", prefix, d.ids) },
	})
	return d
}

// deliver takes the head of the lane to the provider, which calls it vendorID.
func (d *domain) deliver(t *testing.T, s Store, vendorID string) {
	t.Helper()
	job, ok, err := s.Head(t.Context(), "s1")
	require.NoError(t, err)
	require.True(t, ok)
	a := handoff.Attempt{State: handoff.DeliveryDelivered, VendorID: vendorID, Ref: handoff.Ref{ID: "ref"}}
	_, err = d.Settle(t.Context(), job.Delivery, a)
	require.NoError(t, err)
}

func (d *domain) send(t *testing.T, id, text string) handoff.Message {
	t.Helper()
	m, err := d.SendMessage(t.Context(), "s1", handoff.Message{ClientMessageID: id, Text: text})
	require.NoError(t, err)
	return m
}

// status is what a provider tells of the message that it calls v1.
func status(s handoff.MessageStatus, detail string) handoff.Inbound {
	return handoff.Inbound{VendorID: "v1", Body: handoff.StatusReported{Status: s, Detail: detail}}
}

// statusesOf returns how far a message got, by its log.
func statusesOf(t *testing.T, s Store, messageID string) (list []handoff.MessageStatus) {
	t.Helper()
	for _, e := range wholeLog(t, s, "s1") {
		if change, ok := e.Body.(handoff.MessageStatusChanged); ok && change.MessageID == messageID {
			list = append(list, change.Status)
		}
	}
	return list
}

func human(key, text string) handoff.Inbound {
	return handoff.Inbound{SessionID: "s1", Key: key, Body: handoff.HumanMessage{Text: text}}
}

func humanTexts(t *testing.T, s Store) (texts []string) {
	t.Helper()
	for _, e := range wholeLog(t, s, "s1") {
		if m, ok := e.Body.(handoff.MessageLogged); ok && m.Message.Author == handoff.AuthorHuman {
			texts = append(texts, m.Message.Text)
		}
	}
	return texts
}

var inboundTests = map[string]func(t *testing.T, db Database){
	"StatusAfterTheAnswer": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		d := newDomain(s)
		d.deliver(t, s, "")
		m := d.send(t, "k", "hello")
		d.deliver(t, s, "v1")
		require.NoError(t, d.Receive(t.Context(), "other connection", status(handoff.MessageRead, "")))
		require.NoError(t, d.Receive(t.Context(), "connection", status(handoff.MessageDelivered, "")), "nothing new")
		require.NoError(t, d.Receive(t.Context(), "connection", status(handoff.MessageRead, "")))
		require.NoError(t, d.Receive(t.Context(), "connection", status(handoff.MessageRead, "")))
		require.NoError(t, d.Receive(t.Context(), "connection", status(handoff.MessageFailed, "no")), "it was read")
		require.Equal(t, []handoff.MessageStatus{handoff.MessageDelivered, handoff.MessageRead}, statusesOf(t, s, m.ID))
		require.Equal(t, handoff.MessageRead, d.send(t, "k", "hello").Status, "a repeat tells it too")
	},

	"StatusBeforeTheAnswer": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		d := newDomain(s)
		d.deliver(t, s, "")
		m := d.send(t, "k", "hello")
		require.NoError(t, d.Receive(t.Context(), "connection", status(handoff.MessageDelivered, "")))
		require.NoError(t, d.Receive(t.Context(), "connection", status(handoff.MessageFailed, "nobody has this number")))
		require.Empty(t, statusesOf(t, s, m.ID))
		held, err := s.Held(t.Context(), "connection", "v1")
		require.NoError(t, err)
		require.Len(t, held, 2)

		d.deliver(t, s, "v1")
		require.Equal(t, []handoff.MessageStatus{handoff.MessageDelivered, handoff.MessageFailed}, statusesOf(t, s, m.ID))
		held, err = s.Held(t.Context(), "connection", "v1")
		require.NoError(t, err)
		require.Empty(t, held)
		deliveries, _, err := s.Deliveries(t.Context(), handoff.DeliveryFilter{SessionID: "s1"}, handoff.Page{})
		require.NoError(t, err)
		require.Equal(t, "nobody has this number", deliveries[0].LastError)
	},

	"StatusThatNobodyWaitsForIsDropped": func(t *testing.T, db Database) {
		s := db.Open(t)
		require.NoError(t, s.Hold(t.Context(), handoff.HeldStatus{ConnectionID: "c", VendorID: "old"}, at(0)))
		require.NoError(t, s.Hold(t.Context(), handoff.HeldStatus{ConnectionID: "c", VendorID: "new"}, at(0).Add(25*time.Hour)))
		for id, want := range map[string]int{"old": 0, "new": 1} {
			held, err := s.Held(t.Context(), "c", id)
			require.NoError(t, err)
			require.Len(t, held, want, id)
		}
	},

	"EchoesCountForNothing": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		d := newDomain(s)
		d.deliver(t, s, "")
		d.send(t, "k", "hello")
		d.deliver(t, s, "v1")
		for _, vendorID := range []string{"v1", "v2", ""} {
			in := human("", "from "+vendorID)
			in.VendorID = vendorID
			require.NoError(t, d.Receive(t.Context(), "connection", in))
		}
		require.Equal(t, []string{"from v2", "from "}, humanTexts(t, s))
	},

	"WhatWasToldIsConfirmedOnce": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		d := newDomain(s)
		d.deliver(t, s, "")
		tell := func(key string) {
			for _, in := range []handoff.Inbound{
				{Ref: "ref", Key: key, Person: "bob", Body: handoff.HumanMessage{Text: "hello " + key}},
				{Ref: "ref", Key: "joined " + key, Person: "bob", Body: handoff.HumanJoined{Name: "Bob"}},
			} {
				for range 2 {
					_ = d.Receive(t.Context(), "connection", in) // whose error tells what is late
				}
			}
		}
		tell("one")
		require.Equal(t, []string{"s1 one bob false", "s1 joined one bob false"}, d.confirmed)
		_, err := d.CloseSession(t.Context(), "s1", handoff.ClosedByCustomer, handoff.Outcome{})
		require.NoError(t, err)
		tell("two")
		tell("one")
		require.Equal(t, []string{"s1 two bob true", "s1 joined two bob true", "s1 joined two bob true"}, d.confirmed[2:5], "what came too late to leave a trace is no repeat")
		require.Error(t, d.Receive(t.Context(), "another connection", handoff.Inbound{SessionID: "s1", Key: "three", Body: handoff.HumanMessage{Text: "x"}}))
		require.NotContains(t, d.confirmed[2:], "s1 one bob false")
		for _, c := range d.confirmed {
			require.NotContains(t, c, "three")
		}
	},

	"LoopsAreBroken": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		d := newDomain(s)
		for i := range 6 {
			d.send(t, fmt.Sprint("k", i), fmt.Sprint("hello ", i))
			err := d.Receive(t.Context(), "connection", human(fmt.Sprint("in", i), fmt.Sprint(" hello ", i, "\n")))
			if i < 3 {
				require.NoError(t, err, "people quote")
			} else {
				require.ErrorIs(t, err, handoff.ErrLoop)
			}
		}
		require.NoError(t, d.Receive(t.Context(), "connection", human("other", "Something else")), "it stops nothing else")
		d.now = d.now.Add(2 * time.Minute)
		require.NoError(t, d.Receive(t.Context(), "connection", human("again", "hello 5")), "it was a while ago")
		require.Len(t, humanTexts(t, s), 5)
	},

	"WhatWasAskedForIsNoLoop": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		d := newDomain(s)
		d.send(t, "k", "yes")
		in := human("in", "yes")
		in.Asked = true
		for range 9 {
			require.NoError(t, d.Receive(t.Context(), "connection", in), "it is looked at again and again")
		}
		require.NoError(t, d.Receive(t.Context(), "connection", human("another", "yes")))
		require.Len(t, humanTexts(t, s), 2)
	},

	"KeysHoldForAWindow": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		d := newDomain(s)
		say := func(window time.Duration) {
			in := human("digest of yes", "yes")
			in.Window = window
			require.NoError(t, d.Receive(t.Context(), "connection", in))
		}
		say(time.Minute)
		d.now = d.now.Add(time.Minute)
		say(time.Minute)
		require.Len(t, humanTexts(t, s), 1)
		d.now = d.now.Add(time.Second)
		say(time.Minute)
		require.Len(t, humanTexts(t, s), 2, "by now it is another yes")
		d.now = d.now.Add(time.Minute)
		say(time.Minute)
		require.Len(t, humanTexts(t, s), 2, "which has a window of its own")
		d.now = d.now.Add(time.Hour)
		say(0)
		require.Len(t, humanTexts(t, s), 2, "without a window it is the same for ever")
	},

	"QuarantineCountsRepeats": func(t *testing.T, db Database) {
		s := db.Open(t)
		keep := func(connection, digest string, when time.Time) {
			require.NoError(t, s.Quarantine(t.Context(), agents.Quarantined{
				ConnectionID: connection, AgentID: "a " + connection, Provider: "webhook", Reason: "no JSON", Request: []byte("sealed"),
				Digest: []byte(digest), Time: when,
			}))
		}
		keep("c1", "x", at(0))
		keep("c1", "x", at(1))
		keep("c2", "x", at(2))
		all := func(f agents.QuarantineFilter, now time.Time) []agents.Quarantined {
			t.Helper()
			list, next, err := s.Quarantined(t.Context(), f, now, handoff.Page{})
			require.NoError(t, err)
			require.Empty(t, next)
			return list
		}
		list := all(agents.QuarantineFilter{AgentID: "a c1", Provider: "webhook", Requests: true}, at(3))
		require.Len(t, list, 1)
		id := list[0].ID
		require.NotZero(t, id)
		list[0].ID = 0
		require.Equal(t, agents.Quarantined{
			ConnectionID: "c1", AgentID: "a c1", Provider: "webhook", Reason: "no JSON", Request: []byte("sealed"),
			Digest: []byte("x"), Count: 2, Time: at(1),
		}, list[0])
		require.Empty(t, all(agents.QuarantineFilter{AgentID: "a c1", Provider: "desk"}, at(3)))
		require.Len(t, all(agents.QuarantineFilter{}, at(3)), 2)
		require.NoError(t, s.SetQuarantineReason(t.Context(), id, "no number"))
		list = all(agents.QuarantineFilter{ID: id}, at(3))
		require.Equal(t, "no number", list[0].Reason)
		require.Nil(t, list[0].Request, "nobody asked for it")
		require.Empty(t, all(agents.QuarantineFilter{ID: id}, list[0].ExpireTime().Add(time.Second)), "its time is over")
		require.NoError(t, s.Unquarantine(t.Context(), id))
		require.Empty(t, all(agents.QuarantineFilter{ID: id}, at(3)))
		keep("c3", "y", at(0).Add(31*24*time.Hour))
		require.Len(t, all(agents.QuarantineFilter{}, at(3)), 1, "what is old makes room")
	},
}
