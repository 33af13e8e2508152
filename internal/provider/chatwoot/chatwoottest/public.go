package chatwoottest

import (
	"net/http"

	"github.com/human-handoff/handoff/internal/provider"
)

// publicRoutes are what customers may do: those who know the inbox's identifier and
// their own source id need no token.
func (e *Emulator) publicRoutes(mux *http.ServeMux) {
	const conversation = "POST /public/api/v1/inboxes/{inbox}/contacts/{source}/conversations/{id}/"
	for pattern, handle := range map[string]handler{
		conversation + "toggle_typing":    e.toggleTyping,
		conversation + "update_last_seen": e.updateLastSeen,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { e.serve(w, r, handle, e.admitPublic) })
	}
	mux.HandleFunc("GET /rails/active_storage/blobs/redirect/{key}/{name}", e.redirect)
	mux.HandleFunc("GET /rails/active_storage/disk/{key}/{name}", e.serveFile)
}

// admitPublic also refuses a token: nothing that customers could see has to know it.
func (e *Emulator) admitPublic(r *http.Request, _ []byte) error {
	if len(r.Header["Api_access_token"]) > 0 {
		return bad("this emulator wants the token to be kept from the public API")
	}
	if r.PathValue("inbox") != e.identifier || e.sources[r.PathValue("source")] == nil {
		return errMissing
	}
	return admitJSON(r)
}

// theirs is the conversation of a public call.
func (e *Emulator) theirs(r *http.Request) *conversation {
	if c := e.conversation(r.PathValue("id")); c != nil && c.source == r.PathValue("source") {
		return c
	}
	return nil
}

func (e *Emulator) toggleTyping(r *http.Request, body []byte) (any, error) {
	c := e.theirs(r)
	if c == nil {
		return nil, errMissing
	}
	var given struct {
		Status string `json:"typing_status"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	if given.Status != "on" && given.Status != "off" {
		return nil, bad("this emulator wants typing_status to be on or off")
	}
	c.typing = given.Status == "on"
	e.events = append(e.events, e.tellTyping(c, given.Status, map[string]any{"id": c.contact.id, "name": c.contact.name}, false))
	return map[string]any{}, nil
}

func (e *Emulator) updateLastSeen(r *http.Request, body []byte) (any, error) {
	c := e.theirs(r)
	if c == nil {
		return nil, errMissing
	}
	if err := decode(body, &struct{}{}); err != nil {
		return nil, err
	}
	c.read = true
	return map[string]any{}, nil
}

// agentTypes has one agent write an answer, and another one a note.
func (e *Emulator) agentTypes(c *conversation, status string) []provider.Request {
	return []provider.Request{e.tellTyping(c, status, grace, true), e.tellTyping(c, status, lin, false)}
}

func (e *Emulator) tellTyping(c *conversation, status string, who any, private bool) provider.Request {
	return e.notify(map[string]any{
		"event": "conversation_typing_" + status, "user": who, "conversation": e.describe(c), "is_private": private,
	})
}
