// Package wecomtest is an emulator of WeCom: a corporation in memory with one app and
// two members who see it, the app's part of the API, and encrypted callbacks. It is
// written from WeCom's description of its API, and shares no code with the adapter.
//
//	emulator.go  the app, what members see of it and do there
//	api.go       the API, but for messages
//	send.go      messages and cards, as strictly as WeCom has them
//	chat.go      a member's chat, for tests that do more than is usual
//	view.go      what a member makes of a chat: its sessions
//	webhook.go   callbacks
package wecomtest

import (
	"crypto/rand"
	"fmt"
	"math/big"
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

// The ids of the app.
const (
	CorpID = "ww1a2b3c4d5e6f7a8b"
	AppID  = 1000002

	// PerMinute is how many messages a minute WeCom brings to a member.
	PerMinute = 30
)

// Emulator is an app of a corporation. Its exported fields are set before its first call.
type Emulator struct {
	Language  string // of the configuration
	PerMinute int    // messages to one member; the rest is dropped without a word; 0 = no limit

	secret, token, encodingKey string
	key                        []byte
	now                        handoff.Clock
	mux                        *http.ServeMux

	mu        sync.Mutex
	revoked   bool
	untrusted bool
	refusals  []int // codes that the next calls are answered with
	tokens    map[string]time.Time
	issued    int
	members   []*member
	tasks     map[string]bool
	codes     map[string]*code // by response code
	recent    map[string]time.Time
	dropped   int
	holder    map[string]int // place in members of who has a session, by tag
}

// member is the chat of a member with the app.
type member struct {
	id      string // as WeCom spells it
	name    string
	hidden  bool // the app is not visible to them
	items   []*item
	arrived []time.Time
}

// item is a message in a chat.
type item struct {
	id       string
	mine     bool // the member wrote it
	tag      string
	title    string
	text     string
	offer    bool // it offers a session
	task     string
	buttons  []button
	replaced string // what stands in the place of the buttons
}

type button struct{ id, title string }

// code changes a card once.
type code struct {
	task string
	made time.Time
	used bool
}

var _ emulator.Emulator = (*Emulator)(nil)

// New returns an app with secrets of its own and two members.
func New(now handoff.Clock) *Emulator {
	e := &Emulator{
		Language: "en", secret: rand.Text() + rand.Text()[:17], token: rand.Text()[:20], encodingKey: letters(43), now: now,
		tokens: map[string]time.Time{}, tasks: map[string]bool{}, codes: map[string]*code{}, recent: map[string]time.Time{},
		holder: map[string]int{}, members: []*member{{id: "ZhangSan", name: "张三"}, {id: "LiSi", name: "李四"}},
	}
	e.key = aesKey(e.encodingKey)
	e.mux = e.routes()
	return e
}

// letters returns n random letters and digits.
func letters(n int) string {
	const all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	for i := range b {
		at, _ := rand.Int(rand.Reader, big.NewInt(int64(len(all)))) // never fails, says its documentation
		b[i] = all[at.Int64()]
	}
	return string(b)
}

// Traits is what the suite has to know of WeCom.
func Traits() emulator.Traits {
	elsewhere := "members talk about it elsewhere: the chat is with the app alone"
	return emulator.Traits{
		New:   func(now handoff.Clock) emulator.Emulator { return New(now) },
		Spoil: func(config proto.Message) { config.(*handoffv1.WeComConfig).Secret += "x" },
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
		InQuery: true,
		Lacks: map[emulator.ActKind]string{
			emulator.Attach: "who sends a file is told that it was not relayed",
			emulator.Type:   "no callback tells it", emulator.Rest: "no callback tells it",
			emulator.Read: "no callback tells it", emulator.Echo: "an app is not told what it wrote itself",
			emulator.SayHTML:  "people write plain text",
			emulator.Farewell: "closing is a message of its own",
			emulator.Snooze:   elsewhere,
			emulator.Reopen:   "what is closed is over",
			emulator.Delete:   "of a message that is deleted nobody is told",
			emulator.Note:     elsewhere,
			emulator.Bot:      "a chat has no bots but ours",
		},
		Retries: []time.Duration{time.Second, time.Second},
	}
}

// Config implements emulator.Emulator. Members are written in another case than theirs.
func (e *Emulator) Config(address string) proto.Message {
	config := &handoffv1.WeComConfig{
		CorpId: CorpID, AppAgentId: AppID, Secret: e.secret, Token: e.token, EncodingAesKey: e.encodingKey,
		ApiBaseUrl: address, Language: e.Language,
	}
	for _, m := range e.members {
		config.UserIds = append(config.UserIds, strings.ToLower(m.id))
	}
	return config
}

// Revoke implements emulator.Emulator.
func (e *Emulator) Revoke() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.revoked, e.tokens = true, map[string]time.Time{}
}

