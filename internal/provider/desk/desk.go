// Package desk is the provider that is built in: humans answer on this server's
// own desk page, over the API's DeskService.
//
// The desk reads the session's log like everybody else, so there is nothing to
// send anywhere: a start is taken at once, and a message is there as soon as it
// is logged. Nor are there webhooks; what its humans do are commands on the session.
package desk

import (
	"context"

	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// Name is the kind's name in the API.
const Name = "desk"

// account stands for the one desk that an agent has here.
const account = "desk://built-in"

// Kind is the built-in desk.
type Kind struct{}

var _ provider.Kind = Kind{}

// Describe implements provider.Kind.
func (Kind) Describe() provider.Descriptor {
	return provider.Descriptor{
		Name:         Name,
		Title:        "Built-in desk",
		Config:       &handoffv1.DeskConfig{},
		Capabilities: handoff.Capabilities{Attachments: true, Typing: true, ReadReceipts: true, CanClose: true}, // it reads the log and the signals itself
		SetupSteps: []string{
			"Create a key of scope desk for the agent: handoff keys create --scope desk --agent ID --name \"Joe\". Its name is what customers see, unless the human gives another.",
			"Open /desk on this server and enter the key.",
		},
	}
}

// Account implements provider.Kind.
func (Kind) Account(proto.Message) (string, error) { return account, nil }

// Missing implements provider.Kind: nothing has to be configured.
func (Kind) Missing(proto.Message) []string { return nil }

// Open implements provider.Kind.
func (Kind) Open(proto.Message, provider.Deps) (provider.Adapter, error) { return Adapter{}, nil }

// Adapter is the desk as the dispatcher sees it.
type Adapter struct{}

var _ provider.Adapter = Adapter{}

// Check implements provider.Adapter: the desk is there when this program is.
func (Adapter) Check(context.Context) error { return nil }

// Open implements provider.Adapter.
func (Adapter) Open(_ context.Context, c provider.Call, _ handoff.Start) (handoff.Ref, error) {
	return handoff.Ref{ID: c.SessionID}, nil
}

// Send implements provider.Adapter.
func (Adapter) Send(context.Context, provider.Call, handoff.Message) (string, error) { return "", nil }

// Close implements provider.Adapter.
func (Adapter) Close(context.Context, provider.Call, handoff.CloseReason) error { return nil }

// Verify implements provider.Adapter: no webhook is genuine.
func (Adapter) Verify(provider.Request) error {
	return handoff.Errorf(handoff.CodeUnauthenticated, "NO_WEBHOOKS", "the built-in desk has no webhooks; its humans use DeskService")
}

// Parse implements provider.Adapter; Verify lets nothing through to it.
func (a Adapter) Parse(r provider.Request) (provider.Reply, []handoff.Inbound, error) {
	return provider.Reply{}, nil, a.Verify(r)
}
