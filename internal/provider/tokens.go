package provider

import (
	"context"
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Token is a credential that a vendor gives for a while.
type Token struct {
	Value   string
	Expires time.Time // zero = never
}

// Bounds of what is remembered of tokens.
const (
	maxTokens      = 100_000
	maxTokenMargin = 5 * time.Minute // how long before its end a token is renewed, at most
)

// Tokens remembers the tokens that a connection's adapters get from their vendor,
// which hold no state themselves, and lets one caller at a time renew one: vendors
// end the oldest when too many are made. It is in memory alone, as they can be had
// again. A nil Tokens remembers nothing. It is safe for concurrent use.
type Tokens struct {
	now handoff.Clock

	mu      sync.Mutex
	entries map[string]*tokenEntry
}

// tokenEntry is one token; its fields are guarded by renewing, which is a lock
// that can be given up waiting for.
type tokenEntry struct {
	renewing chan struct{} // of size 1
	token    Token
	until    time.Time // when it has to be renewed
}

// NewTokens returns a Tokens that knows none.
func NewTokens(now handoff.Clock) *Tokens {
	return &Tokens{now: now, entries: map[string]*tokenEntry{}}
}

// Get returns the token that a key stands for: the one that is remembered, as long
// as it is good, else what renew returns. The key has to change with the
// credentials that the token is got by.
func (t *Tokens) Get(ctx context.Context, key string, renew func(context.Context) (Token, error)) (string, error) {
	if t == nil {
		token, err := renew(ctx)
		return token.Value, err
	}
	e := t.entry(key)
	select {
	case e.renewing <- struct{}{}:
		defer func() { <-e.renewing }()
	case <-ctx.Done():
		return "", Errorf(ClassTransient, "waiting for a token: %w", ctx.Err())
	}
	now := t.now()
	if e.token.Value != "" && (e.until.IsZero() || now.Before(e.until)) {
		return e.token.Value, nil
	}
	token, err := renew(ctx)
	if err != nil {
		return "", err
	}
	t.remember(e, token, now)
	return token.Value, nil
}

// Put remembers a token that came by another way.
func (t *Tokens) Put(key string, token Token) {
	if t == nil {
		return
	}
	e := t.entry(key)
	e.renewing <- struct{}{}
	defer func() { <-e.renewing }()
	t.remember(e, token, t.now())
}

// Drop forgets a token that the vendor has refused, unless it was renewed meanwhile.
func (t *Tokens) Drop(key, value string) {
	if t == nil {
		return
	}
	e := t.entry(key)
	e.renewing <- struct{}{}
	defer func() { <-e.renewing }()
	if e.token.Value == value {
		e.token = Token{}
	}
}

func (t *Tokens) remember(e *tokenEntry, token Token, now time.Time) {
	e.token, e.until = token, token.Expires
	if !token.Expires.IsZero() {
		e.until = token.Expires.Add(-min(maxTokenMargin, token.Expires.Sub(now)/10))
	}
}

// entry returns the entry of a key. When there are too many, any that nobody
// works with has to go: it costs a call to have it back.
func (t *Tokens) entry(key string) *tokenEntry {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entries[key]
	if e != nil {
		return e
	}
	if len(t.entries) >= maxTokens {
		for old, candidate := range t.entries {
			if len(candidate.renewing) == 0 {
				delete(t.entries, old)
				break
			}
		}
	}
	e = &tokenEntry{renewing: make(chan struct{}, 1)}
	t.entries[key] = e
	return e
}
