package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/durationpb"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

// client is the generated client of all services with one key.
type client struct {
	handoffv1connect.HandoffServiceClient

	keys  handoffv1connect.KeyServiceClient
	ops   handoffv1connect.AdminServiceClient
	http  *http.Client
	key   string
	s     *server
	agent string
}

// transport is a way to talk: a protocol over a version of HTTP.
type transport struct {
	name    string
	http2   bool
	gzip    bool
	options []connect.ClientOption
}

var plain = transport{name: "Connect over HTTP/1.1"}

func (s *server) client(key string) *client { return s.clientOver(plain, key) }

func (s *server) clientOver(over transport, key string) *client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!over.http2)
	protocols.SetUnencryptedHTTP2(over.http2)
	base := &http.Transport{Protocols: protocols, MaxIdleConnsPerHost: 16}
	s.t.Cleanup(base.CloseIdleConnections)
	caller := &http.Client{
		Transport: &recordingTransport{base: base, key: key, vault: s.vault},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	options := over.options
	if !over.gzip {
		// Answers that are not compressed can be searched for secrets.
		options = append([]connect.ClientOption{connect.WithAcceptCompression("gzip", nil, nil)}, options...)
	}
	return &client{
		HandoffServiceClient: handoffv1connect.NewHandoffServiceClient(caller, s.url, options...),
		keys:                 handoffv1connect.NewKeyServiceClient(caller, s.url, options...),
		ops:                  handoffv1connect.NewAdminServiceClient(caller, s.url, options...),
		http:                 caller, key: key, s: s,
	}
}

// recordingTransport adds the key to each request and keeps the answers.
type recordingTransport struct {
	base  http.RoundTripper
	key   string
	vault *vault
}

func (rt *recordingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if rt.key != "" && r.Header.Get("Authorization") == "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+rt.key)
	}
	response, err := rt.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	kept := rt.vault.record(r.URL.Path)
	_ = response.Header.Write(kept)
	response.Body = &recordedBody{io.TeeReader(response.Body, kept), response.Body, kept}
	return response, nil
}

type recordedBody struct {
	io.Reader

	body io.Closer
	kept io.Closer
}

func (b *recordedBody) Close() error {
	_ = b.kept.Close()
	return b.body.Close()
}

// createKey makes a key by RPC and returns a client that uses it.
func (s *server) createKey(scope handoffv1.Key_Scope, agent string) (*client, *handoffv1.Key) {
	s.t.Helper()
	answer, err := s.admin.keys.CreateKey(s.t.Context(), &handoffv1.CreateKeyRequest{Scope: scope, AgentId: agent})
	require.NoError(s.t, err)
	s.vault.addHanded("key "+answer.GetInfo().GetId(), answer.GetKey(), handoffv1connect.KeyServiceCreateKeyProcedure)
	c := s.client(answer.GetKey())
	c.agent = agent
	return c, answer.GetInfo()
}

func (s *server) agentClient(agent string) *client {
	s.t.Helper()
	c, _ := s.createKey(handoffv1.Key_SCOPE_AGENT, agent)
	return c
}

// configure connects an agent to a receiver and expects that this works.
func (s *server) configure(agent string, r *receiver, changes ...func(*handoffv1.ConfigureProviderRequest)) *handoffv1.ConfigureProviderResponse {
	s.t.Helper()
	request := webhookRequest(agent, r)
	for _, change := range changes {
		change(request)
	}
	s.vault.add("password", request.GetWebhook().GetPassword())
	s.vault.add("signing secret", request.GetWebhook().GetSigningSecret())
	answer, err := s.admin.ConfigureProvider(s.t.Context(), request)
	require.NoError(s.t, err)
	require.Equal(s.t, handoffv1.ServiceState_SERVICE_STATE_AVAILABLE, answer.GetStatus().GetState(), "%v", answer.GetStatus())
	return answer
}

// webhookRequest configures a receiver. Time-outs are long, so that a slow machine
// closes no session under a test.
func webhookRequest(agent string, r *receiver) *handoffv1.ConfigureProviderRequest {
	return &handoffv1.ConfigureProviderRequest{
		AgentId: agent,
		Provider: &handoffv1.ConfigureProviderRequest_Webhook{Webhook: &handoffv1.WebhookConfig{
			Url: r.url, Username: r.username, Password: r.password, SigningSecret: r.signingSecret,
		}},
		Settings: longSettings(),
	}
}

func longSettings() *handoffv1.Settings {
	return &handoffv1.Settings{
		WaitTimeout:    durationpb.New(3600e9),
		SessionTimeout: durationpb.New(3600e9),
		EmailPolicy:    handoffv1.EmailPolicy_EMAIL_POLICY_OPTIONAL,
	}
}

