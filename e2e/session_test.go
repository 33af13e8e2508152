package e2e_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

func TestCloseReasons(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	agent := s.agentClient("shop")

	human, token := agent.request(t, "shop", "by-human")
	agent.awaitState(t, human.GetId(), waiting)
	status, body := agent.post(t, "/v1/human/close", humanClose(human.GetId()))
	require.Equal(t, http.StatusOK, status, body)
	assert.JSONEq(t, `{"code":0,"message":"success"}`, body)
	assert.Equal(t, handoffv1.CloseReason_CLOSE_REASON_HUMAN,
		last(agent.events(t, human.GetId())).GetStateChanged().GetCloseReason())
	// Whoever closes afterwards changes nothing.
	assert.Equal(t, handoffv1.CloseReason_CLOSE_REASON_HUMAN, s.client(token).close(t, human.GetId()).GetCloseReason())

	for _, by := range []struct {
		name   string
		closer func(token string) *client
		reason handoffv1.CloseReason
	}{
		{"token", s.client, handoffv1.CloseReason_CLOSE_REASON_CUSTOMER},
		{"agent", func(string) *client { return agent }, handoffv1.CloseReason_CLOSE_REASON_CUSTOMER},
		{"admin", func(string) *client { return s.admin }, handoffv1.CloseReason_CLOSE_REASON_OPERATOR},
	} {
		session, token := agent.request(t, "shop", "by-"+by.name)
		answer, err := by.closer(token).CloseSession(t.Context(),
			&handoffv1.CloseSessionRequest{SessionId: session.GetId(), Note: "noted by " + by.name})
		require.NoError(t, err)
		assert.Equal(t, by.reason, answer.GetSession().GetCloseReason(), by.name)
		assert.Equal(t, "noted by "+by.name, answer.GetSession().GetOutcome().GetNote())
		assert.Equal(t, "USER_CLOSED", r.await(session.GetId(), "/conversation/close", 1)[0].Body.Type, by.name)
	}
	// By now a close call for the human's close would long be there.
	assert.Empty(t, r.callsOf(human.GetId(), "/conversation/close"), "the human side knows that it closed")
}

func TestLateReply(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	agent := s.agentClient("shop")
	session, _ := agent.request(t, "shop", "late")
	agent.close(t, session.GetId())
	before := agent.events(t, session.GetId())

	for range 2 {
		status, body := agent.post(t, "/v1/human/message/receive", reply(session.GetId(), "Sorry for the wait!"))
		require.Equal(t, http.StatusConflict, status, body)
		assert.Contains(t, body, "40900")
	}
	again := reply(session.GetId(), "Was the answer lost?")
	for range 2 {
		status, body := agent.post(t, "/v1/human/message/receive", again)
		require.Equal(t, http.StatusConflict, status, body)
	}
	status, body := agent.post(t, "/v1/human/close", humanClose(session.GetId()))
	require.Equal(t, http.StatusConflict, status, body)
	assert.Contains(t, body, "40900")
	assert.Len(t, agent.events(t, session.GetId()), len(before), "no events after CLOSED")
	late, err := s.admin.ops.ListLate(t.Context(), &handoffv1.ListLateRequest{SessionId: session.GetId()})
	require.NoError(t, err)
	require.Len(t, late.GetLateMessages(), 3, "late messages are kept, a repeat once")
	assert.Equal(t, "Sorry for the wait!", late.GetLateMessages()[1].GetText())
}

func TestContinueWaiting(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	session, token := s.admin.request(t, "shop", "conversation")
	customer := s.client(token)
	goOn := func() (*handoffv1.ContinueWaitingResponse, error) {
		return customer.ContinueWaiting(t.Context(), &handoffv1.ContinueWaitingRequest{SessionId: session.GetId()})
	}
	customer.awaitState(t, session.GetId(), waiting)
	for range 2 {
		answer, err := goOn()
		require.NoError(t, err)
		assert.Equal(t, waiting, answer.GetSession().GetState())
	}
	status, body := s.admin.post(t, "/v1/human/message/receive", reply(session.GetId(), "Hi"))
	require.Equal(t, http.StatusOK, status, body)
	answer, err := goOn()
	require.NoError(t, err, "in ACTIVE it does nothing")
	assert.Equal(t, active, answer.GetSession().GetState())
	assert.Len(t, customer.events(t, session.GetId()), 4, "no events of its own")
	customer.close(t, session.GetId())
	_, err = goOn()
	requireCode(t, connect.CodeFailedPrecondition, err)
}

