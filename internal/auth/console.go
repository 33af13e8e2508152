package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// ConsoleLife is how long somebody stays signed in to the console.
const ConsoleLife = 12 * time.Hour

const (
	consoleContext = "handoff console session v1"
	consoleLength  = 8 + sha256.Size // when it ends in Unix seconds, and the key's hash
)

// Sealer encrypts what browsers keep and must not read.
type Sealer interface {
	Seal(plain, context []byte) []byte
	Open(sealed, context []byte) ([]byte, error)
}

// SignIn returns a session of the console for a valid admin key, and when it
// ends. ErrUnauthenticated for a key that is unknown or revoked, ErrPermission
// for one of another scope. Sessions are not stored: each names its key and ends
// with it at the latest.
func (a *Authenticator) SignIn(ctx context.Context, key string) (session string, end time.Time, err error) {
	p, err := a.Authenticate(ctx, key)
	if err != nil {
		return "", time.Time{}, err
	}
	if p.Scope != ScopeAdmin {
		return "", time.Time{}, ErrPermission
	}
	end = a.now().Add(ConsoleLife)
	plain := binary.BigEndian.AppendUint64(nil, uint64(end.Unix())) //nolint:gosec // not before 1970
	sealed := a.sealer.Seal(append(plain, hash(key)...), []byte(consoleContext))
	return base64.RawURLEncoding.EncodeToString(sealed), end, nil
}

// AuthenticateConsole returns whose key a session of the console was begun with.
// ErrUnauthenticated when it is over or forged, or its key is revoked.
func (a *Authenticator) AuthenticateConsole(ctx context.Context, session string) (Principal, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(session)
	if err != nil {
		return Principal{}, ErrUnauthenticated
	}
	plain, err := a.sealer.Open(sealed, []byte(consoleContext))
	if err != nil || len(plain) != consoleLength {
		return Principal{}, ErrUnauthenticated
	}
	end := time.Unix(int64(binary.BigEndian.Uint64(plain)), 0) //nolint:gosec // made by SignIn
	if !a.now().Before(end) {
		return Principal{}, ErrUnauthenticated
	}
	p, err := a.principalOf(ctx, plain[8:])
	p.End = end
	return p, err
}
