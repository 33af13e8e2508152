package e2e_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

// TestHandoffTool gets the tool by plain JSON and by Connect's GET.
func TestHandoffTool(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	zone, there := noonZone(t)
	s.configure("shop", r)
	settings := &handoffv1.Settings{
		TimeZone: zone, ServicePeriods: []*handoffv1.ServicePeriod{today(there, "06:00", "18:00")},
		TriggerDescription: "When the customer wants money back.",
	}
	s.settings("shop", settings)
	agent := s.agentClient("shop")
	tool := func(request string) *handoffv1.GetHandoffToolResponse {
		t.Helper()
		status, posted := agent.post(t, handoffv1connect.HandoffServiceGetHandoffToolProcedure, request)
		require.Equal(t, http.StatusOK, status, posted)
		query := url.Values{"connect": {"v1"}, "encoding": {"json"}, "message": {request}}
		status, got := agent.do(t, http.MethodGet, handoffv1connect.HandoffServiceGetHandoffToolProcedure+"?"+query.Encode(), "")
		require.Equal(t, http.StatusOK, status, got)
		require.JSONEq(t, posted, got)
		answer := &handoffv1.GetHandoffToolResponse{}
		require.NoError(t, protojson.Unmarshal([]byte(posted), answer))
		return answer
	}
	open := tool(`{"agentId":"shop"}`)
	assert.Equal(t, "handoff_to_human", open.GetName())
	assert.Contains(t, open.GetDescription(), "When the customer wants money back.")
	assert.Contains(t, open.GetDescription(), "Humans are there now, until 18:00 on "+there.Format("Monday, 2 January 2006")+" ("+zone+")")
	required := func(of *handoffv1.GetHandoffToolResponse) any { return of.GetInputSchema().AsMap()["required"] }
	assert.Equal(t, []any{"question", "reason", "email"}, required(open))
	function, _ := open.GetOpenai().AsMap()["function"].(map[string]any)
	assert.Equal(t, open.GetName(), function["name"])
	assert.Equal(t, open.GetInputSchema().AsMap(), function["parameters"])
	assert.Equal(t, open.GetInputSchema().AsMap(), open.GetAnthropic().AsMap()["input_schema"])

	known := tool(`{"agentId":"shop","customer":{"email":"ann@example.com","locale":"zh-CN"}}`)
	assert.Equal(t, []any{"question", "reason"}, required(known))
	assert.True(t, strings.HasPrefix(known.GetReplies()["SESSION"], "正在为您转接人工客服"), known.GetReplies()["SESSION"])

	settings.ServicePeriods = []*handoffv1.ServicePeriod{today(there, "18:00", "20:00")}
	settings.OutOfPeriodReply = "After six."
	s.settings("shop", settings)
	closed := tool(`{"agentId":"shop"}`)
	assert.Contains(t, closed.GetDescription(), "Nobody is there before 18:00 on ")
	assert.Contains(t, closed.GetDescription(), "After six.")
	assert.Equal(t, "After six.", closed.GetReplies()["DECLINE_REASON_OUT_OF_SERVICE_PERIOD"])

	answer, err := s.admin.GetHandoffTool(t.Context(), &handoffv1.GetHandoffToolRequest{AgentId: "unknown"})
	require.NoError(t, err, "a model is told that there is nobody")
	assert.Contains(t, answer.GetDescription(), "No human can be reached at present")
}

// TestKnownEmail asks nobody twice who is known by a backend.
func TestKnownEmail(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r, func(request *handoffv1.ConfigureProviderRequest) {
		request.Settings.EmailPolicy = handoffv1.EmailPolicy_EMAIL_POLICY_REQUIRED
		request.Settings.DefaultEmail = "desk@example.com"
		request.Settings.PublicChat = true
	})
	s.configure("other", r, func(request *handoffv1.ConfigureProviderRequest) {
		request.Settings.EmailPolicy = handoffv1.EmailPolicy_EMAIL_POLICY_REQUIRED
	})
	agent := s.agentClient("shop")
	as := func(customer *handoffv1.Customer) func(*handoffv1.RequestHandoffRequest) {
		return func(request *handoffv1.RequestHandoffRequest) { request.Customer = customer }
	}
	declined := func(c *client, agentID string, customer *handoffv1.Customer) {
		t.Helper()
		answer, err := c.RequestHandoff(t.Context(), &handoffv1.RequestHandoffRequest{AgentId: agentID, ConversationId: "nobody", Customer: customer})
		require.NoError(t, err)
		assert.Equal(t, handoffv1.DeclineReason_DECLINE_REASON_EMAIL_REQUIRED.String(), answer.GetDeclined().GetReason().String())
	}
	declined(agent, "shop", &handoffv1.Customer{UserId: "ann"})
	first, _ := agent.request(t, "shop", "one", as(&handoffv1.Customer{UserId: "ann", Email: "ann@example.com"}))
	agent.close(t, first.GetId())

	second, _ := agent.request(t, "shop", "two", as(&handoffv1.Customer{UserId: "ann"}))
	assert.Equal(t, "ann@example.com", second.GetCustomer().GetEmail())
	establish := r.await(second.GetId(), "/conversation/establish", 1)[0]
	assert.Equal(t, "ann@example.com", establish.Body.Email)
	assert.Equal(t, "ann@example.com", establish.Body.UserInfo["email"])
	tool, err := agent.GetHandoffTool(t.Context(), &handoffv1.GetHandoffToolRequest{AgentId: "shop", Customer: &handoffv1.Customer{UserId: "ann"}})
	require.NoError(t, err)
	assert.NotContains(t, tool.GetInputSchema().AsMap()["required"], "email")
	agent.close(t, second.GetId())
	s.restart()
	agent = s.client(agent.key)
	third, _ := agent.request(t, "shop", "three", as(&handoffv1.Customer{UserId: "ann"}))
	assert.Equal(t, "ann@example.com", third.GetCustomer().GetEmail(), "handed on from session to session")

	declined(agent, "shop", &handoffv1.Customer{UserId: "joe"})
	declined(agent, "shop", &handoffv1.Customer{AnonymousId: "ann"})
	declined(s.admin, "other", &handoffv1.Customer{UserId: "ann"})

	// A browser could say that it is anybody: its user id is a claim, and recalls nothing.
	chat := handoffv1connect.NewChatServiceClient(bearer{}, s.url)
	answer, err := chat.StartChat(t.Context(), &handoffv1.StartChatRequest{AgentId: "shop", Name: "ann"})
	require.NoError(t, err)
	assert.Equal(t, handoffv1.DeclineReason_DECLINE_REASON_EMAIL_REQUIRED.String(), answer.GetDeclined().GetReason().String())
	answer, err = chat.StartChat(t.Context(), &handoffv1.StartChatRequest{AgentId: "shop", UserId: "ann"})
	require.NoError(t, err)
	assert.Equal(t, handoffv1.DeclineReason_DECLINE_REASON_EMAIL_REQUIRED.String(), answer.GetDeclined().GetReason().String())
	answer, err = chat.StartChat(t.Context(), &handoffv1.StartChatRequest{AgentId: "shop", UserId: "ann", Email: "eve@example.com"})
	require.NoError(t, err)
	assert.Empty(t, answer.GetSession().GetCustomer().GetUserId())
	assert.Equal(t, "ann", answer.GetSession().GetCustomer().GetAttributes()["claimed_user_id"])
	fourth, _ := agent.request(t, "shop", "four", as(&handoffv1.Customer{UserId: "ann"}))
	assert.Equal(t, "ann@example.com", fourth.GetCustomer().GetEmail(), "what a browser says of ann is not ann's")
}
