package webhook_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/egress"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/providertest"
	"github.com/human-handoff/handoff/internal/provider/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var then = time.Date(2026, 2, 3, 4, 5, 6, 789e6, time.UTC)

// open returns an adapter and the server that it talks to, which takes everything.
func open(t *testing.T, config *handoffv1.WebhookConfig, now time.Time) (provider.Adapter, *providertest.Server) {
	t.Helper()
	server := providertest.NewServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte(`{"code":40000,"message":"only the status counts"}`))
	}))
	if config.GetUrl() == "" {
		config.Url = server.URL()
	} else {
		config.Url = server.URL() + config.GetUrl()
	}
	client := egress.New(egress.Options{AllowPrivate: true})
	t.Cleanup(client.Close)
	a, err := webhook.Kind{}.Open(config, provider.Deps{HTTP: client.Client(), Now: func() time.Time { return now }})
	require.NoError(t, err)
	return a, server
}

// What is sent is pinned byte for byte in meaning: the fixtures are the wire.
func TestRequests(t *testing.T) {
	call := provider.Call{SessionID: "ses_1", AgentID: "agent-1", Ref: handoff.Ref{ID: "ses_1"}, IdempotencyKey: "key-1", Time: then}
	start := func(s handoff.Start) func(context.Context, provider.Adapter) error {
		return func(ctx context.Context, a provider.Adapter) error {
			ref, err := a.Open(ctx, call, s)
			assert.Equal(t, handoff.Ref{ID: "ses_1"}, ref)
			return err
		}
	}
	send := func(m handoff.Message) func(context.Context, provider.Adapter) error {
		return func(ctx context.Context, a provider.Adapter) error {
			id, err := a.Send(ctx, call, m)
			assert.Empty(t, id)
			return err
		}
	}
	end := func(reason handoff.CloseReason) func(context.Context, provider.Adapter) error {
		return func(ctx context.Context, a provider.Adapter) error { return a.Close(ctx, call, reason) }
	}
	for _, tt := range []struct {
		fixture string
		path    string
		do      func(context.Context, provider.Adapter) error
	}{
		{"establish", "/conversation/establish", start(handoff.Start{
			Customer:     handoff.Customer{Email: "bob@example.com", Phone: "+4366412345678", UserID: "u-1", AnonymousID: "anon-1"},
			DefaultEmail: "support@desk.example",
			Transcript:   []handoff.Turn{{Role: handoff.RoleUser, Text: "where is my parcel"}, {Role: handoff.RoleAssistant}},
			Question:     "a human please",
		})},
		{"establish-anonymous", "/conversation/establish", start(handoff.Start{DefaultEmail: "support@desk.example"})},
		{"establish-extra", "/conversation/establish", start(handoff.Start{
			Customer: handoff.Customer{Name: "Bob", Locale: "de-AT", Attributes: map[string]string{"plan": "gold"}},
			Question: "a human please", Reason: "refund over the limit", Priority: handoff.PriorityUrgent, Team: "billing",
			Tags: []string{"vip", "refund"}, Metadata: map[string]string{"order": "17"}, ProviderExtra: json.RawMessage(`{"queue":{"id":3}}`),
		})},
		{"establish-probe", "/conversation/establish", func(ctx context.Context, a provider.Adapter) error { return a.Check(ctx) }},
		{"chat", "/chat", send(handoff.Message{Text: "hello <b>there</b>"})},
		{"close-user", "/conversation/close", end(handoff.ClosedByCustomer)},
		{"close-timeout", "/conversation/close", end(handoff.ClosedByExpiry)},
	} {
		t.Run(tt.fixture, func(t *testing.T) {
			a, server := open(t, &handoffv1.WebhookConfig{Url: "/pre/fix//"}, then)
			require.NoError(t, tt.do(t.Context(), a))
			require.Len(t, server.Calls(), 1)
			got := server.Calls()[0]
			want, err := os.ReadFile(filepath.Join("testdata", tt.fixture+".json"))
			require.NoError(t, err)
			assert.JSONEq(t, string(want), string(got.Body))
			assert.NotContains(t, string(got.Body), `\u003c`)
			assert.Equal(t, http.MethodPost, got.Method)
			assert.Equal(t, "/pre/fix"+tt.path, got.Path)
			assert.Equal(t, "application/json", got.Header.Get("Content-Type"))
			assert.Equal(t, "Handoff/1", got.Header.Get("User-Agent"))
			assert.NotEmpty(t, got.Header.Get("Idempotency-Key"))
			for _, name := range []string{"Authorization", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
				assert.NotContains(t, got.Header, name, "nothing is configured for it")
			}
		})
	}
}

func TestSkipProbe(t *testing.T) {
	a, server := open(t, &handoffv1.WebhookConfig{SkipProbe: true}, then)
	require.NoError(t, a.Check(t.Context()))
	assert.Empty(t, server.Calls())
}

func TestBasicAuthentication(t *testing.T) {
	for _, tt := range []struct{ user, password, want string }{
		{"u", "p", "Basic dTpw"},
		{"", "p", "Basic OnA="},
		{"u", "", "Basic dTo="},
		{"ü", "p:x", "Basic w7w6cDp4"},
	} {
		a, server := open(t, &handoffv1.WebhookConfig{Username: tt.user, Password: tt.password}, then)
		require.NoError(t, a.Check(t.Context()))
		assert.Equal(t, tt.want, server.Calls()[0].Header.Get("Authorization"))
	}
}

