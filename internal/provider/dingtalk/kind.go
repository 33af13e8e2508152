// Package dingtalk is the provider for teams whose humans answer in a group of
// DingTalk, to which a robot of their organisation's own app brings the sessions.
//
// Everything stands in the one group, so each message about a session begins with
// its tag, and package messenger finds out which session an answer is for. Only
// messages that mention the robot come to us. What goes out is plain text: nothing
// that a customer writes becomes a heading, a picture or a link of the robot's.
//
// The wire is that of https://open.dingtalk.com; messages come as webhooks or, in
// Stream mode, over a connection that we open.
//
//	kind.go     what the kind is and needs
//	adapter.go  our terms to DingTalk's: start, message, close, notice
//	card.go     the card with buttons
//	text.go     texts, and parts of long ones
//	client.go   the calls: token, errors
//	verify.go   who sends a webhook
//	parse.go    what humans say
//	stream.go   Stream mode
package dingtalk

import (
	"fmt"
	"net/url"

	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// Name is the kind's name in the API and in receive URLs.
const Name = "dingtalk"

// DingTalk's own addresses. What the old one still serves takes the same token.
const (
	apiBase = "https://api.dingtalk.com"
	oldBase = "https://oapi.dingtalk.com"
	domain  = "dingtalk.com"
)

// Kind is the DingTalk provider.
type Kind struct{}

var _ provider.Kind = Kind{}

// Describe implements provider.Kind. The limit is that of an organisation, 20 calls
// a second, with room for what is not a session's.
func (Kind) Describe() provider.Descriptor {
	return provider.Descriptor{
		Name:         Name,
		Title:        "DingTalk",
		Beta:         true,
		Listens:      true,
		Config:       &handoffv1.DingTalkConfig{},
		Capabilities: handoff.Capabilities{CanClose: true, ShowsEnd: true},
		Limits:       provider.Limits{Concurrent: 16, PerSecond: 15, Burst: 15},
		Fields: map[string]string{
			"client_id":            "Client ID (AppKey) of the app: Credentials and basic information (凭证与基础信息).",
			"client_secret":        "Client Secret (AppSecret) of the app, on the same page.",
			"robot_code":           "Code of the robot (RobotCode). Empty: the Client ID, as it is for new apps.",
			"open_conversation_id": "Id of the group (openConversationId). Empty: the group in which somebody mentions the robot first.",
			"mode":                 "How messages reach us: Stream needs no public address, and proves more. It has to be the one that is chosen in the app.",
			"card_template_id":     "Template of a card with buttons, made in DingTalk's card platform. Needs Stream mode. Empty: no buttons; tags and quotes do all that they do.",
			"api_base_url":         "Address instead of DingTalk's own, for instance of an emulator.",
		},
		SetupSteps: []string{
			"At open-dev.dingtalk.com make an internal app (企业内部应用), and note its Client ID and Client Secret.",
			"Add the ability Robot (机器人). Choose Stream mode; or HTTP mode, with the receive URL that is shown here.",
			"Under Permissions (权限管理) grant sending messages by robots: qyapi_robot_sendmsg, Robot.GroupMessage.Send; for cards Card.Instance.Write, for names at their buttons qyapi_get_member.",
			"Publish a version (版本管理与发布): before that the robot answers nobody.",
			"Enter Client ID, Client Secret and the mode here.",
			"Add the robot to your humans' group, and have somebody write @robot hello there: the status becomes AVAILABLE.",
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
	if err != nil || c.GetClientId() == "" {
		return "", err
	}
	return base + "/" + url.PathEscape(c.GetClientId()), nil
}

// Missing implements provider.Kind.
func (Kind) Missing(config proto.Message) []string {
	c, err := configOf(config)
	if err != nil {
		return []string{"client_id"}
	}
	var missing []string
	if c.GetClientId() == "" {
		missing = append(missing, "client_id")
	}
	if c.GetClientSecret() == "" {
		missing = append(missing, "client_secret")
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
	old := base
	if base == apiBase {
		old = oldBase
	}
	robot := c.GetRobotCode()
	if robot == "" {
		robot = c.GetClientId()
	}
	return &Adapter{
		base: base, id: c.GetClientId(), secret: c.GetClientSecret(), robot: robot, group: c.GetOpenConversationId(),
		template: c.GetCardTemplateId(), stream: c.GetMode() == handoffv1.DingTalkConfig_MODE_STREAM,
		tokens: deps.Tokens, now: deps.Now,
		rest: restapi.Client{HTTP: deps.HTTP, Now: deps.Now, Base: base, Judge: judge(deps.Now)},
		old:  restapi.Client{HTTP: deps.HTTP, Now: deps.Now, Base: old},
	}, nil
}

func configOf(config proto.Message) (*handoffv1.DingTalkConfig, error) {
	c, ok := config.(*handoffv1.DingTalkConfig)
	if !ok {
		return nil, fmt.Errorf("dingtalk: the settings are a %T", config)
	}
	return c, nil
}

// baseURL is the address that paths are appended to.
func baseURL(c *handoffv1.DingTalkConfig) (string, error) {
	if c.GetApiBaseUrl() == "" {
		return apiBase, nil
	}
	return restapi.BaseURL("api_base_url", c.GetApiBaseUrl())
}
