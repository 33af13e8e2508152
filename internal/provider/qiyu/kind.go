// Package qiyu is the provider for QiYu (网易七鱼), NetEase's help desk.
//
// Handoff takes the place of the customer's chat app: each session is one customer
// of QiYu's, whose uid is the session's id, so that what its staff say finds its
// session by itself. The wire is that of QiYu's message interface (消息接口).
//
//	kind.go     what the kind is and needs
//	adapter.go  our terms to QiYu's: start, message, close, place in the queue
//	words.go    what staff read of a start and an end
//	file.go     customers' pictures
//	client.go   the calls, their signature, and what their codes mean
//	verify.go   what proves a push
//	parse.go    pushes
//	types.go    their bodies, as far as we look at them
package qiyu

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// Name is the kind's name in the API and in receive URLs.
const Name = "qiyu"

// host is QiYu's own.
const host = "https://qiyukf.com"

// Limits of the vendor.
const (
	maxText       = 4000 // characters of a message
	maxTranscript = 5 * maxText
	maxPicture    = 5_000_000 // bytes; the document says 5 MB
	concurrent    = 5         // nothing is documented
)

// Kind is the QiYu provider.
type Kind struct{}

var (
	_ provider.Kind    = Kind{}
	_ provider.Greeter = Kind{}
)

// Describe implements provider.Kind.
func (Kind) Describe() provider.Descriptor {
	return provider.Descriptor{
		Name:   Name,
		Title:  "QiYu (网易七鱼)",
		Beta:   true,
		Queues: true,
		Config: &handoffv1.QiYuConfig{},
		Capabilities: handoff.Capabilities{
			Attachments: true, MaxAttachmentBytes: maxPicture, AttachmentTypes: []string{"image/png", "image/jpeg", "image/gif"},
			CanClose: true, MaxTextBytes: maxText, MaxTranscriptBytes: maxTranscript,
		},
		Limits: provider.Limits{Concurrent: concurrent},
		Fields: map[string]string{ //nolint:gosec // it names secrets, and holds none
			"app_key":      "AppKey of your account: 管理后台, 系统, 扩展与集成, 开发者ID.",
			"app_secret":   "AppSecret from the same page. It is empty until 重置 is pressed; pressing it again makes another one for all who use it.",
			"group_id":     "Id of the staff group (客服组) that gets the sessions. Empty: QiYu's own rules decide.",
			"staff_id":     "Id of the one member of staff (客服) who gets the sessions; it goes before group_id. Empty: QiYu's own rules decide.",
			"product_id":   "Id of the product that QiYu counts the sessions for. Empty: none.",
			"from_title":   "Title of the page that staff see as the customer's origin. Empty: none.",
			"api_base_url": "Address that stands for QiYu's host, for instance of an emulator or of an installation of its own.",
		},
		SetupSteps: []string{
			"Have a plan with the message interface (消息接口): Professional (专业版) or above.",
			"As an administrator open 管理后台, 系统, 扩展与集成, 开发者ID (in older consoles 设置, 消息接口). Copy the AppKey. Press 重置 and copy the AppSecret; if others use it already, ask them for it instead, for they would lose it.",
			"Enter both here. Enter the receive URL as the event address (事件接收地址) on the same page. There is one for each AppKey: nothing else can use it meanwhile.",
			"Let the machine's clock follow a time server: QiYu refuses calls that are more than 5 minutes off.",
			"Save, and see that TestProvider says AVAILABLE.",
		},
	}
}

// Account implements provider.Kind: it is what the AppKey stands for.
func (Kind) Account(config proto.Message) (string, error) {
	c, err := configOf(config)
	if err != nil {
		return "", err
	}
	if proto.Size(c) == 0 {
		return "", nil
	}
	base, err := baseURL(c)
	return base + "/" + url.PathEscape(c.GetAppKey()), err
}

// Missing implements provider.Kind.
func (Kind) Missing(config proto.Message) []string {
	var missing []string
	c, err := configOf(config)
	if err != nil || c.GetAppKey() == "" {
		missing = append(missing, "app_key")
	}
	if c.GetAppSecret() == "" {
		missing = append(missing, "app_secret")
	}
	return missing
}

// Greet implements provider.Greeter. No handshake is documented; whoever only looks
// whether somebody is there is answered.
func (Kind) Greet(_ proto.Message, r provider.Request) (provider.Reply, bool) {
	return provider.Reply{}, greets(r)
}

// greets reports whether a request tells nothing.
func greets(r provider.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return true
	case http.MethodPost:
		return !strings.Contains(r.Query, parameterChecksum+"=") && strings.TrimSpace(string(r.Body)) == ""
	}
	return false
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
		config: c, files: deps.Files,
		client: client{
			key: c.GetAppKey(), secret: c.GetAppSecret(), now: deps.Now,
			rest: restapi.Client{HTTP: deps.HTTP, Now: deps.Now, Base: base, Judge: judge(deps.Now)},
		},
	}, nil
}

func configOf(config proto.Message) (*handoffv1.QiYuConfig, error) {
	c, ok := config.(*handoffv1.QiYuConfig)
	if !ok {
		return nil, fmt.Errorf("qiyu: the settings are a %T", config)
	}
	return c, nil
}

func baseURL(c *handoffv1.QiYuConfig) (string, error) {
	if c.GetApiBaseUrl() == "" {
		return host, nil
	}
	return restapi.BaseURL("api_base_url", c.GetApiBaseUrl())
}
