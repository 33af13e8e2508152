// Package livechattest is an emulator of LiveChat: an organization in memory with
// the Accounts APIs, the Customer Chat, Agent Chat and Configuration APIs (version
// 3.6), two agents, a bot, the page of the consent, and webhooks. It is written from
// the vendor's description and shares no code with the adapter.
//
//	emulator.go  the organization, what is seen in it
//	act.go       what is done at the desk, and webhooks
//	api.go       what all calls have in common
//	accounts.go  tokens
//	consent.go   the page on which an admin consents
//	customer.go  the Customer Chat API
//	agent.go     the Agent Chat and Configuration APIs
package livechattest

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// Emulator is an organization. Its exported fields are set before its first call.
type Emulator struct {
	Region    string        // where it is hosted: "dal" or "fra"
	TokenLife time.Duration // of all tokens
	CodeLife  time.Duration // of the codes of a consent
	Scopes    string        // of the app
	Rotates   bool          // a refresh token is good once, as those of apps without a secret

	ClientID, ClientSecret string
	OrganizationID         string
	OtherOrganizationID    string // that somebody may consent for by mistake

	now    handoff.Clock
	mux    *http.ServeMux
	secret string // of webhooks that were made by hand

	mu        sync.Mutex
	revoked   bool
	refresh   map[string]string // refresh tokens to organizations
	codes     map[string]*code
	agents    map[string]*token // live access tokens
	customers map[string]*customer
	tokens    map[string]*token // of customers
	chats     []*chat
	uploads   map[string]bool
	webhooks  []*webhook
	enabled   bool // webhooks of the license
	next      int
}

// token is an access token.
type token struct {
	organization string
	entity       string // of a customer
	made, ends   time.Time
}

// code is what a consent brought.
type code struct {
	organization, redirect string
	ends                   time.Time
}

type customer struct {
	ID     string
	Name   string
	Email  string
	Fields []map[string]string
	secret string // of the cookies
}

// chat is a customer's chat.
type chat struct {
	id       string
	customer *customer
	threads  []*thread
	group    int64
	present  map[string]bool // agents by e-mail
	seen     map[string]time.Time
}

type thread struct {
	id      string
	active  bool
	created time.Time
	events  []*event
}

// event is something in a thread, as the Agent Chat API shows it.
type event struct {
	ID         string         `json:"id"`
	CustomID   string         `json:"custom_id,omitempty"`
	CreatedAt  string         `json:"created_at"`
	Type       string         `json:"type"`
	Text       string         `json:"text,omitempty"`
	AuthorID   string         `json:"author_id,omitempty"`
	Visibility string         `json:"visibility,omitempty"`
	Properties map[string]any `json:"properties"`

	SystemMessageType string            `json:"system_message_type,omitempty"`
	TextVars          map[string]string `json:"text_vars,omitempty"`

	Name        string `json:"name,omitempty"`
	URL         string `json:"url,omitempty"`
	ContentType string `json:"content_type,omitempty"`

	AlternativeText string `json:"alternative_text,omitempty"`
}

// agent is somebody at the desk. The Customer Chat API knows them by another id.
type agent struct{ email, name, public string }

var (
	ada   = agent{"ada@desk.example", "Ada", "b5657aff34dd32e198160d54666df9d8"}
	grace = agent{"grace@desk.example", "Grace", "bbb67d600796e9f277e360e842418833"}
	robot = agent{"5c9871d5372c824cbf22d860a707a578", "Chatty", "5c9871d5372c824cbf22d860a707a578"}
)

var (
	_ emulator.Emulator       = (*Emulator)(nil)
	_ emulator.ContactCounter = (*Emulator)(nil)
)

// New returns an organization with secrets of its own.
func New(now handoff.Clock) *Emulator {
	e := &Emulator{
		Region: "dal", TokenLife: 8 * time.Hour, CodeLife: 5 * time.Minute,
		Scopes:   "customers:own,chats--all:ro,webhooks.state:rw,webhooks.configuration:rw",
		ClientID: hexadecimal(16), ClientSecret: rand.Text(),
		OrganizationID: uuid.NewString(), OtherOrganizationID: uuid.NewString(),
		now: now, secret: rand.Text(),
		refresh: map[string]string{}, codes: map[string]*code{}, agents: map[string]*token{},
		customers: map[string]*customer{}, tokens: map[string]*token{}, uploads: map[string]bool{},
	}
	e.mux = e.routes()
	return e
}

