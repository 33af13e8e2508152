package server

import (
	"context"
	"net/http"
	"slices"
	"time"

	connectcors "connectrpc.com/cors"
	"github.com/rs/cors"

	"github.com/human-handoff/handoff/internal/auth"
)

const preflightAge = 10 * time.Minute

// Origins tells which browser origins an agent lets through; an empty agent id
// stands for any agent.
type Origins interface {
	OriginAllowed(ctx context.Context, agentID, origin string) bool
}

// CORS returns a middleware that lets browsers of allowed origins read answers:
// a preflight and a refused credential those of any agent, for they do not tell
// whose they are; a request those of the caller's agent. It runs behind Authenticate.
func CORS(origins Origins) func(http.Handler) http.Handler {
	c := cors.New(cors.Options{
		AllowOriginVaryRequestFunc: func(r *http.Request, origin string) (bool, []string) {
			if r.Method == http.MethodOptions {
				return origins.OriginAllowed(r.Context(), "", origin), nil
			}
			p, ok := auth.PrincipalFrom(r.Context())
			if !ok && bearerOf(r) != "" {
				// A page has to learn that its token is over, or it would take the
				// silence for a broken line and try for ever.
				return origins.OriginAllowed(r.Context(), "", origin), []string{"Authorization"}
			}
			return ok && p.AgentID != "" && origins.OriginAllowed(r.Context(), p.AgentID, origin), []string{"Authorization"}
		},
		AllowedMethods: append(connectcors.AllowedMethods(), http.MethodPut), // PUT is for uploads
		AllowedHeaders: slices.Concat(connectcors.AllowedHeaders(), []string{"Authorization", "Last-Event-ID"}),
		ExposedHeaders: connectcors.ExposedHeaders(),
		MaxAge:         int(preflightAge.Seconds()),
	})
	return c.Handler
}
