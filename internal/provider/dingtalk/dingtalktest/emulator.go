// Package dingtalktest is an emulator of DingTalk: an organisation in memory with an
// app, its robot in one group with two humans, the calls that a robot needs, signed
// callbacks and Stream mode. It is written from DingTalk's documentation and from
// messages that were seen, and shares no code with the adapter.
//
//	emulator.go  the group, and what is done there
//	api.go       the calls: token, limits, messages
//	card.go      cards with buttons
//	stream.go    Stream mode
//	callback.go  what comes to a robot, signed
//	view.go      what a human makes of the group: its sessions
package dingtalktest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// The ids of the organisation.
const (
	Group    = "cid7Hk3TqvB0mBqS9xHandoff==" // openConversationId
	Template = "5d1c8c7e-handoff.schema"     // of cards

	corp    = "dingcorp0123456789"
	chatbot = "$:LWCP_v1:$robot"
)

// Human is a member of the group.
type Human struct{ StaffID, Nick string }

// Humans are those of the group.
var Humans = []Human{{"0421", "张三"}, {"0422", "Ada"}}

// Emulator is an organisation. Its exported fields are set before its first call.
type Emulator struct {
	Stream    bool // the app is in Stream mode, and has a template for cards
	Unknown   bool // the configuration leaves the group to be learnt
	BareQuote bool // quotes do not tell the robot's key of a message, as of old clients
	PerSecond int  // calls that are taken in a second; 0 = any number

	id, secret string
	now        handoff.Clock
	mux        *http.ServeMux

	mu      sync.Mutex
	revoked bool
	token   string
	expires time.Time
	tokens  int // that were given out
	second  struct{ at, calls int64 }
	items   []*item
	cards   map[string]*card
	holder  map[string]int // of a session, by tag
	next    int

	streams streams
}

// item is a message in the group.
type item struct {
	id   string // processQueryKey of the robot's, msgId of a human's
	who  int    // place in Humans; -1 = the robot
	tag  string // that it begins with
	text string
	time time.Time
}

var _ emulator.Emulator = (*Emulator)(nil)

// New returns an organisation with secrets of its own.
func New(now handoff.Clock) *Emulator {
	e := &Emulator{
		id: "ding" + strings.ToLower(rand.Text()[:16]), secret: rand.Text() + rand.Text(), now: now,
		cards: map[string]*card{}, holder: map[string]int{},
	}
	e.mux = e.routes()
	return e
}

// Traits is what the suite has to know of DingTalk.
func Traits() emulator.Traits {
	const (
		untold = "nobody is told of it"
		states = "a group has no states"
	)
	return emulator.Traits{
		New:   func(now handoff.Clock) emulator.Emulator { return New(now) },
		Spoil: func(config proto.Message) { config.(*handoffv1.DingTalkConfig).ClientSecret += "x" },
		Identity: func(c handoff.Customer) handoff.Customer {
			return handoff.Customer{Email: c.Email, Name: c.Name, Phone: c.Phone, UserID: c.UserID}
		},
		CloseAs: map[handoff.CloseReason]string{
			handoff.ClosedByCustomer:       "the customer ended the conversation.",
			handoff.ClosedByOperator:       "the conversation was ended by the operator.",
			handoff.ClosedByWaitTimeout:    "the conversation ended, for nobody said anything any more.",
			handoff.ClosedBySessionTimeout: "the conversation ended, for nobody said anything any more.",
			handoff.ClosedByExpiry:         "the conversation ended, for it lasted too long.",
		},
		KeyOnly: true, Expires: true,
		Marked: true,
		Twice:  "nobody can ask whether a message got through: what may be there twice says so",
		Lacks: map[emulator.ActKind]string{
			emulator.Attach: "who sends a file is told that it was not relayed",
			emulator.Type:   untold, emulator.Rest: untold, emulator.Read: untold, emulator.Delete: untold,
			emulator.SayHTML:  "people write plain text in a chat",
			emulator.Farewell: "closing is a message of its own",
			emulator.Snooze:   states, emulator.Reopen: states,
			emulator.Bot:   "a robot does not hear others",
			emulator.Greet: "nothing is sent when the receive URL is entered",
		},
		Retries: []time.Duration{time.Second, 5 * time.Second, 30 * time.Second},
	}
}

