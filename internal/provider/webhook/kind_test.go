package webhook_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/webhook"
)

func TestAccount(t *testing.T) {
	for url, want := range map[string]string{
		"":                              "",
		"https://example.com":           "https://example.com",
		"\thttps://example.com/\n":      "https://example.com",
		"HTTPS://Example.COM:443/":      "https://example.com",
		"http://example.com:80":         "http://example.com",
		"http://example.com:443":        "http://example.com:443",
		"https://example.com:":          "https://example.com",
		"https://example.com:8443/A/b/": "https://example.com:8443/A/b",
		"https://example.com/a%2Fb//":   "https://example.com/a%2Fb",
		"http://[::1]:8080/x":           "http://[::1]:8080/x",
		"http://[2001:DB8::1]:80/x":     "http://[2001:db8::1]/x",
		"http://127.0.0.1:4021":         "http://127.0.0.1:4021", // whether it may be called is not decided here
	} {
		got, err := webhook.Kind{}.Account(&handoffv1.WebhookConfig{Url: url})
		require.NoError(t, err, url)
		assert.Equal(t, want, got)
	}
}

func TestBadConfigurationsSayWhichField(t *testing.T) {
	for _, tt := range []struct {
		config *handoffv1.WebhookConfig
		want   string
	}{
		{&handoffv1.WebhookConfig{Url: "example.com"}, "url: must begin with http:// or https://"},
		{&handoffv1.WebhookConfig{Url: "ftp://example.com"}, "url: must begin"},
		{&handoffv1.WebhookConfig{Url: "file:///etc/passwd"}, "url: must begin"},
		{&handoffv1.WebhookConfig{Url: "http:example.com"}, "url: has no host"},
		{&handoffv1.WebhookConfig{Url: "https://"}, "url: has no host"},
		{&handoffv1.WebhookConfig{Url: "https://:8080/x"}, "url: has no host"},
		{&handoffv1.WebhookConfig{Url: "https://u:hunter2@example.com"}, "url: must not contain a user"},
		{&handoffv1.WebhookConfig{Url: "https://u@example.com"}, "url: must not contain a user"},
		{&handoffv1.WebhookConfig{Url: "https://example.com/?token=hunter2"}, "url: must not have a query"},
		{&handoffv1.WebhookConfig{Url: "https://example.com/?"}, "url: must not have a query"},
		{&handoffv1.WebhookConfig{Url: "https://example.com/#hunter2"}, "url: must not have a fragment"},
		{&handoffv1.WebhookConfig{Url: "https://example.com/#"}, "url: must not have a fragment"},
		{&handoffv1.WebhookConfig{Url: "https://u:hunter2@exa mple.com"}, "url: not an address"},
		{&handoffv1.WebhookConfig{Url: "https://example.com", Username: "a:b", Password: "hunter2"}, "username: must not contain a colon"},
		{&handoffv1.WebhookConfig{Url: "https://example.com", SigningSecret: "whsec_hunter2!"}, "signing_secret: what follows whsec_"},
		{&handoffv1.WebhookConfig{Url: "https://example.com", SigningSecret: "whsec_"}, "signing_secret: what follows whsec_"},
	} {
		_, err := webhook.Kind{}.Open(tt.config, provider.Deps{})
		require.ErrorContains(t, err, tt.want)
		assert.NotContains(t, err.Error(), "hunter2")
		if tt.config.GetUrl() != "https://example.com" {
			_, err = webhook.Kind{}.Account(tt.config)
			require.ErrorContains(t, err, tt.want)
			assert.NotContains(t, err.Error(), "hunter2")
		}
	}
}

func TestMissing(t *testing.T) {
	assert.Equal(t, []string{"url"}, webhook.Kind{}.Missing(&handoffv1.WebhookConfig{Password: "x"}))
	assert.Empty(t, webhook.Kind{}.Missing(&handoffv1.WebhookConfig{Url: "https://example.com"}))
}

func TestAnotherKindsConfiguration(t *testing.T) {
	other := &handoffv1.SlackConfig{}
	_, err := webhook.Kind{}.Account(other)
	require.Error(t, err)
	_, err = webhook.Kind{}.Open(other, provider.Deps{})
	require.Error(t, err)
	assert.NotEmpty(t, webhook.Kind{}.Missing(other))
}
