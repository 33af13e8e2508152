// Package chatwoot is the provider for installations of Chatwoot, in the cloud or
// one's own.
//
// The gateway is the channel of an inbox of the kind API: a customer is a contact,
// a session a conversation of that contact, and the transcript a private note. The
// wire is that of Chatwoot's application API and of the inbox's webhook
// (https://developers.chatwoot.com), as its source has them at version 4.16.
//
//	kind.go     what the kind is and needs
//	adapter.go  our terms to Chatwoot's: start, message, close
//	contact.go  who the customer is there
//	repeat.go   what an earlier attempt has left there
//	client.go   the calls
//	types.go    their bodies, as far as we look at them
//	send.go     a customer's messages with their files
//	signal.go   what passes: typing, reading
//	parse.go    webhooks
//	event.go    what a conversation and its messages tell
package chatwoot

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"

	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/hmacsign"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// Name is the kind's name in the API and in receive URLs.
const Name = "chatwoot"

// scheme is how Chatwoot signs its webhooks.
var scheme = hmacsign.Scheme{Hash: sha256.New, Prefix: "sha256="}

// Kind is the Chatwoot provider.
type Kind struct{}

var _ provider.Kind = Kind{}

// Describe implements provider.Kind. The limits stay below the 3,000 calls a minute
// that Chatwoot takes from one address.
func (Kind) Describe() provider.Descriptor {
	return provider.Descriptor{
		Name:         Name,
		Title:        "Chatwoot",
		Beta:         true,
		Reconciles:   true,
		Config:       &handoffv1.ChatwootConfig{},
		Capabilities: handoff.Capabilities{Attachments: true, Typing: true, CanClose: true, MaxTranscriptBytes: 100_000},
		Limits:       provider.Limits{Concurrent: 32, PerSecond: 25, Burst: 50},
		Fields: map[string]string{
			"base_url":         "Address of your installation. Empty: https://app.chatwoot.com, the vendor's cloud.",
			"api_access_token": "Access token of an agent who is in the inbox, or of an administrator: Profile settings, Access token.",
			"account_id":       "Number of the account: in the address of the dashboard it comes after /accounts/.",
			"inbox_id":         "Number of the inbox, which has to be of the kind API: in the address of its settings it comes last.",
			"webhook_secret":   "Secret of the inbox, which signs its webhooks (since version 4.13): Settings, Inboxes, the inbox, Configuration. It is not the HMAC token.",
			"team_id":          "Team that new conversations are assigned to. 0: none.",
			"assignee_id":      "Agent that new conversations are assigned to. 0: the inbox's own rules decide.",
			"allow_unsigned":   "Takes webhooks without a signature, for versions before 4.13. The secret part of the receive URL is then the only guard. Without effect when webhook_secret is set.",
			"api_base_url":     "Address of the API instead of base_url, for instance of an emulator.",
		},
		SetupSteps: []string{
			"In Chatwoot open Settings, Inboxes, Add inbox, API. Give it a name and the receive URL as the webhook URL, and add the agents who are to answer.",
			"Enter the numbers of the account and of the inbox, which are in the address of the inbox's settings.",
			"Copy the inbox's secret (Configuration) and the access token of an agent who is in the inbox (Profile settings), and enter both.",
			"For a server of your own on a private network set SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true there if the receive URL is on a private address.",
			"See that TestProvider says AVAILABLE.",
		},
	}
}

// Account implements provider.Kind: it is where the dashboard shows the inbox.
func (Kind) Account(config proto.Message) (string, error) {
	c, err := configOf(config)
	if err != nil {
		return "", err
	}
	base, err := baseURL(c)
	if err != nil || c.GetAccountId() == 0 || c.GetInboxId() == 0 {
		return "", err
	}
	return fmt.Sprintf("%s/app%s/inbox/%d", base, accountPath(c), c.GetInboxId()), nil
}

// Missing implements provider.Kind.
func (Kind) Missing(config proto.Message) []string {
	c, _ := configOf(config) // that of another kind lacks everything
	var missing []string
	for _, field := range []struct {
		name string
		set  bool
	}{
		{"api_access_token", c.GetApiAccessToken() != ""},
		{"account_id", c.GetAccountId() != 0},
		{"inbox_id", c.GetInboxId() != 0},
		{"webhook_secret", c.GetWebhookSecret() != "" || c.GetAllowUnsigned()},
	} {
		if !field.set {
			missing = append(missing, field.name)
		}
	}
	return missing
}

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
	return &Adapter{
		client: client{
			rest: restapi.Client{
				HTTP: deps.HTTP, Now: deps.Now, Base: base + "/api/v1", Judge: judge(deps.Now),
				Header: http.Header{headerToken: {c.GetApiAccessToken()}},
			},
			public:  restapi.Client{HTTP: deps.HTTP, Now: deps.Now, Base: base + "/public/api/v1", Judge: judge(deps.Now)},
			account: accountPath(c), inbox: c.GetInboxId(),
		},
		tokens: deps.Tokens, files: deps.Files,
		token: c.GetApiAccessToken(), secret: c.GetWebhookSecret(),
		accountID: c.GetAccountId(), inboxID: c.GetInboxId(), teamID: c.GetTeamId(), assigneeID: c.GetAssigneeId(),
		sent: deps.Sent,
	}, nil
}

func configOf(config proto.Message) (*handoffv1.ChatwootConfig, error) {
	c, ok := config.(*handoffv1.ChatwootConfig)
	if !ok {
		return nil, fmt.Errorf("chatwoot: the settings are a %T", config)
	}
	return c, nil
}

func accountPath(c *handoffv1.ChatwootConfig) string {
	return "/accounts/" + strconv.FormatInt(c.GetAccountId(), 10)
}

// cloud is the vendor's own installation.
const cloud = "https://app.chatwoot.com"

// baseURL is the address that paths are appended to.
func baseURL(c *handoffv1.ChatwootConfig) (string, error) {
	field, address := "api_base_url", c.GetApiBaseUrl()
	if address == "" {
		field, address = "base_url", c.GetBaseUrl()
	}
	if address == "" {
		return cloud, nil
	}
	return restapi.BaseURL(field, address)
}
