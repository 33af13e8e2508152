package whatsapptest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
)

// The statuses of templates.
const (
	statusApproved = "APPROVED"
	statusPending  = "PENDING"
)

// template is a message template.
type template struct {
	Name     string
	Language string
	Status   string
	Text     string

	placeholders int
	quickReplies []string
}

// refusal is an answer that is not 200.
type refusal struct {
	status, code, subcode int
	message, details      string
}

// Error implements error.
func (r refusal) Error() string { return fmt.Sprintf("(#%d) %s: %s", r.code, r.message, r.details) }

func refuse(code int, message, format string, args ...any) error {
	return refusal{http.StatusBadRequest, code, 0, message, fmt.Sprintf(format, args...)}
}

func invalidParameter(format string, args ...any) error {
	return refuse(100, "Invalid parameter", format, args...)
}

// handler does one call; the emulator is locked.
type handler func(r *http.Request, body []byte) (any, error)

func (e *Emulator) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]handler{
		"GET /{version}/{id}":                    e.getNode,
		"POST /{version}/{id}/media":             e.postMedia,
		"POST /{version}/{id}/messages":          e.postMessage,
		"GET /{version}/{id}/subscribed_apps":    e.getApps,
		"POST /{version}/{id}/subscribed_apps":   e.postApps,
		"GET /{version}/{id}/message_templates":  e.getTemplates,
		"POST /{version}/{id}/message_templates": e.postTemplate,
		"/": func(*http.Request, []byte) (any, error) {
			return nil, refuse(2500, "Unknown path components", "")
		},
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { e.serve(w, r, handle) })
	}
	return mux
}

// ServeHTTP implements emulator.Emulator.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == attachments { // at Meta it is another host
		e.download(w, r)
		return
	}
	e.mux.ServeHTTP(w, r)
}

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
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Facebook-Api-Version", r.PathValue("version"))
	if err != nil {
		refused, ok := errors.AsType[refusal](err)
		if !ok {
			refused = refusal{http.StatusInternalServerError, 131000, 0, "Something went wrong", err.Error()}
		}
		status = refused.status
		failure := map[string]any{
			"message": fmt.Sprintf("(#%d) %s", refused.code, refused.message), "type": "OAuthException", "code": refused.code,
			"is_transient": false, "fbtrace_id": "A" + newWamid()[6:16],
			"error_data": map[string]any{"messaging_product": "whatsapp", "details": refused.details},
		}
		if refused.subcode != 0 {
			failure["error_subcode"] = refused.subcode
		}
		answer = map[string]any{"error": failure}
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

var versions = regexp.MustCompile(`^v2[1-9]\.0$`)

// admit checks what all calls have in common.
func (e *Emulator) admit(r *http.Request, body []byte) error {
	switch {
	case e.revoked:
		return refusal{http.StatusUnauthorized, 190, 460, "Error validating access token", "The session has been invalidated"}
	case r.Header.Get("Authorization") != "Bearer "+e.token:
		return refusal{http.StatusUnauthorized, 190, 0, "Invalid OAuth access token - Cannot parse access token", ""}
	case !versions.MatchString(r.PathValue("version")):
		return refuse(2635, "You are calling a deprecated version of the API", "%s", r.PathValue("version"))
	}
	if len(body) == 0 {
		return nil
	}
	wanted := "application/json"
	if strings.HasSuffix(r.URL.Path, "/media") {
		wanted = "multipart/form-data"
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != wanted {
		return invalidParameter("the Content-Type has to be %s", wanted)
	}
	return nil
}

// decode reads a body strictly: what is not known, or of another type, is refused.
func decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return invalidParameter("%v", err)
	}
	return nil
}

// is refuses calls on what is not there, or not the token's.
func is(r *http.Request, id string) error {
	if r.PathValue("id") != id {
		return refusal{
			http.StatusBadRequest, 100, 33,
			"Unsupported request. Object with ID '" + r.PathValue("id") + "' does not exist, cannot be loaded due to missing permissions, or does not support this operation", "",
		}
	}
	return nil
}

