package zendesktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf16"
)

// refusal is an answer that is not good.
type refusal struct {
	status      int
	code, title string
}

// Error implements error.
func (r refusal) Error() string { return r.code + ": " + r.title }

func bad(format string, args ...any) error {
	return refusal{http.StatusBadRequest, "bad_request", fmt.Sprintf(format, args...)}
}

func missing(what string) error {
	return refusal{http.StatusNotFound, what + "_not_found", "The " + what + " could not be found."}
}

// handler does one call and returns the status and the answer; the app is locked.
type handler func(r *http.Request, body []byte) (int, any, error)

func (e *Emulator) routes() *http.ServeMux {
	app := "/sc/v2/apps/" + AppID
	mux := http.NewServeMux()
	for pattern, handle := range map[string]handler{
		"GET " + app:                   e.getApp,
		"GET " + app + "/switchboards": e.getSwitchboards,
		"GET " + app + "/switchboards/{id}/switchboardIntegrations": e.getIntegrations,
		"POST " + app + "/users":                                    e.createUser,
		"GET " + app + "/users/{id}":                                e.getUser,
		"POST " + app + "/conversations":                            e.createConversation,
		"GET " + app + "/conversations":                             e.listConversations,
		"GET " + app + "/conversations/{id}":                        e.getConversation,
		"GET " + app + "/conversations/{id}/messages":               e.listMessages,
		"POST " + app + "/conversations/{id}/messages":              e.postMessage,
		"POST " + app + "/conversations/{id}/passControl":           e.passControl,
		"POST " + app + "/conversations/{id}/releaseControl":        e.releaseControl,
		"POST " + app + "/conversations/{id}/activity":              e.postActivity,
		"POST " + app + "/attachments":                              e.upload,
		"POST " + app + "/integrations":                             e.createIntegration,
		"GET " + app + "/integrations":                              e.listIntegrations,
		"GET " + app + "/integrations/{id}/webhooks":                e.listWebhooks,
		"PATCH " + app + "/integrations/{id}/webhooks/{webhook}":    e.updateWebhook,
		"/": func(*http.Request, []byte) (int, any, error) { return 0, nil, missing("app") },
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { e.serve(w, r, handle) })
	}
	mux.HandleFunc("GET /sc/attachments/v2/{id}/{name}", e.serveFile)
	return mux
}

// ServeHTTP implements emulator.Emulator.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }

