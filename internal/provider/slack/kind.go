// Package slack is the provider for channels of Slack.
//
// Each session is a thread in one channel: its first message is a card with who it
// is and what they ask, and buttons to take and to close it. What humans reply in
// the thread goes to the customer. The wire is that of Slack's Web API
// (https://docs.slack.dev/apis/web-api), of its Events API and, without a public
// address, of Socket Mode.
//
//	kind.go      what the kind is and needs
//	manifest.go  the app to paste at Slack's
//	adapter.go   our terms to Slack's: start, message, close
//	card.go      what a session looks like in the channel
//	client.go    the calls
//	files.go     files both ways
//	errors.go    what Slack's refusals mean
//	verify.go    signatures, and secrets that are not kept
//	confirm.go   marks and answers for humans
//	parse.go     what events and buttons tell
//	text.go      Slack's markup to text, and text to it
//	since.go     what a thread tells of itself
//	socket.go    Socket Mode
package slack

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// Name is the kind's name in the API and in receive URLs.
const Name = "slack"

// The defaults of the configuration.
const (
	defaultBase       = "https://slack.com"
	defaultCloseWord  = "!close"
	defaultNotePrefix = "//"
)

// Slack's limits, in characters.
const (
	maxText       = 40_000 // of a message; beyond that Slack cuts it
	maxReply      = 3_500  // of one that is shown whole
	maxSection    = 2_900  // of a section's text; 3,000 in Slack's documentation
	maxHeader     = 150
	maxField      = 1_900 // of a section's field; 2,000 in Slack's documentation
	maxCard       = 9_000 // of all blocks; from about 13,200 on Slack refuses them
	maxName       = 80
	maxTranscript = 14_000 // bytes: some replies below the card
)

// Kind is the Slack provider.
type Kind struct{}

var (
	_ provider.Kind       = Kind{}
	_ provider.Greeter    = Kind{}
	_ provider.Manifester = Kind{}
)

// Describe implements provider.Kind. Slack takes about one message a second for
// each channel, and lets short bursts pass; threads can be read 50 times a minute.
func (Kind) Describe() provider.Descriptor {
	return provider.Descriptor{
		Name:   Name,
		Title:  "Slack",
		Beta:   true,
		Config: &handoffv1.SlackConfig{},
		Capabilities: handoff.Capabilities{
			Attachments: true, MaxAttachmentBytes: maxFileBytes,
			CanClose: true, ShowsEnd: true, MaxTextBytes: maxText, MaxTranscriptBytes: maxTranscript,
		},
		Limits:     provider.Limits{Concurrent: 4, PerSecond: 1, Burst: 4, Looks: 0.5},
		Listens:    true,
		Reconciles: true,
		Confirms:   true,
		Fields: map[string]string{ //nolint:gosec // it speaks of tokens and holds none
			"bot_token":      "Bot User OAuth Token (xoxb-…) of your app: OAuth & Permissions, after it was installed to the workspace.",
			"signing_secret": "Signing Secret of the same app: Basic Information, App Credentials. It proves that requests come from Slack. Not needed with app_token.",
			"channel_id":     "Id of the channel (C…), at the bottom of its details. Invite the app to the channel.",
			"app_token":      "App-level token (xapp-…) with the scope connections:write: Basic Information, App-Level Tokens. Given, events come over Socket Mode and no public address is needed.",
			"mention":        "Whom a new session calls: the id of a user group (S…) or of a member (U…), or here. Empty: nobody.",
			"close_word":     "Message in a thread that ends the session, besides the button. Default: !close.",
			"note_prefix":    "Replies in a thread that begin with this stay among the humans. Default: //.",
			"api_base_url":   "Address of the API instead of https://slack.com, for instance of an emulator.",
		},
		SetupSteps: []string{
			"Configure this provider with the channel's id alone. GetProvider then returns a `manifest` in which the receive URL is filled in.",
			"At https://api.slack.com/apps choose Create New App, From a manifest, your workspace, YAML, and paste the manifest.",
			"Install the app to the workspace (Install App) and copy the Bot User OAuth Token.",
			"Copy the Signing Secret from Basic Information. Without a public address make an app-level token with the scope connections:write there instead.",
			"In the channel type `/invite @Handoff`.",
			"Configure the provider with what was copied, and see that TestProvider says AVAILABLE.",
			"With a signing secret: on Event Subscriptions press Retry beside the request URL, if it is not verified yet.",
		},
	}
}

