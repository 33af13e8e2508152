// Package chatwoottest is an emulator of Chatwoot: an account in memory with an
// inbox of the kind API, two agents, the application API and the inbox's signed
// webhooks. It is written from what Chatwoot's source does, and shares no code with
// the adapter.
//
//	emulator.go  the account, what is seen and done in it
//	api.go       the application API: credentials, inboxes, contacts
//	talk.go      its calls on conversations and messages
//	file.go      files, both ways
//	public.go    what customers may do without a token
//	webhook.go   webhooks
package chatwoottest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// What there is in the account.
const (
	AccountID    = 1
	InboxID      = 5
	EmailInboxID = 6 // an inbox of another kind
	TeamID       = 3
)

// The states of a conversation.
const (
	open     = "open"
	resolved = "resolved"
	snoozed  = "snoozed"
	pending  = "pending"
)

// The types of messages, as numbers and as words.
const (
	incoming = iota
	outgoing
	activity
	template
)

var typeNames = []string{"incoming", "outgoing", "activity", "template"}

// Emulator is an account. Its exported fields are set before its first call.
type Emulator struct {
	OneConversation bool // the inbox is locked to a single conversation for each of its contacts
	NoSourceIDs     bool // messages come without the ids that they had at their source, as in older versions
	NoFilter        bool // contacts cannot be filtered by their identifier
	NotAdmin        bool // the token's user is an agent, who is shown no secrets
	Unsigned        bool // webhooks are not signed, as before 4.13
	FloodLimit      int  // messages that a conversation takes in a minute

	token, secret string
	identifier    string // of the inbox, for customers
	address       string // where the account is found
	now           handoff.Clock
	mux           *http.ServeMux

	mu            sync.Mutex
	revoked       bool
	next          int // of all ids but those of conversations
	contacts      []*contact
	sources       map[string]*contact // contact inboxes by their source id
	conversations []*conversation
	events        []provider.Request // of what came in over the API, since Echo told of it
}