func (e *Emulator) serve(w http.ResponseWriter, r *http.Request, handle handler) {
	e.mu.Lock()
	defer e.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	status, answer := http.StatusOK, any(nil)
	if err == nil {
		if err = e.admit(r, body); err == nil {
			status, answer, err = handle(r, body)
		}
	}
	if err != nil {
		refused, ok := errors.AsType[refusal](err)
		if !ok {
			refused = refusal{http.StatusInternalServerError, "internal_error", err.Error()}
		}
		status = refused.status
		answer = map[string]any{"errors": []any{map[string]any{"code": refused.code, "title": refused.title}}}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

// admit checks what all calls have in common.
func (e *Emulator) admit(r *http.Request, body []byte) error {
	if id, secret, ok := r.BasicAuth(); !ok || e.revoked || id != e.keyID || secret != e.keySecret {
		return refusal{http.StatusUnauthorized, "unauthorized", "Authorization is required."}
	}
	if strings.HasSuffix(r.URL.Path, "/attachments") {
		return nil // it looks itself
	}
	if len(body) > 100_000 {
		return refusal{http.StatusRequestEntityTooLarge, "payload_too_large", "The body is over 100 kB."}
	}
	if len(body) == 0 {
		return nil
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return refusal{http.StatusUnsupportedMediaType, "unsupported_media_type", "Send JSON."}
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

// checkMetadata holds metadata to what all of it has to be: flat and small.
func checkMetadata(metadata map[string]any) error {
	data, err := json.Marshal(metadata)
	if err != nil || len(data) > 4096 {
		return bad("metadata is limited to 4KB")
	}
	for name, value := range metadata {
		switch value.(type) {
		case string, float64, bool:
		default:
			return bad("metadata.%s is no text, number or boolean", name)
		}
	}
	return nil
}

func (e *Emulator) getApp(*http.Request, []byte) (int, any, error) {
	return http.StatusOK, map[string]any{"app": map[string]any{"id": AppID, "displayName": "Shop", "subdomain": "shop", "metadata": map[string]any{}}}, nil
}

func (e *Emulator) getSwitchboards(*http.Request, []byte) (int, any, error) {
	return http.StatusOK, map[string]any{"switchboards": []any{map[string]any{"id": boardID, "enabled": true, "defaultSwitchboardIntegrationId": answers.ID}}}, nil
}

func (e *Emulator) getIntegrations(r *http.Request, _ []byte) (int, any, error) {
	if r.PathValue("id") != boardID {
		return 0, nil, missing("switchboard")
	}
	list := []any{answers}
	if !e.NoWorkspace {
		list = append(list, workspace)
	}
	return http.StatusOK, map[string]any{"switchboardIntegrations": list}, nil
}

func (u *user) shown() map[string]any {
	return map[string]any{"user": map[string]any{
		"id": u.id, "externalId": u.externalID, "profile": map[string]any{"givenName": u.given, "surname": u.surname, "email": u.email}, "metadata": map[string]any{},
	}}
}

func (e *Emulator) find(id string) *user {
	for _, u := range e.users {
		if u.id == id || u.externalID == id {
			return u
		}
	}
	return nil
}

func (e *Emulator) createUser(_ *http.Request, body []byte) (int, any, error) {
	var given struct {
		ExternalID string `json:"externalId"`
		Profile    struct {
			GivenName string `json:"givenName"`
			Surname   string `json:"surname"`
			Email     string `json:"email"`
			Locale    string `json:"locale"`
		} `json:"profile"`
	}
	if err := decode(body, &given); err != nil {
		return 0, nil, err
	}
	if given.ExternalID == "" || len(given.ExternalID) > 1024 {
		return 0, nil, bad("externalId has to have 1 to 1024 characters")
	}
	if e.find(given.ExternalID) != nil {
		return 0, nil, refusal{http.StatusConflict, "conflict", "A user with that externalId exists."}
	}
	u := &user{id: newID(), externalID: given.ExternalID, given: given.Profile.GivenName, surname: given.Profile.Surname, email: given.Profile.Email}
	e.users = append(e.users, u)
	return http.StatusCreated, u.shown(), nil
}

func (e *Emulator) getUser(r *http.Request, _ []byte) (int, any, error) {
	u := e.find(r.PathValue("id"))
	if u == nil {
		return 0, nil, missing("user")
	}
	return http.StatusOK, u.shown(), nil
}

func (c *conversation) shown() map[string]any {
	shown := map[string]any{"id": c.id, "type": "personal", "displayName": "Handoff", "isDefault": false, "metadata": c.metadata}
	if c.active != nil {
		shown["activeSwitchboardIntegration"] = c.active
	}
	return shown
}

func (e *Emulator) createConversation(_ *http.Request, body []byte) (int, any, error) {
	var given struct {
		Type         string `json:"type"`
		DisplayName  string `json:"displayName"`
		Participants []struct {
			UserID string `json:"userId"`
			SDK    bool   `json:"subscribeSDKClient"`
		} `json:"participants"`
		Metadata map[string]any `json:"metadata"`
	}
	if err := decode(body, &given); err != nil {
		return 0, nil, err
	}
	if given.Type != "personal" || len(given.Participants) != 1 {
		return 0, nil, bad("a personal conversation has one participant")
	}
	u := e.find(given.Participants[0].UserID)
	if u == nil {
		return 0, nil, missing("user")
	}
	if err := checkMetadata(given.Metadata); err != nil {
		return 0, nil, err
	}
	for _, c := range e.conversations {
		if e.OneConversation && c.user == u && !c.removed {
			return http.StatusCreated, map[string]any{"conversation": c.shown()}, nil
		}
	}
	c := &conversation{id: newID(), user: u, metadata: given.Metadata, active: answers}
	e.conversations = append(e.conversations, c)
	e.events = append(e.events, e.tell("conversation:create", c, map[string]any{})...)
	return http.StatusCreated, map[string]any{"conversation": c.shown()}, nil
}

func (e *Emulator) listConversations(r *http.Request, _ []byte) (int, any, error) {
	u := e.find(r.URL.Query().Get("filter[userId]"))
	if u == nil {
		return 0, nil, missing("user")
	}
	found := []any{}
	for _, c := range e.conversations {
		if c.user == u && !c.removed {
			found = append(found, c.shown())
		}
	}
	return http.StatusOK, map[string]any{"conversations": found, "meta": map[string]any{"hasMore": false}}, nil
}

func (e *Emulator) getConversation(r *http.Request, _ []byte) (int, any, error) {
	c := e.conversation(r.PathValue("id"))
	if c == nil {
		return 0, nil, missing("conversation")
	}
	return http.StatusOK, map[string]any{"conversation": c.shown()}, nil
}

// pageSize is how many messages are shown at once, the newest first.
const pageSize = 100

func (e *Emulator) listMessages(r *http.Request, _ []byte) (int, any, error) {
	c := e.conversation(r.PathValue("id"))
	if c == nil {
		return 0, nil, missing("conversation")
	}
	list := c.messages
	if before := r.URL.Query().Get("page[before]"); before != "" {
		i := slices.IndexFunc(list, func(m *message) bool { return m.ID == before })
		if i < 0 {
			return 0, nil, bad("page[before] is no message")
		}
		list = list[:i]
	}
	meta := map[string]any{"hasMore": len(list) > pageSize}
	if len(list) > pageSize {
		list = list[len(list)-pageSize:]
		meta["beforeCursor"] = list[0].ID
	}
	return http.StatusOK, map[string]any{"messages": append([]*message{}, list...), "meta": meta, "links": map[string]any{}}, nil
}

// maxText is how many characters a text may have, as JavaScript counts them.
const maxText = 4096

// posted is a message as it comes in.
type posted struct {
	Author  author `json:"author"`
	Content struct {
		Type     string `json:"type"`
		Text     string `json:"text"`
		MediaURL string `json:"mediaUrl"`
		AltText  string `json:"altText"`
	} `json:"content"`
	Metadata map[string]any `json:"metadata"`
}

// check refuses what the API refuses from whoever is the participant.
func (p *posted) check(participant *user) error {
	byUser := p.Author.Type == "user"
	units := len(utf16.Encode([]rune(p.Content.Text)))
	switch {
	case !byUser && p.Author.Type != "business" || len(p.Author.Subtypes) > 0:
		return bad("author.type has to be user or business")
	case byUser && p.Author.UserID != participant.id:
		return bad("the author is no participant")
	case p.Content.MediaURL != "":
		return p.checkMedia()
	case p.Content.Type != "text" || p.Content.AltText != "" || units == 0 || units > maxText || strings.Contains(p.Content.Text, "\ufffd"):
		return bad("content.text has to have 1 to 4096 whole characters; it has %d", units)
	}
	return checkMetadata(p.Metadata)
}

func (e *Emulator) postMessage(r *http.Request, body []byte) (int, any, error) {
	c := e.conversation(r.PathValue("id"))
	if c == nil {
		return 0, nil, missing("conversation")
	}
	var given posted
	if err := decode(body, &given); err != nil {
		return 0, nil, err
	}
	if err := given.check(c.user); err != nil {
		return 0, nil, err
	}
	content := text(given.Content.Text)
	if given.Content.MediaURL != "" {
		f := e.fileAt(given.Content.MediaURL)
		if f == nil || f.conversation != c.id {
			return 0, nil, bad("content.mediaUrl is none of this conversation")
		}
		content = e.showFile(given.Content.Type, f, given.Content.AltText)
	}
	m := e.add(c, given.Author, content, given.Metadata)
	e.events = append(e.events, e.tellMessage(c, m)...)
	return http.StatusCreated, map[string]any{"messages": []any{m}}, nil
}

func (e *Emulator) passControl(r *http.Request, body []byte) (int, any, error) {
	c := e.conversation(r.PathValue("id"))
	if c == nil {
		return 0, nil, missing("conversation")
	}
	var given struct {
		To       string         `json:"switchboardIntegration"`
		Metadata map[string]any `json:"metadata"`
	}
	if err := decode(body, &given); err != nil {
		return 0, nil, err
	}
	if err := checkMetadata(given.Metadata); err != nil {
		return 0, nil, err
	}
	if given.To != workspace.Name && given.To != workspace.ID {
		return 0, nil, bad("switchboard_invalid_target: %q", given.To)
	}
	c.active, c.passed, c.pending = workspace, true, given.Metadata
	e.events = append(e.events, e.tell("switchboard:passControl", c, map[string]any{"metadata": given.Metadata})...)
	return http.StatusOK, map[string]any{}, nil
}

func (e *Emulator) releaseControl(r *http.Request, body []byte) (int, any, error) {
	c := e.conversation(r.PathValue("id"))
	if c == nil {
		return 0, nil, missing("conversation")
	}
	var given struct{}
	if err := decode(body, &given); err != nil {
		return 0, nil, err
	}
	c.active = answers
	e.events = append(e.events, e.tell("switchboard:releaseControl", c, map[string]any{})...)
	return http.StatusOK, map[string]any{}, nil
}
