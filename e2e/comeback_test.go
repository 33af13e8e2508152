package e2e_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// TestTheCustomerComesBack hands one conversation over again and again. What a
// human writes to a handoff that is over stays out of the next one.
func TestTheCustomerComesBack(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	agent := s.agentClient("shop")
	var ids []string
	var epoch uint64
	for i := range 6 {
		session, token := agent.request(t, "shop", "conversation")
		id, customer := session.GetId(), s.client(token)
		require.NotContains(t, ids, id)
		require.Greater(t, session.GetEpoch(), epoch, "the epoch goes on where it stood")
		f := customer.follow(t, id, 0)
		f.requireState(requested)
		f.requireState(waiting)
		for _, before := range ids {
			requireLate(t, agent, before, fmt.Sprintf("for %s, during the handoff %d", before, i))
		}

		s.humanWrites(t, id)
		f.requireMessage(handoffv1.Author_AUTHOR_HUMAN)
		f.requireState(active)
		f.write(customer, id, "1") // the same client id as in each handoff before
		if i%2 == 0 {
			customer.close(t, id)
		} else {
			status, body := agent.post(t, "/v1/human/close", humanClose(id))
			require.Equal(t, http.StatusOK, status, body)
		}
		f.requireState(closed)
		require.NoError(t, f.end())
		ids = append(ids, id)

		got, err := agent.GetConversation(t.Context(), &handoffv1.GetConversationRequest{AgentId: "shop", ConversationId: "conversation"})
		require.NoError(t, err)
		require.Equal(t, handoffv1.Owner_OWNER_BOT, got.GetOwner())
		epoch = got.GetEpoch()
	}
	for i, id := range ids {
		late, err := s.admin.ops.ListLate(t.Context(), &handoffv1.ListLateRequest{SessionId: id})
		require.NoError(t, err)
		require.Len(t, late.GetLateMessages(), len(ids)-1-i, "one in each handoff that followed")
		for k, message := range late.GetLateMessages() { // the newest first
			assert.Equal(t, fmt.Sprintf("for %s, during the handoff %d", id, len(ids)-1-k), message.GetText())
			assert.Equal(t, id, message.GetSessionId())
		}
		events := agent.events(t, id)
		requireGapless(t, events)
		assert.Len(t, events, 7, "its own events alone")
		assert.Equal(t, []string{"Hello?"}, r.texts(id))
	}
	assert.EqualValues(t, 3*len(ids), epoch, "to the human's side, to the human, to the bot")
}

// requireLate sends a human's message to a session that is over.
func requireLate(t *testing.T, c *client, session, text string) {
	t.Helper()
	status, body := c.post(t, "/v1/human/message/receive", reply(session, text))
	require.Equal(t, http.StatusConflict, status, body)
}