func TestRepeatedReply(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	agent := s.agentClient("shop")
	session, _ := agent.request(t, "shop", "repeat")
	body := reply(session.GetId(), "Hello")
	for range 3 {
		status, answer := agent.post(t, "/v1/human/message/receive", body)
		require.Equal(t, http.StatusOK, status, answer)
	}
	status, answer := agent.post(t, "/v1/human/message/receive", reply(session.GetId(), "Hello"))
	require.Equal(t, http.StatusOK, status, answer)
	count := 0
	for _, event := range agent.events(t, session.GetId()) {
		if event.GetMessage() != nil {
			count++
		}
	}
	assert.Equal(t, 2, count, "one for the call that was repeated, one for the same text at another time")
}

func TestRequestIsIdempotent(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	agent := s.agentClient("shop")
	withID := func(id string) func(*handoffv1.RequestHandoffRequest) {
		return func(request *handoffv1.RequestHandoffRequest) { request.RequestId = id }
	}

	first, token := agent.request(t, "shop", "conversation", withID("request-1"))
	same, other := agent.request(t, "shop", "conversation", withID("request-2"))
	assert.Equal(t, first.GetId(), same.GetId(), "one open session of a conversation")
	assert.NotEqual(t, token, other, "each answer mints a token")
	known, _ := agent.request(t, "shop", "elsewhere", withID("request-1"))
	assert.Equal(t, first.GetId(), known.GetId(), "a known request_id")
	for _, key := range []string{token, other} {
		_, err := s.client(key).GetSession(t.Context(), &handoffv1.GetSessionRequest{SessionId: first.GetId()})
		require.NoError(t, err, "all tokens stay valid")
	}
	agent.close(t, first.GetId())
	known, _ = agent.request(t, "shop", "conversation", withID("request-1"))
	assert.Equal(t, first.GetId(), known.GetId(), "a known request_id, closed")
	second, _ := agent.request(t, "shop", "conversation", withID("request-3"))
	assert.NotEqual(t, first.GetId(), second.GetId(), "a closed session does not come back")
	assert.Greater(t, second.GetEpoch(), first.GetEpoch())
	assert.Len(t, r.await(first.GetId(), "/conversation/establish", 1), 1)

	// Another agent's ids are its own.
	s.configure("other", r)
	foreign, _ := s.agentClient("other").request(t, "other", "conversation", withID("request-1"))
	assert.NotEqual(t, first.GetId(), foreign.GetId())
}

func TestConcurrentRequestsMakeOneSession(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	var group sync.WaitGroup
	ids := make([]string, 16)
	for i := range ids {
		group.Go(func() {
			answer, err := s.admin.RequestHandoff(t.Context(), &handoffv1.RequestHandoffRequest{
				AgentId: "shop", ConversationId: "conversation", RequestId: strconv.Itoa(i),
			})
			if assert.NoError(t, err) {
				ids[i] = answer.GetSession().GetId()
				s.vault.addHanded("session token", answer.GetSessionToken(), "/handoff.v1.HandoffService/RequestHandoff")
			}
		})
	}
	group.Wait()
	for _, id := range ids {
		assert.Equal(t, ids[0], id)
	}

	messages := make([]string, 16)
	for i := range messages {
		group.Go(func() {
			answer, err := s.admin.SendMessage(t.Context(),
				&handoffv1.SendMessageRequest{SessionId: ids[0], ClientMessageId: "same", Text: "once"})
			if assert.NoError(t, err) {
				messages[i] = answer.GetMessage().GetId()
			}
		})
	}
	group.Wait()
	for _, id := range messages {
		assert.Equal(t, messages[0], id)
	}
	s.admin.awaitStatus(t, ids[0], messages[0], delivered)
	assert.Len(t, r.callsOf(ids[0], "/chat"), 1)
}

func TestTranscriptRounds(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	rounds := func(count int32) func(*handoffv1.ConfigureProviderRequest) {
		return func(request *handoffv1.ConfigureProviderRequest) { request.Settings.TranscriptRounds = &count }
	}
	many := make([]string, 0, 24)
	var lastTen []string
	for i := range 12 {
		many = append(many, fmt.Sprintf("U q%d", i), fmt.Sprintf("A a%d", i))
		if i >= 2 {
			lastTen = append(lastTen, fmt.Sprintf("Q q%d", i), fmt.Sprintf("A a%d", i))
		}
	}
	for name, c := range map[string]struct {
		configure  []func(*handoffv1.ConfigureProviderRequest)
		transcript []string
		question   string
		want       []string
	}{
		"two":             {on(rounds(2)), []string{"U 1", "A 1", "U 2", "A 2", "A 2b", "U 3", "A 3"}, "Q", []string{"Q 2", "A 2", "A 2b", "Q 3", "A 3", "Q Q"}},
		"none":            {on(rounds(0)), []string{"U 1", "A 1"}, "Q", []string{"Q Q"}},
		"default is ten":  {nil, many, "Q", append(lastTen, "Q Q")},
		"question twice":  {nil, []string{"U 1", "A 1", "U same"}, "same", []string{"Q 1", "A 1", "Q same"}},
		"answered before": {nil, []string{"U same", "A 1", "U 2"}, "same", []string{"Q same", "A 1", "Q 2", "Q same"}},
		"no question":     {nil, []string{"U 1", "A 1"}, "", []string{"Q 1", "A 1"}},
	} {
		s.configure(name, r, c.configure...)
		session, _ := s.admin.request(t, name, "conversation", func(request *handoffv1.RequestHandoffRequest) {
			request.Transcript, request.Question = turns(c.transcript...), c.question
		})
		assert.Equal(t, c.want, r.await(session.GetId(), "/conversation/establish", 1)[0].turns(), name)
	}
}

