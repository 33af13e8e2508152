// Package livechat is the provider for licenses of LiveChat (text.com).
//
// Each session is one customer of its own there, who has one chat. The wire is
// that of the Customer Chat, Agent Chat and Configuration APIs, version 3.6, and
// of the Accounts APIs that give out tokens (https://platform.text.com/docs).
//
//	kind.go      what the kind is and needs
//	adapter.go   our terms to LiveChat's: start, message, close
//	customer.go  who the customer is there
//	token.go     tokens and the consent that they come from
//	client.go    the calls and what their errors mean
//	types.go     their bodies, as far as we look at them
//	install.go   webhooks that we register ourselves
//	verify.go    what proves a webhook, and taking it out again
//	parse.go     webhooks
//	event.go     what an event in a chat tells
//	since.go     what no webhook has told
package livechat

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// Name is the kind's name in the API and in receive URLs.
const Name = "livechat"

// APIVersion is the version of the API that the calls are made for.
const APIVersion = "3.6"

// LiveChat's own hosts.
const (
	accountsHost = "https://accounts.livechat.com"
	apiHost      = "https://api.livechatinc.com"
)

// Limits of the vendor.
const (
	maxText       = 16_000 // of one event; the documents say 16 KB
	maxTranscript = 4 * maxText
)

// Kind is the LiveChat provider.
type Kind struct{}

var _ provider.Kind = Kind{}

// Describe implements provider.Kind. LiveChat publishes no limits; it is asked
// gently, for a start is four calls.
func (Kind) Describe() provider.Descriptor {
	return provider.Descriptor{
		Name:       Name,
		Title:      "LiveChat",
		Beta:       true,
		Reconciles: true,
		Billed:     true,
		Config:     &handoffv1.LiveChatConfig{},
		Capabilities: handoff.Capabilities{
			CanClose: true, MaxTextBytes: maxText, MaxTranscriptBytes: maxTranscript,
		},
		Limits: provider.Limits{Concurrent: 16, PerSecond: 5, Burst: 10},
		Fields: map[string]string{ //nolint:gosec // it names secrets, and holds none
			"client_id":       "Client Id of your app: Developer Console, your app, Blocks, App Authorization.",
			"client_secret":   "Client Secret of the same app; it is shown once. Without it, and with nothing else but the organization, customers are told apart by cookies.",
			"organization_id": "Organization id of your account: Developer Console, Settings, Account.",
			"refresh_token":   "Comes by the consent link; leave it empty.",
			"webhook_secret":  "Secret key of chat webhooks that you made yourself. Empty: we make one and register the webhooks.",
			"group_id":        "Group whose agents get the chats. Empty: 0, the general group.",
			"identity":        "How customers are made: AGENT_TOKEN, in the name of who consented (the default with a client secret), or COOKIE.",
			"api_version":     "Version of the API. Empty: " + APIVersion + ".",
			"api_base_url":    "Address that stands for all of LiveChat's hosts, for instance of an emulator.",
		},
		SetupSteps: setupSteps(),
	}
}

func setupSteps() []string {
	return []string{
		"As owner or admin open platform.text.com/console, choose Apps and make a new app for LiveChat. Copy the organization id from Settings, Account.",
		"Add the block App Authorization, choose Server-side app and copy Client Id and Client Secret. Add the receive URL followed by /oauth to the Redirect URI whitelist, and the scopes customers:own, chats--all:ro, webhooks.state:rw and webhooks.configuration:rw.",
		"Enter a name and an icon under Display details, choose Private installation and install the app.",
		"Save what you copied, and open authorize_url as the same admin: that is the consent. The webhooks are registered then; it takes LiveChat up to two minutes to send the first.",
		"Without the scope webhooks.configuration:rw, or with identity COOKIE, add the block Chat webhooks yourself: the receive URL as target, a secret key that you enter as webhook_secret too, and the triggers incoming_event (author type agent), chat_deactivated, user_added_to_chat, user_removed_from_chat, chat_transferred and events_marked_as_seen.",
	}
}

// Account implements provider.Kind: customers belong to an app in an organization.
func (Kind) Account(config proto.Message) (string, error) {
	c, err := configOf(config)
	if err != nil {
		return "", err
	}
	if proto.Size(c) == 0 {
		return "", nil
	}
	_, api, err := hosts(c)
	return api + "/" + url.PathEscape(c.GetOrganizationId()) + "/" + url.PathEscape(c.GetClientId()), err
}

// Missing implements provider.Kind. The refresh token is none of it: it comes by
// the consent.
func (Kind) Missing(config proto.Message) []string {
	c, err := configOf(config)
	if err != nil {
		return []string{"client_id"}
	}
	var missing []string
	for _, field := range []struct{ name, value string }{
		{"client_id", c.GetClientId()}, {"organization_id", c.GetOrganizationId()},
	} {
		if field.value == "" {
			missing = append(missing, field.name)
		}
	}
	if c.GetClientSecret() == "" && !byCookie(c) {
		missing = append(missing, "client_secret")
	}
	return missing
}

// byCookie reports whether customers are told apart by cookies.
func byCookie(c *handoffv1.LiveChatConfig) bool {
	switch c.GetIdentity() {
	case handoffv1.LiveChatConfig_IDENTITY_COOKIE:
		return true
	case handoffv1.LiveChatConfig_IDENTITY_AGENT_TOKEN:
		return false
	default:
		return c.GetClientSecret() == ""
	}
}

// Open implements provider.Kind.
func (Kind) Open(config proto.Message, deps provider.Deps) (provider.Adapter, error) {
	c, err := configOf(config)
	if err != nil {
		return nil, err
	}
	accounts, api, err := hosts(c)
	if err != nil {
		return nil, err
	}
	version := c.GetApiVersion()
	if version == "" {
		version = APIVersion
	}
	return &Adapter{
		deps: deps, config: c, cookie: byCookie(c),
		accounts: accounts, api: api + "/v" + version,
		webhookSecret: webhookSecret(c),
	}, nil
}

func configOf(config proto.Message) (*handoffv1.LiveChatConfig, error) {
	c, ok := config.(*handoffv1.LiveChatConfig)
	if !ok {
		return nil, fmt.Errorf("livechat: the settings are a %T", config)
	}
	return c, nil
}

// hosts are the addresses of the Accounts APIs and of all others.
func hosts(c *handoffv1.LiveChatConfig) (accounts, api string, err error) {
	if c.GetApiBaseUrl() == "" {
		return accountsHost, apiHost, nil
	}
	u, err := url.Parse(strings.TrimSpace(c.GetApiBaseUrl()))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", "", errors.New("api_base_url: has to be an http or https address without user, query or fragment")
	}
	base := u.Scheme + "://" + strings.ToLower(u.Host) + strings.TrimRight(u.EscapedPath(), "/")
	return base, base, nil
}
