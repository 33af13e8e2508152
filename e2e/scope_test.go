package e2e_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// The contract's table of scopes. Admin may everything; what is named nowhere is
// for admin alone.
var (
	forAgents = []string{
		"RequestHandoff", "SendMessage", "SendSignal", "StreamReplies", "CloseSession", "ContinueWaiting", "GetSession",
		"ListEvents", "CreateUpload", "ListSessions", "GetConversation", "CheckTurn", "GetServiceStatus", "GetProvider",
		"GetHandoffTool", "EvaluateSchedule", "GetHandback", "WatchSessions",
	}
	forTokens = []string{
		"SendMessage", "SendSignal", "StreamReplies", "CloseSession", "ContinueWaiting", "GetSession", "ListEvents", "CreateUpload",
	}
)

// TestScopes calls every RPC with every kind of credential.
func TestScopes(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	s.configure("other", r)
	session, token := s.admin.request(t, "shop", "conversation")
	_, foreignToken := s.admin.request(t, "shop", "elsewhere")
	_, spareKey := s.createKey(handoffv1.Key_SCOPE_AGENT, "spare")
	desk, _ := s.createKey(handoffv1.Key_SCOPE_DESK, "shop")
	credentials := map[string]*client{
		"nobody": s.client(""), "unknown key": s.client("unknown"), "agent": s.agentClient("shop"), "other agent": s.agentClient("other"),
		"desk": desk, "session token": s.client(token), "another's token": s.client(foreignToken), "admin": s.admin,
	}
	values := map[string]any{
		"agentId": "shop", "conversationId": "conversation", "sessionId": session.GetId(), "text": "x", "typing": true,
		"name": "x", "size": "1", "calendar": holidays, "id": spareKey.GetId(), "scope": "SCOPE_AGENT", "validateOnly": true, "url": "https://shop.example/events", "deliveryId": "none",
	}
	count := 0
	for _, file := range []protoreflect.FileDescriptor{
		handoffv1.File_handoff_v1_handoff_service_proto, handoffv1.File_handoff_v1_key_service_proto,
		handoffv1.File_handoff_v1_admin_service_proto, handoffv1.File_handoff_v1_desk_service_proto,
	} {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				method := service.Methods().Get(j)
				count++
				for _, name := range slices.Sorted(maps.Keys(credentials)) {
					checkScope(t, method, name, credentials[name], values)
				}
			}
		}
	}
	assert.GreaterOrEqual(t, count, 25, "all RPCs were found")
}

// checkScope calls one RPC, with a request that is well-formed, by one credential.
func checkScope(t *testing.T, method protoreflect.MethodDescriptor, name string, c *client, values map[string]any) {
	t.Helper()
	body := map[string]any{}
	for i := range method.Input().Fields().Len() {
		field := method.Input().Fields().Get(i).JSONName()
		if value, ok := values[field]; ok {
			body[field] = value
		}
	}
	data, err := json.Marshal(body)
	require.NoError(t, err)
	route := fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())
	var got string
	if method.IsStreamingServer() {
		got = streamCode(t, c, route, data)
	} else {
		_, answer := c.post(t, route, string(data))
		got = errorCode(answer)
	}
	want := wantCode(method, name)
	if want != "" {
		assert.Equal(t, want, got, "%s by %s", route, name)
		return
	}
	forbidden := []string{"unauthenticated", "permission_denied", "internal", "unknown"}
	if method.Parent().Name() != "DeskService" { // for which the session is of the wrong kind
		forbidden = append(forbidden, "invalid_argument")
	}
	assert.NotContains(t, forbidden, got, "%s by %s is allowed", route, name)
}

// wantCode is the error that a credential must get; empty: it is let in.
func wantCode(descriptor protoreflect.MethodDescriptor, credential string) string {
	method, onDesk := string(descriptor.Name()), descriptor.Parent().Name() == "DeskService"
	switch credential {
	case "nobody", "unknown key":
		return "unauthenticated"
	case "admin":
		return ""
	case "agent":
		if !onDesk && slices.Contains(forAgents, method) {
			return ""
		}
	case "session token":
		if !onDesk && slices.Contains(forTokens, method) {
			return ""
		}
	case "desk":
		if onDesk {
			return ""
		}
	}
	return "permission_denied"
}

// streamCode opens a server stream by Connect in JSON and reads the first envelope.
func streamCode(t *testing.T, c *client, route string, message []byte) string {
	t.Helper()
	envelope := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	response := c.open(t, http.MethodPost, route, string(append(envelope, message...)), "Content-Type", "application/connect+json")
	defer response.Body.Close()
	head := make([]byte, 5)
	_, err := io.ReadFull(response.Body, head)
	require.NoError(t, err, route)
	if head[0]&2 == 0 {
		return "" // a message, so the stream is open
	}
	var end struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	data := make([]byte, binary.BigEndian.Uint32(head[1:]))
	_, err = io.ReadFull(response.Body, data)
	require.NoError(t, err)
	require.NoError(t, json.NewDecoder(bytes.NewReader(data)).Decode(&end))
	return end.Error.Code
}