var (
	channelID = regexp.MustCompile(`^[CG][A-Z0-9]{2,}$`)
	mentionID = regexp.MustCompile(`^([SUW][A-Z0-9]{2,}|here|channel)$`)
)

// Account implements provider.Kind: it is Slack's address. Which app it is only its
// secrets tell, and one app may serve agents with a channel each, of whose threads
// Slack tells at one address.
func (Kind) Account(config proto.Message) (string, error) {
	c, err := configOf(config)
	if err != nil {
		return "", err
	}
	base, err := baseURL(c)
	switch channel := c.GetChannelId(); {
	case err != nil:
		return "", err
	case channel != "" && !channelID.MatchString(channel):
		return "", errors.New("channel_id has to be the channel's id, such as C0123456789, and not its name; it is at the bottom of the channel's details")
	case c.GetMention() != "" && !mentionID.MatchString(c.GetMention()):
		return "", errors.New("mention has to be here, or the id of a user group (S…) or a member (U…)")
	default:
		return base, nil
	}
}

// Missing implements provider.Kind.
func (Kind) Missing(config proto.Message) []string {
	var missing []string
	c, err := configOf(config)
	if err != nil || c.GetBotToken() == "" {
		missing = append(missing, "bot_token")
	}
	if c.GetSigningSecret() == "" && c.GetAppToken() == "" {
		missing = append(missing, "signing_secret")
	}
	if c.GetChannelId() == "" {
		missing = append(missing, "channel_id")
	}
	return missing
}

// Open implements provider.Kind.
func (k Kind) Open(config proto.Message, deps provider.Deps) (provider.Adapter, error) {
	c, err := configOf(config)
	if err != nil {
		return nil, err
	}
	if missing := k.Missing(config); len(missing) > 0 {
		return nil, fmt.Errorf("%s is missing", strings.Join(missing, ", "))
	}
	if _, err = k.Account(config); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(c.GetBotToken(), "xoxb-") && !strings.HasPrefix(c.GetBotToken(), "xoxe.xoxb-") {
		return nil, errors.New("bot_token has to be the Bot User OAuth Token, which begins with xoxb-")
	}
	if token := c.GetAppToken(); token != "" && !strings.HasPrefix(token, "xapp-") {
		return nil, errors.New("app_token has to be an app-level token, which begins with xapp-")
	}
	base, err := baseURL(c)
	if err != nil {
		return nil, err
	}
	return &Adapter{
		client: client{
			rest: restapi.Client{
				HTTP: deps.HTTP, Now: deps.Now, Base: base,
				Header: http.Header{"Authorization": {"Bearer " + c.GetBotToken()}, "Content-Type": {"application/json; charset=utf-8"}},
			},
			base: base,
		},
		files: deps.Files, now: deps.Now, secret: c.GetSigningSecret(), appToken: c.GetAppToken(), channel: c.GetChannelId(), mention: c.GetMention(),
		closeWord:  cmp.Or(c.GetCloseWord(), defaultCloseWord),
		notePrefix: cmp.Or(c.GetNotePrefix(), defaultNotePrefix),
	}, nil
}

func configOf(config proto.Message) (*handoffv1.SlackConfig, error) {
	c, ok := config.(*handoffv1.SlackConfig)
	if !ok {
		return nil, fmt.Errorf("%T is no configuration of Slack", config)
	}
	return c, nil
}

func baseURL(c *handoffv1.SlackConfig) (string, error) {
	return restapi.BaseURL("api_base_url", cmp.Or(c.GetApiBaseUrl(), defaultBase))
}
