package e2e_test

import (
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// TestHandback has a human settle something, and reads what the bot is told of it.
func TestHandback(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	settings := longSettings()
	settings.Texts = map[string]*handoffv1.Texts{"de": {Closed: "Ich bin wieder da."}}
	desk := s.deskOf("shop", settings)
	backend := s.agentClient("shop")
	session, token := backend.request(t, "shop", "conversation", func(r *handoffv1.RequestHandoffRequest) {
		r.Customer = &handoffv1.Customer{Email: "ann@example.com", Locale: "de"}
	})
	ask := &handoffv1.GetHandbackRequest{SessionId: session.GetId()}
	_, err := backend.GetHandback(t.Context(), ask)
	requireCode(t, connect.CodeFailedPrecondition, err)
	assert.Equal(t, "SESSION_OPEN", reasonOf(err))

	backend.send(t, session.GetId(), "1", "My order is broken.")
	_, err = desk.Reply(t.Context(), &handoffv1.ReplyRequest{SessionId: session.GetId(), Text: "You get a new one.", Human: "Joe"})
	require.NoError(t, err)
	backend.send(t, session.GetId(), "2", "Thank you!")
	_, err = desk.CloseSession(t.Context(), &handoffv1.DeskServiceCloseSessionRequest{
		SessionId: session.GetId(), Disposition: "replaced", Note: "order 17",
	})
	require.NoError(t, err)

	back, err := backend.GetHandback(t.Context(), ask)
	require.NoError(t, err)
	var turns []string
	for _, turn := range back.GetTurns() {
		turns = append(turns, turn.GetRole().String()+" "+turn.GetAuthorName()+": "+turn.GetText())
		assert.NotNil(t, turn.GetTime())
	}
	assert.Equal(t, []string{"ROLE_USER : My order is broken.", "ROLE_ASSISTANT Joe: You get a new one.", "ROLE_USER : Thank you!"}, turns)
	assert.Equal(t, "replaced", back.GetSession().GetOutcome().GetDisposition())
	for _, part := range []string{"a human (Joe)", "the human ended it", "Outcome: replaced.", "“order 17”", "The human has left"} {
		assert.Contains(t, back.GetNote(), part)
	}
	assert.Equal(t, "Ich bin wieder da.", back.GetReply())

	ask.MaxTurns = 1
	back, err = backend.GetHandback(t.Context(), ask)
	require.NoError(t, err)
	assert.Len(t, back.GetTurns(), 1)
	assert.EqualValues(t, 2, back.GetOmittedTurns())
	assert.Equal(t, "Thank you!", back.GetTurns()[0].GetText())
	_, err = s.client(token).GetHandback(t.Context(), ask)
	requireCode(t, connect.CodePermissionDenied, err)
}
