package agents_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/all"
	"github.com/human-handoff/handoff/internal/seal"
	"github.com/human-handoff/handoff/internal/store"
)

// bench is a Service on a real database, in front of a desk that wants a password.
type bench struct {
	t        *testing.T
	svc      *agents.Service
	store    *store.Store
	sealer   *seal.Sealer
	desk     *httptest.Server
	now      time.Time
	mu       sync.Mutex
	released []string
}

const password = "open sesame"

func newBench(t *testing.T) *bench {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "h.db"), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	keys, err := seal.ParseKeys(seal.NewKey())
	require.NoError(t, err)
	sealer, err := seal.New(keys)
	require.NoError(t, err)
	b := &bench{t: t, store: s, sealer: sealer, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	b.desk = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, given, _ := r.BasicAuth(); given != password {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(b.desk.Close)
	b.svc = b.service(all.Kinds())
	b.svc.OnAvailable(func(id string) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.released = append(b.released, id)
	})
	return b
}

// service returns a Service on the bench's database.
func (b *bench) service(kinds []provider.Kind) *agents.Service {
	ids := 0
	return agents.New(agents.Config{
		Store: b.store, Kinds: kinds, Sealer: b.sealer, HTTP: b.desk.Client(), BaseURL: "https://gateway", Logger: slog.New(slog.DiscardHandler),
		NewID: func(prefix string) string { ids++; return prefix + string(rune('a'+ids)) },
		Now:   func() time.Time { return b.now },
	})
}

func keep(s handoff.Settings) (handoff.Settings, error) { return s, nil }

// configure configures the agent "bot" with a webhook.
func (b *bench) configure(c *handoffv1.WebhookConfig, drop ...string) (*agents.View, error) {
	return b.svc.Configure(b.t.Context(), agents.Change{AgentID: "bot", Kind: "webhook", Config: c, ClearSecrets: drop, Settings: keep})
}

func (b *bench) mustConfigure(c *handoffv1.WebhookConfig, drop ...string) *agents.View {
	b.t.Helper()
	v, err := b.configure(c, drop...)
	require.NoError(b.t, err)
	return v
}

func TestConfigureTellsWhatTheProviderSays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.mustConfigure(&handoffv1.WebhookConfig{})
	require.Equal(t, handoff.ServiceNotConfigured, v.Status.State)
	require.Equal(t, []string{"url"}, v.Status.MissingFields)
	url := v.ReceiveURL
	require.Contains(t, url, "https://gateway/webhooks/webhook/")

	v = b.mustConfigure(&handoffv1.WebhookConfig{Url: b.desk.URL, Password: "wrong"})
	require.Equal(t, handoff.ReasonCredentials, v.Status.ReasonCode)
	require.NotContains(t, v.Status.Reason, "wrong")
	require.Empty(t, b.released)

	v = b.mustConfigure(&handoffv1.WebhookConfig{Url: b.desk.URL, Password: password})
	require.Equal(t, handoff.ServiceAvailable, v.Status.State)
	require.Len(t, b.released, 1, "what waited goes out")
	require.Equal(t, url, v.ReceiveURL, "the receive URL stays")
	require.Equal(t, []string{"password"}, v.Agent.Connection.SecretsSet)
	require.True(t, proto.Equal(v.Config, &handoffv1.WebhookConfig{Url: b.desk.URL}), "without its secrets")

	b.desk.Close()
	v, err := b.svc.Test(t.Context(), "bot")
	require.NoError(t, err)
	require.Equal(t, handoff.ReasonUnreachable, v.Status.ReasonCode)
}

func TestSecretsAreReusedForTheSameHostAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustConfigure(&handoffv1.WebhookConfig{Url: b.desk.URL, Password: password, SigningSecret: "s"})
	first, err := b.svc.Get(t.Context(), "bot")
	require.NoError(t, err)

	v := b.mustConfigure(&handoffv1.WebhookConfig{Url: b.desk.URL + "/prefix"})
	require.Equal(t, []string{"password", "signing_secret"}, v.Agent.Connection.SecretsSet)
	require.NotEqual(t, first.Agent.Connection.ID, v.Agent.Connection.ID, "another account is another connection")

	_, err = b.configure(&handoffv1.WebhookConfig{Url: "http://127.0.0.1:1", Password: password})
	require.ErrorContains(t, err, "webhook.signing_secret")
	require.Equal(t, handoff.CodeInvalid, handoff.CodeOf(err))
	v, err = b.svc.Get(t.Context(), "bot")
	require.NoError(t, err)
	require.Contains(t, v.Agent.Connection.Account, b.desk.URL, "a refused change saves nothing")

	v = b.mustConfigure(&handoffv1.WebhookConfig{Url: "http://127.0.0.1:1"}, "password", "signing_secret")
	require.Empty(t, v.Agent.Connection.SecretsSet)
	_, err = b.configure(&handoffv1.WebhookConfig{}, "no_such_secret")
	require.Equal(t, handoff.CodeInvalid, handoff.CodeOf(err))

	v = b.mustConfigure(&handoffv1.WebhookConfig{Url: b.desk.URL, Password: password})
	require.Equal(t, first.Agent.Connection.ID, v.Agent.Connection.ID, "an account that was known before is taken up again")
	require.Equal(t, first.ReceiveURL, v.ReceiveURL)
}

func TestConfigureIsCarefulWithOthersChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := b.mustConfigure(&handoffv1.WebhookConfig{Url: b.desk.URL, Password: password})
	change := agents.Change{AgentID: "bot", Settings: func(s handoff.Settings) (handoff.Settings, error) {
		s.PublicChat = true
		return s, nil
	}}

	change.ETag = "old"
	_, err := b.svc.Configure(t.Context(), change)
	require.ErrorIs(t, err, agents.ErrETagMismatch)

	change.ETag, change.ValidateOnly = v.ETag, true
	dry, err := b.svc.Configure(t.Context(), change)
	require.NoError(t, err)
	require.True(t, dry.Agent.Settings.PublicChat)
	fresh, err := b.svc.Configure(t.Context(), agents.Change{
		AgentID: "new", Kind: "webhook", Config: &handoffv1.WebhookConfig{}, Settings: keep, ValidateOnly: true,
	})
	require.NoError(t, err)
	require.Empty(t, fresh.ReceiveURL, "no URL is promised that nothing answers on")
	v, err = b.svc.Get(t.Context(), "bot")
	require.NoError(t, err)
	require.False(t, v.Agent.Settings.PublicChat, "validate_only stores nothing")

	change.ValidateOnly = false
	next, err := b.svc.Configure(t.Context(), change)
	require.NoError(t, err)
	require.NotEqual(t, v.ETag, next.ETag)
	require.NotNil(t, next.Config, "settings alone keep the provider")

	change.ETag, change.Settings = "", func(s handoff.Settings) (handoff.Settings, error) {
		s.TimeZone = "Mars/Olympus"
		return s, nil
	}
	_, err = b.svc.Configure(t.Context(), change)
	require.Equal(t, handoff.CodeInvalid, handoff.CodeOf(err))
	_, err = b.svc.Configure(t.Context(), agents.Change{AgentID: "bot", Kind: "fax", Config: &handoffv1.SlackConfig{}, Settings: keep})
	require.Equal(t, handoff.CodeUnimplemented, handoff.CodeOf(err))
}

func TestCallsTellHowAConnectionFares(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.mustConfigure(&handoffv1.WebhookConfig{Url: b.desk.URL, Password: password}).Agent.Connection.ID
	b.released = nil
	status := func() handoff.ConnectionStatus {
		v, err := b.svc.Get(t.Context(), "bot")
		require.NoError(t, err)
		return v.Status
	}
	report := func(class provider.Class) {
		b.svc.Report(t.Context(), id, &provider.Error{Class: class, Err: errors.New("because")})
	}

	recovered := 0
	b.svc.OnRecovered(func() { recovered++ })
	report(provider.ClassTransient)
	since := status().DegradedSince
	require.Equal(t, b.now, since)
	require.Equal(t, handoff.ServiceAvailable, status().State, "an outage alone makes nothing unavailable")
	b.now = b.now.Add(time.Hour)
	report(provider.ClassRateLimited)
	require.Equal(t, since, status().DegradedSince)

	report(provider.ClassCredentials)
	require.Equal(t, handoff.ServiceUnavailable, status().State)
	require.Equal(t, handoff.ReasonCredentials, status().ReasonCode)
	require.Empty(t, b.released)

	report(provider.ClassRejected)
	require.Equal(t, handoff.ServiceAvailable, status().State, "who refuses a message has taken the credentials")
	require.Zero(t, status().DegradedSince)
	require.Equal(t, []string{id}, b.released)
	require.Equal(t, 1, recovered, "what was missed in the outage can be asked for")
}

