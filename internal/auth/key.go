package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/human-handoff/handoff/internal/handoff"
)

// secretBytes is the entropy of a key: 256 bits, so that a plain hash protects it.
const secretBytes = 32

// MinAdminKey is how long a key has to be that an operator makes up.
const MinAdminKey = 20

// NewSecret returns the secret of a new key, for example "hk_agent_…".
func NewSecret(scope Scope) string {
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails, says its documentation
	return fmt.Sprintf("hk_%s_%s", scope, base64.RawURLEncoding.EncodeToString(secret))
}

func hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// CreateKey makes a key and returns its secret, which is shown this once. A key
// of scope agent or desk belongs to one agent; an admin key to none.
func (a *Authenticator) CreateKey(ctx context.Context, scope Scope, agentID, name string) (secret string, k Key, err error) {
	if err := checkKey(scope, agentID); err != nil {
		return "", Key{}, err
	}
	secret = NewSecret(scope)
	k = Key{ID: a.newID("key"), Hash: hash(secret), Scope: scope, AgentID: agentID, Name: name, CreateTime: a.now()}
	if err := a.store.AddKey(ctx, k); err != nil {
		return "", Key{}, err
	}
	a.remember(k)
	return secret, k, nil
}

func checkKey(scope Scope, agentID string) error {
	switch scope {
	case ScopeAdmin:
		if agentID != "" {
			return handoff.Errorf(handoff.CodeInvalid, "KEY_WITH_AGENT", "a key of scope admin belongs to no agent; leave the agent out")
		}
	case ScopeAgent, ScopeDesk:
		if agentID == "" || len(agentID) > handoff.MaxIDBytes {
			return handoff.Errorf(handoff.CodeInvalid, "KEY_WITHOUT_AGENT", "a key of scope %s belongs to one agent; give its id (at most %d bytes)", scope, handoff.MaxIDBytes)
		}
	default:
		return handoff.Errorf(handoff.CodeInvalid, "BAD_SCOPE", "the scope of a key is admin, agent or desk")
	}
	return nil
}

// Keys lists all keys, the newest first.
func (a *Authenticator) Keys(ctx context.Context) ([]Key, error) { return a.store.Keys(ctx) }

// RevokeKey ends a key: it is refused from now on, and its streams end. Another
// process on the same database follows within a second.
func (a *Authenticator) RevokeKey(ctx context.Context, id string) (Key, error) {
	k, err := a.store.RevokeKey(ctx, id, a.now())
	if err != nil {
		return Key{}, err
	}
	a.forget(k)
	return k, nil
}
