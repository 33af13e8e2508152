package slacktest

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// call is a call of a method.
type call struct {
	method string
	args   url.Values                 // of the query or a form
	body   map[string]json.RawMessage // of JSON
	host   string
}

// method answers a call: with Slack's word for an error, or without one.
type method func(e *Emulator, c call) (object, string)

// methods are those that there are. Which take JSON says Slack's documentation.
var methods = map[string]struct {
	do   method
	json bool
}{
	"auth.test":                    {(*Emulator).authTest, true},
	"apps.connections.open":        {(*Emulator).openConnection, true},
	"chat.postEphemeral":           {(*Emulator).postEphemeral, true},
	"chat.postMessage":             {(*Emulator).postMessage, true},
	"chat.update":                  {(*Emulator).update, true},
	"files.completeUploadExternal": {(*Emulator).complete, true},
	"files.getUploadURLExternal":   {(*Emulator).uploadURL, false},
	"conversations.history":        {(*Emulator).history, false},
	"conversations.info":           {(*Emulator).info, false},
	"conversations.replies":        {(*Emulator).threadReplies, false},
	"reactions.add":                {(*Emulator).react, true},
	"users.info":                   {(*Emulator).userInfo, false},
}

func (e *Emulator) serveAPI(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	name, found := strings.CutPrefix(r.URL.Path, "/api/")
	m, known := methods[name]
	if !found || !known {
		refuse(w, object{"error": "unknown_method"})
		return
	}
	if word := e.admit(r, name); word != "" {
		refuse(w, object{"error": word})
		return
	}
	c, word := read(r, name, m.json)
	if word != "" {
		refuse(w, object{"error": word})
		return
	}
	if lacking := e.lacking(c); lacking != "" {
		refuse(w, object{"error": "missing_scope", "needed": lacking, "provided": strings.Join(e.Scopes, ",")})
		return
	}
	if name == "chat.postMessage" && e.tooMany() {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(`{"ok":false,"error":"ratelimited"}`))
		return
	}
	answer, word := object(nil), e.refusing[name]
	if word == "" {
		answer, word = m.do(e, c)
	}
	if word != "" {
		refuse(w, object{"error": word})
		return
	}
	answer["ok"] = true
	if e.Scopes != nil && !e.HideScopes {
		w.Header().Set("X-Oauth-Scopes", strings.Join(e.Scopes, ","))
	}
	reply(w, answer)
}

// admit checks the token.
func (e *Emulator) admit(r *http.Request, method string) string {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	want := e.token
	if method == "apps.connections.open" {
		want = e.appToken
	}
	switch {
	case !bearer:
		return "not_authed"
	case token != want && (token == e.token || token == e.appToken):
		return "not_allowed_token_type"
	case token != want:
		return "invalid_auth"
	case e.revoked:
		return "token_revoked"
	default:
		return ""
	}
}

// read takes a call apart. Arguments come in a query, in a form or, where the
// method takes it, as JSON.
func read(r *http.Request, method string, takesJSON bool) (call, string) {
	c := call{method: method, args: r.URL.Query(), host: r.Host}
	if r.Method == http.MethodGet {
		return c, ""
	}
	if r.Method != http.MethodPost {
		return c, "invalid_post_type"
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		if !takesJSON {
			return c, "" // the arguments are not seen, and the first that is needed will be missed
		}
		if json.NewDecoder(r.Body).Decode(&c.body) != nil {
			return c, "invalid_json"
		}
	case "application/x-www-form-urlencoded":
		if r.ParseForm() != nil {
			return c, "invalid_form_data"
		}
		c.args = r.Form
	default:
		return c, "missing_post_type"
	}
	return c, ""
}

// lacking returns the scope that a call needs and the app does not have.
func (e *Emulator) lacking(c call) string {
	needed := Methods[c.method].Public
	if e.Private {
		needed = Methods[c.method].Private
	}
	if len(c.body["username"])+len(c.body["icon_emoji"])+len(c.body["icon_url"]) > 0 {
		needed = append(slices.Clone(needed), Customize)
	}
	for _, scope := range needed {
		e.used[scope] = true
		if e.Scopes != nil && !slices.Contains(e.Scopes, scope) {
			return scope
		}
	}
	return ""
}

// tooMany counts a message, and tells whether the channel has had enough for now.
func (e *Emulator) tooMany() bool {
	if e.PerSecond == 0 {
		return false
	}
	if now := e.now().Unix(); now != e.second.at {
		e.second.at, e.second.posts = now, 0
	}
	e.second.posts++
	return e.second.posts > int64(e.PerSecond)
}

func refuse(w http.ResponseWriter, answer object) {
	answer["ok"] = false
	reply(w, answer) // with 200, as Slack does
}

func reply(w http.ResponseWriter, answer object) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(answer) // the caller is gone if this fails
}