// Config implements emulator.Emulator.
func (e *Emulator) Config(address string) proto.Message {
	c := &handoffv1.DingTalkConfig{ClientId: e.id, ClientSecret: e.secret, OpenConversationId: Group, ApiBaseUrl: address}
	if e.Unknown {
		c.OpenConversationId = ""
	}
	if e.Stream {
		c.Mode, c.CardTemplateId = handoffv1.DingTalkConfig_MODE_STREAM, Template
	}
	return c
}

// Revoke implements emulator.Emulator.
func (e *Emulator) Revoke() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.revoked = true
}

// ExpireToken ends the token that is out, before its time.
func (e *Emulator) ExpireToken() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.token = ""
}

// Tokens returns how many tokens were given out.
func (e *Emulator) Tokens() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.tokens
}

// newID returns an id that nothing has yet.
func (e *Emulator) newID(kind string) string {
	e.next++
	return fmt.Sprintf("%s%s%d==", kind, rand.Text()[:8], e.next)
}

// Do implements emulator.Emulator. What the humans do they do as is usual: they quote
// the last message of a session.
func (e *Emulator) Do(session string, a emulator.Act) ([]provider.Request, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	last := e.lastOf(session)
	if last == nil {
		return nil, emulator.ErrNoSession
	}
	who := e.holder[session] // whoever looks first, if nobody has it
	switch a.Kind {
	case emulator.Say:
		return []provider.Request{e.mention(who, a.Text, last)}, nil
	case emulator.Close:
		return []provider.Request{e.mention(who, "#"+session+" 结束", nil)}, nil
	case emulator.Join:
		return []provider.Request{e.mention(who, "#"+session+" 接入", nil)}, nil
	case emulator.Transfer:
		passed := e.mention(who, "#"+session+" pass", nil)
		e.holder[session] = 1 - who
		return []provider.Request{passed, e.mention(1-who, "#"+session, nil)}, nil
	case emulator.Note:
		e.items = append(e.items, &item{id: e.newID("msg"), who: who, text: a.Text, time: e.now()})
		return nil, nil // it mentions nobody
	case emulator.Echo:
		return []provider.Request{e.echo(last)}, nil
	case emulator.Unknown:
		body := e.body(who, e.newID("msg"))
		body["msgtype"], body["content"] = "hologram", map[string]any{"depth": 3}
		return []provider.Request{e.callback(body)}, nil
	default:
		return nil, fmt.Errorf("%w: %s", emulator.ErrLacks, a.Kind)
	}
}

// lastOf returns the robot's last message of a session.
func (e *Emulator) lastOf(tag string) *item {
	for _, it := range slices.Backward(e.items) {
		if it.tag == tag && it.who < 0 && tag != "" {
			return it
		}
	}
	return nil
}

// Message is a message in the group, as a human sees it.
type Message struct {
	ID    string
	Robot bool
	Nick  string
	Tag   string // that it begins with
	Text  string
}

// Messages returns what stands in the group.
func (e *Emulator) Messages() []Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]Message, len(e.items))
	for i, it := range e.items {
		all[i] = Message{ID: it.id, Robot: it.who < 0, Tag: it.tag, Text: it.text}
		if it.who >= 0 {
			all[i].Nick = Humans[it.who].Nick
		}
	}
	return all
}

// Mention has a human mention the robot in the group, and quote a message of the
// given id, if there is one.
func (e *Emulator) Mention(human int, text, quote string) (provider.Request, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, it := range e.items {
		if it.id == quote {
			return e.mention(human, text, it), nil
		}
	}
	if quote != "" {
		return provider.Request{}, emulator.ErrNoSession
	}
	return e.mention(human, text, nil), nil
}
