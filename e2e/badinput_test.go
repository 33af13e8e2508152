package e2e_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

const kib, mib = 1 << 10, 1 << 20

// TestBadInput refuses one thing after the other, and at the end nothing of it has
// left a trace.
func TestBadInput(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	agent := s.agentClient("shop")
	open, _ := agent.request(t, "shop", "open")
	agent.awaitState(t, open.GetId(), waiting)
	id := open.GetId()
	ctx := t.Context()
	sendText := func(text string) error {
		_, err := agent.SendMessage(ctx, &handoffv1.SendMessageRequest{SessionId: id, Text: text})
		return err
	}
	requestWith := func(change func(*handoffv1.RequestHandoffRequest)) error {
		request := &handoffv1.RequestHandoffRequest{AgentId: "shop", ConversationId: "bad"}
		change(request)
		_, err := agent.RequestHandoff(ctx, request)
		return err
	}
	configureURL := func(url string) error {
		request := webhookRequest("bad", r)
		request.GetWebhook().Url = url
		_, err := s.admin.ConfigureProvider(ctx, request)
		return err
	}
	long := strings.Repeat("x", 129)
	for name, try := range map[string]func() error{
		"empty text":          func() error { return sendText("") },
		"64 KiB and a byte":   func() error { return sendText(strings.Repeat("x", 64*kib+1)) },
		"64 KiB of two bytes": func() error { return sendText(strings.Repeat("ü", 32*kib) + "x") },
		"1,001 turns": func() error {
			return requestWith(func(r *handoffv1.RequestHandoffRequest) { r.Transcript = manyTurns(1001) })
		},
		"turn without role": func() error {
			return requestWith(func(r *handoffv1.RequestHandoffRequest) { r.Transcript = on(&handoffv1.Turn{Text: "x"}) })
		},
		"turn too long": func() error {
			return requestWith(func(r *handoffv1.RequestHandoffRequest) { r.Transcript = turns("U " + strings.Repeat("x", 64*kib+1)) })
		},
		"question too long": func() error {
			return requestWith(func(r *handoffv1.RequestHandoffRequest) { r.Question = strings.Repeat("x", 64*kib+1) })
		},
		"e-mail without @": func() error {
			return requestWith(func(r *handoffv1.RequestHandoffRequest) { r.Customer = &handoffv1.Customer{Email: "ann"} })
		},
		"e-mail with newline": func() error {
			return requestWith(func(r *handoffv1.RequestHandoffRequest) { r.Customer = &handoffv1.Customer{Email: "a@b.example\nx"} })
		},
		"no conversation":      func() error { return requestWith(func(r *handoffv1.RequestHandoffRequest) { r.ConversationId = "" }) },
		"conversation id long": func() error { return requestWith(func(r *handoffv1.RequestHandoffRequest) { r.ConversationId = long }) },
		"request id long":      func() error { return requestWith(func(r *handoffv1.RequestHandoffRequest) { r.RequestId = long }) },
		"URL of another kind":  func() error { return configureURL("ftp://desk.example") },
		"URL without host":     func() error { return configureURL("https://") },
		"URL that is a word":   func() error { return configureURL("desk") },
		"URL with a user":      func() error { return configureURL("https://user:word@desk.example") },
		"URL with a fragment":  func() error { return configureURL("https://desk.example/#x") },
		"page size 1,001": func() error {
			_, err := agent.ListEvents(ctx, &handoffv1.ListEventsRequest{SessionId: id, PageSize: 1001})
			return err
		},
		"page size below 0": func() error {
			_, err := agent.ListSessions(ctx, &handoffv1.ListSessionsRequest{PageSize: -1})
			return err
		},
		"page token of events": func() error {
			_, err := agent.ListEvents(ctx, &handoffv1.ListEventsRequest{SessionId: id, PageToken: "not-ours"})
			return err
		},
		"page token of sessions": func() error {
			_, err := agent.ListSessions(ctx, &handoffv1.ListSessionsRequest{PageToken: "bm90IG91cnM"})
			return err
		},
		"key of no scope": func() error {
			_, err := s.admin.keys.CreateKey(ctx, &handoffv1.CreateKeyRequest{AgentId: "shop"})
			return err
		},
		"agent key without agent": func() error {
			_, err := s.admin.keys.CreateKey(ctx, &handoffv1.CreateKeyRequest{Scope: handoffv1.Key_SCOPE_AGENT})
			return err
		},
		"admin key with agent": func() error {
			_, err := s.admin.keys.CreateKey(ctx, &handoffv1.CreateKeyRequest{Scope: handoffv1.Key_SCOPE_ADMIN, AgentId: "shop"})
			return err
		},
		"unknown zone": func() error {
			_, err := s.admin.ConfigureProvider(ctx,
				&handoffv1.ConfigureProviderRequest{AgentId: "bad", Settings: &handoffv1.Settings{TimeZone: "Mars/Olympus"}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { requireCode(t, connect.CodeInvalidArgument, try()) })
	}

	assert.Len(t, s.admin.events(t, id), 2, "nothing was logged")
	list, err := s.admin.ListSessions(ctx, &handoffv1.ListSessionsRequest{})
	require.NoError(t, err)
	assert.Len(t, list.GetSessions(), 1)
	_, err = s.admin.GetProvider(ctx, &handoffv1.GetProviderRequest{AgentId: "bad"})
	requireCode(t, connect.CodeNotFound, err)
}

func manyTurns(count int) []*handoffv1.Turn {
	all := make([]*handoffv1.Turn, count)
	for i := range all {
		all[i] = &handoffv1.Turn{Role: handoffv1.Turn_ROLE_USER, Text: "x"}
	}
	return all
}

// TestLimitsAreReached takes what is just allowed.
func TestLimitsAreReached(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	name := strings.Repeat("ü", 64)
	session, _ := s.admin.request(t, "shop", name, func(request *handoffv1.RequestHandoffRequest) {
		request.Transcript, request.RequestId = manyTurns(1000), name
	})
	text := strings.Repeat("ü", 32*kib)
	s.admin.send(t, session.GetId(), name, text)
	assert.Equal(t, text, r.await(session.GetId(), "/chat", 1)[0].text())
}

func TestViolationsAreListed(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	_, err := s.admin.RequestHandoff(t.Context(), &handoffv1.RequestHandoffRequest{Customer: &handoffv1.Customer{Email: "x"}})
	requireCode(t, connect.CodeInvalidArgument, err)
	var rpc *connect.Error
	require.ErrorAs(t, err, &rpc)
	for _, detail := range rpc.Details() {
		value, err := detail.Value()
		require.NoError(t, err)
		if violations, ok := value.(*validate.Violations); ok {
			assert.Len(t, violations.GetViolations(), 3, "agent_id, conversation_id, customer.email: %v", violations)
			return
		}
	}
	require.Fail(t, "no buf.validate.Violations")
}

func TestMalformedBodies(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	agent := s.agentClient("shop")
	open, _ := agent.request(t, "shop", "open")
	for name, body := range map[string]string{
		"cut":           `{"agentId": "shop"`,
		"no JSON":       `agentId=shop`,
		"wrong type":    `{"agentId": 7}`,
		"a list":        `[]`,
		"unknown field": `{"agentId": "shop", "conversationID": "x"}`,
		"not UTF-8":     "{\"agentId\": \"\xff\"}",
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := agent.post(t, handoffv1connect.HandoffServiceRequestHandoffProcedure, body)
			assert.Equal(t, http.StatusBadRequest, status, answer)
			assert.Equal(t, "invalid_argument", errorCode(answer), answer)
		})
	}
	for name, body := range map[string]string{
		"reply cut":              `{"conversation_id":`,
		"reply no object":        `"hello"`,
		"reply without text":     fmt.Sprintf(`{"conversation_id":%q,"timestamp":1767225600000,"body":""}`, open.GetId()),
		"reply wrong type":       fmt.Sprintf(`{"conversation_id":%q,"timestamp":1767225600000,"body":7}`, open.GetId()),
		"reply without id":       `{"timestamp":1767225600000,"body":"x"}`,
		"reply with a long text": reply(open.GetId(), strings.Repeat("x", 64*kib+1)),
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := agent.post(t, "/v1/human/message/receive", body)
			assert.Equal(t, http.StatusBadRequest, status, answer)
			assert.Contains(t, answer, "40000")
		})
	}
	for _, event := range agent.events(t, open.GetId()) {
		assert.Nil(t, event.GetMessage())
	}
}