// request asks for a human and expects a session.
func (c *client) request(t *testing.T, agent, conversation string, changes ...func(*handoffv1.RequestHandoffRequest)) (*handoffv1.Session, string) {
	t.Helper()
	request := &handoffv1.RequestHandoffRequest{AgentId: agent, ConversationId: conversation, Question: "A human, please."}
	for _, change := range changes {
		change(request)
	}
	answer, err := c.RequestHandoff(t.Context(), request)
	require.NoError(t, err)
	require.NotNil(t, answer.GetSession(), "declined: %v", answer.GetDeclined())
	c.s.vault.addHanded("session token", answer.GetSessionToken(), handoffv1connect.HandoffServiceRequestHandoffProcedure)
	return answer.GetSession(), answer.GetSessionToken()
}

// send sends a customer's message.
func (c *client) send(t *testing.T, session, id, text string) *handoffv1.Message {
	t.Helper()
	answer, err := c.SendMessage(t.Context(), &handoffv1.SendMessageRequest{SessionId: session, ClientMessageId: id, Text: text})
	require.NoError(t, err)
	return answer.GetMessage()
}

func (c *client) close(t *testing.T, session string) *handoffv1.Session {
	t.Helper()
	answer, err := c.CloseSession(t.Context(), &handoffv1.CloseSessionRequest{SessionId: session})
	require.NoError(t, err)
	return answer.GetSession()
}

// events reads the whole log.
func (c *client) events(t *testing.T, session string) []*handoffv1.Event {
	t.Helper()
	var all []*handoffv1.Event
	for page := ""; ; {
		answer, err := c.ListEvents(t.Context(), &handoffv1.ListEventsRequest{SessionId: session, PageSize: 1000, PageToken: page})
		require.NoError(t, err)
		all = append(all, answer.GetEvents()...)
		if page = answer.GetNextPageToken(); page == "" {
			return all
		}
	}
}

// awaitEvent polls the log until an event matches.
func (c *client) awaitEvent(t *testing.T, session string, match func(*handoffv1.Event) bool) *handoffv1.Event {
	t.Helper()
	var found *handoffv1.Event
	eventuallyWithin(t, 2*patience, func() error {
		all := c.events(t, session)
		for _, event := range all {
			if match(event) {
				found = event
				return nil
			}
		}
		return &missing{"event", describeEvents(all)}
	})
	return found
}

func (c *client) awaitState(t *testing.T, session string, state handoffv1.SessionState) {
	t.Helper()
	c.awaitEvent(t, session, func(e *handoffv1.Event) bool { return e.GetStateChanged().GetState() == state })
}

func (c *client) awaitStatus(t *testing.T, session, message string, status handoffv1.MessageStatus) *handoffv1.MessageStatusChanged {
	t.Helper()
	return c.awaitEvent(t, session, func(e *handoffv1.Event) bool {
		return e.GetMessageStatus().GetMessageId() == message && e.GetMessageStatus().GetStatus() == status
	}).GetMessageStatus()
}

// post sends JSON to a route and returns status and body.
func (c *client) post(t *testing.T, path, body string, headers ...string) (int, string) {
	t.Helper()
	return c.do(t, http.MethodPost, path, body, append([]string{"Content-Type", "application/json"}, headers...)...)
}

func (c *client) do(t *testing.T, method, path, body string, headers ...string) (int, string) {
	t.Helper()
	response := c.open(t, method, path, body, headers...)
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(data)
}

func (c *client) open(t *testing.T, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, method, c.s.url+path, bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.http.Do(request)
	require.NoError(t, err)
	return response
}

// missing says what did not come.
type missing struct{ what, instead string }

func (m *missing) Error() string { return "no such " + m.what + ", only:\n" + m.instead }

// requireCode checks an error's code, and that a machine finds a reason in it.
func requireCode(t *testing.T, want connect.Code, err error) {
	t.Helper()
	require.Error(t, err, "expected %s", want)
	require.Equal(t, want.String(), connect.CodeOf(err).String(), "%v", err)
	assert.NotEmpty(t, reasonOf(err), "no machine-readable reason in: %v", err)
}

// reasonOf returns the reason of an error's google.rpc.ErrorInfo.
func reasonOf(err error) string {
	var rpc *connect.Error
	if !errors.As(err, &rpc) {
		return ""
	}
	for _, detail := range rpc.Details() {
		if value, err := detail.Value(); err == nil {
			if info, ok := value.(*errdetails.ErrorInfo); ok && info.GetDomain() == "handoff" {
				return info.GetReason()
			}
		}
	}
	return ""
}

// errorCode reads the code of a Connect error in JSON.
func errorCode(body string) string {
	var parsed struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal([]byte(body), &parsed)
	return parsed.Code
}

func describeEvents(events []*handoffv1.Event) string {
	var text strings.Builder
	for _, event := range events {
		text.WriteString(event.String() + "\n")
	}
	return text.String()
}
