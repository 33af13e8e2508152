package server

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/human-handoff/handoff/internal/auth"
)

const readyTimeout = 2 * time.Second

// Check is a part of the program that has to work for it to be ready.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
}

// Health serves /healthz, /readyz and, for admin keys, /metrics.
type Health struct {
	Checks  []Check
	Metrics http.Handler
}

// Mount mounts the routes.
func (h Health) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n")) // the client is gone if this fails
	})
	mux.HandleFunc("GET /readyz", h.ready)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		p, err := auth.Caller(r.Context())
		switch {
		case err != nil:
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, err.Error(), http.StatusUnauthorized)
		case p.Scope != auth.ScopeAdmin:
			http.Error(w, auth.ErrPermission.Error(), http.StatusForbidden)
		default:
			h.Metrics.ServeHTTP(w, r)
		}
	})
}

func (h Health) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	answer := struct {
		Ready  bool              `json:"ready"`
		Checks map[string]string `json:"checks"`
	}{Ready: true, Checks: map[string]string{}}
	for _, c := range h.Checks {
		answer.Checks[c.Name] = "ok"
		if err := c.Run(ctx); err != nil {
			answer.Ready, answer.Checks[c.Name] = false, err.Error()
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if !answer.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(answer) // the client is gone if this fails
}
