package slack_test

import (
	"bytes"
	"net/http"
	"net/url"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/slack"
	"github.com/human-handoff/handoff/internal/provider/slack/slacktest"
)

func adapterOf(t *testing.T, config *handoffv1.SlackConfig) provider.Adapter {
	t.Helper()
	a, err := slack.Kind{}.Open(config, provider.Deps{HTTP: http.DefaultClient, Now: time.Now})
	require.NoError(t, err)
	return a
}

func withSecret(secret string) *handoffv1.SlackConfig {
	return &handoffv1.SlackConfig{BotToken: "xoxb-1", SigningSecret: secret, ChannelId: slacktest.Channel}
}

// TestSlacksOwnVector is the example of Slack's page on verifying requests
// (https://docs.slack.dev/authentication/verifying-requests-from-slack).
func TestSlacksOwnVector(t *testing.T) {
	t.Parallel()
	const (
		secret = "8f742231b10e8888abcd99yyyzzz85a5"
		body   = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar" +
			"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands" +
			"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	)
	r := provider.Request{
		Method: http.MethodPost, Body: []byte(body), Time: time.Unix(1531420618, 0),
		Header: http.Header{
			"X-Slack-Request-Timestamp": {"1531420618"},
			"X-Slack-Signature":         {"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"},
		},
	}
	a := adapterOf(t, withSecret(secret))
	require.NoError(t, a.Verify(r))

	for _, off := range []time.Duration{-301 * time.Second, 301 * time.Second} {
		late := r
		late.Time = r.Time.Add(off)
		require.ErrorContains(t, a.Verify(late), "5 minutes", "%s off", off)
	}
	for _, off := range []time.Duration{-300 * time.Second, 300 * time.Second} {
		late := r
		late.Time = r.Time.Add(off)
		require.NoError(t, a.Verify(late))
	}
	r.Body = []byte(body + "&payload=x")
	require.Error(t, a.Verify(r))
}

// TestAnotherVerifierAgrees asks slack-go's verifier for a second opinion of
// webhooks as they are and with each byte of the proof changed.
func TestAnotherVerifierAgrees(t *testing.T) {
	t.Parallel()
	vendor := slacktest.NewSlack(time.Now)
	config := vendor.Config("http://127.0.0.1").(*handoffv1.SlackConfig)
	a := adapterOf(t, config)
	opinion := func(r provider.Request) error {
		v, err := slackgo.NewSecretsVerifier(r.Header, config.GetSigningSecret())
		if err != nil {
			return err
		}
		_, _ = v.Write(r.Body)
		return v.Ensure()
	}
	greetings, err := vendor.Do("", emulator.Act{Kind: emulator.Greet})
	require.NoError(t, err)
	genuine := []provider.Request{vendor.Webhook([]byte(`{"type":"event_callback"}`)), vendor.Webhook(nil), greetings[0]}
	agreed := 0
	for _, r := range genuine {
		require.NoError(t, opinion(r))
		require.NoError(t, a.Verify(r))
		for _, header := range []string{"X-Slack-Signature", "X-Slack-Request-Timestamp"} {
			was := r.Header.Get(header)
			for i := range was {
				changed := provider.Request{Method: r.Method, Header: r.Header.Clone(), Body: r.Body, Time: r.Time}
				text := []byte(was)
				text[i] ^= 1
				changed.Header.Set(header, string(text))
				require.Equal(t, opinion(changed) == nil, a.Verify(changed) == nil, "%s: %s", header, text)
				agreed++
			}
		}
		for i := range r.Body {
			body := bytes.Clone(r.Body)
			body[i] ^= 0x20
			changed := provider.Request{Method: r.Method, Header: r.Header, Body: body, Time: r.Time}
			require.Error(t, opinion(changed))
			require.Error(t, a.Verify(changed))
		}
	}
	require.Greater(t, agreed, 200)
}

func TestWithoutASigningSecretNothingIsGenuine(t *testing.T) {
	t.Parallel()
	a := adapterOf(t, &handoffv1.SlackConfig{BotToken: "xoxb-1", AppToken: "xapp-1-A0HANDOFF01-2-x", ChannelId: slacktest.Channel})
	vendor := slacktest.NewSlack(time.Now)
	require.ErrorContains(t, a.Verify(vendor.Webhook([]byte("{}"))), "signing_secret")
}

func TestTheChallengeIsAnsweredBeforeTheSecretIsKnown(t *testing.T) {
	t.Parallel()
	vendor := slacktest.NewSlack(time.Now)
	all, err := vendor.Do("", emulator.Act{Kind: emulator.Greet})
	require.NoError(t, err)
	for _, config := range []*handoffv1.SlackConfig{{}, vendor.Config("http://127.0.0.1").(*handoffv1.SlackConfig)} {
		reply, ok := slack.Kind{}.Greet(config, all[0])
		require.True(t, ok)
		require.Contains(t, string(all[0].Body), `"challenge":"`+string(reply.Body)+`"`)
		require.Equal(t, "text/plain; charset=utf-8", reply.ContentType, "it is not ours, and must not be taken for a page")
	}
	_, ok := slack.Kind{}.Greet(withSecret("another"), all[0])
	require.False(t, ok, "once the secret is known it has to be proved")
	for _, body := range []string{`{"type":"url_verification"}`, `{"type":"event_callback","challenge":"x"}`, `{"type":"url_verification","challenge":"` + string(bytes.Repeat([]byte("x"), 2000)) + `"}`} {
		_, ok := slack.Kind{}.Greet(&handoffv1.SlackConfig{}, provider.Request{Method: http.MethodPost, Body: []byte(body)})
		require.False(t, ok, "%.60s", body)
	}
}

func TestSecretsAreStripped(t *testing.T) {
	t.Parallel()
	a := adapterOf(t, withSecret("s"))
	strip := a.(provider.Stripper).Strip
	body := `{"token":"XXYYZZ","a":{"response_url":"https:\/\/hooks.slack.com\/x","trigger_id" : "1\"2"},"type":"x"}`
	form := url.Values{"payload": {body}}.Encode()
	for _, r := range []provider.Request{
		{Header: http.Header{"Content-Type": {"application/json"}, "X-Slack-Signature": {"v0=1"}}, Body: []byte(body)},
		{Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte(form)},
	} {
		before := string(r.Body)
		stripped := strip(r)
		text, err := url.QueryUnescape(string(stripped.Body))
		require.NoError(t, err)
		for _, secret := range []string{"XXYYZZ", "hooks.slack", `1\"2`} {
			assert.NotContains(t, text, secret)
		}
		assert.Contains(t, text, `"type":"x"`)
		assert.Empty(t, stripped.Header.Get("X-Slack-Signature"))
		assert.Equal(t, before, string(r.Body), "what it is given stays as it is")
	}
}
