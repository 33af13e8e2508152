package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

const (
	requested = handoffv1.SessionState_SESSION_STATE_REQUESTED
	waiting   = handoffv1.SessionState_SESSION_STATE_WAITING
	active    = handoffv1.SessionState_SESSION_STATE_ACTIVE
	closed    = handoffv1.SessionState_SESSION_STATE_CLOSED

	delivered = handoffv1.MessageStatus_MESSAGE_STATUS_DELIVERED
	failed    = handoffv1.MessageStatus_MESSAGE_STATUS_FAILED
)

var transports = []transport{
	plain,
	{name: "Connect over HTTP/2", http2: true},
	{name: "Connect with JSON and gzip", gzip: true, options: []connect.ClientOption{connect.WithProtoJSON(), connect.WithSendGzip()}},
	{name: "Connect GET", options: []connect.ClientOption{connect.WithHTTPGet()}},
	{name: "gRPC over HTTP/2", http2: true, options: []connect.ClientOption{connect.WithGRPC()}},
	{name: "gRPC-Web over HTTP/1.1", options: []connect.ClientOption{connect.WithGRPCWeb()}},
	{name: "gRPC-Web over HTTP/2", http2: true, options: []connect.ClientOption{connect.WithGRPCWeb()}},
}

func TestWholeHandoff(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	r := startSecuredReceiver(t, "-prefix", "/human/service")
	for i, over := range transports {
		t.Run(over.name, func(t *testing.T) {
			agent := fmt.Sprintf("agent-%d", i)
			key := s.agentClient(agent)
			w := &walk{t: t, s: s, r: r, agent: agent, c: s.clientOver(over, key.key), admin: s.clientOver(over, s.adminKey)}
			w.configure()
			w.request()
			w.talk()
			w.end()
			w.afterwards()
		})
	}
}

// walk is one whole handoff, step by step.
type walk struct {
	t        *testing.T
	s        *server
	r        *receiver
	agent    string
	c, admin *client
	session  *handoffv1.Session
	stream   *follower
	epoch    uint64
}

func (w *walk) configure() {
	t := w.t
	probes := len(w.r.probes())
	request := webhookRequest(w.agent, w.r)
	w.s.vault.add("password", w.r.password)
	w.s.vault.add("signing secret", w.r.signingSecret)
	answer, err := w.admin.ConfigureProvider(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, handoffv1.ServiceState_SERVICE_STATE_AVAILABLE, answer.GetStatus().GetState(), "%v", answer.GetStatus())
	assert.Equal(t, "webhook", answer.GetStatus().GetProvider())
	assert.Empty(t, answer.GetStatus().GetReasonCode())
	assert.True(t, strings.HasPrefix(answer.GetReceiveUrl(), w.s.url+"/webhooks/webhook/"), answer.GetReceiveUrl())
	require.Len(t, w.r.probes(), probes+1, "configuring probes once")
	probe := w.r.probes()[probes]
	assert.Equal(t, http.StatusOK, probe.Status)
	assert.Equal(t, "/human/service/conversation/establish", probe.Path)
	assert.NotContains(t, w.r.conversations(), probe.Body.ConversationID, "a probe starts nothing")
	w.owner(handoffv1.Owner_OWNER_BOT)
	require.Zero(t, w.epoch, "an unknown conversation is at epoch 0")
	w.mayBotSpeak(0, true)
}

