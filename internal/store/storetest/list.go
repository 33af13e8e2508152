package storetest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
)

var listTests = map[string]func(t *testing.T, db Database){
	"Identity": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		for range 2 {
			identity, err := s.Identity(t.Context(), "s1")
			require.NoError(t, err)
			require.Equal(t, handoff.Identity{AgentID: "agent", ConnectionID: "connection", Provider: "webhook"}, identity)
			_, err = s.Identity(t.Context(), "nobody")
			require.ErrorIs(t, err, handoff.ErrSessionNotFound)
		}
	},

	"SessionUnknown": func(t *testing.T, db Database) {
		s := db.Open(t)
		_, err := s.Session(t.Context(), "nobody")
		require.ErrorIs(t, err, handoff.ErrSessionNotFound)
		_, err = s.Log(t.Context(), "nobody", 0, 10)
		require.ErrorIs(t, err, handoff.ErrSessionNotFound)
	},

	"LogInStretches": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "before")
		create(t, s, "s1")
		create(t, s, "after")
		for i := range 9 {
			accept(t, s, "before", fmt.Sprintf("b%d", i), "")
			accept(t, s, "s1", fmt.Sprintf("m%d", i), "")
			accept(t, s, "after", fmt.Sprintf("a%d", i), "")
		}
		all := wholeLog(t, s, "s1")
		require.Len(t, all, 10)
		for _, c := range []struct {
			after uint64
			limit int
			want  []handoff.Event
		}{
			{0, 3, all[:3]}, {3, 3, all[3:6]}, {9, 3, all[9:]}, {10, 3, nil}, {11, 3, nil}, {math.MaxUint64, 3, nil}, {0, 0, nil}, {0, -1, nil},
		} {
			log, err := s.Log(t.Context(), "s1", c.after, c.limit)
			require.NoError(t, err)
			require.Equal(t, handoff.Log{Events: c.want, Last: 10}, log, "after %d, at most %d", c.after, c.limit)
		}
		closeSession(t, s, "s1")
		log, err := s.Log(t.Context(), "s1", 10, 5)
		require.NoError(t, err)
		require.EqualValues(t, 11, log.Last)
		require.True(t, log.Closed)
		require.Equal(t, handoff.StateChanged{
			State: handoff.StateClosed, CloseReason: handoff.ClosedByCustomer,
			Outcome: handoff.Outcome{Disposition: "solved", Note: "thanks"},
		}, log.Events[0].Body)
	},

	"LogHoldsEveryKindThatASessionMakes": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		receive(t, s, "s1", "", handoff.QueueMoved{Position: 3, Wait: 90_000_000_000})
		receive(t, s, "s1", "", handoff.HumanJoined{Name: "Bob"})
		receive(t, s, "s1", "k", handoff.HumanMessage{AuthorName: "Bob", Text: "<hello> \u0000 & \U0001F642"})
		receive(t, s, "s1", "", handoff.HumanLeft{Name: "Bob"})
		var bodies []handoff.EventBody
		for _, e := range wholeLog(t, s, "s1") {
			bodies = append(bodies, e.Body)
		}
		require.Equal(t, []handoff.EventBody{
			handoff.StateChanged{State: handoff.StateRequested},
			handoff.QueueChanged{Position: 3, Wait: 90_000_000_000},
			handoff.ParticipantChanged{Name: "Bob", Joined: true},
			handoff.StateChanged{State: handoff.StateWaiting},
			handoff.MessageLogged{Message: handoff.Message{
				ID: "in-k", Author: handoff.AuthorHuman, AuthorName: "Bob", Text: "<hello> \u0000 & \U0001F642",
				Status: handoff.MessageDelivered, Time: at(2),
			}},
			handoff.StateChanged{State: handoff.StateActive},
			handoff.ParticipantChanged{Name: "Bob"},
		}, bodies)
	},

	"SessionsAreFiltered": func(t *testing.T, db Database) {
		s := db.Open(t)
		for i, c := range []handoff.ConversationKey{{AgentID: "a", ConversationID: "1"}, {AgentID: "a", ConversationID: "2"}, {AgentID: "b", ConversationID: "1"}} {
			createIn(t, s, fmt.Sprintf("s%d", i+1), c)
		}
		closeSession(t, s, "s1")
		createIn(t, s, "s4", handoff.ConversationKey{AgentID: "a", ConversationID: "1"})
		for _, c := range []struct {
			filter handoff.SessionFilter
			want   []string
		}{
			{handoff.SessionFilter{}, []string{"s4", "s3", "s2", "s1"}},
			{handoff.SessionFilter{AgentID: "a"}, []string{"s4", "s2", "s1"}},
			{handoff.SessionFilter{AgentID: "a", ConversationID: "1"}, []string{"s4", "s1"}},
			{handoff.SessionFilter{ConversationID: "1"}, []string{"s4", "s3", "s1"}},
			{handoff.SessionFilter{States: []handoff.State{handoff.StateClosed}}, []string{"s1"}},
			{handoff.SessionFilter{AgentID: "a", States: []handoff.State{handoff.StateRequested, handoff.StateActive}}, []string{"s4", "s2"}},
			{handoff.SessionFilter{AgentID: "nobody"}, []string{}},
			{handoff.SessionFilter{Provider: "webhook"}, []string{"s4", "s3", "s2", "s1"}},
			{handoff.SessionFilter{Provider: "slack"}, []string{}},
			{handoff.SessionFilter{AgentID: "a", OldestFirst: true}, []string{"s1", "s2", "s4"}},
		} {
			list, next, err := s.Sessions(t.Context(), c.filter, handoff.Page{})
			require.NoError(t, err)
			require.Empty(t, next)
			ids := []string{}
			for _, ses := range list {
				ids = append(ids, ses.ID)
			}
			require.Equal(t, c.want, ids, "%+v", c.filter)
		}
	},

	"PagesOfEveryList": func(t *testing.T, db Database) {
		s := db.Open(t)
		fillLists(t, s, 7)
		for name, list := range lists(s) {
			t.Run(name, func(t *testing.T) {
				whole, next, err := list(t, handoff.Page{})
				require.NoError(t, err)
				require.Empty(t, next)
				require.Len(t, whole, 7)
				var inPages []string
				sizes := []int{}
				for p := (handoff.Page{Size: 3}); ; p.Token = next {
					var page []string
					page, next, err = list(t, p)
					require.NoError(t, err)
					inPages, sizes = append(inPages, page...), append(sizes, len(page))
					if next == "" {
						break
					}
					require.Less(t, len(sizes), 3, "the pages have no end")
				}
				require.Equal(t, whole, inPages)
				require.Equal(t, []int{3, 3, 1}, sizes)
				page, next, err := list(t, handoff.Page{Size: 7})
				require.NoError(t, err)
				require.Len(t, page, 7)
				require.Empty(t, next, "a page that holds the rest has no next one")
			})
		}
	},

	"PageTokensThatAreNone": func(t *testing.T, db Database) {
		s := db.Open(t)
		fillLists(t, s, 2)
		all := lists(s)
		delete(all, "sessions, the oldest first") // the same list with the same tokens
		for name, list := range all {
			tokens := []string{"x", "%%%", base64.RawURLEncoding.EncodeToString([]byte(name + ":")), base64.RawURLEncoding.EncodeToString([]byte("1"))}
			if name != "agents" { // whose keys are texts
				tokens = append(tokens, base64.RawURLEncoding.EncodeToString([]byte(name+":x")), base64.RawURLEncoding.EncodeToString([]byte(name+":-1")))
			}
			for other, from := range all {
				if other != name {
					_, token, err := from(t, handoff.Page{Size: 1})
					require.NoError(t, err)
					tokens = append(tokens, token)
				}
			}
			for _, token := range tokens {
				_, _, err := list(t, handoff.Page{Token: token})
				require.ErrorIs(t, err, handoff.ErrBadPageToken, "%s with %q", name, token)
			}
		}
	},

	"PageSizes": func(t *testing.T, db Database) {
		s := db.Open(t)
		errs := inParallel(handoff.MaxPageSize+1, func(i int) error {
			return s.UpdateAgent(t.Context(), fmt.Sprintf("a%04d", i), func(*agents.Record) error { return nil })
		})
		require.NoError(t, errors.Join(errs...))
		for size, want := range map[int]int{0: 50, -1: 50, 1: 1, 1000: 1000, 1001: 1000, math.MaxInt: 1000} {
			list, next, err := s.Agents(t.Context(), handoff.Page{Size: size})
			require.NoError(t, err)
			require.Len(t, list, want)
			require.NotEmpty(t, next)
		}
	},
}

