// Package intercomtest is an emulator of Intercom: a workspace in memory with its
// REST API (version 2.16), two teammates, and signed webhooks. It is written from
// Intercom's description of its API and from webhooks that were seen, and shares no
// code with the adapter.
//
//	emulator.go  the workspace, what is seen and done in it
//	api.go       the REST API
//	reply.go     its calls on conversations
//	webhook.go   webhooks
package intercomtest

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/html"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// The roles of contacts, and the kinds of authors and parts.
const (
	user  = "user"
	lead  = "lead"
	admin = "admin"
	bot   = "bot"
	note  = "note"
	open  = "open"
	shut  = "closed"
)

// SearchLag is how long a new contact is not found by a search.
const SearchLag = time.Minute

// Emulator is a workspace. Its exported fields are set before its first call.
type Emulator struct {
	SharedEmails bool   // two users may have the same address
	NoAdmin      bool   // the access token belongs to no teammate
	Region       string // where it is hosted

	token, secret string
	now           handoff.Clock
	mux           *http.ServeMux

	mu            sync.Mutex
	revoked       bool
	next          int // of all ids
	contacts      []*contact
	conversations []*conversation
}

// teammates are the humans.
var teammates = []author{
	{Type: admin, ID: "991267715", Name: "Ada", Email: "ada@desk.example"},
	{Type: admin, ID: "991267716", Name: "Grace", Email: "grace@desk.example"},
}

// TeamID is the team that conversations can be assigned to.
const TeamID = "5017691"

type contact struct {
	ID         string  `json:"id"`
	Type       string  `json:"type"`
	Role       string  `json:"role"`
	ExternalID *string `json:"external_id"`
	Email      *string `json:"email"`
	Name       *string `json:"name"`
	Phone      *string `json:"phone"`
	CreatedAt  int64   `json:"created_at"`

	archived   bool
	mergedInto string
}

type conversation struct {
	id       string
	contact  *contact
	created  int64
	state    string
	assignee string
	team     string
	first    string
	firstID  string
	parts    []*part
	deleted  bool
}

type part struct {
	Type        string         `json:"type"`
	ID          string         `json:"id"`
	PartType    string         `json:"part_type"`
	Body        *string        `json:"body"`
	CreatedAt   int64          `json:"created_at"`
	UpdatedAt   int64          `json:"updated_at"`
	NotifiedAt  int64          `json:"notified_at"`
	AssignedTo  *reference     `json:"assigned_to"`
	Author      author         `json:"author"`
	Attachments []any          `json:"attachments"`
	ExternalID  *string        `json:"external_id"`
	Redacted    bool           `json:"redacted"`
	Metadata    map[string]any `json:"metadata"`
	PackageCode *string        `json:"app_package_code"`

	html bool // Body is HTML
}

type reference struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

type author struct {
	Type        string `json:"type"`
	ID          string `json:"id"`
	Name        string `json:"name"`
	Email       string `json:"email"`
	FromAIAgent bool   `json:"from_ai_agent"`
	IsAIAnswer  bool   `json:"is_ai_answer"`
}

var _ emulator.Emulator = (*Emulator)(nil)

// New returns a workspace with secrets of its own, in which no two users have the
// same address.
func New(now handoff.Clock) *Emulator {
	e := &Emulator{Region: "US", token: "dG9r" + rand.Text() + "=", secret: rand.Text(), now: now, next: 403918330}
	e.mux = e.routes()
	return e
}

// Traits is what the suite has to know of Intercom.
func Traits() emulator.Traits {
	return emulator.Traits{
		New:   func(now handoff.Clock) emulator.Emulator { return New(now) },
		Spoil: func(config proto.Message) { config.(*handoffv1.IntercomConfig).AccessToken += "x" },
		Identity: func(c handoff.Customer) handoff.Customer {
			return handoff.Customer{Email: c.Email, Name: c.Name, Phone: c.Phone, UserID: c.UserID}
		},
		CloseAs: map[handoff.CloseReason]string{
			handoff.ClosedByCustomer:       "The customer has ended the conversation.",
			handoff.ClosedByOperator:       "The conversation was ended by the operator.",
			handoff.ClosedByWaitTimeout:    "The conversation ended because nobody answered in time.",
			handoff.ClosedBySessionTimeout: "The conversation ended because the customer was silent.",
			handoff.ClosedByExpiry:         "The conversation ended because it lasted too long.",
		},
		RetryIn: func(now time.Time, wait time.Duration) http.Header {
			return http.Header{
				"X-Ratelimit-Limit": {"1666"}, "X-Ratelimit-Remaining": {"0"},
				"X-Ratelimit-Reset": {strconv.FormatInt(now.Add(wait).Unix(), 10)},
			}
		},
		Retries: []time.Duration{time.Minute},
		Lacks: map[emulator.ActKind]string{
			emulator.Type: "no webhook tells it", emulator.Rest: "no webhook tells it",
		},
	}
}

