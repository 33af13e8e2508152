package chatwoottest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"github.com/human-handoff/handoff/internal/provider"
)

// tellMessages makes the webhooks of an event about messages.
func (e *Emulator) tellMessages(event string, c *conversation, all ...*message) []provider.Request {
	requests := make([]provider.Request, 0, len(all))
	for _, m := range all {
		if m.kind == activity && event == "message_created" {
			continue // of these nobody is told
		}
		var sourceID any
		if m.sourceID != "" && !e.NoSourceIDs {
			sourceID = m.sourceID
		}
		shown := e.describe(c)
		shown["messages"] = []any{}
		body := map[string]any{
			"event": event, "id": m.id, "content": m.content, "content_type": "text", "content_attributes": contentAttributes(m),
			"message_type": typeNames[m.kind], "private": m.private, "created_at": m.created.UTC().Format("2006-01-02T15:04:05.000Z"),
			"source_id": sourceID, "additional_attributes": map[string]any{}, "sender": m.sender,
			"inbox": map[string]any{"id": InboxID, "name": "Handoff"}, "account": map[string]any{"id": AccountID, "name": "Shop"},
			"conversation": shown,
		}
		if len(m.files) > 0 {
			body["attachments"] = e.showFiles(m)
		}
		requests = append(requests, e.notify(body))
	}
	return requests
}

func contentAttributes(m *message) map[string]any {
	if m.deleted {
		return map[string]any{"deleted": true}
	}
	return map[string]any{}
}

// tellConversation makes the webhook of an event about a conversation, whose fields
// are at the top.
func (e *Emulator) tellConversation(event string, c *conversation, changed []any) provider.Request {
	body := e.describe(c)
	body["event"] = event
	if changed != nil {
		body["changed_attributes"] = changed
	}
	return e.notify(body)
}

// describe is a conversation as webhooks show it.
func (e *Emulator) describe(c *conversation) map[string]any {
	var team any
	if c.team != 0 {
		team = map[string]any{"id": c.team, "name": "support"}
	}
	attributes := c.attributes
	if attributes == nil {
		attributes = map[string]any{}
	}
	return map[string]any{
		"id": c.id, "inbox_id": InboxID, "status": c.status, "channel": "Channel::Api", "can_reply": true,
		"additional_attributes": map[string]any{}, "custom_attributes": attributes, "labels": []any{}, "snoozed_until": nil,
		"contact_inbox": map[string]any{"id": 17, "contact_id": c.contact.id, "inbox_id": InboxID, "source_id": c.source},
		"meta":          map[string]any{"sender": c.contact.person(), "assignee": c.assignee, "assignee_type": assigneeType(c), "team": team, "hmac_verified": false},
		"unread_count":  0, "first_reply_created_at": nil, "priority": nil, "waiting_since": c.created.Unix(),
		"agent_last_seen_at": 0, "contact_last_seen_at": 0, "last_activity_at": c.updated.Unix(), "timestamp": c.updated.Unix(),
		"created_at": c.created.Unix(), "updated_at": float64(c.updated.UnixMilli()) / 1000,
	}
}

func assigneeType(c *conversation) any {
	if c.assignee == nil {
		return nil
	}
	return "User"
}

func (e *Emulator) notify(body map[string]any) provider.Request {
	data, _ := json.Marshal(body) // of what can be
	return e.Webhook(data)
}

// Webhook implements emulator.Emulator.
func (e *Emulator) Webhook(body []byte) provider.Request {
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "application/json")
	if !e.Unsigned {
		stamp := strconv.FormatInt(e.now().Unix(), 10)
		mac := hmac.New(sha256.New, []byte(e.secret))
		mac.Write([]byte(stamp + "."))
		mac.Write(body)
		header.Set("X-Chatwoot-Delivery", uuid.NewString())
		header.Set("X-Chatwoot-Timestamp", stamp)
		header.Set("X-Chatwoot-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	return provider.Request{Method: http.MethodPost, Header: header, Body: body, Time: e.now()}
}
