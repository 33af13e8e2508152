// Package wecom is the provider for teams whose humans answer from WeCom (企业微信),
// in their chats with an app of their corporation's.
//
// A session is offered to all members of the desk by a card with a button; the first
// to press it gets all of it, and what they write goes to the customer. Members cannot
// quote what an app told them, so that which session they mean is found out by tags,
// buttons and what they took or named last; that is package messenger's and the
// switchboard's. Beyond 30 messages a minute WeCom drops what is written to a member
// and says nothing, so each is counted before it is sent.
//
// The wire is that of https://developer.work.weixin.qq.com/document.
//
//	kind.go     what the kind is and needs
//	adapter.go  our terms to WeCom's: start, message, close
//	notice.go   what members are told by us
//	compose.go  messages and cards as WeCom takes them
//	client.go   the calls, and what their errors mean
//	crypt.go    what WeCom encrypts and signs
//	parse.go    what comes to the receive URL
package wecom

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// Name is the kind's name in the API and in receive URLs.
const Name = "wecom"

// vendor is WeCom's own address.
const vendor = "https://qyapi.weixin.qq.com"

// chinese is the language in which members are told things unless another is given.
const chinese = "zh"

// Kind is the WeCom provider.
type Kind struct{}

var _ provider.Kind = Kind{}

// Describe implements provider.Kind.
func (Kind) Describe() provider.Descriptor {
	return provider.Descriptor{
		Name:         Name,
		Title:        "WeCom (企业微信)",
		Beta:         true,
		Config:       &handoffv1.WeComConfig{},
		Capabilities: handoff.Capabilities{CanClose: true},
		Limits:       provider.Limits{Concurrent: 16, PerSecond: 20, Burst: 20},
		Fields: map[string]string{ //nolint:gosec // says what to enter, and holds no secret
			"corp_id":          "CorpID (企业ID): 我的企业 (My Company), at the bottom of the page.",
			"app_agent_id":     "AgentId of the app: 应用管理 (App Management), your app.",
			"secret":           "Secret of the app, on the same page.",
			"token":            "Token of the app's message callback (接收消息, 设置API接收). Press 随机获取 there, or choose up to 32 letters and digits.",
			"encoding_aes_key": "EncodingAESKey of the message callback, 43 letters and digits, beside the token.",
			"user_ids":         "Accounts (账号) of the members who answer. The app has to be visible to them.",
			"party_ids":        "Departments whose members answer, besides; then whoever the app is visible to may.",
			"tag_ids":          "Tags whose members answer, besides; as with departments.",
			"api_base_url":     "Address of the API instead of WeCom's own, for instance of a proxy whose address is trusted, or of an emulator.",
			"language":         "Language in which your humans are told things: zh or en. Empty: zh.",
		},
		SetupSteps: []string{
			"In the WeCom console (work.weixin.qq.com) open 应用管理 (App Management), 自建 (Self-built), 创建应用 (Create). Make the app visible (可见范围) to the members who answer, and to nobody else. Note AgentId and Secret.",
			"Open 我的企业 (My Company) and note the 企业ID (CorpID).",
			"In the app open 接收消息 (Receive messages), 设置API接收 (Set API), and press 随机获取 (Random) beside Token and EncodingAESKey. Do not save yet.",
			"Enter everything here. The status may be UNAVAILABLE until the next steps are done.",
			"Enter the receive URL as URL on the page that you left open, and save it: WeCom calls it at once.",
			"In the app open 企业可信IP (Company's Trusted IP) and enter the address that the status names.",
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
	if err != nil {
		return "", err
	}
	return base + "/" + url.PathEscape(c.GetCorpId()) + "/" + strconv.FormatInt(c.GetAppAgentId(), 10), nil
}

// Missing implements provider.Kind.
func (Kind) Missing(config proto.Message) []string {
	c, err := configOf(config)
	if err != nil {
		return []string{"corp_id"}
	}
	var missing []string
	for _, field := range []struct {
		name  string
		given bool
	}{
		{"corp_id", c.GetCorpId() != ""},
		{"app_agent_id", c.GetAppAgentId() != 0},
		{"secret", c.GetSecret() != ""},
		{"token", c.GetToken() != ""},
		{"encoding_aes_key", c.GetEncodingAesKey() != ""},
		{"user_ids", len(c.GetUserIds())+len(c.GetPartyIds())+len(c.GetTagIds()) > 0},
	} {
		if !field.given {
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
	crypt, err := newCrypt(c.GetToken(), c.GetEncodingAesKey(), c.GetCorpId())
	if err != nil {
		return nil, err
	}
	desk, err := newDesk(c)
	if err != nil {
		return nil, err
	}
	language := c.GetLanguage()
	if language == "" {
		language = chinese
	}
	return &Adapter{
		corp: c.GetCorpId(), app: c.GetAppAgentId(), secret: c.GetSecret(), crypt: crypt, desk: desk, language: language,
		tokens: deps.Tokens, meter: deps.Meter, now: deps.Now,
		rest: restapi.Client{HTTP: deps.HTTP, Now: deps.Now, Base: base},
	}, nil
}

func configOf(config proto.Message) (*handoffv1.WeComConfig, error) {
	c, ok := config.(*handoffv1.WeComConfig)
	if !ok {
		return nil, fmt.Errorf("wecom: the settings are a %T", config)
	}
	return c, nil
}

// baseURL is the address that the paths are appended to.
func baseURL(c *handoffv1.WeComConfig) (string, error) {
	if c.GetApiBaseUrl() == "" {
		return vendor, nil
	}
	return restapi.BaseURL("api_base_url", c.GetApiBaseUrl())
}

// desk is the members who answer.
type desk struct {
	users   []string
	parties string
	tags    string
	spelled map[string]string // as it is configured, by the lower-case form
}

func newDesk(c *handoffv1.WeComConfig) (desk, error) {
	d := desk{parties: joined(c.GetPartyIds()), tags: joined(c.GetTagIds()), spelled: map[string]string{}}
	for i, id := range c.GetUserIds() {
		id = strings.TrimSpace(id)
		if id == "" || strings.HasPrefix(id, "@") || strings.Contains(id, "|") {
			return d, fmt.Errorf("user_ids[%d]: enter the account (账号) of one member", i)
		}
		if d.spelled[strings.ToLower(id)] == "" {
			d.users = append(d.users, id)
			d.spelled[strings.ToLower(id)] = id
		}
	}
	return d, nil
}

func joined(ids []int64) string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(list, "|")
}

// find returns a member of the desk by an id as WeCom writes it, whose case may
// differ. Of departments and tags nobody knows who is in them: whoever the app is
// visible to may write.
func (d *desk) find(id string) (string, bool) {
	if spelled := d.spelled[strings.ToLower(id)]; spelled != "" {
		return spelled, true
	}
	return strings.ToLower(id), id != "" && id != systemUser && d.open()
}

func (d *desk) open() bool { return d.parties+d.tags != "" }

// metered are those to whom a message to all counts.
func (d *desk) metered() []string {
	if d.open() {
		return []string{provider.Everybody}
	}
	return d.users
}

// systemUser is who says what WeCom itself says.
const systemUser = "sys"
