package intercomtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// versions are those that calls can name.
var versions = []string{"2.11", "2.12", "2.13", "2.14", "2.15", "2.16"}

// refusal is an answer that is not 200.
type refusal struct {
	status        int
	code, message string
	header        http.Header
}

// Error implements error.
func (r refusal) Error() string { return r.code + ": " + r.message }

func bad(format string, args ...any) error {
	return refusal{http.StatusBadRequest, "parameter_invalid", fmt.Sprintf(format, args...), nil}
}

func missing(what string) error {
	return refusal{http.StatusNotFound, "not_found", what + " not found", nil}
}

// handler does one call; the workspace is locked.
type handler func(r *http.Request, body []byte) (any, error)

func (e *Emulator) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]handler{
		"GET /me":                                e.getMe,
		"GET /admins/{id}":                       e.getAdmin,
		"GET /teams/{id}":                        e.getTeam,
		"GET /contacts/find_by_external_id/{id}": e.findContact,
		"GET /contacts/{id}":                     e.getContact,
		"POST /contacts":                         e.createContact,
		"POST /contacts/search":                  e.searchContacts,
		"POST /contacts/{id}/unarchive":          e.unarchive,
		"POST /conversations":                    e.createConversation,
		"POST /conversations/search":             e.searchConversations,
		"GET /conversations/{id}":                e.getConversation,
		"POST /conversations/{id}/reply":         e.reply,
		"POST /conversations/{id}/parts":         e.manage,
		"/":                                      func(*http.Request, []byte) (any, error) { return nil, missing("Resource") },
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { e.serve(w, r, handle) })
	}
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
		if err = e.admit(r, body); err == nil {
			answer, err = handle(r, body)
		}
	}
	status := http.StatusOK
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Intercom-Version", r.Header.Get("Intercom-Version"))
	if err != nil {
		refused, ok := errors.AsType[refusal](err)
		if !ok {
			refused = refusal{http.StatusInternalServerError, "server_error", err.Error(), nil}
		}
		status = refused.status
		maps.Copy(w.Header(), refused.header)
		answer = map[string]any{
			"type": "error.list", "request_id": "b3c8a7d2-" + e.newID(),
			"errors": []any{map[string]any{"code": refused.code, "message": refused.message}},
		}
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

// admit checks what all calls have in common.
func (e *Emulator) admit(r *http.Request, body []byte) error {
	switch {
	case e.revoked:
		return refusal{http.StatusUnauthorized, "token_revoked", "Access Token Revoked", nil}
	case r.Header.Get("Authorization") != "Bearer "+e.token:
		return refusal{http.StatusUnauthorized, "unauthorized", "Access Token Invalid", nil}
	case !slices.Contains(versions, r.Header.Get("Intercom-Version")):
		return refusal{http.StatusBadRequest, "intercom_version_invalid", "The requested version could not be found", nil}
	}
	if len(body) == 0 {
		return nil
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return refusal{http.StatusUnsupportedMediaType, "media_type_not_acceptable", "The Content-Type header should be application/json", nil}
	}
	return nil
}

// decode reads a body strictly: what is not known, or of another type, is refused.
func decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return bad("%v", err)
	}
	return nil
}

func (e *Emulator) getMe(*http.Request, []byte) (any, error) {
	if e.NoAdmin {
		return nil, nil //nolint:nilnil // the description says that it may be null
	}
	return map[string]any{
		"type": admin, "id": teammates[0].ID, "name": teammates[0].Name, "email": teammates[0].Email,
		"email_verified": true, "has_inbox_seat": true,
		"app": map[string]any{"type": "app", "id_code": appID, "name": "Emulated", "region": e.Region, "timezone": "America/Los_Angeles"},
	}, nil
}

func (e *Emulator) getAdmin(r *http.Request, _ []byte) (any, error) {
	for _, a := range teammates {
		if a.ID == r.PathValue("id") {
			return a, nil
		}
	}
	return nil, refusal{http.StatusNotFound, "admin_not_found", "Admin not found", nil}
}

