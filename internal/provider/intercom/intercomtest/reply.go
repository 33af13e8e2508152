package intercomtest

import (
	"encoding/json"
	"net/http"
)

// packageCode marks what was made over the API.
var packageCode = "handoff-emulated-app"

func (e *Emulator) createConversation(_ *http.Request, body []byte) (any, error) {
	var given struct {
		From struct {
			Type string `json:"type"`
			ID   string `json:"id"`
		} `json:"from"`
		Body string `json:"body"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	c := e.contactByID(given.From.ID)
	if _, err := e.look(c); err != nil {
		return nil, err
	}
	switch {
	case given.From.Type != c.Role && given.From.Type != "contact":
		return nil, missing("User")
	case given.Body == "":
		return nil, refusal{http.StatusBadRequest, "parameter_not_found", "body is required", nil}
	}
	made := &conversation{
		id: e.newID(), firstID: e.newID(), contact: c, created: e.now().Unix(), state: open, first: given.Body,
	}
	e.conversations = append(e.conversations, made)
	return map[string]any{
		"type": "user_message", "id": made.firstID, "created_at": made.created, "body": made.first,
		"message_type": "inapp", "conversation_id": made.id,
	}, nil
}

// show is a conversation as the API shows it, with all its parts.
func (e *Emulator) show(c *conversation) map[string]any {
	parts := make([]any, 0, len(c.parts))
	admins := []any{}
	for _, p := range c.parts {
		shownPart := *p
		if p.html { // display_as=plaintext
			text := shown(p)
			shownPart.Body = &text
		}
		parts = append(parts, &shownPart)
		if p.Author.Type == admin && len(admins) == 0 {
			admins = append(admins, reference{admin, p.Author.ID})
		}
	}
	return map[string]any{
		"type": "conversation", "id": c.id, "created_at": c.created, "updated_at": e.now().Unix(), "waiting_since": nil,
		"snoozed_until": nil, "open": c.state == open, "state": c.state, "read": false, "priority": "none", "title": nil,
		"source": map[string]any{
			"type": "conversation", "id": c.firstID, "delivered_as": "customer_initiated", "subject": "", "body": c.first,
			"author": c.author(), "attachments": []any{}, "url": nil, "redacted": false,
		},
		"contacts": map[string]any{"type": "contact.list", "contacts": []any{
			map[string]any{"type": "contact", "id": c.contact.ID, "external_id": c.contact.ExternalID},
		}},
		"admin_assignee_id": number(c.assignee), "team_assignee_id": number(c.team),
		"tags": map[string]any{"type": "tag.list", "tags": []any{}}, "statistics": nil, "conversation_rating": nil,
		"teammates": map[string]any{"type": "admin.list", "admins": admins}, "custom_attributes": map[string]any{},
		"ai_agent": nil, "ai_agent_participated": false,
		"conversation_parts": map[string]any{"type": "conversation_part.list", "conversation_parts": parts, "total_count": len(parts)},
	}
}

func (c *conversation) author() author {
	return author{Type: c.contact.Role, ID: c.contact.ID, Name: value(c.contact.Name), Email: value(c.contact.Email)}
}

// number is an id as assignees have it: a number, 0 for nobody.
func number(id string) json.Number {
	if id == "" {
		return "0"
	}
	return json.Number(id)
}

func (e *Emulator) getConversation(r *http.Request, _ []byte) (any, error) {
	c := e.conversationByID(r.PathValue("id"))
	if c == nil {
		return nil, missing("Conversation")
	}
	if r.URL.Query().Get("display_as") != "plaintext" {
		return nil, bad("this emulator shows plain text alone; ask for display_as=plaintext")
	}
	return e.show(c), nil
}

func (e *Emulator) searchConversations(_ *http.Request, body []byte) (any, error) {
	contactID, err := readQuery(body, "contact_ids")
	if err != nil {
		return nil, err
	}
	found := []any{}
	for _, c := range e.conversations {
		if c.contact.ID == contactID && !c.deleted {
			shownConversation := e.show(c)
			delete(shownConversation, "conversation_parts") // a list has none
			found = append(found, shownConversation)
		}
	}
	return map[string]any{"type": "conversation.list", "conversations": found, "total_count": len(found)}, nil
}

// replyBody is every field of the three kinds of replies.
type replyBody struct {
	MessageType    string  `json:"message_type"`
	Type           string  `json:"type"`
	Body           *string `json:"body"`
	AdminID        *string `json:"admin_id"`
	IntercomUserID *string `json:"intercom_user_id"`
	UserID         *string `json:"user_id"`
	Email          *string `json:"email"`
}

func (e *Emulator) reply(r *http.Request, body []byte) (any, error) {
	c := e.conversationByID(r.PathValue("id"))
	if c == nil {
		return nil, missing("Conversation")
	}
	var given replyBody
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	if given.Body == nil || *given.Body == "" {
		return nil, refusal{http.StatusBadRequest, "parameter_not_found", "body is required", nil}
	}
	var err error
	switch given.Type {
	case user:
		err = e.replyAsUser(c, given)
	case admin:
		err = e.replyAsAdmin(c, given)
	default:
		err = bad("type %q", given.Type)
	}
	if err != nil {
		return nil, err
	}
	return e.show(c), nil
}

func (e *Emulator) replyAsUser(c *conversation, given replyBody) error {
	identities := 0
	for _, id := range []*string{given.IntercomUserID, given.UserID, given.Email} {
		if id != nil {
			identities++
		}
	}
	if identities != 1 || given.MessageType != "comment" || given.AdminID != nil {
		return bad("a user's reply is a comment with exactly one of intercom_user_id, user_id and email")
	}
	if given.IntercomUserID == nil {
		return bad("this emulator knows contacts by intercom_user_id")
	}
	by := e.contactByID(*given.IntercomUserID)
	if _, err := e.look(by); err != nil {
		return err
	}
	if by != c.contact {
		return refusal{http.StatusForbidden, "forbidden", "the contact is not part of the conversation", nil}
	}
	kind := "comment"
	if c.state == shut {
		kind, c.state = open, open // a reply opens it again
	}
	e.add(c, kind, *given.Body, c.author()).PackageCode = new(packageCode)
	return nil
}

func (e *Emulator) replyAsAdmin(c *conversation, given replyBody) error {
	by, err := e.teammate(given.AdminID)
	if err != nil {
		return err
	}
	if given.MessageType != "comment" && given.MessageType != note || given.IntercomUserID != nil || given.UserID != nil || given.Email != nil {
		return bad("a teammate's reply is a comment or a note, and of nobody else")
	}
	p := e.add(c, given.MessageType, *given.Body, by)
	p.PackageCode, p.html = new(packageCode), true
	return nil
}

func (e *Emulator) teammate(id *string) (author, error) {
	for _, a := range teammates {
		if id != nil && a.ID == *id {
			return a, nil
		}
	}
	return author{}, refusal{http.StatusNotFound, "admin_not_found", "Admin not found", nil}
}

func (e *Emulator) manage(r *http.Request, body []byte) (any, error) {
	c := e.conversationByID(r.PathValue("id"))
	if c == nil {
		return nil, missing("Conversation")
	}
	var given struct {
		MessageType string  `json:"message_type"`
		Type        string  `json:"type"`
		AdminID     *string `json:"admin_id"`
		AssigneeID  *string `json:"assignee_id"`
		Body        string  `json:"body"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	by, err := e.teammate(given.AdminID)
	if err != nil {
		return nil, err
	}
	switch {
	case given.MessageType == "close" && given.Type == admin:
		c.state = shut
		e.add(c, "close", given.Body, by).PackageCode = new(packageCode)
	case given.MessageType == "assignment" && given.Type == "team" && given.AssigneeID != nil:
		if *given.AssigneeID != TeamID {
			return nil, refusal{http.StatusNotFound, "team_not_found", "Team not found", nil}
		}
		c.team = *given.AssigneeID
		p := e.add(c, "assignment", given.Body, by)
		p.AssignedTo, p.PackageCode = &reference{"team", c.team}, new(packageCode)
	default:
		return nil, bad("message_type %q of type %q", given.MessageType, given.Type)
	}
	return e.show(c), nil
}