func (e *Emulator) getNumber(r *http.Request, _ []byte) (any, error) {
	if err := is(r, NumberID); err != nil {
		return nil, err
	}
	return map[string]any{
		"id": NumberID, "display_phone_number": "+1 555-078-3881", "verified_name": "Emulated", "quality_rating": "GREEN",
	}, nil
}

func (e *Emulator) getApps(r *http.Request, _ []byte) (any, error) {
	if err := is(r, AccountID); err != nil {
		return nil, err
	}
	data := []any{}
	if e.subscribed {
		data = append(data, map[string]any{"whatsapp_business_api_data": map[string]any{
			"id": "670843887433847", "name": "Emulated", "link": "https://www.facebook.com/games/?app_id=670843887433847",
		}})
	}
	return map[string]any{"data": data}, nil
}

func (e *Emulator) postApps(r *http.Request, _ []byte) (any, error) {
	if err := is(r, AccountID); err != nil {
		return nil, err
	}
	e.subscribed = true
	return map[string]any{"success": true}, nil
}

// getTemplates finds templates by a part of their name, as Meta does.
func (e *Emulator) getTemplates(r *http.Request, _ []byte) (any, error) {
	if err := is(r, AccountID); err != nil {
		return nil, err
	}
	data := []any{}
	for _, t := range e.templates {
		if !strings.Contains(t.Name, r.URL.Query().Get("name")) {
			continue
		}
		buttons := []any{}
		for _, text := range t.quickReplies {
			buttons = append(buttons, map[string]any{"type": "QUICK_REPLY", "text": text})
		}
		data = append(data, map[string]any{
			"id": "594425479261596", "name": t.Name, "language": t.Language, "status": t.Status, "category": "UTILITY",
			"components": []any{map[string]any{"type": "BODY", "text": t.Text}, map[string]any{"type": "BUTTONS", "buttons": buttons}},
		})
	}
	return map[string]any{"data": data, "paging": map[string]any{}}, nil
}

var (
	templateNames = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)
	placeholder   = regexp.MustCompile(`\{\{(\d+)\}\}`)
)

type component struct {
	Type    string `json:"type"`
	Text    string `json:"text"`
	Example struct {
		BodyText [][]string `json:"body_text"`
	} `json:"example"`
	Buttons []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	} `json:"buttons"`
}

func (e *Emulator) postTemplate(r *http.Request, body []byte) (any, error) {
	var given struct {
		Name       string      `json:"name"`
		Language   string      `json:"language"`
		Category   string      `json:"category"`
		Components []component `json:"components"`
	}
	if err := errors.Join(is(r, AccountID), decode(body, &given)); err != nil {
		return nil, err
	}
	if !templateNames.MatchString(given.Name) || given.Language == "" || given.Category != "UTILITY" {
		return nil, invalidParameter("name, language or category")
	}
	made := &template{Name: given.Name, Language: given.Language, Status: statusPending}
	for _, c := range given.Components {
		if err := made.add(&c); err != nil {
			return nil, err
		}
	}
	if made.Text == "" {
		return nil, invalidParameter("a template needs a body")
	}
	e.templates = append(e.templates, made)
	return map[string]any{"id": "594425479261597", "status": made.Status, "category": "UTILITY"}, nil
}

func (t *template) add(c *component) error {
	switch c.Type {
	case "BODY":
		return t.setBody(c)
	case "BUTTONS":
		for _, b := range c.Buttons {
			if b.Type != "QUICK_REPLY" || b.Text == "" || len([]rune(b.Text)) > 25 {
				return invalidParameter("buttons: %q", b.Text)
			}
			t.quickReplies = append(t.quickReplies, b.Text)
		}
	default:
		return invalidParameter("this emulator knows no component %s", c.Type)
	}
	return nil
}

func (t *template) setBody(c *component) error {
	t.Text, t.placeholders = c.Text, len(placeholder.FindAllString(c.Text, -1))
	if len(c.Example.BodyText) != 1 || len(c.Example.BodyText[0]) != t.placeholders {
		return invalidParameter("each placeholder needs an example")
	}
	if strings.HasPrefix(c.Text, "{{") || strings.HasSuffix(c.Text, "}}") || len([]rune(c.Text)) > 1024 {
		return invalidParameter("placeholders cannot stand at the beginning or the end")
	}
	return nil
}