func (e *Emulator) getTeam(r *http.Request, _ []byte) (any, error) {
	if r.PathValue("id") != TeamID {
		return nil, refusal{http.StatusNotFound, "team_not_found", "Team not found", nil}
	}
	return map[string]any{"type": "team", "id": TeamID, "name": "Support", "admin_ids": []int{991267715, 991267716}}, nil
}

// look returns a contact as the API shows it: merged ones are gone.
func (e *Emulator) look(c *contact) (any, error) {
	switch {
	case c == nil, c.archived:
		return nil, refusal{http.StatusNotFound, "not_found", "User Not Found", nil}
	case c.mergedInto != "":
		link := http.Header{"Link": {"</contacts/" + c.mergedInto + `>; rel="canonical"`}}
		return nil, refusal{http.StatusGone, "contact_merged", "This contact has been merged", link}
	}
	return c, nil
}

// findContact knows users alone, not leads.
func (e *Emulator) findContact(r *http.Request, _ []byte) (any, error) {
	for _, c := range e.contacts {
		if c.Role == user && value(c.ExternalID) == r.PathValue("id") {
			return e.look(c)
		}
	}
	return e.look(nil)
}

func (e *Emulator) getContact(r *http.Request, _ []byte) (any, error) {
	return e.look(e.contactByID(r.PathValue("id")))
}

func (e *Emulator) createContact(_ *http.Request, body []byte) (any, error) {
	var given struct {
		Role       string  `json:"role"`
		ExternalID *string `json:"external_id"`
		Email      *string `json:"email"`
		Name       *string `json:"name"`
		Phone      *string `json:"phone"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	if given.Role == user && given.ExternalID == nil && given.Email == nil {
		// The reference asks for one of email, external_id and role alone.
		given.Role = lead
	}
	if c := e.like(given.ExternalID, given.Email); c != nil {
		text := "A contact matching those details already exists with id=" + c.ID
		if c.archived {
			text = "An archived contact matching those details already exists with id=" + c.ID
		}
		return nil, refusal{http.StatusConflict, "conflict", text, nil}
	}
	made := &contact{
		ID: newContactID(), Type: "contact", Role: given.Role, ExternalID: given.ExternalID, Email: given.Email,
		Name: given.Name, Phone: given.Phone, CreatedAt: e.now().Unix(),
	}
	e.contacts = append(e.contacts, made)
	return made, nil
}

// like returns the contact that stands in the way of a new one.
func (e *Emulator) like(externalID, email *string) *contact {
	for _, c := range e.contacts {
		same := externalID != nil && value(c.ExternalID) == *externalID
		alike := email != nil && strings.EqualFold(value(c.Email), *email) && c.Role == user
		if c.mergedInto == "" && (same || alike && (!e.SharedEmails || externalID == nil)) {
			return c
		}
	}
	return nil
}

// query is a search. Searches for anything but equality are not built.
type query struct {
	Query struct {
		Field    string `json:"field"`
		Operator string `json:"operator"`
		Value    string `json:"value"`
	} `json:"query"`
}

func readQuery(body []byte, field string) (string, error) {
	var q query
	if err := decode(body, &q); err != nil {
		return "", err
	}
	if q.Query.Field != field || q.Query.Operator != "=" {
		return "", bad("this emulator searches by %s = alone", field)
	}
	return q.Query.Value, nil
}

func (e *Emulator) searchContacts(_ *http.Request, body []byte) (any, error) {
	email, err := readQuery(body, "email")
	if err != nil {
		return nil, err
	}
	found := []*contact{}
	for _, c := range e.contacts {
		known := c.CreatedAt <= e.now().Add(-SearchLag).Unix()
		if known && strings.EqualFold(value(c.Email), email) && !c.archived && c.mergedInto == "" {
			found = append(found, c)
		}
	}
	return map[string]any{"type": "list", "data": found, "total_count": len(found), "pages": map[string]any{"type": "pages", "page": 1, "per_page": 50, "total_pages": 1}}, nil
}

func (e *Emulator) unarchive(r *http.Request, _ []byte) (any, error) {
	c := e.contactByID(r.PathValue("id"))
	if c == nil {
		return e.look(nil)
	}
	c.archived = false
	return map[string]any{"type": "contact", "id": c.ID, "external_id": c.ExternalID, "archived": false}, nil
}
