package server

import (
	"context"
	"net/http"
	"strings"

	"github.com/human-handoff/handoff/internal/auth"
)

// Authenticator tells who a credential belongs to.
type Authenticator interface {
	// Authenticate tells it of a bearer credential.
	Authenticate(ctx context.Context, bearer string) (auth.Principal, error)

	// AuthenticateConsole tells it of a session of the console.
	AuthenticateConsole(ctx context.Context, session string) (auth.Principal, error)
}

// Authenticate returns a middleware that notes who calls, for all doors, unary
// and streams alike. It refuses nobody: a door that needs a principal asks for
// it with auth.Caller and answers in its own protocol.
func Authenticate(a Authenticator) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			if authenticate, credential := credentialOf(a, r); credential != "" {
				p, err := authenticate(ctx, credential)
				if err == nil {
					ctx = auth.WithPrincipal(ctx, p)
				} else {
					ctx = auth.WithRefusal(ctx, err)
				}
				r = r.WithContext(ctx)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// credentialOf returns what the caller shows and who can tell whose it is. An
// Authorization header counts before a session of the console, valid or not.
func credentialOf(a Authenticator, r *http.Request) (func(context.Context, string) (auth.Principal, error), string) {
	if r.Header.Get("Authorization") != "" {
		return a.Authenticate, bearerOf(r)
	}
	return a.AuthenticateConsole, consoleSessionOf(r)
}

// bearerOf returns the credential of the Authorization header.
func bearerOf(r *http.Request) string {
	scheme, credential, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(credential)
}
