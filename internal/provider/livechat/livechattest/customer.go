package livechattest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Bounds that the vendor states.
const (
	maxText   = 16 << 10
	maxFields = 100
)

type customerAction = func(c *customer, r *http.Request, body []byte) (any, error)

func (e *Emulator) customerActions() map[string]customerAction {
	return map[string]customerAction{
		"update_customer": e.updateCustomer,
		"start_chat":      e.startChat,
		"list_chats":      e.listChats,
		"list_threads":    e.listThreads,
		"get_chat":        e.getChat,
		"send_event":      e.sendEvent,
		"deactivate_chat": e.deactivate,
	}
}

// profile is what a customer tells of itself.
type profile struct {
	Name   *string             `json:"name"`
	Email  *string             `json:"email"`
	Avatar *string             `json:"avatar"`
	Fields []map[string]string `json:"session_fields"`
}

func (p profile) check() error {
	switch {
	case p.Name == nil && p.Email == nil && p.Avatar == nil && p.Fields == nil:
		return invalid("at least one parameter is needed")
	case p.Email != nil && !strings.Contains(*p.Email, "@"):
		return invalid("`email` is no address")
	case len(p.Fields) > maxFields:
		return invalid("too many `session_fields`")
	}
	for _, field := range p.Fields {
		if len(field) != 1 {
			return invalid("each of `session_fields` has to be an object with one key")
		}
	}
	return nil
}

func (e *Emulator) updateCustomer(c *customer, r *http.Request, body []byte) (any, error) {
	var given profile
	if err := decode(r, body, &given); err != nil {
		return nil, err
	}
	if err := given.check(); err != nil {
		return nil, err
	}
	if given.Name != nil {
		c.Name = *given.Name
	}
	if given.Email != nil {
		c.Email = *given.Email
	}
	if given.Fields != nil {
		c.Fields = given.Fields
	}
	return nil, nil //nolint:nilnil // an empty object
}

type newEvent struct {
	Type       string `json:"type"`
	Text       string `json:"text"`
	CustomID   string `json:"custom_id"`
	Recipients string `json:"recipients"` // a customer's event has no visibility
	URL        string `json:"url"`
	Alternate  string `json:"alternative_text"`
}

func (n newEvent) check() error {
	switch {
	case n.Type != "message":
		return invalid("event type %q", n.Type)
	case n.Text == "":
		return invalid("`event.text` is required")
	case len(n.Text) > maxText:
		return refusal{http.StatusRequestEntityTooLarge, "entity_too_large", "the message is over 16 KB", nil}
	case n.Recipients != "" && n.Recipients != "all" && n.Recipients != "agents":
		return invalid("`event.recipients`")
	}
	return nil
}

type startBody struct {
	Chat struct {
		Access struct {
			GroupIDs []int64 `json:"group_ids"`
		} `json:"access"`
		Thread struct {
			Events []newEvent `json:"events"`
		} `json:"thread"`
	} `json:"chat"`
	Active     bool `json:"active"`
	Continuous bool `json:"continuous"`
}

func (e *Emulator) startChat(c *customer, r *http.Request, body []byte) (any, error) {
	var given startBody
	if err := decode(r, body, &given); err != nil {
		return nil, err
	}
	for _, other := range e.chats {
		if other.customer == c {
			return nil, refusal{http.StatusConflict, "limit_reached", "Customer already has a chat", nil}
		}
	}
	if !given.Continuous {
		return nil, refusal{http.StatusConflict, "groups_offline", "No agents available for group", nil}
	}
	for _, group := range given.Chat.Access.GroupIDs {
		if group > 1 {
			return nil, refusal{http.StatusBadRequest, "group_not_found", "Group not found", nil}
		}
	}
	for _, n := range given.Chat.Thread.Events {
		if err := n.check(); err != nil {
			return nil, err
		}
	}
	made := &chat{id: e.newID("P"), customer: c, present: map[string]bool{}, seen: map[string]time.Time{}}
	made.threads = []*thread{{id: e.newID("K"), active: given.Active, created: e.now()}}
	e.chats = append(e.chats, made)
	ids := []string{}
	for _, n := range given.Chat.Thread.Events {
		ev := e.add(made, &event{Type: n.Type, Text: n.Text, CustomID: n.CustomID, AuthorID: c.ID})
		ev.Properties["initial"] = true
		ids = append(ids, ev.ID)
	}
	return map[string]any{"chat_id": made.id, "thread_id": made.last().id, "event_ids": ids}, nil
}

// newID returns ten letters and digits, as the vendor's ids have them.
func (e *Emulator) newID(first string) string {
	e.next++
	text := strings.ToUpper(strconv.FormatInt(int64(e.next)*7919, 36))
	return first + strings.Repeat("0", 9-len(text)) + text
}

