package provider

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

func config() *handoffv1.WebhookConfig {
	return &handoffv1.WebhookConfig{Url: "https://example.com", Username: "u", Password: "hunter2", SigningSecret: "whsec_abc"}
}

func TestSecrets(t *testing.T) {
	assert.Equal(t, []string{"password", "signing_secret"}, SecretNames(&handoffv1.WebhookConfig{}))
	assert.Empty(t, SecretNames(&handoffv1.DeskConfig{}))
	assert.Equal(t, map[string]string{"password": "hunter2", "signing_secret": "whsec_abc"}, Secrets(config()))
	assert.Empty(t, Secrets(&handoffv1.WebhookConfig{Url: "https://example.com"}))
}

func TestClearSecrets(t *testing.T) {
	given := config()
	assert.True(t, proto.Equal(&handoffv1.WebhookConfig{Url: "https://example.com", Username: "u"}, ClearSecrets(given)))
	assert.True(t, proto.Equal(config(), given), "a copy")
}

func TestRemoveSecrets(t *testing.T) {
	given := config()
	got, err := RemoveSecrets(given, "password")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"signing_secret": "whsec_abc"}, Secrets(got))
	assert.True(t, proto.Equal(config(), given), "a copy")
	for _, name := range []string{"url", "token", ""} {
		_, err = RemoveSecrets(given, name)
		require.ErrorContains(t, err, "is not a secret of WebhookConfig")
	}
}

func TestMergeSecrets(t *testing.T) {
	given := &handoffv1.WebhookConfig{Url: "https://example.com/new", Password: "new"}
	merged := MergeSecrets(given, config())
	assert.True(t, proto.Equal(&handoffv1.WebhookConfig{Url: "https://example.com/new", Password: "new", SigningSecret: "whsec_abc"}, merged))
	assert.Empty(t, given.GetSigningSecret(), "a copy")
	assert.True(t, proto.Equal(given, MergeSecrets(given, nil)))
	assert.True(t, proto.Equal(given, MergeSecrets(given, &handoffv1.SlackConfig{SigningSecret: "other"})), "another kind's secret")
}

func TestMarshalConfig(t *testing.T) {
	data, err := MarshalConfig(config())
	require.NoError(t, err)
	assert.JSONEq(t, `{"url":"https://example.com","username":"u","password":"hunter2","signing_secret":"whsec_abc"}`, string(data))
	got := &handoffv1.WebhookConfig{}
	require.NoError(t, UnmarshalConfig(data, got))
	assert.True(t, proto.Equal(config(), got))
}

func TestUnmarshalConfigIsStrictAndSilentOnValues(t *testing.T) {
	err := UnmarshalConfig([]byte(`{"url":"https://example.com","colour":"hunter2"}`), &handoffv1.WebhookConfig{})
	require.ErrorContains(t, err, `unknown field "colour"`)
	assert.NotContains(t, err.Error(), "hunter2")
	for _, data := range []string{"", "null", "[]", `{"password":12345}`, `{"skip_probe":"hunter2"}`, `{"colour":1,"password":["hunter2"]}`, `{"password":"hunter2"`} {
		err := UnmarshalConfig([]byte(data), &handoffv1.WebhookConfig{})
		require.Error(t, err, data)
		assert.NotContains(t, err.Error(), "hunter2")
		assert.NotContains(t, err.Error(), "12345")
	}
}