// Config implements emulator.Emulator.
func (e *Emulator) Config(address string) proto.Message {
	return &handoffv1.IntercomConfig{AccessToken: e.token, ClientSecret: e.secret, TeamId: TeamID, ApiBaseUrl: address}
}

// Revoke implements emulator.Emulator.
func (e *Emulator) Revoke() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.revoked = true
}

func (e *Emulator) newID() string {
	e.next++
	return strconv.Itoa(e.next)
}

func newContactID() string {
	id := make([]byte, 12)
	_, _ = rand.Read(id) // never fails, says its documentation
	return hex.EncodeToString(id)
}

// Merge merges a contact into another, as a teammate may at any time. It reports
// whether both are there.
func (e *Emulator) Merge(from, into string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	lost, kept := e.contactByID(from), e.contactByID(into)
	if lost == nil || kept == nil {
		return false
	}
	lost.mergedInto = kept.ID
	for _, c := range e.conversations {
		if c.contact == lost {
			c.contact = kept
		}
	}
	return true
}

// Archive archives a contact. It reports whether it is there.
func (e *Emulator) Archive(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.contactByID(id)
	if c != nil {
		c.archived = true
	}
	return c != nil
}

// AddContact makes a contact, as other tools of the company do; a time tells since when.
func (e *Emulator) AddContact(role, externalID, email string, created time.Time) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := &contact{ID: newContactID(), Type: "contact", Role: role, CreatedAt: created.Unix()}
	if externalID != "" {
		c.ExternalID = &externalID
	}
	if email != "" {
		c.Email = &email
	}
	e.contacts = append(e.contacts, c)
	return c.ID
}

// Begin has a new lead begin a conversation, without the API, and returns its id.
func (e *Emulator) Begin(text string) string {
	by := e.AddContact(lead, "", "", e.now())
	e.mu.Lock()
	defer e.mu.Unlock()
	c := &conversation{id: e.newID(), firstID: e.newID(), contact: e.contactByID(by), created: e.now().Unix(), state: open, first: text}
	e.conversations = append(e.conversations, c)
	return c.id
}

func (e *Emulator) contactByID(id string) *contact {
	for _, c := range e.contacts {
		if c.ID == id {
			return c
		}
	}
	return nil
}

func (e *Emulator) conversationByID(id string) *conversation {
	for _, c := range e.conversations {
		if c.id == id && !c.deleted {
			return c
		}
	}
	return nil
}

// Sessions implements emulator.Emulator.
func (e *Emulator) Sessions() []emulator.Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]emulator.Session, 0, len(e.conversations))
	for _, c := range e.conversations {
		all = append(all, c.session())
	}
	return all
}

