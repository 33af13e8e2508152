package server

import (
	"context"
	"net/http"
	"strings"

	"github.com/human-handoff/handoff/internal/auth"
)

// Authenticator tells who a bearer credential belongs to.
type Authenticator interface {
	Authenticate(ctx context.Context, bearer string) (auth.Principal, error)
}

// Authenticate returns a middleware that notes who calls, for all doors, unary
// and streams alike. It refuses nobody: a door that needs a principal asks for
// it with auth.Caller and answers in its own protocol.
func Authenticate(a Authenticator) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			if bearer := bearerOf(r); bearer != "" {
				p, err := a.Authenticate(ctx, bearer)
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

// bearerOf returns the credential of the Authorization header; no other place counts.
func bearerOf(r *http.Request) string {
	scheme, credential, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(credential)
}
