package e2e_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

// deskOf returns a client of an agent's desk, and configures the agent with it.
func (s *server) deskOf(agent string, settings *handoffv1.Settings) handoffv1connect.DeskServiceClient {
	s.t.Helper()
	_, err := s.client(s.adminKey).ConfigureProvider(s.t.Context(), &handoffv1.ConfigureProviderRequest{
		AgentId: agent, Settings: settings,
		Provider: &handoffv1.ConfigureProviderRequest_Desk{Desk: &handoffv1.DeskConfig{}},
	})
	require.NoError(s.t, err)
	desk, _ := s.createKey(handoffv1.Key_SCOPE_DESK, agent)
	return handoffv1connect.NewDeskServiceClient(bearer{desk.key}, s.url)
}

// bearer is an HTTP client that sends a key, if there is one.
type bearer struct{ key string }

func (b bearer) Do(r *http.Request) (*http.Response, error) {
	if b.key != "" {
		r.Header.Set("Authorization", "Bearer "+b.key)
	}
	return http.DefaultClient.Do(r)
}

func TestDesk(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	desk := s.deskOf("shop", longSettings())
	agent := s.agentClient("shop")

	queue, err := desk.StreamDesk(t.Context(), &handoffv1.StreamDeskRequest{})
	require.NoError(t, err)
	require.True(t, queue.Receive())
	require.Empty(t, queue.Msg().GetSessions())

	session, _ := agent.request(t, "shop", "chat-1", func(r *handoffv1.RequestHandoffRequest) {
		r.Transcript = []*handoffv1.Turn{{Role: handoffv1.Turn_ROLE_USER, Text: "before"}}
		r.Question = "A human, please."
	})
	agent.awaitState(t, session.GetId(), waiting)
	shown := nextInQueue(t, queue, session.GetId())
	require.Equal(t, "A human, please.", shown.GetSession().GetQuestion())
	require.Equal(t, "before", shown.GetTranscript()[0].GetText())

	claimed, err := desk.ClaimSession(t.Context(), &handoffv1.ClaimSessionRequest{SessionId: session.GetId(), Human: "Joe"})
	require.NoError(t, err)
	require.Equal(t, "Joe", claimed.GetSession().GetAssignee())
	require.Equal(t, waiting, claimed.GetSession().GetSession().GetState(), "claiming does not make a session active")
	_, err = desk.ClaimSession(t.Context(), &handoffv1.ClaimSessionRequest{SessionId: session.GetId(), Human: "Ann"})
	requireCode(t, connect.CodeFailedPrecondition, err)

	reply := &handoffv1.ReplyRequest{SessionId: session.GetId(), ClientMessageId: "r1", Text: "Hello!", Human: "Joe"}
	first, err := desk.Reply(t.Context(), reply)
	require.NoError(t, err)
	again, err := desk.Reply(t.Context(), reply)
	require.NoError(t, err)
	require.Equal(t, first.GetMessage().GetId(), again.GetMessage().GetId(), "a repeat is the first message")
	agent.awaitState(t, session.GetId(), active)
	agent.send(t, session.GetId(), "m1", "Thank you.")

	_, err = desk.TransferSession(t.Context(), &handoffv1.TransferSessionRequest{SessionId: session.GetId(), Assignee: "Ann", Note: "speaks German"})
	require.NoError(t, err)
	_, err = desk.Reply(t.Context(), &handoffv1.ReplyRequest{SessionId: session.GetId(), Text: "me?", Human: "Joe"})
	requireCode(t, connect.CodeFailedPrecondition, err)

	ended, err := desk.CloseSession(t.Context(), &handoffv1.DeskServiceCloseSessionRequest{SessionId: session.GetId(), Disposition: "solved", Note: "found it"})
	require.NoError(t, err)
	require.Equal(t, handoffv1.CloseReason_CLOSE_REASON_HUMAN, ended.GetSession().GetCloseReason())
	require.Equal(t, "solved", ended.GetSession().GetOutcome().GetDisposition())
	requireHumanSaid(t, desk, session.GetId(), "Hello!")
	for shown = nextInQueue(t, queue, session.GetId()); shown.GetSession().GetState() != closed; {
		shown = nextInQueue(t, queue, session.GetId())
	}
}

// nextInQueue returns the next state that a desk's stream shows of a session.
func nextInQueue(t *testing.T, queue *connect.ServerStreamForClient[handoffv1.StreamDeskResponse], id string) *handoffv1.DeskSession {
	t.Helper()
	for queue.Receive() {
		for _, shown := range queue.Msg().GetSessions() {
			if shown.GetSession().GetId() == id {
				return shown
			}
		}
	}
	require.FailNow(t, "the desk's stream ended", "%v", queue.Err())
	return nil
}

// requireHumanSaid reads a closed session's stream at the desk to its end.
func requireHumanSaid(t *testing.T, desk handoffv1connect.DeskServiceClient, id, want string) {
	t.Helper()
	stream, err := desk.StreamSession(t.Context(), &handoffv1.StreamSessionRequest{SessionId: id})
	require.NoError(t, err)
	var said []string
	for stream.Receive() {
		for _, e := range stream.Msg().GetEvents() {
			if m := e.GetMessage(); m.GetAuthor() == handoffv1.Author_AUTHOR_HUMAN {
				said = append(said, m.GetText())
			}
		}
	}
	require.NoError(t, stream.Err())
	require.Equal(t, []string{want}, said)
}

