// Package whatsapptest is an emulator of WhatsApp's Cloud API: a business number in
// memory with two staff phones, its part of the Graph API, and signed webhooks. It
// is written from Meta's description of its API and from webhooks that were seen,
// and shares no code with the adapter.
//
//	emulator.go  the number, what is seen on the phones and done there
//	api.go       the Graph API, but for messages
//	send.go      messages: what Meta takes of them, windows and pair limits
//	media.go     files: what the number uploads, and what humans send
//	content.go   their contents, as strictly as Meta has them
//	chat.go      a human's chat, for tests that do more than is usual
//	view.go      what a human makes of a chat: its sessions
//	webhook.go   webhooks
package whatsapptest

import (
	"crypto/rand"
	"encoding/base64"
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

// The ids of the account.
const (
	NumberID     = "106540352242922"
	AccountID    = "102290129340398"
	TemplateName = "handoff_request"
	Language     = "en"

	displayNumber = "15550783881"
	day           = 24 * time.Hour
)

// Emulator is a business number. Its exported fields are set before its first call.
type Emulator struct {
	RefuseAtOnce bool // what is outside the window is refused at once, and not by a status
	HideNumbers  bool // webhooks name people by their ids alone, where they can
	PairBurst    int  // messages to one human that are lent; [PairBurst] unless it is changed

	token, secret, verify string
	now                   handoff.Clock
	mux                   *http.ServeMux
	report                func(provider.Request)

	mu         sync.Mutex
	revoked    bool
	subscribed bool
	templates  []*template
	phones     []*phone
	media      map[string]*media // by id
	holder     map[string]int    // place in phones of who has a session, by tag
}

// phone is the chat of a human of the staff with the number.
type phone struct {
	entered string // as the number is configured
	waID    string // as WhatsApp has it
	userID  string
	name    string
	window  time.Time // until then the number may write as it likes
	debt    time.Time // when all that was lent of the pair limit is given back
	items   []*item
}

// item is a message in a chat.
type item struct {
	id      string
	mine    bool // the human wrote it
	tag     string
	text    string
	offer   bool // it offers a session
	name    string
	from    string // kind of content
	buttons []button
	quote   string
	data    string // comes back in the statuses
	file    *emulator.File
}

type button struct{ id, title, detail string }

var (
	_ emulator.Emulator = (*Emulator)(nil)
	_ emulator.Reporter = (*Emulator)(nil)
)

// New returns a number with secrets of its own, an approved template and two humans,
// who wrote to it just now.
func New(now handoff.Clock) *Emulator {
	e := &Emulator{
		token: "EAAG" + rand.Text(), secret: strings.ToLower(rand.Text()), verify: rand.Text(), now: now, subscribed: true,
		PairBurst: PairBurst, report: func(provider.Request) {}, holder: map[string]int{}, media: map[string]*media{},
		templates: []*template{{
			Name: TemplateName, Language: Language, Status: statusApproved, placeholders: 3, quickReplies: []string{"Take"},
			Text: "A customer asks for a human. #{{1}}, {{2}}: {{3}}\n\nPress the button to answer.",
		}},
		phones: []*phone{
			{entered: "+4915112345678", waID: "4915112345678", userID: "DE.13491208655302741918", name: "Ada"},
			{entered: "+541112345678", waID: "5491112345678", userID: "AR.24502319766413852029", name: "Grace"},
		},
	}
	for _, p := range e.phones {
		p.window = now().Add(day)
	}
	e.mux = e.routes()
	return e
}

// Traits is what the suite has to know of WhatsApp.
func Traits() emulator.Traits {
	elsewhere := "the staff talk about it elsewhere: the chat is with the number alone"
	return emulator.Traits{
		New:   func(now handoff.Clock) emulator.Emulator { return New(now) },
		Spoil: func(config proto.Message) { config.(*handoffv1.WhatsAppConfig).AccessToken += "x" },
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
		Lacks: map[emulator.ActKind]string{
			emulator.Type: "no webhook tells it", emulator.Rest: "no webhook tells it",
			emulator.SayHTML:  "people write plain text on phones",
			emulator.Farewell: "closing is a message of its own",
			emulator.Snooze:   elsewhere,
			emulator.Reopen:   "what is closed is over",
			emulator.Delete:   "of a message that is deleted nobody is told",
			emulator.Note:     elsewhere,
			emulator.Bot:      "a chat has no bots but ours",
		},
		Retries: []time.Duration{time.Second, 4 * time.Second, 16 * time.Second, time.Minute, 4 * time.Minute},
	}
}

// Config implements emulator.Emulator.
func (e *Emulator) Config(address string) proto.Message {
	config := &handoffv1.WhatsAppConfig{
		AccessToken: e.token, AppSecret: e.secret, VerifyToken: e.verify, PhoneNumberId: NumberID, WabaId: AccountID,
		TemplateName: TemplateName, TemplateLanguage: Language, ApiBaseUrl: address,
	}
	for _, p := range e.phones {
		config.Staff = append(config.Staff, &handoffv1.WhatsAppStaff{Phone: p.entered, Name: p.name})
	}
	return config
}

// Report implements emulator.Reporter.
func (e *Emulator) Report(to func(provider.Request)) { e.report = to }

// Revoke implements emulator.Emulator.
func (e *Emulator) Revoke() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.revoked = true
}