// EndTokens ends all access tokens before their time.
func (e *Emulator) EndTokens() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tokens = map[string]time.Time{}
}

// Issued counts the access tokens that were given.
func (e *Emulator) Issued() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.issued
}

// Distrust has the app trust the caller's address no more, or again.
func (e *Emulator) Distrust(yes bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.untrusted = yes
}

// Refuse answers the next calls with error codes, one each.
func (e *Emulator) Refuse(codes ...int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refusals = append(e.refusals, codes...)
}

// Hide takes the app away from a member; the first one is 0.
func (e *Emulator) Hide(who int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.members[who].hidden = true
}

// Dropped counts the messages that were too many for a member.
func (e *Emulator) Dropped() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.dropped
}

// Do implements emulator.Emulator. What members do they do as is usual: they press the
// button of an offer, and answer by tag where there is more than one session.
func (e *Emulator) Do(session string, a emulator.Act) ([]provider.Request, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if a.Kind == emulator.Greet {
		return e.greets(), nil
	}
	if e.lastOf(0, session) == nil && e.lastOf(1, session) == nil {
		return nil, emulator.ErrNoSession
	}
	who := e.holder[session] // whoever looks first, if nobody has it
	switch a.Kind {
	case emulator.Say:
		text := a.Text
		if e.several(who) {
			text = "#" + session + " " + text
		}
		return []provider.Request{e.write(who, session, text)}, nil
	case emulator.Close:
		return e.pressLast(who, session, "close:")
	case emulator.Join:
		return e.pressLast(who, session, "take:")
	case emulator.Transfer:
		passed, err := e.pressLast(who, session, "pass:")
		e.holder[session] = 1 - who
		return append(passed, e.write(1-who, session, "#"+session+" take")), err
	case emulator.Unknown:
		return []provider.Request{e.callback(e.fields(who, "event", "<Event><![CDATA[levitate]]></Event><EventKey><![CDATA[up]]></EventKey>"))}, nil
	default:
		return nil, fmt.Errorf("%w: %s", emulator.ErrLacks, a.Kind)
	}
}

// several reports whether more than one session is in somebody's chat.
func (e *Emulator) several(who int) bool {
	tags := map[string]bool{}
	for _, it := range e.members[who].items {
		if it.tag != "" {
			tags[it.tag] = true
		}
	}
	return len(tags) > 1
}

// lastOf returns the last message of a session in somebody's chat.
func (e *Emulator) lastOf(who int, tag string) *item {
	for _, it := range slices.Backward(e.members[who].items) {
		if it.tag == tag {
			return it
		}
	}
	return nil
}

// write has a member write a text.
func (e *Emulator) write(who int, tag, text string) provider.Request {
	m := e.members[who]
	m.items = append(m.items, &item{id: newID(), mine: true, tag: tag, text: text})
	return e.text(who, text)
}

// pressLast has a member press the last button of a session that does something; who
// has no such button types the order.
func (e *Emulator) pressLast(who int, tag, order string) ([]provider.Request, error) {
	for _, it := range slices.Backward(e.members[who].items) {
		for _, b := range it.buttons {
			if it.tag == tag && it.replaced == "" && strings.HasSuffix(b.id, order+tag) {
				return []provider.Request{e.pressed(who, it, b)}, nil
			}
		}
	}
	return []provider.Request{e.write(who, tag, "#"+tag+" "+strings.TrimSuffix(order, ":"))}, nil
}

// pressed is a button that a member has pressed.
func (e *Emulator) pressed(who int, it *item, b button) provider.Request {
	if strings.Contains(b.id, "take:") {
		e.holder[it.tag] = who
	}
	key := e.newCode(it.task)
	return e.callback(e.fields(who, "event", fmt.Sprintf(
		"<Event><![CDATA[template_card_event]]></Event><EventKey><![CDATA[%s]]></EventKey><TaskId><![CDATA[%s]]></TaskId>"+
			"<CardType><![CDATA[button_interaction]]></CardType><ResponseCode><![CDATA[%s]]></ResponseCode>", b.id, it.task, key)))
}

func (e *Emulator) newCode(task string) string {
	key := letters(40)
	e.codes[key] = &code{task: task, made: e.now()}
	return key
}

func newID() string { return letters(20) }
