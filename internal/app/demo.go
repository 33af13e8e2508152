package app

import (
	"context"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider/desk"
)

// DemoAgent is the agent that SetUpDemo configures.
const DemoAgent = "demo"

// SetUpDemo configures an agent with the built-in desk and a chat that anybody
// may start, and returns a key for its desk. It is called before Run.
func (a *App) SetUpDemo(ctx context.Context) (deskKey string, err error) {
	_, err = a.agents.Configure(ctx, agents.Change{
		AgentID: DemoAgent, Kind: desk.Name, Config: &handoffv1.DeskConfig{},
		Settings: func(s handoff.Settings) (handoff.Settings, error) {
			s.PublicChat, s.EmailPolicy = true, handoff.EmailOptional
			return s, nil
		},
	})
	if err != nil {
		return "", err
	}
	deskKey, _, err = a.auth.CreateKey(ctx, auth.ScopeDesk, DemoAgent, "Joe")
	return deskKey, err
}