// add adds an event to a chat's last thread.
func (e *Emulator) add(c *chat, ev *event) *event {
	t := c.last()
	ev.ID = t.id + "_" + strconv.Itoa(len(t.events)+1)
	ev.CreatedAt = e.now().UTC().Format("2006-01-02T15:04:05.000000Z")
	if ev.Visibility == "" && ev.Type != "system_message" {
		ev.Visibility = "all"
	}
	ev.Properties = map[string]any{"source": map[string]any{"client_id": e.ClientID}}
	t.events = append(t.events, ev)
	return ev
}

// ofCustomer returns a chat that a customer is in.
func (e *Emulator) ofCustomer(c *customer, id string) (*chat, error) {
	found := e.chatByID(id)
	if found == nil || found.customer != c {
		return nil, refusal{http.StatusNotFound, "not_found", "Chat not found", nil}
	}
	return found, nil
}

func (e *Emulator) listChats(c *customer, r *http.Request, body []byte) (any, error) {
	var given struct{}
	if err := decode(r, body, &given); err != nil {
		return nil, err
	}
	list := []any{}
	for _, found := range e.chats {
		if found.customer == c {
			t := found.last()
			list = append(list, map[string]any{
				"id": found.id, "last_thread_id": t.id, "last_thread_created_at": t.created, "active": t.active,
				"users": e.users(found), "access": map[string]any{"group_ids": []int64{found.group}},
			})
		}
	}
	return map[string]any{"chats_summary": list, "total_chats": len(list)}, nil
}

// users are those in a chat, as the Customer Chat API has them.
func (e *Emulator) users(c *chat) []any {
	list := []any{map[string]any{"id": c.customer.ID, "type": "customer", "present": true}}
	for _, a := range []agent{ada, grace, robot} {
		if c.present[a.email] {
			list = append(list, map[string]any{"id": a.public, "type": "agent", "name": a.name, "present": true, "job_title": "Support Agent"})
		}
	}
	return list
}

// show is a chat's threads, the newest first. Customers see other ids of agents,
// and nothing that is for agents alone.
func (e *Emulator) show(c *chat, toCustomer bool) []any {
	list := []any{}
	for i := range c.threads {
		t := c.threads[len(c.threads)-1-i]
		events := []any{}
		for _, ev := range t.events {
			shown := *ev
			if toCustomer {
				if ev.Visibility == "agents" {
					continue
				}
				for _, a := range []agent{ada, grace, robot} {
					if ev.AuthorID == a.email {
						shown.AuthorID = a.public
					}
				}
				shown.Visibility = ""
			}
			events = append(events, shown)
		}
		list = append(list, map[string]any{
			"id": t.id, "active": t.active, "created_at": t.created, "events": events, "user_ids": []string{c.customer.ID},
			"access": map[string]any{"group_ids": []int64{c.group}},
		})
	}
	return list
}

type chatBody struct {
	ChatID string `json:"chat_id"`
}

func (e *Emulator) listThreads(c *customer, r *http.Request, body []byte) (any, error) {
	var given chatBody
	if err := decode(r, body, &given); err != nil {
		return nil, err
	}
	found, err := e.ofCustomer(c, given.ChatID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"threads": e.show(found, true), "found_threads": len(found.threads)}, nil
}

func (e *Emulator) getChat(c *customer, r *http.Request, body []byte) (any, error) {
	var given chatBody
	if err := decode(r, body, &given); err != nil {
		return nil, err
	}
	found, err := e.ofCustomer(c, given.ChatID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"id": found.id, "thread": e.show(found, true)[0], "users": e.users(found)}, nil
}

func (e *Emulator) sendEvent(c *customer, r *http.Request, body []byte) (any, error) {
	var given struct {
		ChatID string   `json:"chat_id"`
		Event  newEvent `json:"event"`
		Attach bool     `json:"attach_to_last_thread"`
	}
	if err := decode(r, body, &given); err != nil {
		return nil, err
	}
	found, err := e.ofCustomer(c, given.ChatID)
	if err != nil {
		return nil, err
	}
	if err := given.Event.check(); err != nil {
		return nil, err
	}
	if !found.last().active && !given.Attach {
		return nil, refusal{http.StatusConflict, "chat_inactive", "Chat is inactive", nil}
	}
	ev := e.add(found, &event{Type: given.Event.Type, Text: given.Event.Text, CustomID: given.Event.CustomID, AuthorID: c.ID})
	return map[string]any{"event_id": ev.ID}, nil
}

func (e *Emulator) deactivate(c *customer, r *http.Request, body []byte) (any, error) {
	var given struct {
		ID string `json:"id"`
	}
	if err := decode(r, body, &given); err != nil {
		return nil, err
	}
	found, err := e.ofCustomer(c, given.ID)
	if err != nil {
		return nil, err
	}
	if !found.last().active {
		return nil, refusal{http.StatusConflict, "chat_inactive", "Chat is inactive", nil}
	}
	e.archive(found, "manual_archived_customer")
	return nil, nil //nolint:nilnil // an empty object
}

// archive ends a chat's thread.
func (e *Emulator) archive(c *chat, how string) {
	e.add(c, &event{Type: "system_message", SystemMessageType: how, Text: "The chat was closed"})
	c.last().active = false
}