func (c *conversation) session() emulator.Session {
	s := emulator.Session{
		ID: c.id, Contact: c.contact.ID,
		Customer: handoff.Customer{
			Email: value(c.contact.Email), Name: value(c.contact.Name), Phone: value(c.contact.Phone), UserID: value(c.contact.ExternalID),
		},
	}
	var notes []string
	for _, p := range c.parts {
		text := shown(p)
		line := emulator.Line{From: emulator.FromCustomer, Name: p.Author.Name, Text: text}
		switch {
		case text == "":
			continue
		case p.PartType == note:
			line.From = emulator.FromNote
			notes = append(notes, text)
		case p.Author.Type == admin:
			line.From = emulator.FromHuman
		case p.Author.Type == bot:
			line.From = emulator.FromBot
		}
		s.Lines = append(s.Lines, line)
	}
	s.Context = c.first
	if len(notes) > 0 {
		s.Context = notes[0] + "\n" + c.first
	}
	if c.state == shut {
		s.Closed = "by a teammate"
		if len(notes) > 1 {
			s.Closed = notes[len(notes)-1]
		}
	}
	return s
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// shown is what a reader sees of a part.
func shown(p *part) string {
	if p.Body == nil || !p.html {
		return value(p.Body)
	}
	var b strings.Builder
	tokens := html.NewTokenizer(strings.NewReader(*p.Body))
	for kind := tokens.Next(); kind != html.ErrorToken; kind = tokens.Next() {
		switch token := tokens.Token(); {
		case kind == html.TextToken:
			b.WriteString(token.Data)
		case token.Data == "br", token.Data == "p" && kind == html.EndTagToken:
			b.WriteString("\n")
		}
	}
	return strings.TrimSpace(b.String())
}

// add adds a part to a conversation.
func (e *Emulator) add(c *conversation, kind, body string, by author) *part {
	now := e.now().Unix()
	p := &part{
		Type: "conversation_part", ID: e.newID(), PartType: kind, CreatedAt: now, UpdatedAt: now, NotifiedAt: now,
		Author: by, Attachments: []any{}, Metadata: map[string]any{},
	}
	if body != "" {
		p.Body = &body
	}
	c.parts = append(c.parts, p)
	return p
}

// Do implements emulator.Emulator.
func (e *Emulator) Do(session string, a emulator.Act) ([]provider.Request, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if a.Kind == emulator.Greet {
		return e.greet(), nil
	}
	c := e.conversationByID(session)
	if c == nil {
		return nil, emulator.ErrNoSession
	}
	if a.Kind == emulator.Bot || a.Kind == emulator.Read {
		return e.automation(c, a), nil
	}
	return e.human(c, a)
}

// fin is Intercom's own agent, and operator what speaks for workflows.
var (
	fin      = author{Type: bot, ID: "5017690", Name: "Fin", Email: "operator+abc@intercom.io", FromAIAgent: true}
	operator = author{Type: bot, ID: "5017690", Name: "Operator"}
)

// automation is what happens without a human. Answers of bots come by a topic of
// their own, and may stand beside a teammate's.
func (e *Emulator) automation(c *conversation, a emulator.Act) []provider.Request {
	if a.Kind == emulator.Bot {
		p, q := e.add(c, "comment", a.Text, fin), e.add(c, "comment", a.Text, operator)
		return append(e.tell("conversation.operator.replied", c, p), e.tell("conversation.admin.replied", c, p, q)...)
	}
	parts := make([]*part, 4) // so many were seen
	for i := range parts {
		parts[i] = e.add(c, "language_detection_details", "", fin)
	}
	return e.tell("conversation.read", c, parts...)
}

// acts are what a teammate does that makes one part of the conversation.
var acts = map[emulator.ActKind]struct {
	topic, partType string
	state           string // of the conversation after it; empty = as it was
}{
	emulator.Say:      {"conversation.admin.replied", "comment", ""},
	emulator.SayHTML:  {"conversation.admin.replied", "comment", ""},
	emulator.Attach:   {"conversation.admin.replied", "comment", ""},
	emulator.Farewell: {"conversation.admin.closed", "close", shut},
	emulator.Close:    {"conversation.admin.closed", "close", shut},
	emulator.Snooze:   {"conversation.admin.snoozed", "snoozed", "snoozed"},
	emulator.Reopen:   {"conversation.admin.opened", open, open},
	emulator.Note:     {"conversation.admin.noted", note, ""},
	emulator.Unknown:  {"conversation.admin.levitated", "levitation", ""},
}

// silent acts say nothing, whatever stands in the act.
var silent = []emulator.ActKind{emulator.Close, emulator.Snooze, emulator.Reopen}

func (e *Emulator) human(c *conversation, a emulator.Act) ([]provider.Request, error) {
	ada, grace := teammates[0], teammates[1]
	switch a.Kind {
	case emulator.Join:
		return e.assign(c, ada, ada), nil
	case emulator.Transfer:
		return e.assign(c, ada, grace), nil
	case emulator.Delete:
		c.deleted = true
		return []provider.Request{e.notify("conversation.deleted", map[string]any{"type": "conversation", "conversation_id": c.id})}, nil
	case emulator.Echo:
		return e.echo(c), nil
	default:
	}
	does, ok := acts[a.Kind]
	if !ok {
		return nil, fmt.Errorf("%w: %s", emulator.ErrLacks, a.Kind)
	}
	if slices.Contains(silent, a.Kind) {
		a.Text = ""
	}
	if does.state != "" {
		c.state = does.state
	}
	p := e.add(c, does.partType, a.Text, ada)
	p.html = a.Kind == emulator.SayHTML
	if a.File != nil {
		p.Attachments = append(p.Attachments, map[string]any{
			"type": "upload", "name": a.File.Name, "url": a.File.URL, "content_type": "application/pdf",
			"filesize": len(a.File.Content), "width": nil, "height": nil,
		})
	}
	return e.tell(does.topic, c, p), nil
}

func (e *Emulator) assign(c *conversation, by, to author) []provider.Request {
	c.assignee = to.ID
	p := e.add(c, "assignment", "", by)
	p.AssignedTo = &reference{admin, to.ID}
	return e.tell("conversation.admin.assigned", c, p)
}

// echo tells of what came in over the API: the customer's messages and our notes.
func (e *Emulator) echo(c *conversation) []provider.Request {
	var all []provider.Request
	for _, p := range c.parts {
		switch {
		case p.Author.Type == user || p.Author.Type == lead:
			all = append(all, e.tell("conversation.user.replied", c, p)...)
		case p.PartType == note:
			all = append(all, e.tell("conversation.admin.noted", c, p)...)
		}
	}
	return all
}
