package slack_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/providertest"
	"github.com/human-handoff/handoff/internal/provider/slack"
	"github.com/human-handoff/handoff/internal/provider/slack/slacktest"
)

const receiveURL = "https://handoff.example/webhooks/slack/TOKEN"

func manifestOf(t *testing.T, config *handoffv1.SlackConfig, url string) (slackgo.Manifest, string) {
	t.Helper()
	text := slack.Kind{}.Manifest(config, url)
	var m slackgo.Manifest
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&m), text)
	return m, text
}

func TestManifest(t *testing.T) {
	t.Parallel()
	m, text := manifestOf(t, &handoffv1.SlackConfig{}, receiveURL)
	assert.Equal(t, receiveURL, m.Settings.EventSubscriptions.RequestUrl)
	assert.Equal(t, receiveURL, m.Settings.Interactivity.RequestUrl)
	assert.True(t, m.Settings.Interactivity.IsEnabled)
	assert.False(t, m.Settings.SocketModeEnabled)
	assert.Equal(t, slack.Scopes, m.OAuthConfig.Scopes.Bot)
	assert.Equal(t, slack.Events, m.Settings.EventSubscriptions.BotEvents)
	assert.LessOrEqual(t, len(m.Display.Name), 35)
	assert.NotContains(t, text, "\t")

	for name, c := range map[string]struct {
		config *handoffv1.SlackConfig
		url    string
	}{
		"with an app-level token":  {&handoffv1.SlackConfig{AppToken: "xapp-1-secret", BotToken: "xoxb-secret"}, receiveURL},
		"without a public address": {&handoffv1.SlackConfig{}, "http://127.0.0.1:8080/webhooks/slack/TOKEN"},
	} {
		m, text := manifestOf(t, c.config, c.url)
		assert.True(t, m.Settings.SocketModeEnabled, name)
		assert.Empty(t, m.Settings.EventSubscriptions.RequestUrl, name)
		assert.Empty(t, m.Settings.Interactivity.RequestUrl, name)
		assert.NotContains(t, text, "secret", name)
	}
	odd, _ := manifestOf(t, &handoffv1.SlackConfig{}, "https://x.example/\"\n  socket_mode_enabled: true")
	assert.False(t, odd.Settings.SocketModeEnabled && odd.Settings.EventSubscriptions.RequestUrl != "", "an address stays an address")
}

// TestSlacksSchemaAcceptsTheManifest needs Slack's own schema, which is not kept
// here: the file manifest.schema.1.0.0.json of https://github.com/slackapi/manifest-schema.
func TestSlacksSchemaAcceptsTheManifest(t *testing.T) {
	t.Parallel()
	file := os.Getenv("SLACK_MANIFEST_SCHEMA")
	if file == "" {
		t.Skip("SLACK_MANIFEST_SCHEMA names no schema")
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseRegexpEngine(func(pattern string) (jsonschema.Regexp, error) {
		return regexp.Compile(strings.ReplaceAll(pattern, `(?![\.\-])`, "")) // which Go has not, of fields that we have not
	})
	schema, err := compiler.Compile(file)
	require.NoError(t, err)
	for _, url := range []string{receiveURL, "http://127.0.0.1:8080/webhooks/slack/TOKEN"} {
		text := slack.Kind{}.Manifest(&handoffv1.SlackConfig{}, url)
		var value any
		require.NoError(t, yaml.Unmarshal([]byte(text), &value))
		require.NoError(t, schema.Validate(value), text)

		value.(map[string]any)["settings"].(map[string]any)["socket_mode"] = true
		require.Error(t, schema.Validate(value), "the schema sees what is wrong")
	}
}

// everything is all that an adapter does with the API.
func everything(t *testing.T, vendor *slacktest.Emulator) (methods map[string]bool, err error) {
	t.Helper()
	server := providertest.NewServer(t, vendor)
	config := vendor.Config(server.URL()).(*handoffv1.SlackConfig)
	adapter, err := slack.Kind{}.Open(config, provider.Deps{HTTP: http.DefaultClient, Now: time.Now, Files: kept{}})
	require.NoError(t, err)
	err = exercise(t, vendor, adapter)
	methods = map[string]bool{}
	for _, call := range server.Calls() {
		if strings.HasPrefix(call.Path, "/api/") {
			methods[path.Base(call.Path)] = true
		}
	}
	return methods, err
}

func exercise(t *testing.T, vendor *slacktest.Emulator, a provider.Adapter) error {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	if err := a.Check(ctx); err != nil {
		return err
	}
	long := handoff.Start{Customer: handoff.Customer{Name: "Ann"}, Question: "Hi?", Transcript: []handoff.Turn{
		{Role: handoff.RoleUser, Text: strings.Repeat("word ", 2500)},
	}}
	c := provider.Call{SessionID: "ses_1", IdempotencyKey: "ses_1-start", Time: now, Repeat: true}
	var err error
	if c.Ref, err = a.Open(ctx, c, long); err != nil {
		return err
	}
	again, err := a.Open(ctx, c, long)
	if err != nil {
		return err
	}
	require.Equal(t, c.Ref, again)
	c.IdempotencyKey = "msg_1"
	if _, err := a.Send(ctx, c, handoff.Message{Text: "hello", Attachments: []handoff.Attachment{attachment("file_1", "a.png")}}); err != nil {
		return err
	}
	if _, err := vendor.Do(c.Ref.ID, emulator.Act{Kind: emulator.Say, Text: "hi"}); err != nil {
		return err
	}
	told, err := a.(provider.Reconciler).Since(ctx, c, now.Add(-time.Second))
	if err != nil {
		return err
	}
	require.Len(t, told, 1)
	if err := fetches(t, vendor, a, c.Ref.ID); err != nil {
		return err
	}
	shown := told
	for _, press := range []func(string, string) (provider.Request, error){vendor.Press, vendor.PressAsEve} {
		r, err := press(c.Ref.ID, "handoff_take")
		require.NoError(t, err)
		_, pressed, err := a.Parse(r)
		require.NoError(t, err)
		shown = append(shown, pressed...)
	}
	for _, in := range shown {
		if err := a.(provider.Confirmer).Confirm(ctx, c, in, false); err != nil {
			return err
		}
	}
	require.Len(t, vendor.Whispers(c.Ref.ID), 1)
	if _, err := a.(provider.Introducer).Name(ctx, "U0BOB000001"); err != nil {
		return err
	}
	c.IdempotencyKey = "ses_1-close"
	return a.Close(ctx, c, handoff.ClosedByCustomer)
}

// fetches has a human send a file, and fetches it as the core does.
func fetches(t *testing.T, vendor *slacktest.Emulator, a provider.Adapter, session string) error {
	t.Helper()
	all, err := vendor.Do(session, emulator.Act{Kind: emulator.Attach, File: &emulator.File{Name: "b.txt", Content: "of a human"}})
	require.NoError(t, err)
	_, inbound, err := a.Parse(all[0])
	require.NoError(t, err)
	remote := inbound[0].Body.(handoff.HumanMessage).Files[0]
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, remote.URL, http.NoBody)
	require.NoError(t, err)
	r.Header.Set("Authorization", remote.Header["Authorization"])
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
		return errors.New("missing_scope (" + slacktest.Download + "), of which a page to log in tells")
	}
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, "of a human", string(content))
	return nil
}