func on[T any](values ...T) []T { return values }

func TestListing(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	s.configure("other", r)
	agent := s.agentClient("shop")
	var want []string // the newest first
	for i := range 7 {
		session, _ := agent.request(t, "shop", fmt.Sprintf("conversation-%d", i))
		want = append([]string{session.GetId()}, want...)
	}
	s.admin.request(t, "other", "conversation-0")

	list := func(c *client, request *handoffv1.ListSessionsRequest) (ids []string) {
		t.Helper()
		for {
			answer, err := c.ListSessions(t.Context(), request)
			require.NoError(t, err)
			if request.GetPageSize() > 0 {
				require.LessOrEqual(t, len(answer.GetSessions()), int(request.GetPageSize()))
			}
			for _, session := range answer.GetSessions() {
				ids = append(ids, session.GetId())
			}
			if answer.GetNextPageToken() == "" {
				return ids
			}
			request = proto.CloneOf(request)
			request.PageToken = answer.GetNextPageToken()
		}
	}
	assert.Equal(t, want, list(agent, &handoffv1.ListSessionsRequest{PageSize: 2}), "its own agent's, in pages")
	assert.Equal(t, want, list(s.admin, &handoffv1.ListSessionsRequest{AgentId: "shop", PageSize: 7}))
	assert.Len(t, list(s.admin, &handoffv1.ListSessionsRequest{}), 8)
	assert.Equal(t, want[6:], list(agent, &handoffv1.ListSessionsRequest{ConversationId: "conversation-0"}))
	_, err := agent.ListSessions(t.Context(), &handoffv1.ListSessionsRequest{AgentId: "other"})
	requireCode(t, connect.CodePermissionDenied, err)

	agent.close(t, want[0])
	assert.Equal(t, want[:1], list(agent, &handoffv1.ListSessionsRequest{States: on(closed)}))
	assert.Equal(t, want[1:], list(agent, &handoffv1.ListSessionsRequest{States: on(requested, waiting, active), PageSize: 4}))

	agents, err := s.admin.ListAgents(t.Context(), &handoffv1.ListAgentsRequest{PageSize: 1})
	require.NoError(t, err)
	require.Len(t, agents.GetAgents(), 1)
	assert.Equal(t, "other", agents.GetAgents()[0].GetAgentId(), "by id")
	agents, err = s.admin.ListAgents(t.Context(), &handoffv1.ListAgentsRequest{PageSize: 1, PageToken: agents.GetNextPageToken()})
	require.NoError(t, err)
	assert.Equal(t, "shop", agents.GetAgents()[0].GetAgentId())
	assert.True(t, agents.GetAgents()[0].GetEnabled())
	assert.Empty(t, agents.GetNextPageToken())
}

func TestListEventsInPages(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	session, _ := s.admin.request(t, "shop", "conversation")
	for i := range 60 {
		s.admin.send(t, session.GetId(), "", fmt.Sprintf("message %d", i))
	}
	s.admin.close(t, session.GetId())
	all := s.admin.events(t, session.GetId())
	requireGapless(t, all)

	answer, err := s.admin.ListEvents(t.Context(), &handoffv1.ListEventsRequest{SessionId: session.GetId()})
	require.NoError(t, err)
	assert.Len(t, answer.GetEvents(), 50, "the default of page_size")
	var paged []*handoffv1.Event
	request := &handoffv1.ListEventsRequest{SessionId: session.GetId(), AfterSequence: 2, PageSize: 7}
	for {
		answer, err := s.admin.ListEvents(t.Context(), request)
		require.NoError(t, err)
		paged = append(paged, answer.GetEvents()...)
		if request.PageToken = answer.GetNextPageToken(); request.GetPageToken() == "" {
			break
		}
	}
	require.Len(t, paged, len(all)-2)
	for i, event := range paged {
		require.True(t, proto.Equal(all[i+2], event), "a logged event never changes: %v, %v", all[i+2], event)
	}
}