func (w *walk) request() {
	t := w.t
	w.session, _ = w.c.request(t, w.agent, "conversation", func(request *handoffv1.RequestHandoffRequest) {
		request.Customer = &handoffv1.Customer{
			Email: "ann@example.com", Name: "Ann", UserId: "u-1", AnonymousId: "anon-1", Phone: "+4930123456",
		}
		request.Transcript = turns("U one", "A first", "U two", "A second", "A third")
		request.Question = "Ünïcode: a human? 人"
		request.Metadata = map[string]string{"order": "42"}
	})
	assert.Equal(t, requested, w.session.GetState())
	assert.Equal(t, "webhook", w.session.GetProvider())
	assert.Equal(t, map[string]string{"order": "42"}, w.session.GetMetadata())
	w.stream = w.c.follow(t, w.session.GetId(), 0)

	establish := w.r.await(w.session.GetId(), "/conversation/establish", 1)[0]
	assert.Equal(t, http.StatusOK, establish.Status)
	assert.Equal(t, "/human/service/conversation/establish", establish.Path)
	assert.Equal(t, []string{"Q one", "A first", "Q two", "A second", "A third", "Q Ünïcode: a human? 人"}, establish.turns())
	assert.True(t, recent(time.UnixMilli(establish.Body.Timestamp)), "milliseconds of now: %d", establish.Body.Timestamp)
	assert.Equal(t, "ann@example.com", establish.Body.Email)
	assert.Equal(t, w.agent, establish.Body.BotID)
	assert.NotEmpty(t, establish.IdempotencyKey)
	for field, want := range map[string]string{
		"email": "ann@example.com", "user_id": "u-1", "anonymous_id": "anon-1", "phone": "+4930123456",
	} {
		assert.Equal(t, want, establish.Body.UserInfo[field], "user_info.%s", field)
	}

	assert.Equal(t, requested, w.stream.next().GetStateChanged().GetState())
	assert.Equal(t, waiting, w.stream.next().GetStateChanged().GetState())
	w.owner(handoffv1.Owner_OWNER_WAITING)
	w.mayBotSpeak(0, false)
	w.mayBotSpeak(w.epoch, false)
}

