package livechattest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// version is the one that the emulator speaks.
const version = "v3.6"

// refusal is an answer of the chat APIs that is not 200.
type refusal struct {
	status        int
	kind, message string
	data          map[string]any
}

// Error implements error.
func (r refusal) Error() string { return r.kind + ": " + r.message }

// oauthError is one of the Accounts APIs.
type oauthError struct {
	status        int
	kind, message string
	customers     bool // in the form of the Customer Accounts API
}

// Error implements error.
func (r oauthError) Error() string { return r.kind + ": " + r.message }

func invalid(format string, args ...any) error {
	return refusal{http.StatusBadRequest, "validation", fmt.Sprintf(format, args...), nil}
}

func unauthenticated(why string) error {
	return refusal{http.StatusUnauthorized, "authentication", why, nil}
}

// handler does one call; the organization is locked. A nil answer is an empty object.
type handler func(w http.ResponseWriter, r *http.Request, body []byte) (any, error)

func (e *Emulator) routes() *http.ServeMux {
	mux := http.NewServeMux()
	actions := map[string]handler{
		"POST /v2/token":          e.exchange,
		"GET /v2/info":            e.info,
		"POST /v2/customer/token": e.customerToken,
		"/": func(http.ResponseWriter, *http.Request, []byte) (any, error) {
			return nil, refusal{http.StatusNotFound, "not_found", "no such path", nil}
		},
	}
	for name, handle := range e.customerActions() {
		actions["POST /"+version+"/customer/action/"+name] = e.forCustomer(handle)
	}
	for name, action := range e.agentActions() {
		actions["POST /"+version+"/"+name] = e.forAgent(action)
	}
	for pattern, handle := range actions {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { e.serve(w, r, handle) })
	}
	mux.HandleFunc("GET /{$}", e.consentPage)
	mux.HandleFunc("POST /consent", e.consent)
	return mux
}

// ServeHTTP implements emulator.Emulator.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }

func (e *Emulator) serve(w http.ResponseWriter, r *http.Request, handle handler) {
	e.mu.Lock()
	defer e.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	var answer any
	if err == nil {
		answer, err = handle(w, r, body)
	}
	if answer == nil {
		answer = map[string]any{}
	}
	status := http.StatusOK
	if err != nil {
		status, answer = describe(err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func describe(err error) (int, any) {
	if o, ok := errors.AsType[oauthError](err); ok {
		if o.customers {
			return o.status, map[string]any{"oauth_exception": o.kind, "exception_description": o.message}
		}
		return o.status, map[string]any{"error": o.kind, "error_description": o.message}
	}
	r, ok := errors.AsType[refusal](err)
	if !ok {
		r = refusal{http.StatusInternalServerError, "internal", err.Error(), nil}
	}
	data := r.data
	if data == nil {
		data = map[string]any{}
	}
	return r.status, map[string]any{"error": map[string]any{"type": r.kind, "message": r.message, "data": data}}
}

// decode reads a body strictly: what is not known, or of another type, is refused.
func decode(r *http.Request, body []byte, into any) error {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return invalid("Content-Type has to be application/json")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return invalid("%v", err)
	}
	return nil
}

func bearer(r *http.Request) string {
	value, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return value
}

// inRegion refuses calls that go to another region than the organization's.
func (e *Emulator) inRegion(r *http.Request) error {
	asked := r.Header.Get("X-Region")
	if asked == "" {
		asked = "dal"
	}
	if asked != e.Region {
		return refusal{http.StatusMisdirectedRequest, "misdirected_request", "Wrong region", map[string]any{"region": e.Region}}
	}
	return nil
}

// forCustomer has an action done for the customer that the token is of.
func (e *Emulator) forCustomer(do func(c *customer, r *http.Request, body []byte) (any, error)) handler {
	return func(_ http.ResponseWriter, r *http.Request, body []byte) (any, error) {
		t := e.tokens[bearer(r)]
		switch {
		case r.URL.Query().Get("organization_id") == "":
			return nil, invalid("`organization_id` is required")
		case t == nil || !e.now().Before(t.ends):
			return nil, unauthenticated("Invalid access token")
		case r.URL.Query().Get("organization_id") != t.organization:
			return nil, refusal{http.StatusForbidden, "authorization", "organization_id does not match the token", nil}
		}
		if err := e.inRegion(r); err != nil {
			return nil, err
		}
		return do(e.customers[t.entity], r, body)
	}
}

// action is one of the Agent Chat or Configuration API, with the scope that it needs.
type action struct {
	scope string
	do    func(r *http.Request, body []byte) (any, error)
}

func (e *Emulator) forAgent(a action) handler {
	return func(_ http.ResponseWriter, r *http.Request, body []byte) (any, error) {
		if e.agentToken(r) == nil {
			return nil, unauthenticated("Invalid access token")
		}
		if err := e.inRegion(r); err != nil {
			return nil, err
		}
		if !strings.Contains(e.Scopes, a.scope) {
			return nil, refusal{http.StatusForbidden, "authorization", "Missing scope: " + a.scope, nil}
		}
		return a.do(r, body)
	}
}

// agentToken returns the live agent token of a request; nil if it has none.
func (e *Emulator) agentToken(r *http.Request) *token {
	t := e.agents[bearer(r)]
	if t == nil || e.revoked || !e.now().Before(t.ends) {
		return nil
	}
	return t
}
