package slack_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/slack"
	"github.com/human-handoff/handoff/internal/provider/slack/slacktest"
)

// listening is an adapter that listens.
type listening struct {
	t       *testing.T
	vendor  *slacktest.Emulator
	adapter *slack.Adapter
	up      chan struct{}
	renew   chan struct{}
	ended   chan error

	mu    sync.Mutex
	fails int // of the events that come next
	took  []provider.Request
}

func listen(t *testing.T) *listening {
	t.Helper()
	l := &listening{t: t, vendor: slacktest.NewSlack(time.Now), up: make(chan struct{}, 1), renew: make(chan struct{}, 9), ended: make(chan error, 1)}
	l.vendor.SocketMode = true
	l.vendor.SetRetries(time.Second, 0, 0, 0)
	server := httptest.NewServer(l.vendor)
	t.Cleanup(server.Close)
	a, err := slack.Kind{}.Open(l.vendor.Config(server.URL), provider.Deps{HTTP: server.Client(), Now: time.Now})
	require.NoError(t, err)
	l.adapter = a.(*slack.Adapter)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go func() {
		l.ended <- l.adapter.Listen(ctx, provider.Line{
			Up: func() { l.up <- struct{}{} }, Renew: func() { l.renew <- struct{}{} }, Take: l.take,
		})
	}()
	<-l.up
	return l
}

func (l *listening) take(_ context.Context, r provider.Request) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took = append(l.took, r)
	if l.fails--; l.fails >= 0 {
		return handoff.Errorf(handoff.CodeUnavailable, "DATABASE_STUCK", "not now")
	}
	return nil
}

func TestEventsOverSocketModeAreThoseOfWebhooks(t *testing.T) {
	t.Parallel()
	l := listen(t)
	call := provider.Call{SessionID: "ses_1", IdempotencyKey: "ses_1-start", Time: time.Now()}
	ref, err := l.adapter.Open(t.Context(), call, handoff.Start{Question: "Hi"})
	require.NoError(t, err)
	said, err := l.vendor.Do(ref.ID, emulator.Act{Kind: emulator.Say, Text: "hello"})
	require.NoError(t, err)
	press, err := l.vendor.Press(ref.ID, "handoff_close")
	require.NoError(t, err)
	for i, webhook := range []provider.Request{said[0], press} {
		require.True(t, l.vendor.Deliver(t.Context(), webhook))
		_, want, err := l.adapter.Parse(webhook)
		require.NoError(t, err)
		_, got, err := l.adapter.Parse(l.took[i])
		require.NoError(t, err)
		require.NotEmpty(t, got)
		require.Equal(t, want, got, "with the same keys, so that Slack may change its way")
	}
}

func TestWhatCouldNotBeKeptIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	l := listen(t)
	l.fails = 2
	require.True(t, l.vendor.Deliver(t.Context(), l.vendor.Webhook([]byte(`{"type":"x"}`))))
	require.Len(t, l.took, 3)
	assert.Empty(t, l.took[0].Header.Get("X-Slack-Retry-Num"))
	assert.Equal(t, "2", l.took[2].Header.Get("X-Slack-Retry-Num"))
	assert.Equal(t, "timeout", l.took[2].Header.Get("X-Slack-Retry-Reason"))
	l.fails = 100
	require.False(t, l.vendor.Deliver(t.Context(), l.vendor.Webhook([]byte(`{"type":"x"}`))))
}

func TestConnectionsEnd(t *testing.T) {
	t.Parallel()
	t.Run("cut", func(t *testing.T) {
		t.Parallel()
		l := listen(t)
		l.vendor.Cut()
		err := <-l.ended
		require.ErrorContains(t, err, "cut")
		require.Equal(t, provider.ClassTransient, provider.ClassOf(err))
	})
	t.Run("announced", func(t *testing.T) {
		t.Parallel()
		l := listen(t)
		l.vendor.Refresh(t.Context(), "warning", 50*time.Millisecond)
		<-l.renew
		require.NoError(t, <-l.ended, "it is the usual course")
		require.Empty(t, l.renew)
	})
	t.Run("switched off", func(t *testing.T) {
		t.Parallel()
		l := listen(t)
		l.vendor.Refresh(t.Context(), "link_disabled", time.Minute)
		err := <-l.ended
		require.ErrorContains(t, err, "switch it on")
		require.Equal(t, provider.ClassIncomplete, provider.ClassOf(err))
	})
}