// TestScopesAreThoseThatTheCallsNeed compares what the manifest asks for with what
// Slack asks for the calls and events, in a public and in a private channel.
func TestScopesAreThoseThatTheCallsNeed(t *testing.T) {
	t.Parallel()
	needed := map[string]bool{}
	called := map[string]bool{}
	for _, private := range []bool{false, true} {
		vendor := slacktest.NewSlack(time.Now)
		vendor.Private, vendor.Scopes = private, slack.Scopes
		methods, err := everything(t, vendor)
		require.NoError(t, err)
		for method := range methods {
			require.Contains(t, slacktest.Methods, method)
			called[method] = true
		}
		for _, scope := range vendor.UsedScopes() {
			needed[scope] = true
		}
	}
	for method := range slacktest.Methods {
		assert.True(t, called[method] || method == "apps.connections.open", "%s is called by nothing here", method)
	}
	for _, event := range slack.Events {
		require.Contains(t, slacktest.Events, event)
		needed[slacktest.Events[event]] = true
	}
	assert.ElementsMatch(t, slack.Scopes, keys(needed), "no more and no less")
	assert.True(t, slices.IsSorted(slack.Scopes))
}

// TestNoScopeCanBeLeftOut takes each scope from the app in turn: something fails,
// and Check has named it before.
func TestNoScopeCanBeLeftOut(t *testing.T) {
	t.Parallel()
	for i, scope := range slack.Scopes {
		fails := false
		for _, private := range []bool{false, true} {
			vendor := slacktest.NewSlack(time.Now)
			vendor.Private = private
			vendor.Scopes = slices.Delete(slices.Clone(slack.Scopes), i, i+1)
			server := providertest.NewServer(t, vendor)
			adapter, err := slack.Kind{}.Open(vendor.Config(server.URL()), provider.Deps{HTTP: http.DefaultClient, Now: time.Now, Files: kept{}})
			require.NoError(t, err)
			err = adapter.Check(t.Context())
			require.ErrorContains(t, err, scope)
			require.Equal(t, provider.ClassCredentials, provider.ClassOf(err))
			vendor.HideScopes = true
			err = exercise(t, vendor, adapter)
			fails = fails || err != nil && strings.Contains(err.Error(), "missing_scope ("+scope+")")
		}
		assert.True(t, fails, "%s is not needed", scope)
	}
}

func keys(m map[string]bool) []string {
	var all []string
	for key := range m {
		all = append(all, key)
	}
	return all
}
