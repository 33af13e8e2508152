package agents_test

import (
	"context"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// agreeing is a kind whose vendor wants a consent. It shows how one is written.
type agreeing struct{ vendor *agreement }

// agreement is the vendor: the codes that it has given, and what it was asked.
type agreement struct {
	codes     map[string]string // to refresh tokens
	installed []string
	deps      provider.Deps
	checked   func() // while a configuration is checked
}

func (k agreeing) Describe() provider.Descriptor {
	return provider.Descriptor{Name: "livechat", Title: "Agreeing", Config: &handoffv1.LiveChatConfig{}}
}

func (k agreeing) Account(c proto.Message) (string, error) {
	if id := c.(*handoffv1.LiveChatConfig).GetClientId(); id != "" {
		return "https://vendor.example/" + id, nil
	}
	return "", nil
}

func (k agreeing) Missing(c proto.Message) []string {
	if c.(*handoffv1.LiveChatConfig).GetClientId() == "" {
		return []string{"client_id"}
	}
	return nil
}

func (k agreeing) Open(c proto.Message, deps provider.Deps) (provider.Adapter, error) {
	k.vendor.deps = deps
	return &agreed{vendor: k.vendor, config: c.(*handoffv1.LiveChatConfig)}, nil
}

type agreed struct {
	provider.Adapter

	vendor *agreement
	config *handoffv1.LiveChatConfig
}

func (a *agreed) Check(context.Context) error {
	if a.vendor.checked != nil {
		a.vendor.checked()
	}
	if a.config.GetRefreshToken() == "" {
		return provider.Errorf(provider.ClassConsent, "somebody has to consent")
	}
	return nil
}

func (a *agreed) AuthorizeURL(redirect, state string) string {
	return "https://vendor.example/consent?" + url.Values{"state": {state}, "redirect_uri": {redirect}}.Encode()
}

func (a *agreed) Exchange(_ context.Context, g provider.Grant) (map[string]string, error) {
	if !strings.HasSuffix(g.RedirectURL, "/oauth") {
		return nil, provider.Errorf(provider.ClassRejected, "bad redirect %s", g.RedirectURL)
	}
	token := a.vendor.codes[g.Code]
	delete(a.vendor.codes, g.Code)
	if token == "" {
		return nil, provider.Errorf(provider.ClassConsent, "the code %s is not good any more", g.Code)
	}
	return map[string]string{"refresh_token": token}, nil
}

func (a *agreed) Install(context.Context) error {
	a.vendor.installed = append(a.vendor.installed, a.vendor.deps.ReceiveURL)
	return nil
}

type consentBench struct {
	*bench

	vendor *agreement
	ids    int
}

func newConsentBench(t *testing.T) *consentBench {
	t.Helper()
	b := &consentBench{bench: newBench(t), vendor: &agreement{codes: map[string]string{"code": "token 1", "again": "token 2"}}}
	b.svc = agents.New(agents.Config{
		Store: b.store, Kinds: []provider.Kind{agreeing{b.vendor}}, Sealer: b.sealer, BaseURL: "https://gateway",
		NewID: func(prefix string) string { b.ids++; return prefix + strconv.Itoa(b.ids) }, Now: func() time.Time { return b.now },
		Logger: slog.New(slog.DiscardHandler),
	})
	return b
}

func (b *consentBench) configure(id string) *agents.View { return b.configureFor("bot", id) }

func (b *consentBench) configureFor(agent, id string) *agents.View {
	b.t.Helper()
	v, err := b.svc.Configure(b.t.Context(), agents.Change{AgentID: agent, Kind: "livechat", Config: &handoffv1.LiveChatConfig{ClientId: id}, Settings: keep})
	require.NoError(b.t, err)
	return v
}

// state returns the state in a view's link.
func (b *consentBench) state(v *agents.View) string {
	b.t.Helper()
	u, err := url.Parse(v.AuthorizeURL)
	require.NoError(b.t, err)
	require.Equal(b.t, v.ReceiveURL+"/oauth", u.Query().Get("redirect_uri"))
	return u.Query().Get("state")
}

func (b *consentBench) consent(v *agents.View, query url.Values) (agents.Consent, error) {
	_, token, _ := strings.Cut(v.ReceiveURL, "/webhooks/livechat/")
	return b.svc.Consent(b.t.Context(), "livechat", token, query)
}

func (b *consentBench) view() *agents.View {
	b.t.Helper()
	v, err := b.svc.Get(b.t.Context(), "bot")
	require.NoError(b.t, err)
	return v
}

func TestConsent(t *testing.T) {
	t.Parallel()
	b := newConsentBench(t)
	v := b.configure("")
	require.Empty(t, v.AuthorizeURL, "incomplete")
	v = b.configure("app")
	require.Equal(t, handoff.ReasonConsent, v.Status.ReasonCode)
	require.Empty(t, b.vendor.installed, "nothing is made before it works")
	got, err := b.consent(v, url.Values{"state": {b.state(v)}, "code": {"code"}})
	require.NoError(t, err)
	require.Equal(t, handoff.ServiceAvailable, got.Status.State)
	after := b.view()
	require.Equal(t, handoff.ServiceAvailable, after.Status.State)
	require.Equal(t, []string{"refresh_token"}, after.Agent.Connection.SecretsSet)
	require.Equal(t, v.ETag, after.ETag, "no operator's change is in conflict with it")
	require.Equal(t, []string{v.ReceiveURL}, b.vendor.installed)
	require.NotContains(t, string(after.Agent.Connection.Config), "token 1", "it is sealed")

	_, err = b.consent(v, url.Values{"state": {b.state(v)}, "code": {"again"}})
	require.ErrorContains(t, err, "authorize_url", "a link is good once")
	_, err = b.consent(after, url.Values{"state": {b.state(after)}, "error": {"access_denied"}})
	require.Equal(t, handoff.CodePermission, handoff.CodeOf(err))
	require.Equal(t, after.Status, b.view().Status, "what works stays")

	require.NoError(t, b.vendor.deps.Renew(t.Context(), map[string]string{"refresh_token": "token 3"}))
	sealed := b.vendor.deps.Seal("cookie")
	require.NotContains(t, sealed, "cookie")
	plain, err := b.vendor.deps.Unseal(sealed)
	require.NoError(t, err)
	require.Equal(t, "cookie", plain)
}

func TestConsentsThatAreNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(b *consentBench, state string) string // of the state
		query  url.Values
		want   handoff.Code
		reason string // of the error
		status string // in the status after that; empty = as before
	}{
		"no state":          {change: func(*consentBench, string) string { return "" }, want: handoff.CodeInvalid, reason: "CONSENT_LINK_UNKNOWN"},
		"garbage":           {change: func(*consentBench, string) string { return "x" }, want: handoff.CodeInvalid, reason: "CONSENT_LINK_UNKNOWN"},
		"another state":     {change: func(_ *consentBench, s string) string { return s[:20] + "AAAA" + s[24:] }, want: handoff.CodeInvalid, reason: "CONSENT_LINK_UNKNOWN"},
		"a later end":       {change: func(_ *consentBench, s string) string { return "B" + s[1:] }, want: handoff.CodeInvalid, reason: "CONSENT_LINK_UNKNOWN"},
		"too late":          {change: func(b *consentBench, s string) string { b.now = b.now.Add(time.Hour); return s }, want: handoff.CodeInvalid, reason: "CONSENT_LINK_EXPIRED"},
		"changed meanwhile": {change: func(b *consentBench, s string) string { b.configure("app"); return s }, want: handoff.CodeInvalid, reason: "CONSENT_LINK_UNKNOWN"},
		"neither":           {query: url.Values{}, want: handoff.CodeInvalid, reason: "CONSENT_INCOMPLETE"},
		"refused":           {query: url.Values{"error": {"access_denied"}, "error_description": {"no\n" + strings.Repeat("x", 500)}}, want: handoff.CodePermission, reason: "CONSENT_REFUSED", status: `"access_denied": "no\nx`},
		"old code":          {query: url.Values{"code": {"stale-code"}}, want: handoff.CodePrecondition, reason: "CONSENT_FAILED", status: "the code [redacted] is not good any more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newConsentBench(t)
			v := b.configure("app")
			state := b.state(v)
			query := url.Values{"code": {"code"}}
			if c.query != nil {
				query = c.query
			}
			if c.change != nil {
				state = c.change(b, state)
			}
			query.Set("state", state)
			_, err := b.consent(v, query)
			require.ErrorIs(t, err, &handoff.Error{Code: c.want, Reason: c.reason})
			after := b.view()
			require.Empty(t, after.Agent.Connection.SecretsSet)
			require.Equal(t, handoff.ReasonConsent, after.Status.ReasonCode)
			if c.status == "" {
				c.status = "somebody has to consent"
			}
			require.Contains(t, after.Status.Reason, c.status)
			require.Less(t, len(after.Status.Reason), 500)
			require.NotNil(t, b.vendor.codes["code"])
		})
	}
	b := newConsentBench(t)
	v := b.configure("app")
	other := b.configureFor("other", "app")
	_, err := b.consent(v, url.Values{"state": {b.state(other)}, "code": {"code"}})
	require.ErrorContains(t, err, "not the way back", "the link of another agent")
	require.NotNil(t, b.vendor.codes["code"])
	_, err = b.svc.Consent(t.Context(), "livechat", "nobody's", url.Values{"state": {b.state(v)}})
	require.ErrorIs(t, err, agents.ErrUnknownToken)
}

// TestASecretThatRenewsItselfIsNotUndone matters because the vendor takes the old one
// no more: a change that was begun before would bring it back.
func TestASecretThatRenewsItselfIsNotUndone(t *testing.T) {
	t.Parallel()
	b := newConsentBench(t)
	v := b.configure("app")
	_, err := b.consent(v, url.Values{"state": {b.state(v)}, "code": {"code"}})
	require.NoError(t, err)
	b.vendor.checked = func() {
		b.vendor.checked = nil
		require.NoError(t, b.vendor.deps.Renew(t.Context(), map[string]string{"refresh_token": "renewed"}))
	}
	change := agents.Change{AgentID: "bot", Kind: "livechat", Config: &handoffv1.LiveChatConfig{ClientId: "app", GroupId: 7}, Settings: keep}
	_, err = b.svc.Configure(t.Context(), change)
	require.ErrorIs(t, err, agents.ErrETagMismatch)
	_, err = b.svc.Configure(t.Context(), change)
	require.NoError(t, err, "on what is there now it can be made")
}