func TestStartChat(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	chat := handoffv1connect.NewChatServiceClient(bearer{}, s.url)
	start := func(agent, origin string) (*handoffv1.StartChatResponse, error) {
		ctx, call := connect.NewClientContext(t.Context())
		if origin != "" {
			call.RequestHeader().Set("Origin", origin)
		}
		response, err := chat.StartChat(ctx, &handoffv1.StartChatRequest{AgentId: agent, Question: "hello?"})
		if err == nil && origin != "" && origin != s.url {
			require.Equal(t, origin, call.ResponseHeader().Get("Access-Control-Allow-Origin"))
		}
		return response, err
	}
	_, err := start("nobody", "")
	requireCode(t, connect.CodePermissionDenied, err)
	s.deskOf("private", nil)
	_, err = start("private", "")
	requireCode(t, connect.CodePermissionDenied, err)

	s.deskOf("public", &handoffv1.Settings{PublicChat: true, AllowedOrigins: []string{"https://shop.example"}})
	declined, err := start("public", "")
	require.NoError(t, err)
	require.Equal(t, handoffv1.DeclineReason_DECLINE_REASON_EMAIL_REQUIRED, declined.GetDeclined().GetReason())

	s.deskOf("public", &handoffv1.Settings{
		PublicChat: true, AllowedOrigins: []string{"https://shop.example"}, EmailPolicy: handoffv1.EmailPolicy_EMAIL_POLICY_OPTIONAL,
	})
	conversations := map[string]bool{}
	for _, origin := range []string{"", s.url, "https://shop.example"} {
		started, err := start("public", origin)
		require.NoError(t, err, origin)
		require.NotEmpty(t, started.GetSessionToken())
		conversations[started.GetSession().GetConversationId()] = true
		s.client(started.GetSessionToken()).send(t, started.GetSession().GetId(), "1", "Anybody?")
	}
	require.Len(t, conversations, 3, "each chat is a conversation of its own")
	_, err = start("public", "https://elsewhere.example")
	requireCode(t, connect.CodePermissionDenied, err)

	for range 10 {
		_, err = start("public", "")
	}
	requireCode(t, connect.CodeResourceExhausted, err)
}

// A page whose answer was lost repeats its StartChat: the customer waits once.
func TestStartChatAgain(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	chat := handoffv1connect.NewChatServiceClient(bearer{}, s.url)
	settings := &handoffv1.Settings{PublicChat: true, EmailPolicy: handoffv1.EmailPolicy_EMAIL_POLICY_OPTIONAL}
	for _, agent := range []string{"shop", "other"} {
		s.deskOf(agent, settings)
	}
	start := func(agent, id string) (*handoffv1.Session, string) {
		t.Helper()
		answer, err := chat.StartChat(t.Context(), &handoffv1.StartChatRequest{AgentId: agent, Question: "hello?", RequestId: id})
		require.NoError(t, err)
		require.NotNil(t, answer.GetSession(), "declined: %v", answer.GetDeclined())
		return answer.GetSession(), answer.GetSessionToken()
	}
	id := strings.Repeat("r", 128)
	first, _ := start("shop", id)
	again, token := start("shop", id)
	require.Equal(t, first.GetId(), again.GetId())
	require.Equal(t, first.GetConversationId(), again.GetConversationId())
	s.client(token).send(t, first.GetId(), "1", "Anybody?")
	for _, other := range [][]string{{"other", id}, {"shop", strings.Repeat("r", 32)}, {"shop", ""}, {"shop", ""}} {
		started, _ := start(other[0], other[1])
		require.NotEqual(t, first.GetId(), started.GetId(), "%v", other)
	}
	s.client(token).close(t, first.GetId())
	again, _ = start("shop", id)
	require.Equal(t, first.GetId(), again.GetId(), "even when it is closed")
	require.Equal(t, closed, again.GetState())

	_, err := chat.StartChat(t.Context(), &handoffv1.StartChatRequest{AgentId: "shop", RequestId: strings.Repeat("r", 31)})
	requireCode(t, connect.CodeInvalidArgument, err)
}

// Browsers and backends have request ids of their own: neither reaches the
// other's sessions, whatever they know.
func TestStartChatIsNoBackend(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.deskOf("shop", &handoffv1.Settings{PublicChat: true, EmailPolicy: handoffv1.EmailPolicy_EMAIL_POLICY_OPTIONAL})
	chat, agent := handoffv1connect.NewChatServiceClient(bearer{}, s.url), s.agentClient("shop")
	ofBackends := map[string]bool{}
	request := func(conversation, id string) {
		t.Helper()
		session, _ := agent.request(t, "shop", conversation, func(r *handoffv1.RequestHandoffRequest) { r.RequestId = id })
		ofBackends[session.GetId()] = true
	}
	id := strings.Repeat("q", 40)
	for i, known := range []string{id, "chat:" + id, "chat:chat:" + id} {
		request("c-"+strconv.Itoa(i), known)
	}
	require.Len(t, ofBackends, 3)
	var kept []string
	for _, tried := range []string{id, "chat:" + id} {
		started, err := chat.StartChat(t.Context(), &handoffv1.StartChatRequest{AgentId: "shop", RequestId: tried})
		require.NoError(t, err)
		require.NotContains(t, ofBackends, started.GetSession().GetId(), tried)
		kept = append(kept, started.GetSession().GetRequestId())
	}

	// What everybody may read of a browser's id opens nothing.
	require.NotContains(t, kept[0], id)
	_, err := chat.StartChat(t.Context(), &handoffv1.StartChatRequest{AgentId: "shop", RequestId: kept[0]})
	requireCode(t, connect.CodeInvalidArgument, err)
	_, err = agent.RequestHandoff(t.Context(), &handoffv1.RequestHandoffRequest{AgentId: "shop", ConversationId: "c-9", RequestId: kept[0]})
	requireCode(t, connect.CodeInvalidArgument, err)
}
