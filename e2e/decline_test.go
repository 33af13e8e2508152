package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// TestDeclines removes one hindrance after the other, in the contract's order: each
// time all that come later are still there.
func TestDeclines(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startSecuredReceiver(t)
	declined := func(want handoffv1.DeclineReason) *handoffv1.Declined {
		t.Helper()
		answer, err := s.admin.RequestHandoff(t.Context(), &handoffv1.RequestHandoffRequest{
			AgentId: "shop", ConversationId: "conversation", Customer: &handoffv1.Customer{Locale: "de-AT"},
		})
		require.NoError(t, err, "a decline is an answer")
		require.Equal(t, want.String(), answer.GetDeclined().GetReason().String())
		assert.NotEmpty(t, answer.GetDeclined().GetReply())
		assert.Nil(t, answer.GetDeclined().GetNextOpenTime(), "only when closed by schedule")
		assert.Empty(t, answer.GetSessionToken())
		return answer.GetDeclined()
	}
	declined(handoffv1.DeclineReason_DECLINE_REASON_NOT_CONFIGURED)

	settings := &handoffv1.Settings{Enabled: new(false), Texts: map[string]*handoffv1.Texts{
		"de": {DisabledReply: "Heute nicht."},
	}}
	s.configured(&handoffv1.ConfigureProviderRequest{AgentId: "shop", Settings: settings})
	declined(handoffv1.DeclineReason_DECLINE_REASON_NOT_CONFIGURED)

	request := webhookRequest("shop", r)
	request.Settings, request.GetWebhook().Password = settings, randomSecret()
	s.configured(request)
	assert.Equal(t, "Heute nicht.", declined(handoffv1.DeclineReason_DECLINE_REASON_DISABLED).GetReply(),
		"the language of the locale")

	settings.Enabled = nil
	s.configured(&handoffv1.ConfigureProviderRequest{AgentId: "shop", Settings: settings})
	declined(handoffv1.DeclineReason_DECLINE_REASON_PROVIDER_UNAVAILABLE)

	request.GetWebhook().Password = r.password
	assert.Equal(t, available, s.configured(request).GetStatus().GetState())
	settings.Enabled = nil
	s.configured(&handoffv1.ConfigureProviderRequest{AgentId: "shop", Settings: settings})
	assert.True(t, s.status("shop").GetRequiresEmail())
	declined(handoffv1.DeclineReason_DECLINE_REASON_EMAIL_REQUIRED)

	list, err := s.admin.ListSessions(t.Context(), &handoffv1.ListSessionsRequest{AgentId: "shop"})
	require.NoError(t, err)
	assert.Empty(t, list.GetSessions(), "declines leave no sessions")
	session, _ := s.admin.request(t, "shop", "conversation", func(request *handoffv1.RequestHandoffRequest) {
		request.Customer = &handoffv1.Customer{Email: "ann@example.com"}
	})

	// An open session of the conversation comes first.
	settings.Enabled = new(false)
	s.configured(&handoffv1.ConfigureProviderRequest{AgentId: "shop", Settings: settings})
	same, _ := s.admin.request(t, "shop", "conversation")
	assert.Equal(t, session.GetId(), same.GetId())
}

func TestDefaultEmail(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r, func(request *handoffv1.ConfigureProviderRequest) {
		request.Settings.DefaultEmail = "desk@example.com"
	})
	session, _ := s.admin.request(t, "shop", "conversation")
	assert.Empty(t, session.GetCustomer().GetEmail(), "it identifies nobody")
	establish := r.await(session.GetId(), "/conversation/establish", 1)[0]
	assert.Equal(t, "desk@example.com", establish.Body.Email)
	assert.Contains(t, establish.Body.UserInfo, "email")
	assert.Nil(t, establish.Body.UserInfo["email"], "the customer's own is unknown")
}