func (w *walk) talk() {
	t, id := w.t, w.session.GetId()
	message := w.c.send(t, id, "m-1", "Hello?")
	assert.Equal(t, handoffv1.Author_AUTHOR_CUSTOMER, message.GetAuthor())
	assert.Equal(t, "m-1", message.GetClientMessageId())
	assert.Equal(t, "Hello?", w.stream.next().GetMessage().GetText())
	chat := w.r.await(id, "/chat", 1)[0]
	assert.Equal(t, "Hello?", chat.text())
	assert.True(t, recent(time.UnixMilli(chat.Body.Timestamp)))
	assert.True(t, proto.Equal(&handoffv1.MessageStatusChanged{MessageId: message.GetId(), Status: delivered},
		w.stream.next().GetMessageStatus()), "the message is delivered")

	status, body := w.c.post(t, "/v1/human/message/receive", reply(id, "This is Joe."))
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"code":0,"message":"success"}`, body)
	human := w.stream.next().GetMessage()
	assert.Equal(t, handoffv1.Author_AUTHOR_HUMAN, human.GetAuthor())
	assert.Equal(t, "This is Joe.", human.GetText())
	assert.Equal(t, active, w.stream.next().GetStateChanged().GetState(), "the first human message is followed by ACTIVE")
	w.owner(handoffv1.Owner_OWNER_HUMAN)
	w.mayBotSpeak(w.epoch, false)

	again := w.c.send(t, id, "m-1", "Hello?")
	assert.Equal(t, message.GetId(), again.GetId())
	assert.Equal(t, delivered, again.GetStatus(), "a repeat tells the status of now")
}

func (w *walk) end() {
	t, id := w.t, w.session.GetId()
	session := w.c.close(t, id)
	assert.Equal(t, closed, session.GetState())
	assert.Equal(t, handoffv1.CloseReason_CLOSE_REASON_CUSTOMER, session.GetCloseReason(), "by an agent key")
	last := w.stream.next()
	assert.Equal(t, closed, last.GetStateChanged().GetState())
	assert.Equal(t, handoffv1.CloseReason_CLOSE_REASON_CUSTOMER, last.GetStateChanged().GetCloseReason())
	require.NoError(t, w.stream.end(), "the stream ends cleanly after CLOSED")
	assert.Equal(t, "USER_CLOSED", w.r.await(id, "/conversation/close", 1)[0].Body.Type)
	before := w.epoch
	w.owner(handoffv1.Owner_OWNER_BOT)
	w.mayBotSpeak(before, false)
	w.mayBotSpeak(w.epoch, true)
}

func (w *walk) afterwards() {
	t, id := w.t, w.session.GetId()
	session := w.c.close(t, id)
	assert.Equal(t, last(w.c.events(t, id)).GetSequence(), session.GetLastSequence(), "a repeated close makes no event")
	got, err := w.c.GetSession(t.Context(), &handoffv1.GetSessionRequest{SessionId: id})
	require.NoError(t, err)
	assert.True(t, proto.Equal(session, got.GetSession()))
	assert.NotNil(t, got.GetSession().GetActivateTime())
	assert.NotNil(t, got.GetSession().GetCloseTime())

	_, err = w.c.SendMessage(t.Context(), &handoffv1.SendMessageRequest{SessionId: id, ClientMessageId: "new", Text: "too late"})
	requireCode(t, connect.CodeFailedPrecondition, err)
	assert.Equal(t, "Hello?", w.c.send(t, id, "m-1", "Hello?").GetText(), "a known id, in any state")
	requireGapless(t, w.c.events(t, id))
	assert.Len(t, w.r.callsOf(id, ""), 3, "one start, one message, one close")
}

// owner reads who may speak, and that the epoch rises with each change.
func (w *walk) owner(want handoffv1.Owner) {
	w.t.Helper()
	got, err := w.c.GetConversation(w.t.Context(), &handoffv1.GetConversationRequest{AgentId: w.agent, ConversationId: "conversation"})
	require.NoError(w.t, err)
	require.Equal(w.t, want, got.GetOwner())
	if w.session != nil {
		require.Greater(w.t, got.GetEpoch(), w.epoch, "the epoch rises with each change of owner")
	}
	require.Equal(w.t, want != handoffv1.Owner_OWNER_BOT, got.GetSession() != nil, "only an open session is shown")
	w.epoch = got.GetEpoch()
}

func (w *walk) mayBotSpeak(epoch uint64, may bool) {
	w.t.Helper()
	_, err := w.c.CheckTurn(w.t.Context(), &handoffv1.CheckTurnRequest{
		AgentId: w.agent, ConversationId: "conversation", Epoch: epoch,
	})
	if may {
		require.NoError(w.t, err)
		return
	}
	requireCode(w.t, connect.CodeFailedPrecondition, err)
}

// turns makes a transcript of "U text" and "A text".
func turns(texts ...string) []*handoffv1.Turn {
	all := make([]*handoffv1.Turn, 0, len(texts))
	for _, text := range texts {
		role := handoffv1.Turn_ROLE_USER
		if strings.HasPrefix(text, "A ") {
			role = handoffv1.Turn_ROLE_ASSISTANT
		}
		all = append(all, &handoffv1.Turn{Role: role, Text: text[2:]})
	}
	return all
}

// reply is the body of a human's message, at a time of its own.
func reply(session, text string) string {
	return fmt.Sprintf(`{"conversation_id":%q,"timestamp":%d,"body":%q}`, session, nextTimestamp(), text)
}

// humanClose is the body of the human side's close.
func humanClose(session string) string {
	return fmt.Sprintf(`{"conversation_id":%q,"timestamp":%d}`, session, nextTimestamp())
}

func last(events []*handoffv1.Event) *handoffv1.Event { return events[len(events)-1] }

// requireGapless checks that a log counts 1, 2, 3, …, begins with REQUESTED, and
// has nothing after CLOSED.
func requireGapless(t *testing.T, events []*handoffv1.Event) {
	t.Helper()
	for i, event := range events {
		require.EqualValues(t, i+1, event.GetSequence(), "gap or repeat in:\n%s", describeEvents(events))
		if event.GetStateChanged().GetState() == closed {
			require.Equal(t, len(events)-1, i, "events after CLOSED:\n%s", describeEvents(events))
		}
	}
	require.Equal(t, requested, events[0].GetStateChanged().GetState(), "the first event")
}
