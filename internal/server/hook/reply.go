package hook

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/handoff"
)

// Codes of the reply routes' answers. The reference system documents none for
// these two; those of its neighbouring calls are 40000 and 40127, and the others
// follow their pattern (see docs/providers/webhook.md).
const (
	codeSuccess         = 0
	codeBadBody         = 40000
	codeUnauthenticated = 40127
	codeNotFound        = 40400
	codeClosed          = 40900
	codeTooLarge        = 41300
	codeInternal        = 50000
	codeUnavailable     = 50300
)

// Sessions tells whose a session is that a reply is for.
type Sessions interface {
	Identity(ctx context.Context, id string) (handoff.Identity, error)
}

// Authorizer decides whether a caller may reply in a session.
type Authorizer interface {
	Authorize(ctx context.Context, p auth.Principal, scopes []auth.Scope, t auth.Target) error
}

// Replies serves the reference system's reply routes, on which a developer's
// server speaks for its humans with a key instead of a signature.
type Replies struct {
	Kind       string // whose sessions are answered here
	Parse      func(path string, body []byte) (handoff.Inbound, error)
	Sessions   Sessions
	Receiver   Receiver
	Authorizer Authorizer
	Logger     *slog.Logger
}

// Mount mounts the routes.
func (h Replies) Mount(mux *http.ServeMux) {
	for _, path := range []string{"/human/message/receive", "/human/close"} {
		mux.HandleFunc("POST /v1"+path, func(w http.ResponseWriter, r *http.Request) {
			h.answer(w, r, h.reply(w, r, path))
		})
	}
}

func (h Replies) reply(w http.ResponseWriter, r *http.Request, path string) error {
	ctx := r.Context()
	p, err := auth.Caller(ctx)
	if err != nil {
		return err
	}
	if p.Scope != auth.ScopeAdmin && p.Scope != auth.ScopeAgent {
		return auth.ErrPermission
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	in, err := h.Parse(path, body)
	if err != nil {
		return err
	}
	s, err := h.Sessions.Identity(ctx, in.SessionID)
	if err != nil {
		return err
	}
	err = h.Authorizer.Authorize(ctx, p, []auth.Scope{auth.ScopeAdmin, auth.ScopeAgent}, auth.Target{AgentID: s.AgentID})
	if err != nil || s.Provider != h.Kind {
		return handoff.ErrSessionNotFound // foreign and unknown look the same here
	}
	return h.Receiver.Receive(ctx, s.ConnectionID, in)
}

func (h Replies) answer(w http.ResponseWriter, r *http.Request, err error) {
	status, code, message := http.StatusOK, codeSuccess, "success"
	if err != nil {
		status = statusOf(err)
		code, message = codeOf(status), publicText(err, status)
		h.Logger.WarnContext(r.Context(), "reply.refused", slog.String("path", r.URL.Path), slog.Int("code", code), slog.Any("error", err))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"code": code, "message": message}) // the caller is gone if this fails
}

func codeOf(status int) int {
	switch status {
	case http.StatusBadRequest:
		return codeBadBody
	case http.StatusUnauthorized, http.StatusForbidden:
		return codeUnauthenticated
	case http.StatusNotFound:
		return codeNotFound
	case http.StatusConflict:
		return codeClosed
	case http.StatusRequestEntityTooLarge:
		return codeTooLarge
	case http.StatusServiceUnavailable:
		return codeUnavailable
	default:
		return codeInternal
	}
}