func TestBodyOverTheLimit(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	url := path(t, s.configure("shop", r).GetReceiveUrl())
	session, _ := s.admin.request(t, "shop", "conversation")
	request := &handoffv1.RequestHandoffRequest{AgentId: "shop", ConversationId: "big", Transcript: manyTurns(100)}
	for _, turn := range request.GetTranscript() {
		turn.Text = strings.Repeat("x", 50*kib)
	}
	for _, over := range transports {
		_, err := s.clientOver(over, s.adminKey).RequestHandoff(t.Context(), request)
		// Found by the RPC library before any of our code, so the code is the reason.
		require.Equal(t, connect.CodeResourceExhausted, connect.CodeOf(err), "%v", err)
	}
	big := reply(session.GetId(), strings.Repeat("x", 4*mib))
	for _, route := range []string{"/v1/human/message/receive", url + "/human/message/receive"} {
		status, body := s.admin.post(t, route, big)
		assert.Equal(t, http.StatusRequestEntityTooLarge, status, tail(body, 500))
	}

	// What unpacks to more than the limit is over it too.
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, err := writer.Write([]byte(`{"agentId":"shop","question":"` + strings.Repeat("x", 64*mib) + `"}`))
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	status, answer := s.admin.post(t, handoffv1connect.HandoffServiceRequestHandoffProcedure, packed.String(), "Content-Encoding", "gzip")
	assert.Equal(t, "resource_exhausted", errorCode(answer), answer)
	assert.Equal(t, http.StatusTooManyRequests, status)
}