// The signatures are those of the standard: its own library takes them, with
// its own clock, whatever form the secret has.
func TestSignaturesVerifyWithTheOfficialLibrary(t *testing.T) {
	for _, secret := range []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_aGFuZG9mZg==", "whsec_aGFuZG9mZg", "any other text; MfKQ9r8GKYqrTwjUPD8I"} {
		a, server := open(t, &handoffv1.WebhookConfig{SigningSecret: secret}, time.Now())
		call := provider.Call{SessionID: "ses_1", IdempotencyKey: "msg_1", Time: then}
		_, err := a.Send(t.Context(), call, handoff.Message{Text: "hello"})
		require.NoError(t, err)
		got := server.Calls()[0]
		hook := official(t, secret)
		require.NoError(t, hook.Verify(got.Body, got.Header))
		assert.Equal(t, "msg_1", got.Header.Get("Webhook-Id"))
		require.Error(t, hook.Verify(append(got.Body, ' '), got.Header))
		require.Error(t, official(t, "another").Verify(got.Body, got.Header))
	}
}

func official(t *testing.T, secret string) *standardwebhooks.Webhook {
	t.Helper()
	hook, err := standardwebhooks.NewWebhookRaw([]byte(secret))
	switch secret {
	case "whsec_aGFuZG9mZg":
		hook, err = standardwebhooks.NewWebhookRaw([]byte("handoff"))
	case "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_aGFuZG9mZg==":
		hook, err = standardwebhooks.NewWebhook(secret)
	}
	require.NoError(t, err)
	return hook
}

func TestVerify(t *testing.T) {
	a, _ := open(t, &handoffv1.WebhookConfig{SigningSecret: "whsec_aGFuZG9mZg=="}, then)
	body := []byte(`{"conversation_id":"ses_1"}`)
	signature, err := official(t, "whsec_aGFuZG9mZg==").Sign("evt_1", then, body)
	require.NoError(t, err)
	header := func(pairs ...string) http.Header {
		h := http.Header{"Webhook-Id": {"evt_1"}, "Webhook-Timestamp": {"1770091506"}, "Webhook-Signature": {signature}}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	for _, tt := range []struct {
		name   string
		header http.Header
		off    time.Duration
		want   string
	}{
		{"good", header(), 0, ""},
		{"just in time", header(), 4*time.Minute + 59*time.Second, ""},
		{"a little early", header(), -4 * time.Minute, ""},
		{"one of several", header("Webhook-Signature", "v1,AAAA v1a,xyz v2,abc "+signature), 0, ""},
		{"too late", header(), 5*time.Minute + time.Second, "5 minutes"},
		{"too early", header(), -6 * time.Minute, "5 minutes"},
		{"other id", header("Webhook-Id", "evt_2"), 0, "does not match"},
		{"other time", header("Webhook-Timestamp", "1770091507"), 0, "does not match"},
		{"the same time in another spelling", header("Webhook-Timestamp", "+1770091506"), 0, "does not match"},
		{"no version", header("Webhook-Signature", signature[3:]), 0, "does not match"},
		{"other version", header("Webhook-Signature", "v2"+signature[2:]), 0, "does not match"},
		{"shorter", header("Webhook-Signature", signature[:len(signature)-4]), 0, "does not match"},
		{"empty one", header("Webhook-Signature", "v1,"), 0, "does not match"},
		{"no number", header("Webhook-Timestamp", "soon"), 0, "number of seconds"},
		{"no id", header("Webhook-Id", ""), 0, "are needed"},
		{"no headers", http.Header{}, 0, "are needed"},
		{"nil headers", nil, 0, "are needed"},
	} {
		err := a.Verify(provider.Request{Header: tt.header, Body: body, Time: then.Add(tt.off)})
		if tt.want == "" {
			require.NoError(t, err, tt.name)
		} else {
			require.ErrorContains(t, err, tt.want, tt.name)
		}
	}
}

func TestVerifyWithoutASecretNamesTheTwoWays(t *testing.T) {
	a, _ := open(t, &handoffv1.WebhookConfig{}, then)
	signature, err := official(t, "").Sign("evt_1", then, nil) // an empty key is no key
	require.NoError(t, err)
	err = a.Verify(provider.Request{Time: then, Header: http.Header{
		"Webhook-Id": {"evt_1"}, "Webhook-Timestamp": {"1770091506"}, "Webhook-Signature": {signature},
	}})
	require.ErrorContains(t, err, "/v1/human/")
	require.ErrorContains(t, err, "signing_secret")
}

func TestStartThatCannotBeEncodedIsRefusedForGood(t *testing.T) {
	a, server := open(t, &handoffv1.WebhookConfig{}, then)
	_, err := a.Open(t.Context(), provider.Call{SessionID: "ses_1"}, handoff.Start{ProviderExtra: json.RawMessage("{")})
	assert.Equal(t, provider.ClassRejected, provider.ClassOf(err))
	assert.Empty(t, server.Calls())
}
