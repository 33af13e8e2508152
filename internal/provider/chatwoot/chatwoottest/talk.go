package chatwoottest

import (
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"
)

func (e *Emulator) createConversation(_ *http.Request, body []byte) (any, error) {
	var given struct {
		SourceID         string         `json:"source_id"`
		InboxID          int            `json:"inbox_id"`
		ContactID        int            `json:"contact_id"`
		Status           string         `json:"status"`
		TeamID           int            `json:"team_id"`
		AssigneeID       int            `json:"assignee_id"`
		CustomAttributes map[string]any `json:"custom_attributes"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	by := e.contactByID(given.ContactID)
	if by == nil || given.InboxID != InboxID || given.TeamID != 0 && given.TeamID != TeamID {
		return nil, errMissing
	}
	if err := e.bind(given.SourceID, by); err != nil {
		return nil, err
	}
	if c := e.only(given.SourceID); c != nil {
		return e.show(c), nil
	}
	c := e.begin(by, given.SourceID, given.TeamID, given.CustomAttributes)
	if given.Status != "" {
		c.status = given.Status
	}
	if given.AssigneeID == lin.ID {
		c.assignee = &lin
	}
	e.events = append(e.events, e.tellConversation("conversation_created", c, nil))
	return e.show(c), nil
}

// only returns the conversation that goes on, where there is one alone for each
// of the inbox's contacts.
func (e *Emulator) only(source string) *conversation {
	for _, c := range e.conversations {
		if e.OneConversation && c.source == source && !c.removed {
			return c
		}
	}
	return nil
}

// show is a conversation as answers have it.
func (e *Emulator) show(c *conversation) map[string]any {
	shown := e.describe(c)
	delete(shown, "contact_inbox")
	shown["account_id"], shown["uuid"], shown["muted"] = AccountID, "b6b7e5a0-0000-4000-8000-000000000000", false
	return shown
}

func (e *Emulator) conversationsOf(r *http.Request, _ []byte) (any, error) {
	found := []any{}
	for _, c := range slices.Backward(e.conversations) {
		if strconv.Itoa(c.contact.id) == r.PathValue("id") && !c.removed && len(found) < 20 {
			found = append(found, e.show(c))
		}
	}
	return map[string]any{"payload": found}, nil
}

func (e *Emulator) getConversation(r *http.Request, _ []byte) (any, error) {
	c := e.conversation(r.PathValue("id"))
	if c == nil {
		return nil, errMissing
	}
	return e.show(c), nil
}

// showMessage is a message as answers have it, where its type is a number.
func (e *Emulator) showMessage(c *conversation, m *message) map[string]any {
	shown := map[string]any{
		"id": m.id, "content": m.content, "inbox_id": InboxID, "conversation_id": c.id, "message_type": m.kind, "content_type": "text",
		"status": "sent", "content_attributes": contentAttributes(m), "created_at": m.created.Unix(), "private": m.private, "source_id": nil,
	}
	if m.sourceID != "" && !e.NoSourceIDs {
		shown["source_id"] = m.sourceID
	}
	if m.sender != nil {
		shown["sender"] = m.sender
	}
	if len(m.files) > 0 {
		shown["attachments"] = e.showFiles(m)
	}
	return shown
}

// pageSize is how many messages are shown at once when they are asked for backwards.
const pageSize = 20

func (e *Emulator) getMessages(r *http.Request, _ []byte) (any, error) {
	c := e.conversation(r.PathValue("id"))
	if c == nil {
		return nil, errMissing
	}
	list := c.messages
	if before := r.URL.Query().Get("before"); before != "" {
		number, err := strconv.Atoi(before)
		if err != nil {
			return nil, bad("before is no id")
		}
		list = slices.DeleteFunc(slices.Clone(list), func(m *message) bool { return m.id >= number })
	}
	list = list[max(0, len(list)-pageSize):]
	shown := make([]any, 0, len(list))
	for _, m := range list {
		shown = append(shown, e.showMessage(c, m))
	}
	return map[string]any{"meta": map[string]any{"labels": []any{}, "contact": c.contact.shown()}, "payload": shown}, nil
}

// maxContent is how many characters a message may have.
const maxContent = 150_000

func (e *Emulator) createMessage(r *http.Request, body []byte) (any, error) {
	c := e.conversation(r.PathValue("id"))
	if c == nil {
		return nil, errMissing
	}
	given, err := readMessage(r, body)
	if err != nil {
		return nil, err
	}
	switch {
	case e.recent(c) >= e.FloodLimit:
		return nil, bad("Validation failed: Too many messages")
	case utf8.RuneCountInString(given.Content) > maxContent:
		return nil, invalid("Content is too long (maximum is 150000 characters)", "content")
	case given.Content == "" && len(given.files) == 0:
		return nil, bad("this emulator wants a content or a file")
	}
	kind, by := outgoing, &service
	switch given.Type {
	case "incoming":
		kind, by = incoming, c.contact.person()
	case "outgoing", "":
	default:
		return nil, bad("'%s' is not a valid message_type", given.Type)
	}
	m := e.add(c, kind, given.Content, by)
	m.private, m.sourceID, m.files = given.Private, given.SourceID, given.files
	e.events = append(e.events, e.tellMessages("message_created", c, m)...)
	return e.showMessage(c, m), nil
}

func (e *Emulator) toggleStatus(r *http.Request, body []byte) (any, error) {
	c := e.conversation(r.PathValue("id"))
	if c == nil {
		return nil, errMissing
	}
	var given struct {
		Status string `json:"status"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{open, resolved, snoozed, pending}, given.Status) {
		return nil, bad("'%s' is not a valid status", given.Status)
	}
	if c.status != given.Status {
		e.events = append(e.events, e.turn(c, given.Status)...)
	}
	return map[string]any{"meta": map[string]any{}, "payload": map[string]any{"success": true, "conversation_id": c.id, "current_status": c.status}}, nil
}
