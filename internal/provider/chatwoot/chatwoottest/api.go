package chatwoottest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// refusal is an answer that is not 200.
type refusal struct {
	status int
	body   map[string]any
}

// Error implements error.
func (r refusal) Error() string { return fmt.Sprint(r.body) }

var errMissing = refusal{http.StatusNotFound, map[string]any{"error": "Resource could not be found"}}

// invalid refuses what cannot be saved. The attributes say what for.
func invalid(text string, attributes ...string) error {
	return refusal{http.StatusUnprocessableEntity, map[string]any{"message": text, "attributes": attributes}}
}

func bad(format string, args ...any) error {
	return refusal{http.StatusUnprocessableEntity, map[string]any{"error": fmt.Sprintf(format, args...)}}
}

// handler does one call; the account is locked.
type handler func(r *http.Request, body []byte) (any, error)

func (e *Emulator) routes() *http.ServeMux {
	account := "/api/v1/accounts/" + strconv.Itoa(AccountID)
	mux := http.NewServeMux()
	for pattern, handle := range map[string]handler{
		"GET /api/v1/profile":                                   e.getProfile,
		"GET " + account + "/inboxes/{id}":                      e.getInbox,
		"GET " + account + "/teams/{id}":                        e.getTeam,
		"GET " + account + "/assignable_agents":                 e.getAgents,
		"POST " + account + "/contacts":                         e.createContact,
		"POST " + account + "/contacts/filter":                  e.filterContacts,
		"GET " + account + "/contacts/search":                   e.searchContacts,
		"GET " + account + "/contacts/{id}/conversations":       e.conversationsOf,
		"POST " + account + "/conversations":                    e.createConversation,
		"GET " + account + "/conversations/{id}":                e.getConversation,
		"GET " + account + "/conversations/{id}/messages":       e.getMessages,
		"POST " + account + "/conversations/{id}/messages":      e.createMessage,
		"POST " + account + "/conversations/{id}/toggle_status": e.toggleStatus,
		"/": func(*http.Request, []byte) (any, error) { return nil, errMissing },
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { e.serve(w, r, handle, e.admit) })
	}
	e.publicRoutes(mux)
	return mux
}

// ServeHTTP implements emulator.Emulator.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }

