package auth

import (
	"context"
	"errors"
	"slices"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Target is what a call is about; empty fields are not part of it.
type Target struct{ AgentID, SessionID string }

// ErrPermission is the answer to a known credential outside its scope. It is
// the same whether or not the target exists.
var ErrPermission = &handoff.Error{Code: handoff.CodePermission, Reason: "OUT_OF_SCOPE", Message: "this key may not do that; use a key whose scope and agent cover the call"}

// Authorize returns nil when the principal's scope is one of scopes and covers
// the target, else ErrPermission. An admin key covers everything.
func (a *Authenticator) Authorize(ctx context.Context, p Principal, scopes []Scope, t Target) error {
	if !slices.Contains(scopes, p.Scope) {
		return ErrPermission
	}
	if p.Scope == ScopeAdmin {
		return nil
	}
	if t.AgentID != "" && t.AgentID != p.AgentID {
		return ErrPermission
	}
	if p.Scope == ScopeSession {
		if t.SessionID != p.SessionID {
			return ErrPermission
		}
		return nil
	}
	if t.SessionID == "" {
		return nil
	}
	f, err := a.factsOf(ctx, t.SessionID, false)
	if errors.Is(err, handoff.ErrSessionNotFound) || err == nil && f.agentID != p.AgentID {
		return ErrPermission
	}
	return err
}
