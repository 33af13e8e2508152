// Package zendesktest is an emulator of Zendesk: an app of the Conversations API in
// memory, with a switchboard of a bot and of Agent Workspace, and its webhooks. It is
// written from Zendesk's description of the API, and shares no code with the adapter.
//
//	emulator.go     the app, what is seen and done in it
//	api.go          the API
//	file.go         files, both ways
//	integration.go  receivers of webhooks
//	webhook.go      webhooks
package zendesktest

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// AppID is the app's id.
const AppID = "5ebee0975ac5304b664a12fa"

// control is an integration of the switchboard.
type control struct {
	ID              string `json:"id"`
	Name            string `json:"name"`
	IntegrationID   string `json:"integrationId"`
	IntegrationType string `json:"integrationType"`
}

// The switchboard: new conversations begin with the bot.
var (
	answers   = &control{"5ef21b86e933b7355c11c605", "zd-answerBot", "5ef21b86e933b7355c11c606", "zd:answerBot"}
	workspace = &control{"5ef21b86e933b7355c11c604", "zd-agentWorkspace", "5ef21b86e933b7355c11c607", "zd:agentWorkspace"}
)

const boardID = "5ef21b132f21af34f60c8e28"

// Emulator is an app. Its exported fields are set before its first call.
type Emulator struct {
	OneConversation bool // multi-conversations are off
	NoWorkspace     bool // messaging is off for agents
	MaxWebhooks     int  // of the app; those of others count
	Forbidden       bool // the key may not look after integrations

	keyID, keySecret, webhookKey string

	address string // where the app is found

	now handoff.Clock
	mux *http.ServeMux

	mu            sync.Mutex
	revoked       bool
	users         []*user
	conversations []*conversation
	files         []*file
	integrations  []*integration
	events        []provider.Request // of what came in over the API, since Echo told of it
}

type user struct {
	id, externalID, given, surname, email string
}

type conversation struct {
	id       string
	user     *user
	metadata map[string]any
	active   *control
	passed   bool           // the agents have had control
	pending  map[string]any // fields for a ticket that does not exist yet
	ticket   map[string]any // its fields; nil = there is none
	messages []*message
	removed  bool
	read     bool // the customer has seen all
}

type message struct {
	ID       string         `json:"id"`
	Received string         `json:"received"`
	Author   author         `json:"author"`
	Content  map[string]any `json:"content"`
	Source   map[string]any `json:"source"`
	Metadata map[string]any `json:"metadata,omitempty"`

	file *file
}

type author struct {
	Type        string   `json:"type"`
	UserID      string   `json:"userId,omitempty"`
	DisplayName string   `json:"displayName,omitempty"`
	Subtypes    []string `json:"subtypes,omitempty"`
}

var lin = author{Type: "business", DisplayName: "Lin", Subtypes: []string{"agent"}}

var _ emulator.Emulator = (*Emulator)(nil)

// New returns an app with secrets of its own.
func New(now handoff.Clock) *Emulator {
	e := &Emulator{keyID: "app_" + rand.Text(), keySecret: rand.Text(), webhookKey: rand.Text(), MaxWebhooks: 10, now: now}
	e.mux = e.routes()
	return e
}

