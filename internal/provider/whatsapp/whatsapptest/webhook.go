package whatsapptest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/human-handoff/handoff/internal/provider"
)

// greet is what Meta sends when a receive URL is entered.
func (e *Emulator) greet() []provider.Request {
	query := url.Values{"hub.mode": {"subscribe"}, "hub.challenge": {"1158201444"}, "hub.verify_token": {e.verify}}
	return []provider.Request{{Method: http.MethodGet, Query: query.Encode(), Header: http.Header{"Accept": {"*/*"}}, Time: e.now()}}
}

// notify makes the webhook of a field.
func (e *Emulator) notify(field string, value map[string]any) provider.Request {
	value["messaging_product"] = "whatsapp"
	value["metadata"] = map[string]any{"display_phone_number": displayNumber, "phone_number_id": NumberID}
	body, _ := json.Marshal(map[string]any{
		"object": "whatsapp_business_account",
		"entry": []any{map[string]any{
			"id": AccountID, "changes": []any{map[string]any{"value": value, "field": field}},
		}},
	})
	return e.Webhook(escape(body))
}

// escape writes JSON as Meta does: in ASCII, and with escaped slashes.
func escape(body []byte) []byte {
	var b strings.Builder
	for _, r := range string(body) {
		switch {
		case r == '/':
			b.WriteString(`\/`)
		case r < 0x80:
			b.WriteRune(r)
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		}
	}
	return []byte(b.String())
}

func (e *Emulator) contact(p *phone) map[string]any {
	c := map[string]any{"profile": map[string]any{"name": p.name}, "user_id": p.userID, "wa_id": p.waID}
	return c
}

func (e *Emulator) timestamp() string { return strconv.FormatInt(e.now().Unix(), 10) }

// message is the webhook of what a human wrote.
func (e *Emulator) message(p *phone, wamid string, content map[string]any, quote string) provider.Request {
	m := map[string]any{"id": wamid, "timestamp": e.timestamp(), "from_user_id": p.userID}
	if !e.HideNumbers {
		m["from"] = p.waID
	}
	maps.Copy(m, content)
	if quote != "" {
		m["context"] = map[string]any{"from": displayNumber, "id": quote}
	}
	return e.notify("messages", map[string]any{"contacts": []any{e.contact(p)}, "messages": []any{m}})
}

// statusOf is what a webhook says of a message of the number's.
func (e *Emulator) statusOf(p *phone, wamid, data, status string) map[string]any {
	s := map[string]any{
		"id": wamid, "status": status, "timestamp": e.timestamp(), "recipient_user_id": p.userID, "recipient_id": p.waID,
		"pricing": map[string]any{"billable": true, "pricing_model": "PMP", "category": "utility"},
	}
	if data != "" {
		s["biz_opaque_callback_data"] = data
	}
	return s
}

func (e *Emulator) status(p *phone, wamid, data, status string) provider.Request {
	return e.notify("messages", map[string]any{"statuses": []any{e.statusOf(p, wamid, data, status)}})
}

func (e *Emulator) failed(p *phone, wamid, data string, code int, title, details string) provider.Request {
	s := e.statusOf(p, wamid, data, "failed")
	s["errors"] = []any{map[string]any{
		"code": code, "title": title, "message": title, "error_data": map[string]any{"details": details},
		"href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
	}}
	return e.notify("messages", map[string]any{"statuses": []any{s}})
}

// readAll is what comes when a human looks at a session: everything is read.
func (e *Emulator) readAll(who int, tag string) []provider.Request {
	p := e.phones[who]
	statuses := []any{}
	for _, it := range p.items {
		if it.tag == tag && !it.mine {
			statuses = append(statuses, e.statusOf(p, it.id, it.data, "read"))
		}
	}
	return []provider.Request{e.notify("messages", map[string]any{"contacts": []any{e.contact(p)}, "statuses": statuses})}
}

// echo is what numbers that are in the WhatsApp app, too, tell of what is written there.
func (e *Emulator) echo(who int, tag string) provider.Request {
	p := e.phones[who]
	echoes := []any{}
	for _, it := range p.items {
		if it.tag == tag && !it.mine {
			echoes = append(echoes, map[string]any{
				"from": displayNumber, "to": p.waID, "id": it.id, "timestamp": e.timestamp(), "type": "text", "text": map[string]any{"body": it.text},
			})
		}
	}
	return e.notify("smb_message_echoes", map[string]any{"message_echoes": echoes})
}

// Webhook implements emulator.Emulator.
func (e *Emulator) Webhook(body []byte) provider.Request {
	mac := hmac.New(sha256.New, []byte(e.secret))
	mac.Write(body)
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "*/*")
	header.Set("User-Agent", "facebookexternalua")
	header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return provider.Request{Method: http.MethodPost, Header: header, Body: body, Time: e.now()}
}