func TestWebhookTokens(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	url := path(t, s.configure("shop", r).GetReceiveUrl())
	nobody := s.client("")
	for _, route := range []string{
		"/webhooks/webhook/" + strings.Repeat("a", 43), "/webhooks/webhook/x/human/close", "/webhooks/slack" + strings.TrimPrefix(url, "/webhooks/webhook"),
		"/webhooks/", "/webhooks/webhook", url + "x/human/close", "/nowhere",
	} {
		status, body := nobody.post(t, route, `{}`)
		assert.Equal(t, http.StatusNotFound, status, "%s: %s", route, body)
	}
	status, _ := nobody.do(t, http.MethodDelete, url+"/human/close", "")
	assert.Contains(t, []int{http.StatusMethodNotAllowed, http.StatusNotFound}, status)
}

func TestUnknownIDs(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	s.configure("other", r)
	agent := s.agentClient("shop")
	own, token := agent.request(t, "shop", "own")
	foreign, _ := s.admin.request(t, "other", "foreign")
	second, _ := agent.request(t, "shop", "second")

	get := func(c *client, id string) error {
		_, err := c.GetSession(t.Context(), &handoffv1.GetSessionRequest{SessionId: id})
		return err
	}
	requireCode(t, connect.CodeNotFound, get(s.admin, "unknown"))
	unknown, denied := get(agent, "unknown"), get(agent, foreign.GetId())
	requireCode(t, connect.CodePermissionDenied, unknown)
	requireCode(t, connect.CodePermissionDenied, denied)
	assert.Equal(t, denied.Error(), unknown.Error(), "the same whether or not it exists")
	assert.Equal(t, reasonOf(denied), reasonOf(unknown))
	require.NoError(t, get(s.client(token), own.GetId()))
	requireCode(t, connect.CodePermissionDenied, get(s.client(token), second.GetId()))
	requireCode(t, connect.CodePermissionDenied, get(s.client(token), "unknown"))

	for _, c := range []struct {
		client  *client
		session string
		status  int
		code    string
	}{
		{agent, "unknown", 404, "40400"},
		{agent, foreign.GetId(), 404, "40400"},
		{agent, "own", 404, "40400"},
		{s.admin, "unknown", 404, "40400"},
		{s.client(""), own.GetId(), 401, "40127"},
		{s.client("wrong"), own.GetId(), 401, "40127"},
	} {
		for route, body := range map[string]string{
			"/v1/human/message/receive": reply(c.session, "x"), "/v1/human/close": humanClose(c.session),
		} {
			status, answer := c.client.post(t, route, body)
			assert.Equal(t, c.status, status, "%s of %s: %s", route, c.session, answer)
			assert.Contains(t, answer, c.code)
		}
	}
	for _, c := range []struct {
		client *client
		want   int
	}{{s.admin, 404}, {agent, 403}, {s.client(token), 403}} {
		status, _ := c.client.do(t, http.MethodGet, "/v1/sessions/unknown/events", "")
		assert.Equal(t, c.want, status, "events of an unknown session")
	}
	// A session token and a desk key are no keys for the reply routes.
	desk, _ := s.createKey(handoffv1.Key_SCOPE_DESK, "shop")
	for _, c := range []*client{desk, s.client(token)} {
		status, answer := c.post(t, "/v1/human/close", humanClose(own.GetId()))
		assert.Contains(t, []int{401, 403}, status, answer)
		assert.Contains(t, answer, "40127")
	}
}

func TestCursorBeyondTheLog(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	session, token := s.admin.request(t, "shop", "conversation")
	for _, over := range transports {
		customer := s.clientOver(over, token)
		requireCode(t, connect.CodeOutOfRange, customer.follow(t, session.GetId(), 1000).end())
		_, err := customer.ListEvents(t.Context(), &handoffv1.ListEventsRequest{SessionId: session.GetId(), AfterSequence: 1000})
		requireCode(t, connect.CodeOutOfRange, err)
	}
	for _, headers := range [][]string{{"Last-Event-ID", "1000"}, {"Last-Event-ID", "one"}, {"Last-Event-ID", "-1"}} {
		status, body := s.admin.do(t, http.MethodGet, "/v1/sessions/"+session.GetId()+"/events", "", headers...)
		assert.Equal(t, http.StatusBadRequest, status, "%v: %s", headers, body)
	}
}

func TestStreamsNeedAKey(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	s.configure("other", r)
	session, _ := s.admin.request(t, "shop", "conversation")
	_, foreign := s.admin.request(t, "shop", "another")
	other := s.agentClient("other")
	for _, over := range transports {
		for key, want := range map[string]connect.Code{
			"": connect.CodeUnauthenticated, "unknown": connect.CodeUnauthenticated,
			other.key: connect.CodePermissionDenied, foreign: connect.CodePermissionDenied,
		} {
			requireCode(t, want, s.clientOver(over, key).follow(t, session.GetId(), 0).end())
		}
	}
	for key, want := range map[string]int{"": 401, "unknown": 401, other.key: 403, foreign: 403} {
		status, _ := s.client(key).do(t, http.MethodGet, "/v1/sessions/"+session.GetId()+"/events", "")
		assert.Equal(t, want, status)
	}
}