func TestConnectionsThatAreRefused(t *testing.T) {
	t.Parallel()
	vendor := slacktest.NewSlack(time.Now)
	server := httptest.NewServer(vendor)
	t.Cleanup(server.Close)
	config := vendor.Config(server.URL).(*handoffv1.SlackConfig)
	for token, says := range map[string]string{"xapp-1-A0HANDOFF01-2-bad": "invalid_auth"} {
		config.AppToken = token
		a, err := slack.Kind{}.Open(config, provider.Deps{HTTP: server.Client(), Now: time.Now})
		require.NoError(t, err)
		err = a.(provider.Listener).Listen(t.Context(), provider.Line{})
		require.ErrorContains(t, err, says)
		require.Equal(t, provider.ClassCredentials, provider.ClassOf(err))
	}
}

// TestAddressesOfSlackAlone has Slack give out addresses of others.
func TestAddressesOfSlackAlone(t *testing.T) {
	t.Parallel()
	dialled := make(chan string, 1)
	slackAt := func(base, url string) error {
		deps := provider.Deps{Now: time.Now, HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if !strings.HasSuffix(r.URL.Path, "/apps.connections.open") {
				dialled <- r.URL.String()
				return nil, context.Canceled
			}
			answer := httptest.NewRecorder()
			_, _ = answer.WriteString(`{"ok":true,"url":"` + url + `"}`)
			return answer.Result(), nil
		})}}
		a, err := slack.Kind{}.Open(&handoffv1.SlackConfig{BotToken: "xoxb-1", AppToken: "xapp-1", ChannelId: slacktest.Channel, ApiBaseUrl: base}, deps)
		require.NoError(t, err)
		return a.(provider.Listener).Listen(t.Context(), provider.Line{})
	}
	for _, c := range [][3]string{
		{"", "wss://wss-primary.slack.com/link/?ticket=1", "https://wss-primary.slack.com/link/?ticket=1"},
		{"https://slack-gov.com", "wss://wss.slack-gov.com/link", "https://wss.slack-gov.com/link"},
		{"https://proxy.example/slack", "wss://wss-primary.slack.com/link/?ticket=1", "https://proxy.example/slack/link/?ticket=1"},
		{"http://127.0.0.1:1", "wss://wss-primary.slack.com/link", "http://127.0.0.1:1/link"},
	} {
		require.Error(t, slackAt(c[0], c[1]))
		require.Equal(t, c[2], <-dialled)
	}
	for _, url := range []string{"wss://evil.example/link", "ws://wss.slack.com/link", "wss://notslack.com/link", "wss://slack.com.evil.example/", "nonsense", ""} {
		require.Error(t, slackAt("", url))
		require.Empty(t, dialled, url)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestOneConnectionOfAnApp(t *testing.T) {
	t.Parallel()
	key := func(token string) string {
		return adapterOf(t, &handoffv1.SlackConfig{BotToken: "xoxb-1", SigningSecret: "s", AppToken: token, ChannelId: slacktest.Channel}).(provider.Listener).ListenKey()
	}
	assert.Empty(t, key(""), "events come as webhooks")
	assert.Equal(t, key("xapp-1-A0HANDOFF01-1-one"), key("xapp-1-A0HANDOFF01-2-two"), "two tokens of one app")
	assert.NotEqual(t, key("xapp-1-A0HANDOFF01-1-one"), key("xapp-1-A0HANDOFF02-1-one"))
	assert.NotContains(t, key("xapp-odd-secret"), "secret")
}
