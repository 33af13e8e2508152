package livechat_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/livechat"
	"github.com/human-handoff/handoff/internal/provider/livechat/livechattest"
)

const receiveURL = "https://gateway.example/webhooks/livechat/token"

// desk is an emulated LiveChat with a connection to it.
type desk struct {
	*livechattest.Emulator

	t      *testing.T
	front  *emulator.Front
	config *handoffv1.LiveChatConfig
	deps   provider.Deps
	now    time.Time
	kept   []string // by starts
}

func newDesk(t *testing.T, change ...func(e *livechattest.Emulator)) *desk {
	t.Helper()
	d := &desk{t: t, now: time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)}
	clock := func() time.Time { return d.now }
	d.Emulator = livechattest.New(clock)
	for _, fn := range change {
		fn(d.Emulator)
	}
	d.front = emulator.NewFront(d.Emulator)
	server := httptest.NewServer(d.front)
	t.Cleanup(server.Close)
	d.config, _ = d.Config(server.URL).(*handoffv1.LiveChatConfig)
	d.deps = provider.Deps{
		HTTP: server.Client(), Now: clock, ReceiveURL: receiveURL, Tokens: provider.NewTokens(clock),
		Seal:   func(plain string) string { return "sealed " + plain },
		Unseal: func(sealed string) (string, error) { return strings.TrimPrefix(sealed, "sealed "), nil },
	}
	return d
}

func (d *desk) open() provider.Adapter {
	d.t.Helper()
	require.Empty(d.t, livechat.Kind{}.Missing(d.config))
	a, err := livechat.Kind{}.Open(d.config, d.deps)
	require.NoError(d.t, err)
	return a
}

func (d *desk) start(a provider.Adapter, start handoff.Start) provider.Call {
	d.t.Helper()
	c := provider.Call{SessionID: "ses_1", IdempotencyKey: "start", Time: d.now, Keep: func(_ context.Context, data string) error {
		d.kept = append(d.kept, data)
		return nil
	}}
	ref, err := a.Open(d.t.Context(), c, start)
	require.NoError(d.t, err)
	c.Ref = ref
	return c
}

func (d *desk) send(a provider.Adapter, c provider.Call, id, text string) {
	d.t.Helper()
	c.IdempotencyKey = id
	_, err := a.Send(d.t.Context(), c, handoff.Message{ID: id, Text: text})
	require.NoError(d.t, err)
}

// paths returns the calls since a number of them, without their versions.
func (d *desk) paths(since int) []string {
	var list []string
	for _, c := range d.front.Calls()[since:] {
		list = append(list, c.Path[strings.LastIndex(c.Path, "/")+1:])
	}
	return list
}

var question = handoff.Start{Question: "hello?", Customer: handoff.Customer{Email: "bob@example.com", Name: "Bob"}}

// Calls are billed: a start is three and a message one, once the tokens are there.
func TestCallsAreFew(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := d.open()
	c := d.start(a, question)
	assert.Equal(t, []string{"token", "token", "update_customer", "start_chat"}, d.paths(0))
	assert.Len(t, d.kept, 1)
	before := len(d.front.Calls())
	d.send(a, c, "1", "one")
	require.NoError(t, a.Close(t.Context(), c, handoff.ClosedByCustomer))
	assert.Equal(t, []string{"send_event", "deactivate_chat"}, d.paths(before))
}

func TestTokensEnd(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := d.open()
	c := d.start(a, question)
	d.now = d.now.Add(d.TokenLife - time.Minute)
	before := len(d.front.Calls())
	d.send(a, c, "1", "in time")
	assert.Equal(t, []string{"token", "token", "send_event"}, d.paths(before), "before they end they are renewed")
	d.EndTokens()
	before = len(d.front.Calls())
	d.send(a, c, "2", "too early")
	assert.Equal(t, []string{"send_event", "token", "token", "token", "send_event"}, d.paths(before), "and when they ended before their time")
	assert.Equal(t, 1, d.Contacts(), "for the same customer")
}

func TestARefreshTokenThatChangesIsKept(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(e *livechattest.Emulator) { e.Rotates = true })
	var kept map[string]string
	before := d.config.GetRefreshToken()
	d.deps.Renew = func(_ context.Context, secrets map[string]string) error {
		kept = secrets
		return nil
	}
	require.NoError(t, d.open().Check(t.Context()))
	require.NotEmpty(t, kept["refresh_token"])
	require.NotEqual(t, before, kept["refresh_token"])
	d.deps.Tokens = provider.NewTokens(d.deps.Now)
	require.Equal(t, provider.ClassConsent, provider.ClassOf(d.open().Check(t.Context())), "the old one is over")
	d.config.RefreshToken = kept["refresh_token"]
	require.NoError(t, d.open().Check(t.Context()))
}

