package intercomtest

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // it is the hash of Intercom's signatures
	"encoding/hex"
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"github.com/human-handoff/handoff/internal/provider"
)

// appID is the workspace's id.
const appID = "abc12345"

// greet is what Intercom sends when an endpoint is saved: HEAD, and a ping.
func (e *Emulator) greet() []provider.Request {
	ping := e.notify("ping", map[string]any{"type": "ping", "message": "hello from the emulator"})
	return []provider.Request{{Method: http.MethodHead, Header: http.Header{}, Time: e.now()}, ping}
}

// tell makes the webhook of a topic about a conversation, with the parts behind it.
func (e *Emulator) tell(topic string, c *conversation, parts ...*part) []provider.Request {
	older := false
	for _, p := range parts {
		older = older || p.html
	}
	return []provider.Request{e.notify(topic, e.item(c, parts, older))}
}

// item is a conversation as webhooks show it. Apps that are set to a version of the
// API before 2.15 get bodies as HTML, and dates of the statistics as text.
func (e *Emulator) item(c *conversation, parts []*part, older bool) map[string]any {
	item := e.show(c)
	delete(item, "ai_agent")
	statistics := map[string]any{"type": "conversation_statistics", "first_contact_reply_at": c.created, "first_close_at": nil}
	if older {
		statistics["first_contact_reply_at"] = "2026-01-21T10:18:20.000Z"
		item["admin_assignee_id"] = nil
	}
	item["statistics"] = statistics
	list := make([]any, 0, len(parts))
	for _, p := range parts {
		list = append(list, p)
	}
	item["conversation_parts"] = map[string]any{
		"type": "conversation_part.list", "conversation_parts": list, "total_count": len(list),
	}
	return item
}

func (e *Emulator) notify(topic string, item any) provider.Request {
	now := e.now().Unix()
	var id any
	if topic != "ping" {
		id = "notif_" + uuid.NewString()
	}
	body, _ := json.Marshal(map[string]any{
		"type": "notification_event", "app_id": appID, "topic": topic, "id": id,
		"created_at": now, "first_sent_at": now, "delivery_attempts": 1, "delivery_status": "pending", "delivered_at": 0,
		"links": map[string]any{}, "self": nil,
		"data": map[string]any{"type": "notification_event_data", "item": item},
	})
	return e.Webhook(body)
}

// Webhook implements emulator.Emulator.
func (e *Emulator) Webhook(body []byte) provider.Request {
	mac := hmac.New(sha1.New, []byte(e.secret))
	mac.Write(body)
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "application/json")
	header.Set("User-Agent", "intercom-parrot-service-client/1.0")
	header.Set("X-Hub-Signature", "sha1="+hex.EncodeToString(mac.Sum(nil)))
	return provider.Request{Method: http.MethodPost, Header: header, Body: body, Time: e.now()}
}
