package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

// grpcurl calls the server with a tool that knows nothing of it but reflection.
func (s *server) grpcurl(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := runProgram(t, t.TempDir(), nil, bin.grpcurl, append([]string{"-plaintext", "-max-time", "30"}, args...)...)
	require.Zero(t, code, "grpcurl %v: %s", args, stderr)
	return stdout
}

// grpc calls one RPC of the handoff service as admin.
func (s *server) grpc(t *testing.T, method, request string) string {
	t.Helper()
	answer := s.grpcurl(t, "-H", "Authorization: Bearer "+s.adminKey, "-d", request,
		s.address(), "handoff.v1.HandoffService/"+method)
	kept := s.vault.record("/handoff.v1.HandoffService/" + method)
	_, _ = kept.Write([]byte(answer))
	_ = kept.Close()
	return answer
}

func (s *server) address() string { return strings.TrimPrefix(s.url, "http://") }

func TestGrpcurl(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)

	services := strings.Fields(s.grpcurl(t, s.address(), "list"))
	for _, service := range []string{"handoff.v1.HandoffService", "handoff.v1.KeyService", "handoff.v1.AdminService"} {
		assert.Contains(t, services, service)
	}
	assert.Contains(t, s.grpcurl(t, s.address(), "describe", "handoff.v1.HandoffService"), "rpc StreamReplies")
	assert.Contains(t, s.grpcurl(t, s.address(), "describe", "handoff.v1.Session"), "SessionState state")
	assert.Contains(t, s.grpcurl(t, s.address(), "grpc.health.v1.Health/Check"), "SERVING")
	assert.Contains(t, s.grpcurl(t, "-d", `{"service":"handoff.v1.HandoffService"}`, s.address(), "grpc.health.v1.Health/Check"), "SERVING")

	assert.Contains(t, s.grpc(t, "ConfigureProvider", `{"agentId":"shop","webhook":{"url":"`+r.url+`"}}`), "SERVICE_STATE_AVAILABLE")
	var answer struct {
		Session struct {
			ID string `json:"id"`
		} `json:"session"`
		SessionToken string `json:"sessionToken"`
	}
	require.NoError(t, json.Unmarshal([]byte(s.grpc(t, "RequestHandoff",
		`{"agentId":"shop","conversationId":"c","question":"A human?","customer":{"email":"ann@example.com"}}`)), &answer))
	s.vault.addHanded("session token", answer.SessionToken, handoffv1connect.HandoffServiceRequestHandoffProcedure)
	id := answer.Session.ID
	r.await(id, "/conversation/establish", 1)
	assert.Contains(t, s.grpc(t, "SendMessage", `{"sessionId":"`+id+`","text":"Hello?"}`), "AUTHOR_CUSTOMER")
	assert.Equal(t, "Hello?", r.await(id, "/chat", 1)[0].text())
	status, body := s.admin.post(t, "/v1/human/message/receive", reply(id, "Hi, Joe here."))
	require.Equal(t, 200, status, body)
	assert.Contains(t, s.grpc(t, "CloseSession", `{"sessionId":"`+id+`"}`), "CLOSE_REASON_OPERATOR")
	events := s.grpc(t, "StreamReplies", `{"sessionId":"`+id+`"}`)
	for _, part := range []string{"SESSION_STATE_REQUESTED", "Hello?", "Hi, Joe here.", "SESSION_STATE_ACTIVE", "SESSION_STATE_CLOSED"} {
		assert.Contains(t, events, part)
	}
	r.await(id, "/conversation/close", 1)
}
