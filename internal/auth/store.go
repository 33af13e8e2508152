package auth

import (
	"context"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Store keeps keys, never their secrets.
type Store interface {
	// AddKey stores a new key.
	AddKey(ctx context.Context, k Key) error

	// Keys lists all keys, revoked ones included, the newest first.
	Keys(ctx context.Context) ([]Key, error)

	// KeyByHash returns the key with this hash; ErrKeyNotFound if there is none.
	KeyByHash(ctx context.Context, hash []byte) (Key, error)

	// RevokeKey marks a key as revoked and returns it; revoking again changes
	// nothing. ErrKeyNotFound if there is none.
	RevokeKey(ctx context.Context, id string, at time.Time) (Key, error)

	// TouchKeys notes when keys were last used.
	TouchKeys(ctx context.Context, used map[string]time.Time) error
}

// Scope is what a key may do.
type Scope string

// The scopes of keys.
const (
	ScopeAdmin   Scope = "admin"
	ScopeAgent   Scope = "agent"
	ScopeDesk    Scope = "desk"
	ScopeSession Scope = "session" // of session tokens, which are not stored
)

// Key is a stored key.
type Key struct {
	ID           string
	Hash         []byte // SHA-256 of the secret
	Scope        Scope
	AgentID      string // of the scopes agent and desk
	Name         string
	CreateTime   time.Time
	LastUsedTime time.Time
	RevokeTime   time.Time // zero = valid
}

// ErrKeyNotFound is returned for a key that is not stored.
var ErrKeyNotFound = &handoff.Error{Code: handoff.CodeNotFound, Reason: "KEY_NOT_FOUND", Message: "there is no key with this id; see ListKeys"}
