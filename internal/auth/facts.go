package auth

import (
	"context"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
)

// maxFacts bounds how many sessions are remembered.
const maxFacts = 16_384

// facts is what every call needs to know of a session and what nothing that
// happens later makes wrong, so that it is read once and not for each call.
type facts struct {
	agentID     string
	tokensUntil time.Time // its tokens are good until then, and maybe longer
}

// factsOf returns the facts of a session, as they were known at some time. With
// fresh they are read.
func (a *Authenticator) factsOf(ctx context.Context, sessionID string, fresh bool) (facts, error) {
	if known, ok := a.facts.Get(sessionID); ok && !fresh {
		return known, nil
	}
	s, err := a.sessions.Session(ctx, sessionID)
	if err != nil {
		return facts{}, err
	}
	f := facts{agentID: s.AgentID, tokensUntil: a.now().Add(TokenGrace)} // if it closes right now
	if s.State == handoff.StateClosed {
		f.tokensUntil = s.CloseTime.Add(TokenGrace)
	}
	a.facts.Add(sessionID, f)
	return f, nil
}
