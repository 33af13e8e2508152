// Package whatsapp is the provider for teams whose humans answer from WhatsApp on
// their own phones, over a business number of theirs and Meta's Cloud API.
//
// A session is offered to all of the staff by a card with a button; the first to
// press it gets all of it, and what they write goes to the customer. Which session
// they mean is found out by package messenger. To those who have not written for a
// day Meta lets nobody write but by a template that it has approved.
//
// The wire is that of https://developers.facebook.com/docs/whatsapp/cloud-api.
//
//	kind.go     what the kind is and needs
//	adapter.go  our terms to WhatsApp's: start, message, close, notice
//	media.go    files, both ways
//	compose.go  messages as WhatsApp takes them
//	check.go    number, webhooks and template
//	client.go   the calls, and what their errors mean
//	parse.go    webhooks
//	types.go    their bodies, as far as we look at them
//	phone.go    numbers that are written in more than one way
package whatsapp

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"

	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/hmacsign"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// Name is the kind's name in the API and in receive URLs.
const Name = "whatsapp"

// DefaultVersion is the version of the Graph API that is used unless another is given.
const DefaultVersion = "v26.0"

// graph is Meta's own address.
const graph = "https://graph.facebook.com"

// scheme is how Meta signs its webhooks.
var scheme = hmacsign.Scheme{Hash: sha256.New, Prefix: "sha256="}

// Kind is the WhatsApp provider.
type Kind struct{}

var _ provider.Kind = Kind{}

// Describe implements provider.Kind. The limit is that of a number, 80 messages a
// second, with room for what is not a session's.
func (Kind) Describe() provider.Descriptor {
	return provider.Descriptor{
		Name:   Name,
		Title:  "WhatsApp",
		Beta:   true,
		Config: &handoffv1.WhatsAppConfig{},
		Capabilities: handoff.Capabilities{
			CanClose: true, ReadReceipts: true,
			Attachments: true, AttachmentTypes: typesOfMedia(), MaxAttachmentBytes: maxBytes[kindDocument],
		},
		Limits: provider.Limits{Concurrent: 32, PerSecond: 60, Burst: 60},
		Fields: map[string]string{ //nolint:gosec // says what to enter, and holds no secret
			"access_token":      "Permanent access token of a system user with whatsapp_business_messaging and whatsapp_business_management. The token that the dashboard shows ends after 24 hours.",
			"app_secret":        "App secret: App settings, Basic. It proves that webhooks come from Meta.",
			"verify_token":      "Any word of yours. Enter the same beside the receive URL at Meta.",
			"phone_number_id":   "Phone number ID of your business number: WhatsApp, API Setup. Not the number itself.",
			"waba_id":           "WhatsApp Business Account ID, on the same page.",
			"staff":             "Phones of your humans, with the names that customers see.",
			"template_name":     "Template that offers a session to somebody who has not written for a day. It is made and submitted for approval if the account has none of this name.",
			"template_language": "Language of the template, for instance en_US. Your humans are told things in this language, too, if it is Chinese; else in English.",
			"graph_version":     "Version of Meta's Graph API. Empty: " + DefaultVersion + ".",
			"api_base_url":      "Address of the API instead of Meta's own, for instance of an emulator.",
		},
		SetupSteps: []string{
			"At developers.facebook.com make an app for the use case WhatsApp, and add your business number to it; the test number works, too, for up to five phones.",
			"Under Business settings, System users, make a system user, give it the app and the WhatsApp account, and generate a token that never ends, with whatsapp_business_messaging and whatsapp_business_management.",
			"Enter everything here, with a verify token of your choice and a name for the template, such as handoff_request.",
			"In the app under WhatsApp, Configuration enter the receive URL and the verify token, and subscribe to the field messages.",
			"Have each of your humans write “hi” to the number once.",
			"Wait until Meta has approved the template, which takes minutes to a day, and see that TestProvider says AVAILABLE.",
		},
	}
}

// Account implements provider.Kind: it is the number.
func (Kind) Account(config proto.Message) (string, error) {
	c, err := configOf(config)
	if err != nil {
		return "", err
	}
	base, err := baseURL(c)
	if err != nil {
		return "", err
	}
	return base + "/" + url.PathEscape(c.GetPhoneNumberId()), nil
}

// Missing implements provider.Kind.
func (Kind) Missing(config proto.Message) []string {
	c, err := configOf(config)
	if err != nil {
		return []string{"phone_number_id"}
	}
	var missing []string
	for _, field := range []struct {
		name  string
		given bool
	}{
		{"access_token", c.GetAccessToken() != ""},
		{"app_secret", c.GetAppSecret() != ""},
		{"verify_token", c.GetVerifyToken() != ""},
		{"phone_number_id", c.GetPhoneNumberId() != ""},
		{"waba_id", c.GetWabaId() != ""},
		{"staff", len(c.GetStaff()) > 0},
		{"template_name", c.GetTemplateName() != ""},
		{"template_language", c.GetTemplateLanguage() != ""},
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
	staff, err := newStaff(c.GetStaff())
	if err != nil {
		return nil, err
	}
	version := c.GetGraphVersion()
	if version == "" {
		version = DefaultVersion
	}
	return &Adapter{
		secret: c.GetAppSecret(), verifyToken: c.GetVerifyToken(), number: c.GetPhoneNumberId(), account: c.GetWabaId(),
		staff: staff, template: c.GetTemplateName(), language: c.GetTemplateLanguage(), files: deps.Files, now: deps.Now,
		rest: restapi.Client{
			HTTP: deps.HTTP, Now: deps.Now, Base: base + "/" + version, Judge: judge(deps.Now),
			Header: http.Header{"Authorization": {"Bearer " + c.GetAccessToken()}},
		},
	}, nil
}

func configOf(config proto.Message) (*handoffv1.WhatsAppConfig, error) {
	c, ok := config.(*handoffv1.WhatsAppConfig)
	if !ok {
		return nil, fmt.Errorf("whatsapp: the settings are a %T", config)
	}
	return c, nil
}

// baseURL is the address that the version is appended to.
func baseURL(c *handoffv1.WhatsAppConfig) (string, error) {
	if c.GetApiBaseUrl() == "" {
		return graph, nil
	}
	return restapi.BaseURL("api_base_url", c.GetApiBaseUrl())
}
