package livechattest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// Do implements emulator.Emulator.
func (e *Emulator) Do(session string, a emulator.Act) ([]provider.Request, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.chatByID(session)
	if c == nil {
		return nil, emulator.ErrNoSession
	}
	switch a.Kind {
	case emulator.Say:
		return e.say(c, ada, a.Text), nil
	case emulator.Bot:
		return e.say(c, robot, a.Text), nil
	case emulator.Attach:
		return e.attach(c, a), nil
	case emulator.Note:
		return e.note(c, a.Text), nil
	case emulator.Join:
		return e.join(c, ada), nil
	case emulator.Transfer:
		return e.transfer(c), nil
	case emulator.Close:
		return e.close(c), nil
	case emulator.Reopen:
		return e.reopen(c), nil
	case emulator.Echo:
		return e.echo(c), nil
	default:
		return e.rarely(c, a)
	}
}

// rarely is what seldom happens.
func (e *Emulator) rarely(c *chat, a emulator.Act) ([]provider.Request, error) {
	switch a.Kind {
	case emulator.Read:
		c.seen[ada.email] = e.now()
		return e.notify("events_marked_as_seen", c, map[string]any{
			"user_id": ada.email, "seen_up_to": e.now().UTC().Format(time.RFC3339Nano),
		}), nil
	case emulator.Unknown:
		return e.notify("chat_levitated", c, map[string]any{"height": 3}), nil
	default:
		return nil, fmt.Errorf("%w: %s", emulator.ErrLacks, a.Kind)
	}
}

func (e *Emulator) say(c *chat, by agent, text string) []provider.Request {
	c.present[by.email] = true
	ev := e.add(c, &event{Type: "message", Text: text, AuthorID: by.email})
	return e.notify("incoming_event", c, map[string]any{"event": ev})
}

// attach sends a file; what is said of it is its description.
func (e *Emulator) attach(c *chat, a emulator.Act) []provider.Request {
	file := &event{Type: "file", AuthorID: ada.email, AlternativeText: a.Text}
	if a.File != nil {
		file.Name, file.URL, file.ContentType = a.File.Name, a.File.URL, "application/pdf"
	}
	c.present[ada.email] = true
	return e.notify("incoming_event", c, map[string]any{"event": e.add(c, file)})
}

func (e *Emulator) note(c *chat, text string) []provider.Request {
	ev := e.add(c, &event{Type: "message", Text: text, AuthorID: grace.email, Visibility: "agents"})
	return e.notify("incoming_event", c, map[string]any{"event": ev})
}

func (e *Emulator) reopen(c *chat) []provider.Request {
	if !c.last().active {
		c.threads = append(c.threads, &thread{id: e.newID("K"), active: true, created: e.now()})
	}
	return e.notify("incoming_chat", c, map[string]any{"chat": map[string]any{"id": c.id, "thread": map[string]any{"id": c.last().id}}})
}

// join has an agent come into a chat, which a system message tells as well.
func (e *Emulator) join(c *chat, a agent) []provider.Request {
	c.present[a.email] = true
	ev := e.add(c, &event{Type: "system_message", SystemMessageType: "routing.assigned", Text: "Chat assigned to " + a.name, TextVars: map[string]string{"agent": a.name}})
	all := e.notify("incoming_event", c, map[string]any{"event": ev})
	return append(all, e.notify("user_added_to_chat", c, map[string]any{
		"user":      map[string]any{"id": a.email, "type": "agent", "name": a.name, "present": true, "visibility": "all"},
		"user_type": "agent", "reason": "assigned", "requester_id": a.email,
	})...)
}

func (e *Emulator) transfer(c *chat) []provider.Request {
	c.present[grace.email] = true
	all := e.notify("chat_transferred", c, map[string]any{
		"reason": "manual", "requester_id": ada.email, "transferred_to": map[string]any{"agent_ids": []string{grace.email}},
	})
	all = append(all, e.notify("user_removed_from_chat", c, map[string]any{
		"user_id": ada.email, "user_type": "agent", "reason": "other", "requester_id": ada.email,
	})...)
	return append(all, e.notify("user_added_to_chat", c, map[string]any{
		"user":      map[string]any{"id": grace.email, "type": "agent", "name": grace.name, "present": true},
		"user_type": "agent", "reason": "other", "requester_id": ada.email,
	})...)
}

func (e *Emulator) close(c *chat) []provider.Request {
	t := c.last()
	e.archive(c, "manual_archived_agent")
	all := e.notify("incoming_event", c, map[string]any{"event": t.events[len(t.events)-1]})
	return append(all, e.notify("chat_deactivated", c, map[string]any{"user_id": ada.email})...)
}

// Silence closes a chat because nobody wrote for long, as the vendor does.
func (e *Emulator) Silence(session string) []provider.Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.chatByID(session)
	if c == nil {
		return nil
	}
	e.archive(c, "routing.archived_inactive")
	return e.notify("chat_deactivated", c, map[string]any{})
}

// echo tells of what the customer did, which webhooks without a filter do.
func (e *Emulator) echo(c *chat) []provider.Request {
	var all []provider.Request
	for _, ev := range c.last().events {
		if ev.AuthorID == c.customer.ID {
			all = append(all, e.notify("incoming_event", c, map[string]any{"event": ev})...)
		}
	}
	return append(all, e.notify("chat_deactivated", c, map[string]any{"user_id": c.customer.ID})...)
}

// notify makes a webhook. Where some were registered, only those come.
func (e *Emulator) notify(action string, c *chat, payload map[string]any) []provider.Request {
	secret := e.secret
	if len(e.webhooks) > 0 {
		secret = ""
		for _, w := range e.webhooks {
			if w.Action == action && e.enabled && e.passes(w, payload) {
				secret = w.secret
			}
		}
		if secret == "" {
			return nil
		}
	}
	payload["chat_id"], payload["thread_id"] = c.id, c.last().id
	body, _ := json.Marshal(map[string]any{
		"webhook_id": hexadecimal(16), "secret_key": secret, "action": action, "organization_id": e.OrganizationID,
		"payload":         payload,
		"additional_data": map[string]any{"chat_properties": map[string]any{"source": map[string]any{"client_id": e.ClientID}}},
	})
	return []provider.Request{e.Webhook(body)}
}

// passes applies the filter for authors.
func (e *Emulator) passes(w *webhook, payload map[string]any) bool {
	ev, ok := payload["event"].(*event)
	if !ok || w.Filters["author_type"] != "agent" {
		return true
	}
	return ev.AuthorID != "" && e.customers[ev.AuthorID] == nil
}

// Webhook implements emulator.Emulator.
func (e *Emulator) Webhook(body []byte) provider.Request {
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("User-Agent", "LiveChat Webhooks")
	return provider.Request{Method: http.MethodPost, Header: header, Body: body, Time: e.now()}
}

// secretOf returns a webhook with another secret.
func secretOf(r provider.Request, secret string) provider.Request {
	var fields map[string]any
	if json.Unmarshal(r.Body, &fields) == nil {
		fields["secret_key"] = secret
		r.Body, _ = json.Marshal(fields)
	}
	return r
}
