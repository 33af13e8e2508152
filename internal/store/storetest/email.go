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

// createOf opens a session of a customer and returns it.
func createOf(t *testing.T, s Store, id, agentID string, customer handoff.Customer) {
	t.Helper()
	c := handoff.ConversationKey{AgentID: agentID, ConversationID: "of " + id}
	_, created, err := s.Create(t.Context(), c, "", func(epoch uint64) (*handoff.Session, error) {
		ses := fullSession(id, c)
		ses.Customer = customer
		return handoff.NewSession(ses, fullStart(), epoch, start), nil
	})
	require.NoError(t, err)
	require.True(t, created)
}

var emailTests = map[string]func(t *testing.T, db Database){
	"KnownEmail": func(t *testing.T, db Database) {
		s := db.Open(t)
		known := func(agentID, userID string) string {
			t.Helper()
			email, err := s.KnownEmail(t.Context(), agentID, userID)
			require.NoError(t, err)
			return email
		}
		require.Empty(t, known("shop", "u1"), "nobody has been there")
		createOf(t, s, "s1", "shop", handoff.Customer{UserID: "u1", Email: "first@example.com"})
		createOf(t, s, "s2", "shop", handoff.Customer{UserID: "u1", Email: "second@example.com"})
		createOf(t, s, "s3", "shop", handoff.Customer{UserID: "u2", Email: "u2@example.com"})
		createOf(t, s, "s4", "bank", handoff.Customer{UserID: "u1", Email: "bank@example.com"})
		createOf(t, s, "s5", "shop", handoff.Customer{AnonymousID: "u1", Email: "anonymous@example.com"})
		createOf(t, s, "s6", "shop", handoff.Customer{UserID: "u3"})
		closeSession(t, s, "s2")

		require.Equal(t, "second@example.com", known("shop", "u1"), "the newest, though it is closed")
		require.Equal(t, "u2@example.com", known("shop", "u2"))
		require.Equal(t, "bank@example.com", known("bank", "u1"), "an agent's users are its own")
		require.Empty(t, known("bank", "u2"))
		require.Empty(t, known("shop", "u3"), "one who told none")
		require.Empty(t, known("shop", "U1"), "ids are taken as they are")
		require.Empty(t, known("shop", ""), "who has no id is not one person")

		require.NoError(t, s.Close())
		s = db.Open(t)
		require.Equal(t, "second@example.com", known("shop", "u1"), "it is on disk")
	},

	// KnownEmail looks at the newest session alone, which is right because the
	// Service gives each new one what the ones before told.
	"KnownEmailIsCarriedForward": func(t *testing.T, db Database) {
		s := db.Open(t)
		err := s.UpdateAgent(t.Context(), "shop", func(rec *agents.Record) error {
			rec.Agent.Settings.EmailPolicy = handoff.EmailOptional
			rec.Agent.Connection = fullConnection("con", "webhook")
			rec.Agent.Connection.Status = handoff.ConnectionStatus{State: handoff.ServiceAvailable}
			return nil
		})
		require.NoError(t, err)
		ids := 0
		svc := handoff.NewService(handoff.Config{
			Store: s, Waker: wake.NewHub(), Now: func() time.Time { return start },
			Capabilities: func(string) handoff.Capabilities { return handoff.Capabilities{} },
			NewID:        func(prefix string) string { ids++; return fmt.Sprintf("%s_%d", prefix, ids) },
		})
		for i, step := range []struct{ told, want string }{
			{"", ""},
			{"ann@example.com", "ann@example.com"},
			{"", "ann@example.com"},
			{"", "ann@example.com"},
			{"new@example.com", "new@example.com"},
			{"", "new@example.com"},
		} {
			ses, declined, err := svc.RequestHandoff(t.Context(), handoff.Request{
				Conversation: handoff.ConversationKey{AgentID: "shop", ConversationID: fmt.Sprint(i)},
				Start:        handoff.Start{Customer: handoff.Customer{UserID: "ann", Email: step.told}},
			})
			require.NoError(t, err)
			require.Nil(t, declined)
			require.Equal(t, step.want, session(t, s, ses.ID).Customer.Email, "session %d", i)
			began, err := s.Start(t.Context(), ses.ID)
			require.NoError(t, err)
			require.Equal(t, step.want, began.Customer.Email, "what the provider gets with session %d", i)
		}
	},
}
