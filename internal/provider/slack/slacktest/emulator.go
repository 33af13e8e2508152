// Package slacktest is an emulator of Slack: a workspace in memory with one
// channel, an app in it and two members, with the methods of the Web API that the
// app needs, signed events and buttons, and Socket Mode. It is written from Slack's
// documentation and shares no code with the adapter.
//
//	emulator.go  the workspace, what is seen and done in it
//	api.go       the Web API: credentials, scopes, limits
//	methods.go   its methods
//	strict.go    what Slack refuses in messages
//	scopes.go    which scopes Slack asks for
//	event.go     events and buttons, signed
//	markup.go    what members see of a text, and what becomes of what they type
//	files.go     files
//	marks.go     reactions, and what one member alone is told
//	socket.go    Socket Mode
package slacktest

import (
	"crypto/rand"
	"encoding/json"
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

// The workspace.
const (
	Channel = "C0HANDOFF01"

	team    = "T0DESK00001"
	app     = "A0HANDOFF01"
	botUser = "U0HANDOFF01"
	botID   = "B0HANDOFF01"
	tester  = "B0OTHERBOT1" // another app's bot
)

type member struct{ id, name, realName, display string }

// The humans.
var (
	bob = member{"U0BOB000001", "bob", "Robert Smith", "Bob"}
	eve = member{"U0EVE000001", "eve", "Eve Miller", ""} // who goes by her full name
)

// Emulator is a workspace. Its exported fields are set before its first call.
type Emulator struct {
	Private    bool     // the channel is
	SocketMode bool     // events go over Socket Mode alone
	Scopes     []string // that the app has; nil = all that there are
	HideScopes bool     // answers do not tell them
	PerSecond  int      // messages that the channel takes; 0 = any number

	token, appToken, secret string
	now                     handoff.Clock

	mu      sync.Mutex
	revoked bool
	posts   []*post // in the order of their timestamps
	lastTS  struct{ seconds, micros int64 }
	second  struct{ at, posts int64 } // for PerSecond
	used    map[string]bool           // scopes
	events  int
	files   []*stored

	refusing map[string]string // of files, by method

	sockets sockets
}

// post is a message in the channel.
type post struct {
	ts, thread string
	user       string // who wrote it
	bot        string // the bot's id if one did
	username   string // under which the bot wrote it
	text       string // with Slack's markup
	literal    bool   // marks such as *bold* are shown as they are
	blocks     []block
	rawBlocks  json.RawMessage
	metadata   json.RawMessage
	files      []*stored
	marks      []string  // reactions of the app
	whispers   []Whisper // below a card
	note       bool
}

var _ emulator.Emulator = (*Emulator)(nil)

// New returns a workspace with secrets of its own.
func New(now handoff.Clock) emulator.Emulator { return NewSlack(now) }

// NewSlack is New, for those who need to know that it is Slack.
func NewSlack(now handoff.Clock) *Emulator {
	return &Emulator{
		token: "xoxb-17653672481-" + rand.Text(), appToken: "xapp-1-" + app + "-" + rand.Text(), secret: rand.Text(),
		now: now, used: map[string]bool{},
	}
}

// Traits is what the suite has to know of Slack.
func Traits() emulator.Traits {
	const untold = "the Events API tells of no such thing"
	return emulator.Traits{
		New:   New,
		Spoil: func(config proto.Message) { config.(*handoffv1.SlackConfig).BotToken += "x" },
		CloseAs: map[handoff.CloseReason]string{
			handoff.ClosedByCustomer:       "The customer has ended the conversation.",
			handoff.ClosedByOperator:       "The conversation was ended by the operator.",
			handoff.ClosedByHuman:          "Closed.",
			handoff.ClosedByWaitTimeout:    "The conversation ended because nobody answered in time.",
			handoff.ClosedBySessionTimeout: "The conversation ended because the customer was silent.",
			handoff.ClosedByProvider:       "The conversation ended because it could not be delivered.",
			handoff.ClosedByExpiry:         "The conversation ended because it lasted too long.",
		},
		Expires: true,
		Lacks: map[emulator.ActKind]string{
			emulator.Type: "the adapter does not read it", emulator.Rest: "the adapter does not read it",
			emulator.SayHTML:  "texts are in Slack's own markup",
			emulator.Farewell: "a message and an end are two things",
			emulator.Snooze:   "a thread has no states", emulator.Reopen: "a thread has no states",
			emulator.Delete: "a thread outlives its first message", emulator.Read: untold,
		},
		Retries: []time.Duration{0, time.Minute, 5 * time.Minute},
	}
}

// Config implements emulator.Emulator.
func (e *Emulator) Config(address string) proto.Message {
	c := &handoffv1.SlackConfig{BotToken: e.token, SigningSecret: e.secret, ChannelId: Channel, ApiBaseUrl: address}
	if e.SocketMode {
		c.AppToken = e.appToken
	}
	return c
}

// Revoke implements emulator.Emulator.
func (e *Emulator) Revoke() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.revoked = true
}