// fillLists makes n rows for every list.
func fillLists(t *testing.T, s Store, n int) {
	t.Helper()
	for i := range n {
		id := fmt.Sprintf("s%d", i)
		c := handoff.ConversationKey{AgentID: "agent", ConversationID: id}
		createIn(t, s, id, c)
		require.NoError(t, s.Update(t.Context(), id, "", func(ses *handoff.Session) error {
			ses.Close(handoff.ClosedByHuman, handoff.Outcome{}, at(1))
			return nil
		}))
		receive(t, s, id, "", handoff.HumanMessage{Text: id})
		require.NoError(t, s.UpdateAgent(t.Context(), id, func(*agents.Record) error { return nil }))
	}
}

// lists returns the lists that come in pages, each giving names of its rows.
func lists(s Store) map[string]func(t *testing.T, p handoff.Page) ([]string, string, error) {
	return map[string]func(t *testing.T, p handoff.Page) ([]string, string, error){
		"sessions": func(t *testing.T, p handoff.Page) (names []string, next string, err error) {
			rows, next, err := s.Sessions(t.Context(), handoff.SessionFilter{AgentID: "agent"}, p)
			for _, row := range rows {
				names = append(names, row.ID)
			}
			return names, next, err
		},
		"sessions, the oldest first": func(t *testing.T, p handoff.Page) (names []string, next string, err error) {
			rows, next, err := s.Sessions(t.Context(), handoff.SessionFilter{AgentID: "agent", OldestFirst: true}, p)
			for _, row := range rows {
				names = append(names, row.ID)
			}
			return names, next, err
		},
		"deliveries": func(t *testing.T, p handoff.Page) (names []string, next string, err error) {
			rows, next, err := s.Deliveries(t.Context(), handoff.DeliveryFilter{}, p)
			for _, row := range rows {
				names = append(names, row.SessionID)
			}
			return names, next, err
		},
		"late": func(t *testing.T, p handoff.Page) (names []string, next string, err error) {
			rows, next, err := s.LateMessages(t.Context(), "", p)
			for _, row := range rows {
				names = append(names, row.Text)
			}
			return names, next, err
		},
		"agents": func(t *testing.T, p handoff.Page) (names []string, next string, err error) {
			rows, next, err := s.Agents(t.Context(), p)
			for _, row := range rows {
				names = append(names, row.ID)
			}
			return names, next, err
		},
	}
}