// CloseWindows ends the time in which the number may write to its humans as it likes.
func (e *Emulator) CloseWindows() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.phones {
		p.window = time.Time{}
	}
}

// SetTemplate gives the template another status; empty = it is gone.
func (e *Emulator) SetTemplate(status string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if status == "" {
		e.templates = nil
		return
	}
	for _, t := range e.templates {
		t.Status = status
	}
}

// Unsubscribe takes the app off the account's webhooks.
func (e *Emulator) Unsubscribe() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.subscribed = false
}

// Subscribed reports whether the app gets the account's webhooks.
func (e *Emulator) Subscribed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.subscribed
}

func newWamid() string {
	id := make([]byte, 24)
	_, _ = rand.Read(id) // never fails, says its documentation
	return "wamid." + base64.StdEncoding.EncodeToString(id)
}

// Do implements emulator.Emulator. What the humans do they do as is usual: they
// press the button of an offer, and answer by swiping the last message.
func (e *Emulator) Do(session string, a emulator.Act) ([]provider.Request, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch a.Kind {
	case emulator.Greet:
		return e.greet(), nil
	case emulator.Unknown:
		return []provider.Request{e.notify("messages_levitated", map[string]any{"levitation": "up"})}, nil
	default:
		return e.act(session, a)
	}
}

func (e *Emulator) act(session string, a emulator.Act) ([]provider.Request, error) {
	if e.lastOf(0, session) == nil && e.lastOf(1, session) == nil {
		return nil, emulator.ErrNoSession
	}
	who := e.holder[session] // whoever looks first, if nobody has it
	switch a.Kind {
	case emulator.Say:
		return []provider.Request{e.swipe(who, session, a.Text)}, nil
	case emulator.Attach:
		return []provider.Request{e.sends(who, session, a.Text, a.File, e.lastID(who, session))}, nil
	case emulator.Close:
		return []provider.Request{e.write(who, session, "#"+session+" close", "")}, nil
	case emulator.Join:
		return e.press(who, session)
	case emulator.Transfer:
		passed := e.write(who, session, "#"+session+" pass", "")
		took, err := e.press(1-who, session)
		return append([]provider.Request{passed}, took...), err
	case emulator.Echo:
		return []provider.Request{e.echo(who, session)}, nil
	case emulator.Read:
		return e.readAll(who, session), nil
	default:
		return nil, fmt.Errorf("%w: %s", emulator.ErrLacks, a.Kind)
	}
}

// lastOf returns the last message of a session in somebody's chat.
func (e *Emulator) lastOf(who int, tag string) *item {
	for _, it := range slices.Backward(e.phones[who].items) {
		if it.tag == tag {
			return it
		}
	}
	return nil
}

// write has a human write a text; quote is the message that was swiped.
func (e *Emulator) write(who int, tag, text, quote string) provider.Request {
	return e.say(who, tag, text, map[string]any{"type": "text", "text": map[string]any{"body": text}}, quote)
}

// lastID returns the id of the last message of a session in somebody's chat; empty if
// there is none.
func (e *Emulator) lastID(who int, tag string) string {
	if last := e.lastOf(who, tag); last != nil {
		return last.id
	}
	return ""
}

// swipe has a human answer the last message of a session.
func (e *Emulator) swipe(who int, tag, text string) provider.Request {
	return e.write(who, tag, text, e.lastID(who, tag))
}

// press has a human press the button by which a session is taken.
func (e *Emulator) press(who int, tag string) ([]provider.Request, error) {
	for _, it := range slices.Backward(e.phones[who].items) {
		if it.tag == tag && it.offer {
			e.holder[tag] = who
			return []provider.Request{e.pressed(who, it, it.buttons[0])}, nil
		}
	}
	return nil, emulator.ErrNoSession
}

// pressed is a button that a human has pressed.
func (e *Emulator) pressed(who int, it *item, b button) provider.Request {
	content := map[string]any{"type": "button", "button": map[string]any{"payload": b.id, "text": b.title}}
	switch it.from {
	case "button":
		content = map[string]any{"type": "interactive", "interactive": map[string]any{
			"type": "button_reply", "button_reply": map[string]any{"id": b.id, "title": b.title},
		}}
	case "list":
		chosen := map[string]any{"id": b.id, "title": b.title}
		if b.detail != "" {
			chosen["description"] = b.detail
		}
		content = map[string]any{"type": "interactive", "interactive": map[string]any{"type": "list_reply", "list_reply": chosen}}
	}
	return e.say(who, "", b.title, content, it.id)
}

// say puts what a human said into the chat and returns its webhook.
func (e *Emulator) say(who int, tag, text string, content map[string]any, quote string) provider.Request {
	p := e.phones[who]
	p.window = e.now().Add(day)
	it := &item{id: newWamid(), mine: true, tag: tag, text: text, quote: quote}
	p.items = append(p.items, it)
	return e.message(p, it.id, content, quote)
}
