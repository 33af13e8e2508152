package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Principal is who calls.
type Principal struct {
	Scope     Scope
	Name      string // of the key; may be empty
	KeyID     string // empty for session tokens and for the configured admin key
	AgentID   string // of every scope but admin
	SessionID string // of a session token

	End time.Time // of a session of the console; zero for other credentials
}

// Errors of Authenticate.
var (
	ErrUnauthenticated = &handoff.Error{Code: handoff.CodeUnauthenticated, Reason: "UNAUTHENTICATED", Message: "send a valid key as 'Authorization: Bearer KEY'"}
	ErrTokenExpired    = &handoff.Error{Code: handoff.CodeUnauthenticated, Reason: "SESSION_TOKEN_EXPIRED", Message: "the session closed more than 15 minutes ago, and its tokens with it; request a new handoff"}
)

// Sessions is what auth asks of the domain: which agent a session belongs to, and whether it closed.
type Sessions interface {
	Session(ctx context.Context, id string) (*handoff.Session, error)
}

// Authenticator turns credentials into principals.
type Authenticator struct {
	store     Store
	sessions  Sessions
	adminHash []byte // of the configured admin key; nil if there is none
	tokenKeys [][]byte
	sealer    Sealer
	newID     func(prefix string) string
	now       handoff.Clock
	facts     *lru.Cache[string, facts] // by session
	wake      chan struct{}             // of size 1: a key is in use

	mu       sync.RWMutex
	valid    map[string]Key       // by hash; what is missing here is looked up
	used     map[string]time.Time // by id, since the last flush
	watchers map[string]map[*watcher]struct{}
}

// Config is what an Authenticator is made of.
type Config struct {
	Store     Store
	Sessions  Sessions
	AdminKey  string   // valid as long as it is configured; may be empty
	TokenKeys [][]byte // the first one mints, all prove
	Sealer    Sealer   // of sessions of the console
	NewID     func(prefix string) string
	Now       handoff.Clock
}

// New returns an Authenticator. Run has to run for it to notice what other
// processes revoke.
func New(c Config) *Authenticator {
	remembered, err := lru.New[string, facts](maxFacts)
	if err != nil {
		panic(err) // only for a size of 0
	}
	a := &Authenticator{
		facts: remembered, wake: make(chan struct{}, 1), store: c.Store, sessions: c.Sessions, tokenKeys: c.TokenKeys, sealer: c.Sealer, newID: c.NewID, now: c.Now,
		valid: map[string]Key{}, used: map[string]time.Time{}, watchers: map[string]map[*watcher]struct{}{},
	}
	if c.AdminKey != "" {
		a.adminHash = hash(c.AdminKey)
	}
	return a
}

// Authenticate returns who a bearer credential belongs to. ErrUnauthenticated
// when it is missing, unknown or revoked; ErrTokenExpired for a token whose
// session closed too long ago.
func (a *Authenticator) Authenticate(ctx context.Context, bearer string) (Principal, error) {
	if strings.HasPrefix(bearer, tokenPrefix) {
		return a.authenticateToken(ctx, bearer)
	}
	if bearer == "" {
		return Principal{}, ErrUnauthenticated
	}
	return a.principalOf(ctx, hash(bearer))
}

// principalOf returns whose key has this hash.
func (a *Authenticator) principalOf(ctx context.Context, sum []byte) (Principal, error) {
	if a.adminHash != nil && subtle.ConstantTimeCompare(sum, a.adminHash) == 1 {
		return Principal{Scope: ScopeAdmin}, nil
	}
	a.mu.RLock()
	k, ok := a.valid[string(sum)]
	a.mu.RUnlock()
	if !ok {
		var err error
		k, err = a.store.KeyByHash(ctx, sum)
		if errors.Is(err, ErrKeyNotFound) || err == nil && !k.RevokeTime.IsZero() {
			return Principal{}, ErrUnauthenticated
		}
		if err != nil {
			return Principal{}, err
		}
		a.remember(k)
	}
	a.touch(k.ID)
	return Principal{Scope: k.Scope, Name: k.Name, KeyID: k.ID, AgentID: k.AgentID}, nil
}

func (a *Authenticator) authenticateToken(ctx context.Context, token string) (Principal, error) {
	id, ok := a.sessionOfToken(token)
	if !ok {
		return Principal{}, ErrUnauthenticated
	}
	f, err := a.factsOf(ctx, id, false)
	if err == nil && a.now().After(f.tokensUntil) {
		f, err = a.factsOf(ctx, id, true)
	}
	switch {
	case errors.Is(err, handoff.ErrSessionNotFound):
		return Principal{}, ErrUnauthenticated
	case err != nil:
		return Principal{}, err
	case a.now().After(f.tokensUntil):
		return Principal{}, ErrTokenExpired
	}
	return Principal{Scope: ScopeSession, AgentID: f.agentID, SessionID: id}, nil
}

func (a *Authenticator) remember(k Key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.valid[string(k.Hash)] = k
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

func (a *Authenticator) touch(id string) {
	now := a.now()
	a.mu.RLock()
	recent := now.Sub(a.used[id]) < flushEvery
	a.mu.RUnlock()
	if recent {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used[id] = now
}

type (
	principalKey struct{}
	refusalKey   struct{}
)

// WithPrincipal returns a context that carries who calls.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// WithRefusal returns a context that carries why a credential was refused.
func WithRefusal(ctx context.Context, err error) context.Context {
	return context.WithValue(ctx, refusalKey{}, err)
}

// PrincipalFrom returns who calls; ok is false when nobody was authenticated.
func PrincipalFrom(ctx context.Context) (p Principal, ok bool) {
	p, ok = ctx.Value(principalKey{}).(Principal)
	return p, ok
}

// Caller returns who calls, or why nobody was authenticated.
func Caller(ctx context.Context) (Principal, error) {
	if p, ok := PrincipalFrom(ctx); ok {
		return p, nil
	}
	if err, ok := ctx.Value(refusalKey{}).(error); ok {
		return Principal{}, err
	}
	return Principal{}, ErrUnauthenticated
}
