package whatsapp

import (
	"bytes"
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

const (
	headerSignature = "X-Hub-Signature-256"
	objectAccount   = "whatsapp_business_account"
	fieldMessages   = "messages"
)

// Verify implements provider.Adapter. The handshake has no signature, but the verify
// token. Nothing in a signature says when it was made; the ids of messages make a
// repeat count for nothing.
func (a *Adapter) Verify(r provider.Request) error {
	if r.Method == http.MethodGet {
		query, err := url.ParseQuery(r.Query)
		if err != nil || query.Get("hub.mode") != "subscribe" || a.verifyToken == "" ||
			subtle.ConstantTimeCompare([]byte(query.Get("hub.verify_token")), []byte(a.verifyToken)) != 1 {
			return errors.New("the verify token does not match; enter the same at Meta and in verify_token")
		}
		return nil
	}
	if !scheme.Verify(r.Header.Get(headerSignature), []string{a.secret}, r.Body) {
		return errors.New("X-Hub-Signature-256 does not match; is app_secret that of the app that sends this?")
	}
	return nil
}

// Parse implements provider.Adapter. A body may tell many things, of other numbers,
// too; the answer is always 200, for Meta repeats anything else for a week.
func (a *Adapter) Parse(r provider.Request) (provider.Reply, []handoff.Inbound, error) {
	if r.Method == http.MethodGet {
		query, err := url.ParseQuery(r.Query)
		if err != nil || query.Get("hub.challenge") == "" {
			return provider.Reply{}, nil, invalid("the handshake has no hub.challenge")
		}
		return provider.Reply{Status: http.StatusOK, ContentType: "text/plain", Body: []byte(query.Get("hub.challenge"))}, nil, nil
	}
	var n notification
	if trimmed := bytes.TrimLeft(r.Body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' || json.Unmarshal(r.Body, &n) != nil {
		return provider.Reply{}, nil, invalid("the body has to be the JSON object of a notification")
	}
	if n.Object != objectAccount {
		return provider.Reply{}, nil, invalid("the notification is of no %s", objectAccount)
	}
	return provider.Reply{Status: http.StatusOK, Always: true}, a.ours(n.Entry), nil
}

// ours returns what is told of our number.
func (a *Adapter) ours(entries []entry) []handoff.Inbound {
	var all []handoff.Inbound
	for _, e := range entries {
		for i := range e.Changes {
			c := &e.Changes[i]
			if e.ID == a.account && c.Field == fieldMessages && c.Value.Metadata.PhoneNumberID == a.number {
				all = append(all, a.told(&c.Value)...)
			}
		}
	}
	return all
}

func invalid(format string, args ...any) error {
	return handoff.Errorf(handoff.CodeInvalid, "INVALID_BODY", format, args...)
}

func (a *Adapter) told(v *value) []handoff.Inbound {
	var all []handoff.Inbound
	for i := range v.Messages {
		m := &v.Messages[i]
		phone := phoneOf(m.From, m.FromUserID, v.Contacts)
		from, known := a.staff.find(phone)
		if m.ID == "" || digits(phone) == "" {
			continue // nobody can tell who it is
		}
		if said, ok := a.said(m, from); ok {
			if !known {
				said = handoff.PersonSaid{Person: digits(phone), Locale: a.language, Stranger: true}
			}
			all = append(all, handoff.Inbound{Key: "message:" + m.ID, VendorID: m.ID, Body: said})
		}
	}
	for i := range v.Statuses {
		all = append(all, a.status(&v.Statuses[i], v.Contacts)...)
	}
	return all
}

// phoneOf returns a human's number, which the list of contacts may know where the
// message or status itself does not tell it.
func phoneOf(phone, userID string, contacts []contact) string {
	if phone != "" || userID == "" {
		return phone
	}
	for _, c := range contacts {
		if c.UserID == userID {
			return c.WaID
		}
	}
	return ""
}

// said returns what a human said; false if it was nothing.
func (a *Adapter) said(m *message, from person) (handoff.PersonSaid, bool) {
	said := handoff.PersonSaid{Person: from.phone, Name: from.name, Locale: a.language}
	if m.Context.ID != "" {
		said.Quotes, said.QuotedIDs = true, []string{m.Context.ID}
	}
	switch m.Type {
	case "text":
		said.Text = m.Text.Body
	case "button":
		said.Button = m.Button.Payload
	case "interactive":
		said.Button = m.Interactive.ButtonReply.ID + m.Interactive.ListReply.ID // there is one of them
		said.Unreadable = said.Button == ""
	case "location":
		said.Text = location(m)
	case "contacts":
		said.Text = contactCards(m.Contacts)
	case kindImage, kindAudio, kindVideo, kindDocument, kindSticker:
		sent(&said, m)
	case "reaction", "system", "request_welcome":
		return said, false
	default:
		said.Unreadable = true
	}
	return said, true
}

// sent adds a file to what a human said.
func sent(said *handoff.PersonSaid, m *message) {
	f := map[string]*media{kindImage: &m.Image, kindAudio: &m.Audio, kindVideo: &m.Video, kindDocument: &m.Document, kindSticker: &m.Sticker}[m.Type]
	if f.ID == "" {
		said.Unreadable = true
		return
	}
	kind := m.Type
	if f.Voice {
		kind = "voice"
	}
	said.Text = f.Caption
	said.Files = []handoff.RemoteFile{{VendorID: f.ID, Name: cmp.Or(f.Filename, nameOf(kind, f.MIMEType)), MIMEType: f.MIMEType}}
}

func location(m *message) string {
	l := &m.Location
	lines := []string{"📍"}
	for _, text := range []string{l.Name, l.Address} {
		if text != "" {
			lines = append(lines, text)
		}
	}
	return strings.Join(append(lines, fmt.Sprintf("https://www.openstreetmap.org/?mlat=%.6[1]f&mlon=%.6[2]f", l.Latitude, l.Longitude)), "\n")
}

func contactCards(cards []card) string {
	var lines []string
	for _, c := range cards {
		parts := []string{"👤 " + c.Name.FormattedName}
		for _, p := range c.Phones {
			parts = append(parts, p.Phone)
		}
		for _, e := range c.Emails {
			parts = append(parts, e.Email)
		}
		lines = append(lines, strings.Join(parts, ", "))
	}
	return strings.Join(lines, "\n")
}

// origin is what we sent with a message, and its statuses bring back.
type origin struct{ kind, sessionID, key string }

// originOf reads it; false if the message is of somebody else who uses the number. One
// without is taken for a customer's.
func originOf(data string) (origin, bool) {
	rest, ours := strings.CutPrefix(data, dataPrefix)
	if !ours {
		return origin{kind: kindMessage}, data == ""
	}
	kind, rest, _ := strings.Cut(rest, ":")
	sessionID, key, _ := strings.Cut(rest, ":")
	return origin{kind, sessionID, key}, true
}

// status returns what became of a message of ours. Meta tells in any order, and may
// leave steps out.
func (a *Adapter) status(s *status, contacts []contact) []handoff.Inbound {
	from, ours := originOf(s.Data)
	if !ours || s.ID == "" {
		return nil
	}
	var all []handoff.Inbound
	told := handoff.PersonTold{Delivery: from.key, Barred: s.Status == statusFailed && barred(s.Errors)}
	got := told.Barred || slices.Contains([]string{"sent", "delivered", statusRead}, s.Status)
	if to, known := a.staff.find(phoneOf(s.RecipientID, s.RecipientUserID, contacts)); known && got && from.key != "" {
		told.Person = to.phone
		all = append(all, handoff.Inbound{SessionID: from.sessionID, VendorID: s.ID, Body: told})
		if told.Barred {
			return all // it is not lost: they get it once they answer
		}
	}
	if report, ok := reported(s); ok && from.kind == kindMessage {
		all = append(all, handoff.Inbound{VendorID: s.ID, Body: report})
	}
	return all
}

// The statuses that customers learn of.
const (
	statusFailed = "failed"
	statusRead   = "read"
)

func reported(s *status) (handoff.StatusReported, bool) {
	switch s.Status {
	case statusFailed:
		return handoff.StatusReported{Status: handoff.MessageFailed, Detail: describeAll(s.Errors)}, true
	case statusRead:
		return handoff.StatusReported{Status: handoff.MessageRead}, true
	default:
		return handoff.StatusReported{}, false
	}
}

func barred(list []failure) bool {
	for i := range list {
		if list[i].Code == codeBarred {
			return true
		}
	}
	return false
}

func describeAll(list []failure) string {
	texts := make([]string, len(list))
	for i := range list {
		texts[i] = list[i].describe()
	}
	return strings.Join(texts, "; ")
}
