package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/handoff"
)

const (
	consoleCookie = "handoff_console"
	consolePath   = "/console/session"

	// protocolHeader is what forms, links and pictures cannot send, and what pages
	// of other origins can send only after a preflight.
	protocolHeader = "Connect-Protocol-Version"
)

// SignIner begins sessions of the console.
type SignIner interface {
	SignIn(ctx context.Context, key string) (session string, end time.Time, err error)
}

// Console is the door by which people sign in to the console with a key and out
// again. The browser keeps a cookie that no script can read.
type Console struct {
	Auth   SignIner
	Secure bool // the public address is https
	Logger *slog.Logger
}

// Mount mounts GET, POST and DELETE /console/session.
func (c Console) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET "+consolePath, c.show)
	mux.HandleFunc("POST "+consolePath, c.signIn)
	mux.HandleFunc("DELETE "+consolePath, c.signOut)
}

// show answers 200 with what is signed in, and 204 when nobody is.
func (c Console) show(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if p, ok := auth.PrincipalFrom(r.Context()); !ok || p.End.IsZero() {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// signIn takes the key from the Authorization header, which no form can send.
func (c Console) signIn(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	session, end, err := c.Auth.SignIn(r.Context(), bearerOf(r))
	var refused *handoff.Error
	switch {
	case errors.As(err, &refused) && refused.Code == handoff.CodePermission:
		http.Error(w, refused.Message, http.StatusForbidden)
	case errors.As(err, &refused) && refused.Code == handoff.CodeUnauthenticated:
		http.Error(w, refused.Message, http.StatusUnauthorized)
	case err != nil:
		c.Logger.ErrorContext(r.Context(), "console.sign_in", slog.Any("error", err))
		http.Error(w, "internal error", http.StatusInternalServerError)
	default:
		c.setCookie(w, r, session, int(time.Until(end).Seconds()))
		w.WriteHeader(http.StatusNoContent)
	}
}

func (c Console) signOut(w http.ResponseWriter, r *http.Request) {
	if consoleSessionOf(r) != "" { // else another page could sign people out
		c.setCookie(w, r, "", -1)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (c Console) setCookie(w http.ResponseWriter, r *http.Request, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: consoleCookie, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: c.Secure || r.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
}

// consoleSessionOf returns the session in the cookie. Requests that a page of
// another origin can make, or make without a preflight, have none.
func consoleSessionOf(r *http.Request) string {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return ""
	}
	if r.Header.Get(protocolHeader) != "1" {
		return ""
	}
	cookie, err := r.Cookie(consoleCookie)
	if err != nil {
		return ""
	}
	return cookie.Value
}