func (e *Emulator) serve(w http.ResponseWriter, r *http.Request, handle handler, admit func(*http.Request, []byte) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	var answer any
	if err == nil {
		if err = admit(r, body); err == nil {
			answer, err = handle(r, body)
		}
	}
	status := http.StatusOK
	if err != nil {
		refused, ok := errors.AsType[refusal](err)
		if !ok {
			refused = refusal{http.StatusInternalServerError, map[string]any{"error": err.Error()}}
		}
		status, answer = refused.status, refused.body
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

// admit checks what all calls have in common. The name of the header has
// underscores, and Go makes its first letter large.
func (e *Emulator) admit(r *http.Request, body []byte) error {
	if tokens := r.Header["Api_access_token"]; e.revoked || len(tokens) != 1 || tokens[0] != e.token {
		return refusal{http.StatusUnauthorized, map[string]any{"error": "Invalid Access Token"}}
	}
	if len(body) == 0 || strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data;") && strings.HasSuffix(r.URL.Path, "/messages") {
		return nil
	}
	return admitJSON(r)
}

func admitJSON(r *http.Request) error {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return refusal{http.StatusUnsupportedMediaType, map[string]any{"error": "send JSON"}}
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

func (e *Emulator) getProfile(*http.Request, []byte) (any, error) {
	return map[string]any{
		"id": service.ID, "name": service.Name, "email": service.Email, "type": nil,
		"accounts": []any{map[string]any{"id": AccountID, "name": "Shop", "status": "active", "role": "administrator"}},
	}, nil
}

func (e *Emulator) getInbox(r *http.Request, _ []byte) (any, error) {
	switch r.PathValue("id") {
	case strconv.Itoa(EmailInboxID):
		return map[string]any{"id": EmailInboxID, "name": "Mail", "channel_type": "Channel::Email"}, nil
	case strconv.Itoa(InboxID):
		shown := map[string]any{
			"id": InboxID, "name": "Handoff", "channel_type": "Channel::Api", "webhook_url": "https://gateway.example/webhooks/chatwoot/token",
			"inbox_identifier": e.identifier, "lock_to_single_conversation": e.OneConversation, "additional_attributes": map[string]any{},
		}
		if !e.NotAdmin {
			shown["hmac_token"] = "kp7Q"
			if !e.Unsigned {
				shown["secret"] = e.secret
			}
		}
		return shown, nil
	default:
		return nil, errMissing
	}
}

func (e *Emulator) getTeam(r *http.Request, _ []byte) (any, error) {
	if r.PathValue("id") != strconv.Itoa(TeamID) {
		return nil, errMissing
	}
	return map[string]any{"id": TeamID, "name": "support", "account_id": AccountID}, nil
}

func (e *Emulator) getAgents(r *http.Request, _ []byte) (any, error) {
	if ids := r.URL.Query()["inbox_ids[]"]; len(ids) != 1 || ids[0] != strconv.Itoa(InboxID) {
		return nil, errMissing
	}
	return map[string]any{"payload": []any{lin, grace, service}}, nil
}

func (c *contact) shown() map[string]any {
	return map[string]any{
		"id": c.id, "name": c.name, "email": orNull(c.email), "phone_number": orNull(c.phone), "identifier": orNull(c.identifier),
		"additional_attributes": map[string]any{}, "custom_attributes": map[string]any{}, "contact_inboxes": []any{},
	}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

var (
	e164  = regexp.MustCompile(`^\+[1-9]\d{1,14}$`)
	email = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)
)

func (e *Emulator) createContact(_ *http.Request, body []byte) (any, error) {
	var given struct {
		InboxID    int    `json:"inbox_id"`
		SourceID   string `json:"source_id"`
		Identifier string `json:"identifier"`
		Email      string `json:"email"`
		Phone      string `json:"phone_number"`
		Name       string `json:"name"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	if given.InboxID != InboxID {
		return nil, errMissing
	}
	made := &contact{id: e.newID(), identifier: given.Identifier, email: strings.ToLower(given.Email), phone: given.Phone, name: given.Name}
	if err := e.admitContact(made); err != nil {
		return nil, err
	}
	if err := e.bind(given.SourceID, made); err != nil {
		return nil, err
	}
	e.contacts = append(e.contacts, made)
	return map[string]any{"payload": map[string]any{
		"contact":       made.shown(),
		"contact_inbox": map[string]any{"source_id": given.SourceID, "inbox": map[string]any{"id": InboxID, "name": "Handoff"}},
	}}, nil
}

// admitContact checks what a contact must not share with another, all at once.
func (e *Emulator) admitContact(c *contact) error {
	var texts, attributes []string
	refuse := func(attribute, text string) {
		attributes = append(attributes, attribute)
		texts = append(texts, text)
	}
	taken := func(is func(*contact) bool) bool { return slices.ContainsFunc(e.contacts, is) }
	if c.identifier != "" && taken(func(o *contact) bool { return o.identifier == c.identifier }) {
		refuse("identifier", "Identifier has already been taken")
	}
	switch {
	case c.email == "":
	case !email.MatchString(c.email):
		refuse("email", "Email Invalid email")
	case taken(func(o *contact) bool { return o.email == c.email }):
		refuse("email", "Email has already been taken")
	}
	switch {
	case c.phone == "":
	case !e164.MatchString(c.phone):
		refuse("phone_number", "Phone number should be in e164 format")
	case taken(func(o *contact) bool { return o.phone == c.phone }):
		refuse("phone_number", "Phone number has already been taken")
	}
	if len(c.name) > 255 {
		refuse("name", "Name is too long (maximum is 255 characters)")
	}
	if len(texts) > 0 {
		return invalid(strings.Join(texts, ", "), attributes...)
	}
	return nil
}

// bind makes a contact known to the inbox under a name, which no other may have.
func (e *Emulator) bind(source string, c *contact) error {
	if source == "" {
		return bad("this emulator wants a source_id, as one that is made up is never found again")
	}
	if of := e.sources[source]; of != nil && of != c {
		return bad("source_id should be unique")
	}
	e.sources[source] = c
	return nil
}

func (e *Emulator) filterContacts(_ *http.Request, body []byte) (any, error) {
	var given struct {
		Payload []struct {
			Key           string   `json:"attribute_key"`
			Operator      string   `json:"filter_operator"`
			Values        []string `json:"values"`
			QueryOperator *string  `json:"query_operator"`
		} `json:"payload"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	if len(given.Payload) != 1 || given.Payload[0].Operator != "equal_to" || len(given.Payload[0].Values) != 1 {
		return nil, bad("this emulator filters by one value that is equal")
	}
	key, value := given.Payload[0].Key, strings.ToLower(given.Payload[0].Values[0])
	if key != "identifier" && key != "email" || key == "identifier" && e.NoFilter {
		return nil, bad("Invalid attribute key - [%s]. The key should be one of [name,email,phone_number]", key)
	}
	return e.list(func(c *contact) bool {
		return key == "identifier" && strings.ToLower(c.identifier) == value || key == "email" && c.email == value
	}), nil
}

// maxFound is how many contacts a page shows.
const maxFound = 15

func (e *Emulator) list(is func(*contact) bool) any {
	found := []any{}
	for _, c := range e.contacts {
		if len(found) < maxFound && is(c) {
			found = append(found, c.shown())
		}
	}
	return map[string]any{"meta": map[string]any{"count": len(found), "current_page": "1"}, "payload": found}
}

func (e *Emulator) searchContacts(r *http.Request, _ []byte) (any, error) {
	q := strings.ToLower(strings.TrimSpace(r.URL.Query().Get("q")))
	if q == "" {
		return nil, bad("Specify search string with parameter q")
	}
	return e.list(func(c *contact) bool {
		return slices.ContainsFunc([]string{c.identifier, c.email, c.phone, c.name}, func(s string) bool { return strings.Contains(strings.ToLower(s), q) })
	}), nil
}