func TestTermsTellWhatIsHeld(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.mustConfigure(&handoffv1.WebhookConfig{Url: b.desk.URL, Password: password}).Agent.Connection.ID
	terms := func() dispatch.Terms {
		t.Helper()
		terms, err := b.svc.Terms(t.Context(), id)
		require.NoError(t, err)
		return terms
	}
	require.False(t, terms().Held)
	require.Nil(t, terms().Pace, "the kind has no paces")

	for _, c := range []struct {
		class  provider.Class
		held   bool
		reason string
	}{
		{provider.ClassTransient, false, ""},
		{provider.ClassRateLimited, false, ""},
		{provider.ClassCredentials, true, handoff.ReasonCredentials},
		{provider.ClassConsent, true, handoff.ReasonConsent},
		{provider.ClassIncomplete, true, handoff.ReasonIncomplete},
	} {
		b.svc.Report(t.Context(), id, nil)
		b.svc.Report(t.Context(), id, &provider.Error{Class: c.class, Err: errors.New("because")})
		require.Equal(t, c.held, terms().Held, c.class)
		v, err := b.svc.Get(t.Context(), "bot")
		require.NoError(t, err)
		require.Equal(t, c.reason, v.Status.ReasonCode)
	}

	b.mustConfigure(&handoffv1.WebhookConfig{Url: b.desk.URL, Password: "wrong"})
	require.True(t, terms().Held)
	b.desk.Close()
	b.mustConfigure(&handoffv1.WebhookConfig{Url: b.desk.URL, Password: password})
	require.False(t, terms().Held, "an outage ends by itself")

	_, err := b.svc.Terms(t.Context(), "unknown")
	require.ErrorIs(t, err, agents.ErrConnectionNotFound)
}

// TestRefusalsThatCannotBeStoredAreNotForgotten cannot reach the database: nobody would
// check the connection again, so that its next call has to find out.
func TestRefusalsThatCannotBeStoredAreNotForgotten(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.mustConfigure(&handoffv1.WebhookConfig{Url: b.desk.URL, Password: password}).Agent.Connection.ID
	b.released = nil
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	b.svc.Report(gone, id, &provider.Error{Class: provider.ClassCredentials, Err: errors.New("401")})
	require.Equal(t, []string{id}, b.released)
	b.svc.Report(t.Context(), id, &provider.Error{Class: provider.ClassCredentials, Err: errors.New("401")})
	v, err := b.svc.Get(t.Context(), "bot")
	require.NoError(t, err)
	require.Equal(t, handoff.ServiceUnavailable, v.Status.State)
	require.Len(t, b.released, 1)
}

func TestAReplacedSigningSecretHoldsForADay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustConfigure(&handoffv1.WebhookConfig{Url: b.desk.URL, Password: password, SigningSecret: "old secret"})
	v := b.mustConfigure(&handoffv1.WebhookConfig{Url: b.desk.URL, SigningSecret: "new secret"})
	token := v.Agent.Connection.ReceiveToken
	body := []byte(`{"conversation_id":"ses_1","timestamp":1,"body":"hello"}`)
	receive := func(secret string) error {
		signer, err := standardwebhooks.NewWebhookRaw([]byte(secret))
		require.NoError(t, err)
		signature, err := signer.Sign("id", b.now, body)
		require.NoError(t, err)
		got, err := b.svc.Receive(t.Context(), "webhook", token, provider.Request{
			Method: http.MethodPost, Path: "/human/message/receive", Body: body, Time: b.now,
			Header: http.Header{
				"Webhook-Id": {"id"}, "Webhook-Signature": {signature},
				"Webhook-Timestamp": {strconv.FormatInt(b.now.Unix(), 10)},
			},
		})
		if err == nil {
			require.Len(t, got.Inbound, 1)
			require.Equal(t, v.Agent.Connection.ID, got.ConnectionID)
		}
		return err
	}
	require.NoError(t, receive("new secret"))
	require.NoError(t, receive("old secret"))
	require.Equal(t, handoff.CodeUnauthenticated, handoff.CodeOf(receive("wrong secret")))
	b.now = b.now.Add(24 * time.Hour)
	require.NoError(t, receive("new secret"))
	require.Equal(t, handoff.CodeUnauthenticated, handoff.CodeOf(receive("old secret")))

	_, err := b.svc.Receive(t.Context(), "webhook", "no-such-token", provider.Request{})
	require.ErrorIs(t, err, agents.ErrUnknownToken)
	_, err = b.svc.Receive(t.Context(), "desk", token, provider.Request{})
	require.ErrorIs(t, err, agents.ErrUnknownToken, "a token is one kind's")
}