func TestRegions(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(e *livechattest.Emulator) { e.Region = "fra" })
	a := d.open()
	c := d.start(a, question)
	d.send(a, c, "1", "one")
	for _, call := range d.front.Calls() {
		assert.Equal(t, 200, call.Status, "%s: the token tells the region", call.Path)
	}
	d = newDesk(t, func(e *livechattest.Emulator) { e.Region = "syd" })
	d.start(d.open(), question)
	require.Len(t, d.Sessions(), 1, "where it does not, LiveChat says which it is")
}

func TestCookies(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.config = &handoffv1.LiveChatConfig{ClientId: d.ClientID, OrganizationId: d.OrganizationID, ApiBaseUrl: d.config.GetApiBaseUrl()}
	a := d.open()
	authorizer, _ := a.(provider.Authorizer)
	assert.Empty(t, authorizer.AuthorizeURL(receiveURL, "state"), "there is nobody to ask")
	installer, _ := a.(provider.Installer)
	for range 3 {
		require.NoError(t, a.Check(t.Context()))
		require.NoError(t, installer.Install(t.Context()))
	}
	assert.Equal(t, 1, d.Contacts(), "one customer is enough to see that it works")
	c := d.start(a, question)
	assert.Regexp(t, `"sealed [^"]*__lc_cid=`, c.Ref.Data, "who has the cookies is the customer")
	d.EndTokens()
	d.send(a, c, "1", "one")
	d.now = d.now.Add(9 * time.Hour)
	d.send(a, c, "2", "two")
	assert.Equal(t, 2, d.Contacts())
	s := d.Sessions()[0]
	assert.Equal(t, []string{"one", "two"}, s.Messages())

	for _, act := range []emulator.Act{{Kind: emulator.Say, Text: "Hi"}, {Kind: emulator.Note, Text: "hush"}, {Kind: emulator.Close}} {
		_, err := d.Do(c.Ref.ID, act)
		require.NoError(t, err)
	}
	reconciler, _ := a.(provider.Reconciler)
	all, err := reconciler.Since(t.Context(), c, d.now)
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, handoff.HumanMessage{Text: "Hi"}, all[0].Body)
	assert.Equal(t, handoff.HumanClosed{}, all[1].Body)

	d.config.OrganizationId = d.OtherOrganizationID
	require.Error(t, d.open().Check(t.Context()))
}

func TestWebhooksAreRegistered(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.config.WebhookSecret = ""
	install := func() error {
		installer, _ := d.open().(provider.Installer)
		return installer.Install(t.Context())
	}
	wanted := []string{"incoming_event", "chat_deactivated", "user_added_to_chat", "user_removed_from_chat", "chat_transferred", "events_marked_as_seen"}
	require.NoError(t, install())
	require.Equal(t, map[string][]string{receiveURL: wanted}, d.Webhooks())
	before := len(d.front.Calls())
	require.NoError(t, install())
	assert.Equal(t, []string{"list_webhooks", "get_license_webhooks_state"}, d.paths(before), "nothing is made twice")

	a := d.open()
	c := d.start(a, question)
	say := func() provider.Request {
		all, err := d.Do(c.Ref.ID, emulator.Act{Kind: emulator.Say, Text: "Hi"})
		require.NoError(t, err)
		require.Len(t, all, 1)
		return all[0]
	}
	require.NoError(t, a.Verify(say()), "we know the secret without keeping it")

	d.config.WebhookSecret = "another"
	require.Error(t, d.open().Verify(say()))
	require.NoError(t, install())
	require.Equal(t, map[string][]string{receiveURL: wanted}, d.Webhooks(), "with the new secret, and none with the old")
	require.NoError(t, d.open().Verify(say()))

	// Other agents of the same app: three, and no more.
	for _, other := range []string{"/b", "/c"} {
		d.deps.ReceiveURL = receiveURL + other
		require.NoError(t, install())
	}
	d.deps.ReceiveURL = receiveURL + "/d"
	err := install()
	require.Equal(t, provider.ClassIncomplete, provider.ClassOf(err))
	require.ErrorContains(t, err, "another app")
}

