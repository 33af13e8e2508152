package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

const allowOrigin = "Access-Control-Allow-Origin"

func TestCORS(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	for agent, origin := range map[string]string{"shop": "https://shop.example", "other": "http://localhost:3000"} {
		s.configure(agent, r, func(request *handoffv1.ConfigureProviderRequest) {
			request.Settings.AllowedOrigins = on(origin)
		})
	}
	session, token := s.admin.request(t, "shop", "conversation")
	customer := s.client(token)
	events := "/v1/sessions/" + session.GetId() + "/events"

	preflight := func(origin, route, method string) http.Header {
		t.Helper()
		response := s.client("").open(t, http.MethodOptions, route, "", "Origin", origin,
			"Access-Control-Request-Method", method,
			"Access-Control-Request-Headers", "authorization,connect-protocol-version,connect-timeout-ms,content-type")
		defer response.Body.Close()
		return response.Header
	}
	for _, origin := range []string{"https://shop.example", "http://localhost:3000"} {
		for route, method := range map[string]string{
			handoffv1connect.HandoffServiceSendMessageProcedure: http.MethodPost,
			handoffv1connect.HandoffServiceGetSessionProcedure:  http.MethodGet,
			events:                http.MethodGet,
			"/uploads/file/proof": http.MethodPut,
		} {
			header := preflight(origin, route, method)
			assert.Equal(t, origin, header.Get(allowOrigin), "%s from %s", route, origin)
			assert.Contains(t, strings.ToLower(header.Get("Access-Control-Allow-Headers")), "authorization")
			assert.Contains(t, header.Get("Access-Control-Allow-Methods"), method)
			assert.Empty(t, header.Get("Access-Control-Allow-Credentials"), "keys are no cookies")
		}
	}
	for _, origin := range []string{
		"https://evil.example", "null", "https://shop.example.evil.example", "http://shop.example", "https://shop.example:8443",
	} {
		header := preflight(origin, handoffv1connect.HandoffServiceSendMessageProcedure, http.MethodPost)
		assert.Empty(t, header.Get(allowOrigin), origin)
	}

	// The request itself: only the origins of the key's own agent.
	get := func(c *client, method, route, origin string) string {
		t.Helper()
		body := ""
		if method == http.MethodPost {
			body = `{"sessionId":"` + session.GetId() + `"}`
		}
		response := c.open(t, method, route, body, "Origin", origin, "Content-Type", "application/json")
		defer response.Body.Close()
		return response.Header.Get(allowOrigin)
	}
	for method, route := range map[string]string{http.MethodPost: handoffv1connect.HandoffServiceGetSessionProcedure, http.MethodGet: events} {
		for _, c := range []*client{customer, s.agentClient("shop")} {
			assert.Equal(t, "https://shop.example", get(c, method, route, "https://shop.example"), route)
			assert.Empty(t, get(c, method, route, "http://localhost:3000"), "another agent's origin, %s", route)
			assert.Empty(t, get(c, method, route, "https://evil.example"), route)
		}
	}

	// A refused credential: a page learns of it, or it would take it for a broken line.
	for _, c := range []*client{s.client(token + "x"), s.client("hk_agent_gone")} {
		assert.Equal(t, "https://shop.example", get(c, http.MethodPost, handoffv1connect.HandoffServiceGetSessionProcedure, "https://shop.example"))
		assert.Empty(t, get(c, http.MethodPost, handoffv1connect.HandoffServiceGetSessionProcedure, "https://evil.example"))
	}
	assert.Empty(t, get(s.client(""), http.MethodPost, handoffv1connect.HandoffServiceGetSessionProcedure, "https://shop.example"), "none at all")

	// An origin that is taken away is refused without a restart.
	s.configured(&handoffv1.ConfigureProviderRequest{AgentId: "shop", Settings: longSettings()})
	eventually(t, func() error {
		if get(customer, http.MethodPost, handoffv1connect.HandoffServiceGetSessionProcedure, "https://shop.example") != "" {
			return assert.AnError
		}
		return nil
	})
	header := preflight("https://shop.example", handoffv1connect.HandoffServiceSendMessageProcedure, http.MethodPost)
	require.Empty(t, header.Get(allowOrigin))
}