// Traits is what the suite has to know of Zendesk.
func Traits() emulator.Traits {
	const noEvent = "the Conversations API has no such event"
	return emulator.Traits{
		New:   func(now handoff.Clock) emulator.Emulator { return New(now) },
		Spoil: func(config proto.Message) { config.(*handoffv1.ZendeskConfig).KeySecret += "x" },
		Identity: func(c handoff.Customer) handoff.Customer {
			return handoff.Customer{Email: c.Email, Name: c.Name, UserID: c.UserID}
		},
		CloseAs: map[handoff.CloseReason]string{
			handoff.ClosedByCustomer:       "The customer has ended the conversation.",
			handoff.ClosedByOperator:       "The conversation was ended by the operator.",
			handoff.ClosedByWaitTimeout:    "The conversation ended because nobody answered in time.",
			handoff.ClosedBySessionTimeout: "The conversation ended because the customer was silent.",
			handoff.ClosedByExpiry:         "The conversation ended because it lasted too long.",
		},
		KeyOnly: true,
		Lacks: map[emulator.ActKind]string{
			emulator.Join:     noEvent,
			emulator.Transfer: noEvent,
			emulator.Snooze:   noEvent,
			emulator.Reopen:   noEvent,
			emulator.Delete:   noEvent + "; the look at open sessions finds out",
			emulator.Greet:    "nothing is sent when the receive URL is entered",
		},
		Retries: []time.Duration{10 * time.Second, time.Minute, 3 * time.Minute, 5 * time.Minute},
	}
}

// Config implements emulator.Emulator.
func (e *Emulator) Config(address string) proto.Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.address = address
	return &handoffv1.ZendeskConfig{
		Subdomain: "shop", AppId: AppID, KeyId: e.keyID, KeySecret: e.keySecret, WebhookKey: e.webhookKey, Tags: []string{"handoff"}, ApiBaseUrl: address,
	}
}

// Revoke implements emulator.Emulator.
func (e *Emulator) Revoke() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.revoked = true
}

// Ticket returns the fields of the ticket that came of a conversation; nil if none did.
func (e *Emulator) Ticket(session string) map[string]any {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.conversation(session); c != nil {
		return c.ticket
	}
	return nil
}

// Remove deletes a conversation. It reports whether it was there.
func (e *Emulator) Remove(session string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.conversation(session)
	if c != nil {
		c.removed = true
	}
	return c != nil
}

// Begin has a new user talk with an agent, without the gateway, and returns the id
// of the conversation.
func (e *Emulator) Begin(text string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	by := &user{id: newID(), externalID: newID(), given: "Ann"}
	e.users = append(e.users, by)
	c := &conversation{id: newID(), user: by, active: workspace, passed: true}
	e.conversations = append(e.conversations, c)
	e.add(c, author{Type: "user", UserID: by.id}, map[string]any{"type": "text", "text": text}, nil)
	return c.id
}

func newID() string {
	id := make([]byte, 12)
	_, _ = rand.Read(id) // never fails, says its documentation
	return hex.EncodeToString(id)
}

func (e *Emulator) conversation(id string) *conversation {
	for _, c := range e.conversations {
		if c.id == id && !c.removed {
			return c
		}
	}
	return nil
}

// add adds a message. The customer's first words to the agents make a ticket, with
// the fields that are known by then; the bot answers them while it is in control.
func (e *Emulator) add(c *conversation, by author, content, metadata map[string]any) *message {
	source := "api:conversations"
	if len(by.Subtypes) > 0 {
		source = workspace.IntegrationType
	}
	m := &message{
		ID: newID(), Received: e.now().UTC().Format("2006-01-02T15:04:05.000Z"), Author: by, Content: content,
		Source: map[string]any{"type": source}, Metadata: metadata,
	}
	if address, ok := content["mediaUrl"].(string); ok {
		m.file = e.fileAt(address)
	}
	c.messages = append(c.messages, m)
	if by.Type != "user" {
		return m
	}
	switch {
	case c.active == answers:
		e.add(c, author{Type: "business", DisplayName: "Answer Bot"}, text("Did you read our help centre?"), nil)
	case c.ticket == nil:
		c.ticket = map[string]any{}
		maps.Copy(c.ticket, c.pending)
	}
	return m
}