func TestWithoutTheRightToRegister(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(e *livechattest.Emulator) { e.Scopes = "customers:own" })
	installer, _ := d.open().(provider.Installer)
	require.NoError(t, installer.Install(t.Context()), "they were made by hand, with a secret that was entered")
	d.config.WebhookSecret = ""
	installer, _ = d.open().(provider.Installer)
	err := installer.Install(t.Context())
	require.Equal(t, provider.ClassIncomplete, provider.ClassOf(err))
	require.ErrorContains(t, err, "webhooks.configuration:rw")

	a := d.open()
	require.NoError(t, a.Check(t.Context()))
	c := d.start(a, question)
	_, err = d.Do(c.Ref.ID, emulator.Act{Kind: emulator.Say, Text: "Hi"})
	require.NoError(t, err)
	reconciler, _ := a.(provider.Reconciler)
	all, err := reconciler.Since(t.Context(), c, d.now)
	require.NoError(t, err)
	require.Len(t, all, 1, "without the scope chats--all:ro the customer is asked")

	d = newDesk(t, func(e *livechattest.Emulator) { e.Scopes = "chats--all:ro" })
	require.Equal(t, provider.ClassIncomplete, provider.ClassOf(d.open().Check(t.Context())))
}

func TestLongTextsComeInParts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := d.open()
	text := strings.Repeat("ä€ ", 6000)
	c := d.start(a, handoff.Start{Question: text, Transcript: []handoff.Turn{{Role: handoff.RoleUser, Text: text}}})
	d.send(a, c, "1", text)
	d.front.Fail(emulator.Fault{Skip: 1, Cut: true, Once: true, Done: true})
	c.IdempotencyKey = "2"
	_, err := a.Send(t.Context(), c, handoff.Message{Text: text})
	require.Error(t, err)
	c.Repeat = true
	_, err = a.Send(t.Context(), c, handoff.Message{Text: text})
	require.NoError(t, err)
	s := d.Sessions()[0]
	assert.Equal(t, 2, strings.Count(strings.ReplaceAll(s.Context, "\n", ""), text))
	assert.Equal(t, text+text, strings.Join(s.Messages(), ""), "nothing is cut off, and nothing is there twice")
}

func TestChatsThatEndByThemselves(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := d.open()
	c := d.start(a, question)
	webhooks := d.Silence(c.Ref.ID)
	require.Len(t, webhooks, 1)
	_, told, err := a.Parse(webhooks[0])
	require.NoError(t, err)
	reconciler, _ := a.(provider.Reconciler)
	asked, err := reconciler.Since(t.Context(), c, d.now)
	require.NoError(t, err)
	require.Equal(t, told, asked)
	closed, ok := told[0].Body.(handoff.HumanClosed)
	require.True(t, ok)
	require.Contains(t, closed.Outcome.Note, "by itself")

	_, err = a.Send(t.Context(), c, handoff.Message{Text: "too late"})
	require.Equal(t, provider.ClassRejected, provider.ClassOf(err), "it is not opened again")
	require.NoError(t, a.Close(t.Context(), c, handoff.ClosedByCustomer))
	ours := d.start(a, question)
	require.NoError(t, a.Close(t.Context(), ours, handoff.ClosedByCustomer))
	asked, err = reconciler.Since(t.Context(), ours, d.now)
	require.NoError(t, err)
	require.Empty(t, asked, "what we ended ourselves is no news")
}

func TestWhatIsWrongWithAConfiguration(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for name, c := range map[string]struct {
		change func(c *handoffv1.LiveChatConfig)
		class  provider.Class
		says   string
	}{
		"no consent":           {func(c *handoffv1.LiveChatConfig) { c.RefreshToken = "" }, provider.ClassConsent, "authorize_url"},
		"consent withdrawn":    {func(c *handoffv1.LiveChatConfig) { c.RefreshToken = "dal:old" }, provider.ClassConsent, "ended the consent"},
		"another organization": {func(c *handoffv1.LiveChatConfig) { c.OrganizationId = "other" }, provider.ClassConsent, "this connection is to other"},
		"client secret":        {func(c *handoffv1.LiveChatConfig) { c.ClientSecret = "wrong" }, provider.ClassCredentials, "invalid_client"},
		"group":                {func(c *handoffv1.LiveChatConfig) { c.GroupId = 99 }, provider.ClassIncomplete, "group_not_found"},
	} {
		config, _ := d.Config(d.config.GetApiBaseUrl()).(*handoffv1.LiveChatConfig)
		c.change(config)
		a, err := livechat.Kind{}.Open(config, d.deps)
		require.NoError(t, err)
		err = a.Check(t.Context())
		if err == nil {
			_, err = a.Open(t.Context(), provider.Call{SessionID: "s"}, question)
		}
		assert.Equal(t, c.class, provider.ClassOf(err), "%s: %v", name, err)
		assert.ErrorContains(t, err, c.says, name)
	}
}

