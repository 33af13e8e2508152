// Package zendesk is the provider for Zendesk accounts with messaging.
//
// A customer is a user, a session a conversation that is passed to Agent Workspace,
// where a ticket comes of it. The wire is that of the Conversations API (Sunshine
// Conversations v2, https://docs.smooch.io/rest) and of its webhooks.
//
//	kind.go     what the kind is and needs
//	adapter.go  our terms to Zendesk's: start, message, close
//	user.go     who the customer is there
//	words.go    texts in pieces that Zendesk takes
//	file.go     files, both ways
//	install.go  the integration that calls the receive URL
//	client.go   the calls
//	types.go    their bodies, as far as we look at them
//	parse.go    webhooks
//	event.go    what they and a later look tell
package zendesk

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// Name is the kind's name in the API and in receive URLs.
const Name = "zendesk"

// Kind is the Zendesk provider.
type Kind struct{}

var _ provider.Kind = Kind{}

// Describe implements provider.Kind. Zendesk states no limit of calls.
func (Kind) Describe() provider.Descriptor {
	return provider.Descriptor{
		Name:       Name,
		Title:      "Zendesk",
		Beta:       true,
		Reconciles: true,
		Config:     &handoffv1.ZendeskConfig{},
		Capabilities: handoff.Capabilities{
			Attachments: true, CanClose: true, MaxTextBytes: maxUnits, MaxTranscriptBytes: 5 * maxUnits,
		},
		Limits: provider.Limits{Concurrent: 32, PerSecond: 20, Burst: 40},
		Fields: map[string]string{
			"subdomain":       "What stands before .zendesk.com in the address of your account.",
			"app_id":          "App id of the Conversations API: Admin Center, Apps and integrations, Conversations API.",
			"key_id":          "Key id of a key made there.",
			"key_secret":      "Secret of the same key, which is shown once.",
			"webhook_key":     "Shared secret of the webhook, which is in each of its calls. Empty: the integration is made, and its secret is kept. Else that of the integration that you made: Admin Center, Apps and integrations, Conversations integrations.",
			"agent_workspace": "Switchboard integration of your agents. Empty: zd-agentWorkspace.",
			"priority":        "Priority of new tickets: low, normal, high or urgent. Empty: that of the request.",
			"group_id":        "Group that new tickets are assigned to. Empty: your own rules decide.",
			"brand_id":        "Brand of new tickets. Empty: the account's default.",
			"tags":            "Tags of new tickets, besides those of the request.",
			"api_base_url":    "Address of the API instead of your account's, for instance of an emulator.",
		},
		SetupSteps: []string{
			"In Zendesk's Admin Center turn messaging on (Channels, Messaging), and in its settings multi-conversations and ending messaging sessions.",
			"Under Apps and integrations, Conversations API make a key, and enter its app id, key id and secret here.",
			"The integration that calls the receive URL is made by itself if that is an https address. Else, under Apps and integrations, Conversations integrations, make one with an address that leads there as its webhook endpoint and the events conversation:message, conversation:typing, switchboard:passControl and switchboard:releaseControl, and enter its shared secret here.",
			"See that TestProvider says AVAILABLE.",
		},
	}
}

// Account implements provider.Kind: it is the app.
func (Kind) Account(config proto.Message) (string, error) {
	c, err := configOf(config)
	if err != nil {
		return "", err
	}
	base, err := baseURL(c)
	if err != nil || base == "" || c.GetAppId() == "" {
		return "", err
	}
	return base + appPath(c), nil
}

// Missing implements provider.Kind.
func (Kind) Missing(config proto.Message) []string {
	c, _ := configOf(config) // that of another kind lacks everything
	var missing []string
	for _, field := range []struct {
		name string
		set  bool
	}{
		{"subdomain", c.GetSubdomain() != "" || c.GetApiBaseUrl() != ""},
		{"app_id", c.GetAppId() != ""},
		{"key_id", c.GetKeyId() != ""},
		{"key_secret", c.GetKeySecret() != ""},
	} {
		if !field.set {
			missing = append(missing, field.name)
		}
	}
	return missing
}

// defaultWorkspace is what the agents' switchboard integration is called unless
// somebody has renamed it.
const defaultWorkspace = "zd-agentWorkspace"

// Open implements provider.Kind.
func (Kind) Open(config proto.Message, deps provider.Deps) (provider.Adapter, error) {
	c, err := configOf(config)
	if err != nil {
		return nil, err
	}
	base, err := baseURL(c)
	if err != nil {
		return nil, err
	}
	if base == "" {
		return nil, errors.New("subdomain: is missing")
	}
	a := &Adapter{
		appID: c.GetAppId(), webhookKey: c.GetWebhookKey(), workspace: defaultWorkspace,
		files: deps.Files, receiveURL: deps.ReceiveURL, host: base, renew: deps.Renew,
		priority: c.GetPriority(), groupID: c.GetGroupId(), brandID: c.GetBrandId(), tags: c.GetTags(),
	}
	if c.GetAgentWorkspace() != "" {
		a.workspace = c.GetAgentWorkspace()
	}
	a.credentials = "Basic " + base64.StdEncoding.EncodeToString([]byte(c.GetKeyId()+":"+c.GetKeySecret()))
	a.client = client{restapi.Client{
		HTTP: deps.HTTP, Now: deps.Now, Base: base + appPath(c), Judge: judge(deps.Now),
		Header: http.Header{"Authorization": {a.credentials}},
	}}
	return a, nil
}

func configOf(config proto.Message) (*handoffv1.ZendeskConfig, error) {
	c, ok := config.(*handoffv1.ZendeskConfig)
	if !ok {
		return nil, fmt.Errorf("zendesk: the settings are a %T", config)
	}
	return c, nil
}

func appPath(c *handoffv1.ZendeskConfig) string { return "/sc/v2/apps/" + url.PathEscape(c.GetAppId()) }

// baseURL is the address of the account; empty if it is not known yet.
func baseURL(c *handoffv1.ZendeskConfig) (string, error) {
	if c.GetApiBaseUrl() != "" {
		return restapi.BaseURL("api_base_url", c.GetApiBaseUrl())
	}
	if c.GetSubdomain() == "" {
		return "", nil
	}
	return restapi.BaseURL("subdomain", "https://"+c.GetSubdomain()+".zendesk.com")
}