// Traits is what the suite has to know of LiveChat.
func Traits() emulator.Traits {
	const byCustomer = "manual_archived_customer"
	return emulator.Traits{
		New:   func(now handoff.Clock) emulator.Emulator { return New(now) },
		Spoil: func(config proto.Message) { config.(*handoffv1.LiveChatConfig).ClientSecret += "x" },
		CloseAs: map[handoff.CloseReason]string{
			handoff.ClosedByCustomer: byCustomer, handoff.ClosedByOperator: byCustomer, handoff.ClosedByWaitTimeout: byCustomer,
			handoff.ClosedBySessionTimeout: byCustomer, handoff.ClosedByExpiry: byCustomer,
		},
		Secret:    secretOf,
		RevokedAs: provider.ClassConsent,
		Lacks: map[emulator.ActKind]string{
			emulator.SayHTML: "texts are plain", emulator.Farewell: "a message and a close are two clicks",
			emulator.Snooze: "chats cannot be put off", emulator.Delete: "chats cannot be deleted",
			emulator.Greet: "nothing is sent when it is entered",
			emulator.Type:  "no webhook tells it", emulator.Rest: "no webhook tells it",
		},
		Retries: []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second},
	}
}

// Config implements emulator.Emulator.
func (e *Emulator) Config(address string) proto.Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	return &handoffv1.LiveChatConfig{
		ClientId: e.ClientID, ClientSecret: e.ClientSecret, OrganizationId: e.OrganizationID,
		RefreshToken: e.newRefresh(e.OrganizationID), WebhookSecret: e.secret, ApiBaseUrl: address,
	}
}

// Revoke implements emulator.Emulator.
func (e *Emulator) Revoke() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.revoked = true
	clear(e.agents)
	clear(e.tokens)
}

// EndTokens ends all access tokens before their time, as the vendor does when there
// are too many.
func (e *Emulator) EndTokens() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.agents)
	clear(e.tokens)
}

// Contacts implements emulator.ContactCounter.
func (e *Emulator) Contacts() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.customers)
}

// Webhooks returns the registered webhooks: their actions by URL.
func (e *Emulator) Webhooks() map[string][]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := map[string][]string{}
	for _, w := range e.webhooks {
		all[w.URL] = append(all[w.URL], w.Action)
	}
	return all
}

// Sessions implements emulator.Emulator: what agents see of the chats. What came
// with the start of a chat is its context.
func (e *Emulator) Sessions() []emulator.Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]emulator.Session, 0, len(e.chats))
	for _, c := range e.chats {
		s := emulator.Session{ID: c.id, Customer: c.customer.shown()}
		var context []string
		for _, t := range c.threads {
			s.Closed = ""
			for _, ev := range t.events {
				if ev.Type == "system_message" {
					if !t.active {
						s.Closed = ev.SystemMessageType
					}
					continue
				}
				if ev.Properties["initial"] != nil {
					context = append(context, ev.Text)
					continue
				}
				s.Lines = append(s.Lines, e.line(c, ev))
			}
		}
		s.Context = strings.Join(context, "\n")
		all = append(all, s)
	}
	return all
}

func (e *Emulator) line(c *chat, ev *event) emulator.Line {
	text := ev.Text
	if ev.Type == "file" {
		text = ev.Name + " " + ev.URL
	}
	switch {
	case ev.AuthorID == c.customer.ID:
		return emulator.Line{From: emulator.FromCustomer, Name: c.customer.Name, Text: text}
	case ev.Visibility == "agents":
		return emulator.Line{From: emulator.FromNote, Name: ev.AuthorID, Text: text}
	case ev.AuthorID == robot.email:
		return emulator.Line{From: emulator.FromBot, Name: robot.name, Text: text}
	default:
		return emulator.Line{From: emulator.FromHuman, Name: ev.AuthorID, Text: text}
	}
}

// shown is a customer as an agent sees them, details beside the chat included.
func (c *customer) shown() handoff.Customer {
	shown := handoff.Customer{Name: c.Name, Email: c.Email}
	for _, field := range c.Fields {
		for name, value := range field {
			switch name {
			case "user_id", "user_id (not verified)":
				shown.UserID = value
			case "anonymous_id":
				shown.AnonymousID = value
			case "phone":
				shown.Phone = value
			case "email (not verified)":
				shown.Email = value
			}
		}
	}
	return shown
}

func hexadecimal(bytes int) string {
	id := make([]byte, bytes)
	_, _ = rand.Read(id) // never fails, says its documentation
	return hex.EncodeToString(id)
}

func (e *Emulator) chatByID(id string) *chat {
	for _, c := range e.chats {
		if c.id == id {
			return c
		}
	}
	return nil
}

func (c *chat) last() *thread { return c.threads[len(c.threads)-1] }
