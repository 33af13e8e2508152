// Package intercom is the provider for workspaces of Intercom.
//
// A customer is a contact, a session a conversation of that contact, and the
// transcript a note that only teammates see. The wire is that of Intercom's REST
// API, version 2.16 (https://developers.intercom.com/docs/references/2.16/rest-api/api.intercom.io),
// and of its webhooks.
//
//	kind.go       what the kind is and needs
//	adapter.go    our terms to Intercom's: start, message, close
//	contact.go    who the customer is there
//	repeat.go     what an earlier attempt has left there
//	client.go     the calls
//	types.go      their bodies, as far as we look at them
//	parse.go      webhooks
//	event.go      what a conversation and its parts tell
package intercom

import (
	"crypto/sha1" //nolint:gosec // it is the hash of Intercom's signatures
	"fmt"
	"net/http"

	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/hmacsign"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// Name is the kind's name in the API and in receive URLs.
const Name = "intercom"

// APIVersion is the version of Intercom's API that the calls are made for. It is
// sent with each call, for without it the app's own setting would hold.
const APIVersion = "2.16"

// scheme is how Intercom signs its webhooks.
var scheme = hmacsign.Scheme{Hash: sha1.New, Prefix: "sha1="}

// Kind is the Intercom provider.
type Kind struct{}

var (
	_ provider.Kind    = Kind{}
	_ provider.Greeter = Kind{}
)

// Describe implements provider.Kind. A private app may make 10,000 calls a minute,
// counted in windows of ten seconds; a start takes up to seven of them.
func (Kind) Describe() provider.Descriptor {
	return provider.Descriptor{
		Name:         Name,
		Title:        "Intercom",
		Beta:         true,
		Reconciles:   true,
		Config:       &handoffv1.IntercomConfig{},
		Capabilities: handoff.Capabilities{CanClose: true},
		Limits:       provider.Limits{Concurrent: 64, PerSecond: 100},
		Fields: map[string]string{
			"access_token":  "Access token of your app: Developer Hub, your app, Configure, Authentication.",
			"client_secret": "Client secret of the same app: Configure, Basic information. It proves that webhooks come from Intercom.",
			"region":        "Where your workspace is hosted: US (the default), EU or AU.",
			"admin_id":      "Teammate in whose name notes are written and conversations are closed. Empty: the one that the access token belongs to.",
			"team_id":       "Team that new conversations are assigned to. Empty: your workspace's own rules decide.",
			"api_base_url":  "Address of the API instead of Intercom's own, for instance of an emulator.",
		},
		SetupSteps: []string{
			"In Intercom's Developer Hub (Settings, Integrations, Developer Hub) make a new app for your workspace.",
			"Copy the access token from Configure, Authentication, and the client secret from Configure, Basic information, and enter both here.",
			"Under Configure, Webhooks enter the receive URL as the endpoint and add the topics conversation.admin.replied, conversation.admin.closed, conversation.admin.assigned, conversation.admin.snoozed and conversation.deleted.",
			"Save, and see that TestProvider says AVAILABLE.",
		},
	}
}

// Account implements provider.Kind: it is the address of the region's API. Which
// workspace it is only the access token tells, which is a secret.
func (Kind) Account(config proto.Message) (string, error) {
	c, err := configOf(config)
	if err != nil {
		return "", err
	}
	return baseURL(c)
}

// Missing implements provider.Kind.
func (Kind) Missing(config proto.Message) []string {
	var missing []string
	c, err := configOf(config)
	if err != nil || c.GetAccessToken() == "" {
		missing = append(missing, "access_token")
	}
	if c.GetClientSecret() == "" {
		missing = append(missing, "client_secret")
	}
	return missing
}

// Greet implements provider.Greeter: Intercom sends HEAD when the endpoint is saved.
func (Kind) Greet(_ proto.Message, r provider.Request) (provider.Reply, bool) {
	return provider.Reply{Status: http.StatusOK}, r.Method == http.MethodHead
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
	a := &Adapter{secret: c.GetClientSecret(), adminID: c.GetAdminId(), teamID: c.GetTeamId(), base: base, sent: deps.Sent, now: deps.Now}
	if c.GetApiBaseUrl() == "" {
		a.region = regionNames[c.GetRegion()]
	}
	a.client = client{restapi.Client{
		HTTP: deps.HTTP, Now: deps.Now, Base: base, Judge: judge(deps.Now),
		Header: http.Header{"Authorization": {"Bearer " + c.GetAccessToken()}, "Intercom-Version": {APIVersion}},
	}}
	return a, nil
}

func configOf(config proto.Message) (*handoffv1.IntercomConfig, error) {
	c, ok := config.(*handoffv1.IntercomConfig)
	if !ok {
		return nil, fmt.Errorf("intercom: the settings are a %T", config)
	}
	return c, nil
}

// regionNames are the regions as Intercom calls them.
var regionNames = map[handoffv1.IntercomConfig_Region]string{
	handoffv1.IntercomConfig_REGION_UNSPECIFIED: "US",
	handoffv1.IntercomConfig_REGION_US:          "US",
	handoffv1.IntercomConfig_REGION_EU:          "EU",
	handoffv1.IntercomConfig_REGION_AU:          "AU",
}

var regionHosts = map[string]string{
	"US": "https://api.intercom.io",
	"EU": "https://api.eu.intercom.io",
	"AU": "https://api.au.intercom.io",
}

// baseURL is the address that paths are appended to.
func baseURL(c *handoffv1.IntercomConfig) (string, error) {
	if c.GetApiBaseUrl() == "" {
		return regionHosts[regionNames[c.GetRegion()]], nil
	}
	return restapi.BaseURL("api_base_url", c.GetApiBaseUrl())
}
