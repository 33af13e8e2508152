package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/switchboard"
)

// tagger returns tags in turn, the last one for ever.
func tagger(tags ...string) func() string {
	return func() string {
		tag := tags[0]
		if len(tags) > 1 {
			tags = tags[1:]
		}
		return tag
	}
}

func seatOf(t *testing.T, s Store, session string, now time.Time, tags ...string) switchboard.Seat {
	t.Helper()
	seat, err := s.Seat(t.Context(), "connection", session, tagger(tags...), now)
	require.NoError(t, err)
	return seat
}

func toPerson(person, text string) switchboard.Notice {
	return switchboard.Notice{ConnectionID: "connection", Notice: provider.Notice{Person: person, Text: text}}
}

func endSession(t *testing.T, s Store, session string, now time.Time) {
	t.Helper()
	require.NoError(t, s.Update(t.Context(), session, "", func(ses *handoff.Session) error {
		ses.Close(handoff.ClosedByHuman, handoff.Outcome{}, now)
		return nil
	}))
}

var switchboardTests = map[string]func(t *testing.T, db Database){
	"SeatsHaveTagsOfTheirOwn": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		create(t, s, "s2")
		require.Equal(t, "ANN2", seatOf(t, s, "s1", start, "ANN2").Tag)
		require.Equal(t, "ANN2", seatOf(t, s, "s1", start, "XXX2").Tag, "it stays")
		require.Equal(t, "CAR3", seatOf(t, s, "s2", start, "ANN2", "ANN2", "CAR3").Tag)
		endSession(t, s, "s1", at(5))
		create(t, s, "s3")
		require.Equal(t, "DRA4", seatOf(t, s, "s3", at(6), "ANN2", "DRA4").Tag, "it may still be quoted")
		create(t, s, "s4")
		require.Equal(t, "ANN2", seatOf(t, s, "s4", at(5).Add(31*24*time.Hour), "ANN2").Tag, "by now nobody remembers")
		_, err := s.Seat(t.Context(), "connection", "nobody", tagger("A2A2"), start)
		require.ErrorIs(t, err, handoff.ErrSessionNotFound)
		create(t, s, "s5")
		_, err = s.Seat(t.Context(), "connection", "s5", tagger("CAR3"), start)
		require.Equal(t, handoff.CodeExhausted, handoff.CodeOf(err))
	},

	"SingleMessagesAreNoted": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		seatOf(t, s, "s1", start, "ANN2")
		for i := range 3 {
			require.NoError(t, s.Note(t.Context(), "connection", "s1", "m1", switchboard.Message{Person: "bob", VendorID: "v1"}, at(i+1)))
		}
		shown, err := s.ShownTo(t.Context(), "s1", "m1")
		require.NoError(t, err)
		require.Equal(t, []switchboard.Message{{Person: "bob", VendorID: "v1"}}, shown)
		require.Equal(t, at(1), seatOf(t, s, "s1", start).ShowTime, "what is known already was not shown now")
		require.ErrorIs(t, s.Note(t.Context(), "connection", "s2", "m1", switchboard.Message{Person: "bob", VendorID: "v2"}, start), handoff.ErrSessionNotFound)
	},

	"WhoWasHeardIsKnown": func(t *testing.T, db Database) {
		s := db.Open(t)
		for i, person := range []string{"bob", "eve", "bob", ""} {
			require.NoError(t, s.Record(t.Context(), switchboard.Record{ConnectionID: "connection", Person: person, Key: fmt.Sprint("k", i), Time: at(i)}))
		}
		require.NoError(t, s.Record(t.Context(), switchboard.Record{ConnectionID: "other", Person: "gus", Key: "k", Time: at(9)}))
		heard, err := s.Heard(t.Context(), "connection", start)
		require.NoError(t, err)
		require.Equal(t, map[string]time.Time{"bob": at(2), "eve": at(1)}, heard)
		heard, err = s.Heard(t.Context(), "connection", at(2))
		require.NoError(t, err)
		require.Equal(t, map[string]time.Time{"bob": at(2)}, heard)
	},

	"SeatsAreListed": func(t *testing.T, db Database) {
		s := db.Open(t)
		for i := range 4 {
			id := fmt.Sprint("s", i)
			create(t, s, id)
			seatOf(t, s, id, at(i), fmt.Sprint("TAG", i+2))
		}
		endSession(t, s, "s1", at(10))
		endSession(t, s, "s2", at(30))
		list, err := s.Seats(t.Context(), "connection", at(20))
		require.NoError(t, err)
		var got []string
		for _, seat := range list {
			got = append(got, seat.SessionID)
		}
		require.Equal(t, []string{"s3", "s0", "s2"}, got)
		require.Equal(t, fullSession("", conversation).Customer.Name, list[0].Customer)
		require.Equal(t, fullSession("", conversation).Question, list[0].Words)
		require.Equal(t, at(3), list[0].OpenTime)
		require.Equal(t, at(30), list[2].CloseTime)
		others, err := s.Seats(t.Context(), "another", at(20))
		require.NoError(t, err)
		require.Empty(t, others)
	},

	"OneTakesASeat": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		seatOf(t, s, "s1", start, "ANN2")
		take := func(person string) bool {
			taken, err := s.Take(t.Context(), "s1", person, "Name of "+person, at(7))
			require.NoError(t, err)
			return taken
		}
		require.True(t, take("bob"))
		require.True(t, take("bob"), "again changes nothing")
		require.False(t, take("eve"))
		seat := seatOf(t, s, "s1", start, "ANN2")
		require.Equal(t, "bob", seat.Person)
		require.Equal(t, "Name of bob", seat.PersonName)
		require.Equal(t, at(7), seat.OpenTime)
		require.NoError(t, s.Leave(t.Context(), "s1", "eve"))
		require.False(t, take("eve"), "it was not eve's to leave")
		require.NoError(t, s.Leave(t.Context(), "s1", "bob"))
		require.True(t, take("eve"))
	},

	"MessagesAreOfSessions": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		seatOf(t, s, "s1", start, "ANN2")
		messages := []switchboard.Message{{Person: "bob", VendorID: "v1"}, {Person: "eve", VendorID: "v2"}}
		for range 2 {
			require.NoError(t, s.Shown(t.Context(), "s1", "d1", "hello", messages, at(8)))
		}
		require.NoError(t, s.Shown(t.Context(), "s1", "d2", "", []switchboard.Message{{Person: "bob", VendorID: "v3"}}, at(9)))
		seat := seatOf(t, s, "s1", start, "ANN2")
		require.Equal(t, at(9), seat.ShowTime)
		require.Equal(t, "hello", seat.Words)
		of := func(delivery string) []switchboard.Message {
			list, err := s.ShownTo(t.Context(), "s1", delivery)
			require.NoError(t, err)
			return list
		}
		require.Equal(t, messages, of("d1"))
		require.Len(t, of(""), 3)
		for id, want := range map[string]string{"v2": "ANN2", "v9": ""} {
			tag, err := s.SeatOfMessage(t.Context(), "connection", []string{"v8", id})
			require.NoError(t, err)
			require.Equal(t, want, tag)
		}
		tag, err := s.SeatOfMessage(t.Context(), "another", []string{"v2"})
		require.NoError(t, err)
		require.Empty(t, tag)
	},

	"WhatWasSaidIsRecordedOnce": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		seatOf(t, s, "s1", start, "ANN2")
		r := switchboard.Record{
			ConnectionID: "connection", Person: "bob", Key: "k1", Time: at(1), Pin: "ANN2",
			Hold:      &switchboard.Said{PersonSaid: handoff.PersonSaid{Person: "bob", Text: "hello", QuotedIDs: []string{"q"}}, VendorID: "v1"},
			SessionID: "s1", VendorID: "v1", Notices: []switchboard.Notice{toPerson("bob", "which?")},
		}
		for range 2 {
			require.NoError(t, s.Record(t.Context(), r))
		}
		for key, want := range map[string]bool{"k1": true, "k2": false, "": false} {
			known, err := s.Handled(t.Context(), "connection", key)
			require.NoError(t, err)
			require.Equal(t, want, known, key)
		}
		h, err := s.Human(t.Context(), "connection", "bob")
		require.NoError(t, err)
		require.Equal(t, "ANN2", h.Pin)
		require.Equal(t, at(1), h.PinTime)
		require.Len(t, h.Held, 1)
		require.Equal(t, *r.Hold, h.Held[0].Said)
		tag, err := s.SeatOfMessage(t.Context(), "connection", []string{"v1"})
		require.NoError(t, err)
		require.Equal(t, "ANN2", tag, "people quote themselves")
		due, next, err := s.Notices(t.Context(), at(1), 10)
		require.NoError(t, err)
		require.Len(t, due, 1)
		require.Equal(t, "which?", due[0].Notice.Text)
		require.Equal(t, at(1), next)

		old, err := s.HeldSince(t.Context(), at(0))
		require.NoError(t, err)
		require.Empty(t, old)
		old, err = s.HeldSince(t.Context(), at(1))
		require.NoError(t, err)
		require.Equal(t, []switchboard.Human{h}, old)
		require.NoError(t, s.Record(t.Context(), switchboard.Record{
			ConnectionID: "connection", Person: "bob", Time: at(2), Release: []int64{h.Held[0].ID},
		}))
		h, err = s.Human(t.Context(), "connection", "bob")
		require.NoError(t, err)
		require.Empty(t, h.Held)
		require.Equal(t, "ANN2", h.Pin, "it stays")
		known, err := s.Handled(t.Context(), "connection", "k1")
		require.NoError(t, err)
		require.True(t, known, "for as long as it may be repeated")
	},

	"NoticesKeepTheirOrder": func(t *testing.T, db Database) {
		s := db.Open(t)
		record := func(n switchboard.Notice, second int) {
			require.NoError(t, s.Record(t.Context(), switchboard.Record{Time: at(second), Notices: []switchboard.Notice{n}}))
		}
		due := func(second int) (texts []string, first int64, next time.Time) {
			list, next, err := s.Notices(t.Context(), at(second), 10)
			require.NoError(t, err)
			for _, n := range list {
				texts = append(texts, n.Notice.Text)
			}
			if len(list) > 0 {
				first = list[0].ID
			}
			return texts, first, next
		}
		_, _, next := due(0)
		require.True(t, next.IsZero())
		record(toPerson("bob", "1"), 1)
		record(toPerson("bob", "2"), 2)
		record(toPerson("eve", "3"), 3)
		texts, first, _ := due(5)
		require.Equal(t, []string{"1", "2", "3"}, texts)
		require.NoError(t, s.TellLater(t.Context(), first, at(60)))
		record(toPerson("bob", "4"), 6)
		texts, _, next = due(7)
		require.Equal(t, []string{"3"}, texts)
		require.Equal(t, at(3), next)
		texts, first, _ = due(60)
		require.Equal(t, []string{"1", "2", "3", "4"}, texts)
		require.NoError(t, s.Told(t.Context(), first))
		texts, _, _ = due(60)
		require.Equal(t, []string{"2", "3", "4"}, texts)
		require.NoError(t, s.TellLater(t.Context(), first, at(90)), "it is gone")
	},
}
