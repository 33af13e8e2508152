package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
)

var createTests = map[string]func(t *testing.T, db Database){
	"CreateReturnsTheOpenSession": func(t *testing.T, db Database) {
		s := db.Open(t)
		createIn(t, s, "s1", conversation)
		again, created, err := s.Create(t.Context(), conversation, "other request", mustNotRun)
		require.NoError(t, err)
		require.False(t, created)
		require.False(t, again.Changed())
		require.Equal(t, session(t, s, "s1"), again)
	},

	"CreateReturnsTheSessionOfAKnownRequest": func(t *testing.T, db Database) {
		s := db.Open(t)
		first := request(t, s, "s1", "r1")
		closeSession(t, s, "s1")
		again, created, err := s.Create(t.Context(), conversation, "r1", mustNotRun)
		require.NoError(t, err)
		require.False(t, created)
		require.Equal(t, first.ID, again.ID)
		require.Equal(t, "r1", again.RequestID)

		other := handoff.ConversationKey{AgentID: "agent", ConversationID: "other"}
		again, created, err = s.Create(t.Context(), other, "r1", mustNotRun)
		require.NoError(t, err, "a request id holds for all conversations of an agent")
		require.False(t, created)
		require.Equal(t, first.ID, again.ID)
	},

	"CreatePrefersTheOpenSessionToTheRequest": func(t *testing.T, db Database) {
		s := db.Open(t)
		request(t, s, "s1", "r1")
		closeSession(t, s, "s1")
		request(t, s, "s2", "r2")
		again, created, err := s.Create(t.Context(), conversation, "r1", mustNotRun)
		require.NoError(t, err)
		require.False(t, created)
		require.Equal(t, "s2", again.ID)
	},

	"CreateOfOtherAgents": func(t *testing.T, db Database) {
		s := db.Open(t)
		request(t, s, "s1", "r1")
		other := handoff.ConversationKey{AgentID: "other", ConversationID: conversation.ConversationID}
		_, created, err := s.Create(t.Context(), other, "r1", func(uint64) (*handoff.Session, error) {
			ses := fullSession("s2", other)
			ses.RequestID = "r1"
			return handoff.NewSession(ses, fullStart(), 0, start), nil
		})
		require.NoError(t, err)
		require.True(t, created)
	},

	"CreateGoesOnFromTheEpoch": func(t *testing.T, db Database) {
		s := db.Open(t)
		for _, want := range []uint64{0, 2, 4} { // each session takes the turn and gives it back
			id := fmt.Sprintf("s%d", want)
			var got uint64
			_, created, err := s.Create(t.Context(), conversation, "", func(epoch uint64) (*handoff.Session, error) {
				got = epoch
				return handoff.NewSession(fullSession(id, conversation), fullStart(), epoch, start), nil
			})
			require.NoError(t, err)
			require.True(t, created)
			require.Equal(t, want, got)
			closeSession(t, s, id)
		}
		latest, err := s.LatestSession(t.Context(), conversation)
		require.NoError(t, err)
		require.Equal(t, "s4", latest.ID)
		require.EqualValues(t, 6, latest.Epoch)
	},

	"CreateKeepsTheStart": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		job, ok, err := s.Head(t.Context(), "s1")
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, fullStart(), job.Start)
		settle(t, s, job.Delivery, delivered())
		begun, err := s.Start(t.Context(), "s1")
		require.NoError(t, err)
		require.Equal(t, fullStart(), begun, "after it was delivered too")
		_, err = s.Start(t.Context(), "nobody")
		require.ErrorIs(t, err, handoff.ErrSessionNotFound)
	},

	"CreateWithAnErrorWritesNothing": func(t *testing.T, db Database) {
		s := db.Open(t)
		failure := errors.New("no")
		for _, fn := range []func(uint64) (*handoff.Session, error){
			func(uint64) (*handoff.Session, error) { return nil, failure },
			func(uint64) (*handoff.Session, error) { return nil, nil }, //nolint:nilnil // a bug to survive
			func(uint64) (*handoff.Session, error) { panic("a bug") },
		} {
			ses, created, err := s.Create(t.Context(), conversation, "", fn)
			require.Error(t, err)
			require.False(t, created)
			require.Nil(t, ses)
		}
		_, err := s.LatestSession(t.Context(), conversation)
		require.ErrorIs(t, err, handoff.ErrSessionNotFound)
	},

	"CreateWithAnIDThatIsTaken": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		_, created, err := s.Create(t.Context(), conversation, "", func(uint64) (*handoff.Session, error) {
			return handoff.NewSession(fullSession("s1", conversation), fullStart(), 0, start), nil
		})
		require.Error(t, err)
		require.Equal(t, handoff.CodeInternal, handoff.CodeOf(err))
		require.False(t, created)
		_, err = s.LatestSession(t.Context(), conversation)
		require.ErrorIs(t, err, handoff.ErrSessionNotFound)
	},

	"FindSession": func(t *testing.T, db Database) {
		s := db.Open(t)
		find := func(requestID string) string {
			ses, err := s.FindSession(t.Context(), conversation, requestID)
			if err != nil {
				require.ErrorIs(t, err, handoff.ErrSessionNotFound)
				return ""
			}
			return ses.ID
		}
		require.Empty(t, find("r1"))
		require.Empty(t, find(""))
		request(t, s, "s1", "r1")
		require.Equal(t, "s1", find(""))
		closeSession(t, s, "s1")
		require.Empty(t, find(""), "sessions without a request id are no answer to a request without one")
		require.Equal(t, "s1", find("r1"))
		request(t, s, "s2", "")
		require.Equal(t, "s2", find("r1"))
	},

	"SessionByRef": func(t *testing.T, db Database) {
		s := db.Open(t)
		for _, id := range []string{"s1", "s2"} { // one after the other in one chat of the vendor's
			create(t, s, id)
			settleHead(t, s, id, handoff.Attempt{State: handoff.DeliveryDelivered, Ref: handoff.Ref{ID: "ref"}})
			ses, err := s.SessionByRef(t.Context(), "connection", "ref")
			require.NoError(t, err)
			require.Equal(t, id, ses.ID)
		}
		create(t, s, "s3") // has none yet
		for _, ref := range []string{"", "other"} {
			_, err := s.SessionByRef(t.Context(), "connection", ref)
			require.ErrorIs(t, err, handoff.ErrSessionNotFound)
		}
		_, err := s.SessionByRef(t.Context(), "other", "ref")
		require.ErrorIs(t, err, handoff.ErrSessionNotFound)
	},

	"CreateRace": func(t *testing.T, db Database) {
		s := db.Open(t)
		var wg sync.WaitGroup
		var made atomic.Int32
		ids := make([]string, 50)
		for i := range ids {
			wg.Go(func() {
				ses, created, err := s.Create(t.Context(), conversation, fmt.Sprint(i), func(epoch uint64) (*handoff.Session, error) {
					return handoff.NewSession(fullSession(fmt.Sprintf("s%d", i), conversation), fullStart(), epoch, start), nil
				})
				if err == nil {
					ids[i] = ses.ID
				}
				if created {
					made.Add(1)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, made.Load())
		for _, id := range ids {
			require.Equal(t, ids[0], id)
			require.NotEmpty(t, id)
		}
		all, _, err := s.Sessions(t.Context(), handoff.SessionFilter{}, handoff.Page{})
		require.NoError(t, err)
		require.Len(t, all, 1)
	},
}

func mustNotRun(uint64) (*handoff.Session, error) {
	return nil, errors.New("a session was made though there is one")
}

// request opens a session in the conversation under a request id.
func request(t *testing.T, s Store, id, requestID string) *handoff.Session {
	t.Helper()
	ses, created, err := s.Create(t.Context(), conversation, requestID, func(epoch uint64) (*handoff.Session, error) {
		ses := fullSession(id, conversation)
		ses.RequestID = requestID
		return handoff.NewSession(ses, fullStart(), epoch, start), nil
	})
	require.NoError(t, err)
	require.True(t, created)
	return ses
}