func TestKind(t *testing.T) {
	t.Parallel()
	k := livechat.Kind{}
	config := func(change func(c *handoffv1.LiveChatConfig)) *handoffv1.LiveChatConfig {
		c := &handoffv1.LiveChatConfig{ClientId: "app", OrganizationId: "org"}
		change(c)
		return c
	}
	assert.Equal(t, []string{"client_id", "organization_id"}, k.Missing(&handoffv1.LiveChatConfig{}))
	assert.Empty(t, k.Missing(config(func(*handoffv1.LiveChatConfig) {})), "the pair alone is complete")
	assert.Equal(t, []string{"client_secret"}, k.Missing(config(func(c *handoffv1.LiveChatConfig) {
		c.Identity = handoffv1.LiveChatConfig_IDENTITY_AGENT_TOKEN
	})))
	account, err := k.Account(config(func(*handoffv1.LiveChatConfig) {}))
	require.NoError(t, err)
	assert.Equal(t, "https://api.livechatinc.com/org/app", account)
	for _, bad := range []string{"ftp://x", "https://u:p@x", "https://x?y", "://"} {
		_, err := k.Account(config(func(c *handoffv1.LiveChatConfig) { c.ApiBaseUrl = bad }))
		assert.ErrorContains(t, err, "api_base_url", bad)
	}
	a, err := k.Open(config(func(c *handoffv1.LiveChatConfig) { c.ClientSecret = "s" }), provider.Deps{Now: time.Now})
	require.NoError(t, err)
	authorizer, _ := a.(provider.Authorizer)
	assert.Equal(t, "https://accounts.livechat.com/?client_id=app&redirect_uri=https%3A%2F%2Fgateway%2Foauth&response_type=code&state=st",
		authorizer.AuthorizeURL("https://gateway/oauth", "st"))
}

// Details beside a chat are bounded, and none is there twice.
func TestDetails(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	start := question
	start.Customer.Attributes = map[string]string{"user_id": "claimed", "plan": strings.Repeat("x", 5000)}
	start.Customer.UserID = "real"
	start.Metadata = map[string]string{}
	for i := range 200 {
		start.Metadata["field "+string(rune('A'+i%26))+strings.Repeat("y", i/26)] = "v"
	}
	d.start(d.open(), start)
	s := d.Sessions()[0]
	assert.Equal(t, "real", s.Customer.UserID, "nobody can pass for somebody by an attribute")
	calls := d.front.Calls()
	i := slices.IndexFunc(calls, func(c emulator.Recorded) bool { return strings.HasSuffix(c.Path, "update_customer") })
	assert.Less(t, len(calls[i].Body), 8000)
}

func TestExchange(t *testing.T) {
	t.Parallel()
	for button, says := range map[string]string{
		"allow": "", "elsewhere": "sign in to LiveChat there", "stale": "its few minutes are over",
	} {
		d := newDesk(t)
		d.config.RefreshToken = ""
		a, _ := d.open().(provider.Authorizer)
		code := d.consent(a.AuthorizeURL(receiveURL+"/oauth", "state"), button)
		secrets, err := a.Exchange(t.Context(), provider.Grant{Code: code, RedirectURL: receiveURL + "/oauth"})
		if says != "" {
			require.ErrorContains(t, err, says)
			require.Equal(t, provider.ClassConsent, provider.ClassOf(err), button)
			require.Empty(t, secrets)
			continue
		}
		require.NoError(t, err)
		d.config.RefreshToken = secrets["refresh_token"]
		before := len(d.front.Calls())
		require.NoError(t, d.open().Check(t.Context()))
		require.Equal(t, []string{"info"}, d.paths(before), "the token that came with it is used")
		_, err = a.Exchange(t.Context(), provider.Grant{Code: code, RedirectURL: receiveURL + "/oauth"})
		require.Equal(t, provider.ClassConsent, provider.ClassOf(err), "a code is good once")
		require.NotContains(t, err.Error(), code)
	}
}

// consent presses a button of the page of the consent and returns the code that a
// browser would bring back.
func (d *desk) consent(address, button string) string {
	d.t.Helper()
	u, err := url.Parse(address)
	require.NoError(d.t, err)
	form := url.Values{"do": {button}, "state": {u.Query().Get("state")}, "redirect_uri": {u.Query().Get("redirect_uri")}}
	request := httptest.NewRequest(http.MethodPost, "/consent", strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	d.ServeHTTP(answer, request)
	back, err := url.Parse(answer.Header().Get("Location"))
	require.NoError(d.t, err)
	require.Equal(d.t, "state", back.Query().Get("state"))
	return back.Query().Get("code")
}
