package whatsapptest

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// The pair limit: a message in six seconds, and so many that are lent.
const (
	pairInterval = 6 * time.Second
	PairBurst    = 45
)

// envelope is what all messages have.
type envelope struct {
	Product       string `json:"messaging_product"`
	RecipientType string `json:"recipient_type"`
	To            string `json:"to"`
	Type          string `json:"type"`
	Context       *struct {
		MessageID string `json:"message_id"`
	} `json:"context"`
	Data        string          `json:"biz_opaque_callback_data"`
	Text        json.RawMessage `json:"text"`
	Interactive json.RawMessage `json:"interactive"`
	Template    json.RawMessage `json:"template"`
	Image       json.RawMessage `json:"image"`
	Audio       json.RawMessage `json:"audio"`
	Video       json.RawMessage `json:"video"`
	Document    json.RawMessage `json:"document"`
}

var onlyDigits = regexp.MustCompile(`^[1-9][0-9]{6,14}$`)

func (e *Emulator) postMessage(r *http.Request, body []byte) (any, error) {
	var m envelope
	if err := errors.Join(is(r, NumberID), decode(body, &m)); err != nil {
		return nil, err
	}
	p, err := e.recipient(&m)
	if err != nil {
		return nil, err
	}
	it, err := e.content(&m)
	if err != nil {
		return nil, err
	}
	if m.Context != nil {
		if it.quote = m.Context.MessageID; !p.knows(it.quote) {
			return nil, refuse(131009, "Parameter value is not valid", "context: no such message in this chat")
		}
	}
	now := e.now()
	if p.debt.Sub(now) > time.Duration(e.PairBurst-1)*pairInterval {
		return nil, refuse(131056, "(Business Account, Consumer Account) pair rate limit hit", "Message failed to send because there were too many messages sent from this phone number to the same phone number in a short period of time.")
	}
	if p.debt.Before(now) {
		p.debt = now
	}
	p.debt = p.debt.Add(pairInterval)
	it.id, it.data = newWamid(), m.Data
	answer := map[string]any{
		"messaging_product": "whatsapp", "contacts": []any{map[string]any{"input": m.To, "wa_id": p.waID}},
		"messages": []any{map[string]any{"id": it.id, "message_status": "accepted"}},
	}
	if m.Type != "template" && !now.Before(p.window) {
		if e.RefuseAtOnce {
			return nil, refuse(131047, "Re-engagement message", "%s", tooLate)
		}
		e.report(e.failed(p, it.id, m.Data, 131047, "Re-engagement message", tooLate))
		return answer, nil // and it never gets there
	}
	p.items = append(p.items, it)
	for _, status := range []string{"delivered", "sent"} { // in any order, and before the answer
		e.report(e.status(p, it.id, m.Data, status))
	}
	return answer, nil
}

const tooLate = "Message failed to send because more than 24 hours have passed since the customer last replied to this number."

func (p *phone) knows(wamid string) bool {
	for _, it := range p.items {
		if it.id == wamid {
			return true
		}
	}
	return false
}

func (e *Emulator) recipient(m *envelope) (*phone, error) {
	switch {
	case m.Product != "whatsapp":
		return nil, refuse(100, "The parameter messaging_product is required.", "")
	case m.RecipientType != "" && m.RecipientType != "individual":
		return nil, invalidParameter("recipient_type %q", m.RecipientType)
	case !onlyDigits.MatchString(m.To):
		return nil, refuse(131009, "Parameter value is not valid", "to: digits alone")
	case len(m.Data) > 512:
		return nil, refuse(131009, "Parameter value is not valid", "biz_opaque_callback_data is too long")
	}
	for _, p := range e.phones {
		if m.To == p.waID || m.To == strings.TrimPrefix(p.entered, "+") {
			return p, nil
		}
	}
	return nil, refuse(131026, "Message undeliverable", "the recipient is not on WhatsApp, or has not accepted its terms")
}

// content reads what a message holds.
func (e *Emulator) content(m *envelope) (*item, error) {
	given := map[string]json.RawMessage{
		"text": m.Text, "interactive": m.Interactive, "template": m.Template,
		"image": m.Image, "audio": m.Audio, "video": m.Video, "document": m.Document,
	}
	for kind, body := range given {
		if (len(body) > 0) != (kind == m.Type) {
			return nil, refuse(131008, "Required parameter is missing", "type %q needs %s, and nothing else", m.Type, m.Type)
		}
	}
	switch m.Type {
	case "text":
		return textItem(m.Text)
	case "interactive":
		return interactiveItem(m.Interactive)
	case "template":
		return e.templateItem(m.Template)
	case "image", "audio", "video", "document":
		return e.mediaItem(m.Type, given[m.Type])
	default:
		return nil, invalidParameter("type %q", m.Type)
	}
}