// person is an agent, a bot or a contact, as messages show it.
type person struct {
	ID    int    `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
	Type  string `json:"type"`
}

// The agents and bots of the account. The token belongs to the first.
var (
	service = person{ID: 2, Name: "Handoff", Email: "handoff@desk.example", Type: "user"}
	lin     = person{ID: 4, Name: "Lin", Email: "lin@desk.example", Type: "user"}
	grace   = person{ID: 7, Name: "Grace", Email: "grace@desk.example", Type: "user"}
	bot     = person{ID: 1, Name: "Robo", Type: "agent_bot"}
	captain = person{ID: 9, Name: "Captain", Type: "captain_assistant"}
)

// AgentID is an agent that conversations can be assigned to.
const AgentID = 4

type contact struct {
	id                             int
	identifier, email, phone, name string
}

type conversation struct {
	id         int
	source     string
	contact    *contact
	created    time.Time
	updated    time.Time
	status     string
	assignee   *person
	team       int
	attributes map[string]any
	messages   []*message
	removed    bool
	typing     bool // the customer types
	read       bool // the customer has seen all
}

type message struct {
	id       int
	kind     int
	content  string
	private  bool
	sourceID string
	created  time.Time
	sender   *person
	deleted  bool
	files    []*file
}

var _ emulator.Emulator = (*Emulator)(nil)

// New returns an account with secrets of its own.
func New(now handoff.Clock) *Emulator {
	e := &Emulator{FloodLimit: 200, token: rand.Text(), secret: rand.Text(), identifier: rand.Text(), now: now, next: 98_000, sources: map[string]*contact{}}
	e.mux = e.routes()
	return e
}

// Traits is what the suite has to know of Chatwoot.
func Traits() emulator.Traits {
	const noEvent = "no webhook tells of it"
	return emulator.Traits{
		New:   func(now handoff.Clock) emulator.Emulator { return New(now) },
		Spoil: func(config proto.Message) { config.(*handoffv1.ChatwootConfig).ApiAccessToken += "x" },
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
		Expires:  true,
		Unsigned: []string{"X-Chatwoot-Delivery"},
		Lacks: map[emulator.ActKind]string{
			emulator.SayHTML: "what agents format is Markdown, and comes as they wrote it",
			emulator.Delete:  noEvent + "; the look at open sessions finds out",
			emulator.Read:    noEvent,
			emulator.Greet:   "nothing is sent when the receive URL is entered",
		},
	}
}

// Config implements emulator.Emulator.
func (e *Emulator) Config(address string) proto.Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.address = address
	config := &handoffv1.ChatwootConfig{ApiAccessToken: e.token, AccountId: AccountID, InboxId: InboxID, TeamId: TeamID, ApiBaseUrl: address}
	if e.Unsigned {
		config.AllowUnsigned = true
	} else {
		config.WebhookSecret = e.secret
	}
	return config
}

// Revoke implements emulator.Emulator.
func (e *Emulator) Revoke() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.revoked = true
}

// AddContact makes a contact, as other channels do, and returns its id.
func (e *Emulator) AddContact(identifier, email, name string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := &contact{id: e.newID(), identifier: identifier, email: strings.ToLower(email), name: name}
	e.contacts = append(e.contacts, c)
	return strconv.Itoa(c.id)
}

// Remove deletes a conversation, of which no webhook tells. It reports whether it
// was there.
func (e *Emulator) Remove(session string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.conversation(session)
	if c != nil {
		c.removed = true
	}
	return c != nil
}

// Begin has a new contact begin a conversation, without the gateway, and returns its id.
func (e *Emulator) Begin(text string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	by := &contact{id: e.newID(), name: "Ann"}
	e.contacts = append(e.contacts, by)
	c := e.begin(by, "source-"+rand.Text(), 0, nil)
	e.add(c, incoming, text, by.person())
	return strconv.Itoa(c.id)
}

func (e *Emulator) newID() int {
	e.next++
	return e.next
}

func (c *contact) person() *person {
	return &person{ID: c.id, Name: c.name, Email: c.email, Type: "contact"}
}

func (e *Emulator) contactByID(id int) *contact {
	for _, c := range e.contacts {
		if c.id == id {
			return c
		}
	}
	return nil
}

func (e *Emulator) conversation(id string) *conversation {
	for _, c := range e.conversations {
		if strconv.Itoa(c.id) == id && !c.removed {
			return c
		}
	}
	return nil
}

// begin makes a conversation. Its id counts within the account.
func (e *Emulator) begin(by *contact, source string, team int, attributes map[string]any) *conversation {
	c := &conversation{
		id: 1234 + len(e.conversations), source: source, contact: by, created: e.now(), updated: e.now(), status: open, team: team, attributes: attributes,
	}
	e.conversations = append(e.conversations, c)
	return c
}

// add adds a message to a conversation. One that comes in opens it again.
func (e *Emulator) add(c *conversation, kind int, content string, by *person) *message {
	m := &message{id: e.newID(), kind: kind, content: content, created: e.now(), sender: by}
	c.messages = append(c.messages, m)
	c.updated = m.created
	if kind == incoming && (c.status == resolved || c.status == snoozed) {
		c.status = open
	}
	return m
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
		ID: strconv.Itoa(c.id), Contact: strconv.Itoa(c.contact.id), Typing: c.typing, Read: c.read,
		Customer: handoff.Customer{Email: c.contact.email, Name: c.contact.name, Phone: c.contact.phone, UserID: c.contact.identifier},
	}
	if strings.HasPrefix(s.Customer.UserID, "handoff:") {
		s.Customer.UserID = "" // nobody but the gateway knows it by this
	}
	var notes []string
	asked := false
	for _, m := range c.messages {
		from := m.from()
		if from == emulator.FromCustomer {
			s.Files = append(s.Files, shownFiles(m.files)...)
		}
		switch {
		case from == "":
			continue
		case from == emulator.FromNote:
			notes = append(notes, m.content)
		case from == emulator.FromCustomer && !asked:
			asked = true
			s.Context = m.content
			continue
		}
		line := emulator.Line{From: from, Text: m.content}
		if m.sender != nil {
			line.Name = m.sender.Name
		}
		s.Lines = append(s.Lines, line)
	}
	if len(notes) > 0 {
		s.Context = notes[0] + "\n" + s.Context
	}
	if c.status == resolved {
		s.Closed = "by an agent"
		if len(notes) > 1 {
			s.Closed = notes[len(notes)-1]
		}
	}
	return s
}

// from says who said a message; empty = nobody, it is what the desk notes down.
func (m *message) from() emulator.From {
	switch {
	case m.kind == activity:
		return ""
	case m.private:
		return emulator.FromNote
	case m.kind == incoming:
		return emulator.FromCustomer
	case m.kind == outgoing && m.sender != nil && m.sender.Type == service.Type:
		return emulator.FromHuman
	default:
		return emulator.FromBot
	}
}

// Do implements emulator.Emulator.
func (e *Emulator) Do(session string, a emulator.Act) ([]provider.Request, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, lacks := Traits().Lacks[a.Kind]; lacks {
		return nil, fmt.Errorf("%w: %s", emulator.ErrLacks, a.Kind)
	}
	c := e.conversation(session)
	if c == nil {
		return nil, emulator.ErrNoSession
	}
	if a.Kind == emulator.Attach {
		return e.attach(c, a), nil
	}
	act, known := acts[a.Kind]
	if !known {
		return nil, fmt.Errorf("%w: %s", emulator.ErrLacks, a.Kind)
	}
	return act(e, c, a.Text), nil
}

// acts are what can be done in a conversation.
var acts = map[emulator.ActKind]func(e *Emulator, c *conversation, text string) []provider.Request{
	emulator.Say: (*Emulator).say,
	emulator.Farewell: func(e *Emulator, c *conversation, text string) []provider.Request {
		return append(e.say(c, text), e.turn(c, resolved)...)
	},
	emulator.Close:    func(e *Emulator, c *conversation, _ string) []provider.Request { return e.turn(c, resolved) },
	emulator.Reopen:   func(e *Emulator, c *conversation, _ string) []provider.Request { return e.turn(c, open) },
	emulator.Snooze:   func(e *Emulator, c *conversation, _ string) []provider.Request { return e.turn(c, snoozed) },
	emulator.Join:     func(e *Emulator, c *conversation, _ string) []provider.Request { return e.assign(c, &lin) },
	emulator.Transfer: func(e *Emulator, c *conversation, _ string) []provider.Request { return e.assign(c, &grace) },
	emulator.Type:     func(e *Emulator, c *conversation, _ string) []provider.Request { return e.agentTypes(c, "on") },
	emulator.Rest:     func(e *Emulator, c *conversation, _ string) []provider.Request { return e.agentTypes(c, "off") },
	emulator.Note: func(e *Emulator, c *conversation, text string) []provider.Request {
		m := e.add(c, outgoing, text, &grace)
		m.private = true
		return e.tellMessages("message_created", c, m)
	},
	// A bot, an assistant, a rule that sends by itself, and a greeting.
	emulator.Bot: func(e *Emulator, c *conversation, text string) []provider.Request {
		return e.tellMessages("message_created", c, e.add(c, outgoing, text, &bot), e.add(c, outgoing, text, &captain),
			e.add(c, outgoing, text, nil), e.add(c, template, text, nil))
	},
	emulator.Echo: func(e *Emulator, _ *conversation, _ string) []provider.Request {
		events := e.events
		e.events = nil
		return events
	},
	emulator.Unknown: func(e *Emulator, c *conversation, _ string) []provider.Request {
		m := e.add(c, activity, "Lin levitated", nil)
		return append(e.tellMessages("message_updated", c, m), e.tellConversation("conversation_levitated", c, nil))
	},
}

func (e *Emulator) say(c *conversation, text string) []provider.Request {
	return e.tellMessages("message_created", c, e.add(c, outgoing, text, &lin))
}

// turn gives a conversation another status.
func (e *Emulator) turn(c *conversation, status string) []provider.Request {
	changed := []any{map[string]any{"status": map[string]any{"previous_value": c.status, "current_value": status}}}
	c.status, c.updated = status, e.now()
	e.add(c, activity, "Conversation was marked "+status+" by Lin", nil)
	return []provider.Request{e.tellConversation("conversation_status_changed", c, changed), e.tellConversation("conversation_updated", c, changed)}
}

func (e *Emulator) assign(c *conversation, to *person) []provider.Request {
	var before any
	if c.assignee != nil {
		before = c.assignee.ID
	}
	c.assignee, c.updated = to, e.now()
	e.add(c, activity, "Assigned to "+to.Name, nil)
	changed := []any{map[string]any{"assignee_id": map[string]any{"previous_value": before, "current_value": to.ID}}}
	return []provider.Request{e.tellConversation("conversation_updated", c, changed)}
}

// recent counts the messages of a conversation in the last minute.
func (e *Emulator) recent(c *conversation) int {
	since := e.now().Add(-time.Minute)
	return len(slices.DeleteFunc(slices.Clone(c.messages), func(m *message) bool { return m.created.Before(since) || m.kind == activity }))
}