// UsedScopes returns the scopes without which a call would have failed.
func (e *Emulator) UsedScopes() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]string, 0, len(e.used))
	for scope := range e.used {
		all = append(all, scope)
	}
	return all
}

// stamp returns a timestamp that no message has yet.
func (e *Emulator) stamp() string {
	now, last := e.now(), &e.lastTS
	if s := now.Unix(); s > last.seconds {
		last.seconds, last.micros = s, int64(now.Nanosecond()/1000)
	} else {
		last.micros++
	}
	return fmt.Sprintf("%d.%06d", last.seconds, last.micros)
}

func (e *Emulator) find(ts string) *post {
	for _, p := range e.posts {
		if p.ts == ts {
			return p
		}
	}
	return nil
}

// replies returns a thread's messages after the first one.
func (e *Emulator) replies(thread string) []*post {
	var all []*post
	for _, p := range e.posts {
		if p.thread == thread {
			all = append(all, p)
		}
	}
	return all
}

// Sessions implements emulator.Emulator: threads that the app began with a card.
func (e *Emulator) Sessions() []emulator.Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []emulator.Session
	for _, p := range e.posts {
		if p.thread == "" && p.user == botUser && len(p.blocks) > 0 {
			all = append(all, e.session(p))
		}
	}
	return all
}

func (e *Emulator) session(card *post) emulator.Session {
	s := emulator.Session{ID: Channel + "/" + card.ts}
	var context []string
	buttons, last := false, ""
	for _, b := range card.blocks {
		switch b.Type {
		case "section":
			if b.Text != nil {
				context = append(context, b.Text.seen())
			}
			for _, f := range b.Fields {
				learn(&s.Customer, f.seen())
			}
		case "actions":
			buttons = true
		case "context":
			last = b.contextText()
		}
	}
	if !buttons {
		s.Closed = last
	}
	for _, p := range e.replies(card.ts) {
		if p.user == botUser && len(p.files) > 0 {
			s.Files = append(s.Files, p.shownFiles()...)
			continue
		}
		line := p.line()
		if line.From == emulator.FromBot {
			context = append(context, line.Text)
		}
		s.Lines = append(s.Lines, line)
	}
	s.Context = strings.Join(context, "\n")
	return s
}

// line is a reply as a human reads it.
func (p *post) line() emulator.Line {
	line := emulator.Line{From: emulator.FromBot, Text: seen(p.text, !p.literal)}
	switch {
	case p.user != botUser && p.note:
		line.From = emulator.FromNote
	case p.user != botUser && p.bot == "":
		line.From, line.Name = emulator.FromHuman, memberOf(p.user).shown()
	case p.username != "":
		line.From, line.Name = emulator.FromCustomer, p.username
	}
	return line
}

// learn reads a field of a card as a human does.
func learn(c *handoff.Customer, field string) {
	label, value, _ := strings.Cut(field, "\n")
	switch label {
	case "Name":
		c.Name = value
	case "E-mail":
		c.Email = value
	case "Phone":
		c.Phone = value
	case "User id":
		c.UserID = value
	case "Visitor":
		c.AnonymousID = value
	}
}