func text(s string) map[string]any { return map[string]any{"type": "text", "text": s} }

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
		ID: c.id, Contact: c.user.id, Read: c.read,
		Customer: handoff.Customer{Email: c.user.email, Name: strings.TrimSpace(c.user.given + " " + c.user.surname), UserID: c.user.externalID},
	}
	if strings.HasPrefix(s.Customer.UserID, "handoff:") {
		s.Customer.UserID = "" // nobody but the gateway knows it by this
	}
	asked, last := false, ""
	for _, m := range c.messages {
		line := emulator.Line{From: m.from(), Name: m.Author.DisplayName}
		line.Text, _ = m.Content["text"].(string)
		if m.file != nil && line.From == emulator.FromCustomer {
			s.Files = append(s.Files, emulator.File{Name: m.file.name, Content: m.file.content})
			continue
		}
		if !asked && line.From != emulator.FromBot {
			s.Context += line.Text
			asked = line.From == emulator.FromCustomer
			if line.From == emulator.FromNote {
				s.Context += "\n"
			}
			if line.From != emulator.FromHuman {
				continue
			}
		}
		if line.From == emulator.FromNote {
			last = line.Text
		}
		s.Lines = append(s.Lines, line)
	}
	if c.passed && c.active != workspace {
		s.Closed = cmp.Or(last, "by an agent")
	}
	return s
}

func (m *message) from() emulator.From {
	switch {
	case m.Author.Type == "user":
		return emulator.FromCustomer
	case len(m.Author.Subtypes) > 0:
		return emulator.FromHuman
	case m.Author.DisplayName == "Handoff":
		return emulator.FromNote
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
var acts = map[emulator.ActKind]func(e *Emulator, c *conversation, said string) []provider.Request{
	emulator.Say: func(e *Emulator, c *conversation, said string) []provider.Request { return e.say(c, text(said)) },
	emulator.SayHTML: func(e *Emulator, c *conversation, said string) []provider.Request {
		return e.say(c, map[string]any{"type": "text", "text": plain(said), "htmlText": said})
	},
	emulator.Farewell: func(e *Emulator, c *conversation, said string) []provider.Request {
		return append(e.say(c, text(said)), e.end(c)...)
	},
	emulator.Close: func(e *Emulator, c *conversation, _ string) []provider.Request { return e.end(c) },
	// An internal comment of the ticket is no part of the conversation.
	emulator.Note: func(*Emulator, *conversation, string) []provider.Request { return nil },
	emulator.Bot: func(e *Emulator, c *conversation, said string) []provider.Request {
		return e.tellMessage(c, e.add(c, author{Type: "business", DisplayName: "Answer Bot"}, text(said), nil))
	},
	emulator.Read: func(e *Emulator, c *conversation, _ string) []provider.Request {
		read := map[string]any{"type": "conversation:read", "author": map[string]any{"type": "user", "userId": c.user.id}}
		return e.tell("conversation:read", c, map[string]any{"activity": read})
	},
	emulator.Type: func(e *Emulator, c *conversation, _ string) []provider.Request { return e.types(c, "typing:start") },
	emulator.Rest: func(e *Emulator, c *conversation, _ string) []provider.Request { return e.types(c, "typing:stop") },
	emulator.Echo: func(e *Emulator, _ *conversation, _ string) []provider.Request {
		events := e.events
		e.events = nil
		return events
	},
	emulator.Unknown: func(e *Emulator, c *conversation, _ string) []provider.Request {
		return e.tell("conversation:levitate", c, map[string]any{"height": 2})
	},
}

func (e *Emulator) say(c *conversation, content map[string]any) []provider.Request {
	return e.tellMessage(c, e.add(c, lin, content, map[string]any{"__zendesk_msg.agent.id": "390000000000"}))
}

// end is what "End session" does: control goes back to the first of the switchboard.
func (e *Emulator) end(c *conversation) []provider.Request {
	c.active = answers
	return e.tell("switchboard:releaseControl", c, map[string]any{"reason": "ticketClosed"})
}

// plain is what is left of HTML without its tags.
func plain(source string) string {
	var b strings.Builder
	inside := false
	for _, r := range source {
		switch {
		case r == '<':
			inside = true
		case r == '>':
			inside = false
		case !inside:
			b.WriteRune(r)
		}
	}
	return b.String()
}
