// Package webhook is the provider that a developer builds: their own server,
// which is told of the start, each message and the end of a session, and sends
// the human's replies back.
//
// The wire is that of GPTBots' "Human Handoff Service – Webhook", so that a
// server written for it works with Handoff unchanged
// (https://www.gptbots.ai/docs/api-reference/conversation-api/human-handoff-service).
//
//	kind.go     what the kind is and needs
//	adapter.go  our terms to the server's, and what is asked of it
//	types.go    the bodies of the calls
//	client.go   the calls over HTTP
//	parse.go    what the server sends
package webhook

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/stdwebhook"
)

// Name is the kind's name in the API and in receive URLs.
const Name = "webhook"

// Kind is the webhook provider.
type Kind struct{}

var _ provider.Kind = Kind{}

// Describe implements provider.Kind.
func (Kind) Describe() provider.Descriptor {
	return provider.Descriptor{
		Name:         Name,
		Title:        "Webhook (your own server)",
		Config:       &handoffv1.WebhookConfig{},
		Capabilities: handoff.Capabilities{CanClose: true},
		Fields: map[string]string{ //nolint:gosec // it names secrets, and holds none
			"url":            "The base address of your server; a path in it is kept.",
			"username":       "Sent as HTTP Basic authentication, when given.",
			"password":       "Sent as HTTP Basic authentication, when given.",
			"signing_secret": "Signs each call as in Standard Webhooks, and checks what you post to the receive URL: whsec_… or any text.",
			"skip_probe":     "Do not ask the server whether the connection works.",
		},
		SetupSteps: setupSteps(),
	}
}

func setupSteps() []string {
	return []string{
		"Serve POST /conversation/establish, /chat and /conversation/close under one address, with any prefix, and enter that address as url. Answer any 2xx once you have taken a call.",
		"Repeats of a call have the same Idempotency-Key header. Calls whose body has \"istest\": true only check the connection: answer 200 and keep nothing.",
		"To answer, POST to /v1/human/message/receive and /v1/human/close with a key of scope agent, or to the receive URL followed by /human/message/receive and /human/close, signed as in Standard Webhooks with the signing secret.",
	}
}

// Account implements provider.Kind: it is the server's address, normalized.
func (Kind) Account(config proto.Message) (string, error) {
	c, err := configOf(config)
	if err != nil || c.GetUrl() == "" {
		return "", err
	}
	return baseURL(c.GetUrl())
}

// Missing implements provider.Kind.
func (Kind) Missing(config proto.Message) []string {
	if c, err := configOf(config); err == nil && c.GetUrl() != "" {
		return nil
	}
	return []string{"url"}
}

// Open implements provider.Kind. Its errors say which field is wrong, and hold no secret.
func (Kind) Open(config proto.Message, deps provider.Deps) (provider.Adapter, error) {
	c, err := configOf(config)
	if err != nil {
		return nil, err
	}
	base, err := baseURL(c.GetUrl())
	if err != nil {
		return nil, err
	}
	if strings.Contains(c.GetUsername(), ":") {
		// The first colon ends the user's name (RFC 7617, section 2).
		return nil, errors.New("username: must not contain a colon")
	}
	key, err := stdwebhook.Key(c.GetSigningSecret())
	if err != nil {
		return nil, err
	}
	return &Adapter{
		client: client{
			http: deps.HTTP, now: deps.Now, base: base, key: key,
			username: c.GetUsername(), password: c.GetPassword(),
		},
		skipProbe: c.GetSkipProbe(),
	}, nil
}

func configOf(config proto.Message) (*handoffv1.WebhookConfig, error) {
	c, ok := config.(*handoffv1.WebhookConfig)
	if !ok {
		return nil, fmt.Errorf("webhook: the settings are a %T", config)
	}
	return c, nil
}

// baseURL returns an address in one spelling, to which the paths of the calls
// are appended: scheme and host in lower case, no default port, no slash at the end.
func baseURL(raw string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		if parse, ok := errors.AsType[*url.Error](err); ok {
			err = parse.Err // without the address, for a password may stand in it
		}
		return "", fmt.Errorf("url: not an address: %w", err)
	}
	scheme := strings.ToLower(u.Scheme)
	switch {
	case scheme != "http" && scheme != "https":
		return "", errors.New("url: must begin with http:// or https://")
	case u.Hostname() == "":
		return "", errors.New("url: has no host")
	case u.User != nil:
		return "", errors.New("url: must not contain a user or password; use username and password")
	case u.RawQuery != "" || u.ForceQuery:
		return "", errors.New("url: must not have a query, for paths are appended to it")
	case strings.Contains(raw, "#"):
		return "", errors.New("url: must not have a fragment, for paths are appended to it")
	}
	host := strings.ToLower(u.Host)
	host = strings.TrimSuffix(host, map[string]string{"http": ":80", "https": ":443"}[scheme])
	return scheme + "://" + strings.TrimSuffix(host, ":") + strings.TrimRight(u.EscapedPath(), "/"), nil
}