func memberOf(id string) member {
	for _, m := range []member{bob, eve} {
		if m.id == id {
			return m
		}
	}
	return member{id: id}
}

func (m member) shown() string {
	if m.display != "" {
		return m.display
	}
	return m.realName
}

// Do implements emulator.Emulator.
func (e *Emulator) Do(session string, a emulator.Act) ([]provider.Request, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if a.Kind == emulator.Greet {
		return []provider.Request{e.signed(object{"token": "old", "challenge": rand.Text(), "type": "url_verification"})}, nil
	}
	channel, ts, _ := strings.Cut(session, "/")
	card := e.find(ts)
	if card == nil || channel != Channel {
		return nil, emulator.ErrNoSession
	}
	one := func(r provider.Request) ([]provider.Request, error) { return []provider.Request{r}, nil }
	switch a.Kind {
	case emulator.Say:
		return one(e.says(bob, card, a.Text, false))
	case emulator.Attach:
		return one(e.event(e.messageEvent(e.attaches(bob, card, a))))
	case emulator.Note:
		return one(e.says(bob, card, "// "+a.Text, true))
	case emulator.Close:
		return one(e.says(bob, card, "!close", true))
	case emulator.Join:
		return one(e.presses(bob, card, "handoff_take"))
	case emulator.Transfer:
		return one(e.presses(eve, card, "handoff_take"))
	case emulator.Bot, emulator.Echo, emulator.Unknown:
		return one(e.noise(a, card))
	default:
		return nil, emulator.ErrLacks
	}
}

// noise is an event that means nothing to us.
func (e *Emulator) noise(a emulator.Act, card *post) provider.Request {
	switch ts := card.ts; a.Kind {
	case emulator.Bot:
		p := &post{ts: e.stamp(), thread: ts, user: "U0OTHERBOT1", bot: tester, text: typed(a.Text)}
		e.posts = append(e.posts, p)
		return e.event(e.messageEvent(p))
	case emulator.Echo:
		last := card
		for _, p := range e.replies(ts) {
			if p.user == botUser {
				last = p
			}
		}
		return e.event(e.messageEvent(last))
	default:
		return e.event(object{"type": "shooting_star", "channel": Channel, "user": bob.id, "event_ts": e.stamp()})
	}
}

// Press has a member press a button of a session's card.
func (e *Emulator) Press(session, action string) (provider.Request, error) {
	return e.press(bob, session, action)
}

// PressAsEve is Press by another member.
func (e *Emulator) PressAsEve(session, action string) (provider.Request, error) {
	return e.press(eve, session, action)
}

func (e *Emulator) press(who member, session, action string) (provider.Request, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ts, _ := strings.Cut(session, "/")
	card := e.find(ts)
	if card == nil {
		return provider.Request{}, emulator.ErrNoSession
	}
	return e.presses(who, card, action), nil
}

// Type has a member write a text as it is on the wire, with Slack's markup.
func (e *Emulator) Type(session, markup string, more map[string]any) (provider.Request, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ts, _ := strings.Cut(session, "/")
	card := e.find(ts)
	if card == nil {
		return provider.Request{}, emulator.ErrNoSession
	}
	p := &post{ts: e.stamp(), thread: ts, user: bob.id, text: markup}
	e.posts = append(e.posts, p)
	body := e.messageEvent(p)
	maps.Copy(body, more)
	return e.event(body), nil
}

// Webhook implements emulator.Emulator.
func (e *Emulator) Webhook(body []byte) provider.Request {
	return e.sign("application/json", body)
}

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case path == socketPath:
		e.serveSocket(w, r)
	case strings.HasPrefix(path, uploadPath):
		e.serveUpload(w, r)
	case strings.HasPrefix(path, filePath):
		e.serveFile(w, r)
	default:
		e.serveAPI(w, r)
	}
}
