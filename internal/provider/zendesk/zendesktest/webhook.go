package zendesktest

import (
	"encoding/json"
	"net/http"

	"github.com/human-handoff/handoff/internal/provider"
)

func (e *Emulator) tellMessage(c *conversation, m *message) []provider.Request {
	return e.tell("conversation:message", c, map[string]any{"message": m})
}

// tell makes the webhook of an event about a conversation.
func (e *Emulator) tell(event string, c *conversation, payload map[string]any) []provider.Request {
	payload["conversation"] = map[string]any{"id": c.id, "type": "personal", "metadata": c.metadata, "activeSwitchboardIntegration": c.active}
	body, _ := json.Marshal(map[string]any{ // of what can be
		"app": map[string]any{"id": AppID}, "webhook": map[string]any{"id": "5f4eaef81c3dd0ab4b5ba5f1", "version": "v2"},
		"events": []any{map[string]any{
			"id": newID(), "createdAt": e.now().UTC().Format("2006-01-02T15:04:05.000Z"), "type": event, "payload": payload,
		}},
	})
	return []provider.Request{e.Webhook(body)}
}

// Webhook implements emulator.Emulator.
func (e *Emulator) Webhook(body []byte) provider.Request {
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("X-Api-Key", e.webhookKey)
	return provider.Request{Method: http.MethodPost, Header: header, Body: body, Time: e.now()}
}
