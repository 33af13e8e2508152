// Package qiyutest is an emulator of QiYu (网易七鱼): an account in memory with two
// members of staff and a robot, the message interface and its signed pushes. It is
// written from the vendor's document of that interface, and shares no code with the
// adapter.
//
//	emulator.go  the account, and what is done in it
//	view.go      what staff see of it
//	api.go       the message interface: checksums and calls
//	push.go      pushes
//
// The group of staff decides what becomes of who asks for a human:
//
//	0, 101  somebody is there at once
//	102     all are busy: two wait before, one less with each look
//	103     nobody is there, and messages can be left
//	104     nobody is there
package qiyutest

import (
	"crypto/rand"
	"fmt"
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

// The groups of staff.
const (
	GroupThere   = 101
	GroupBusy    = 102
	GroupMessage = 103
	GroupNobody  = 104
)

// The reasons for which sessions end.
const (
	ByStaff       = 0
	BySilence     = 2
	ByRobot       = 3 // who hands over to a human
	ByStaffLeft   = 4
	ByTransfer    = 5
	BySomeNewRule = 9
)

// Emulator is an account. Its exported fields are set before its first call.
type Emulator struct {
	RobotFirst  bool // the account gives everybody its robot first, whatever they ask for
	OldQueue    bool // who has to wait is told by the code of older documents
	NoUserInfo  bool // it takes no information on customers
	NoQuitQueue bool // it does not know the call that leaves the queue

	key, secret string
	now         handoff.Clock
	mux         *http.ServeMux

	mu      sync.Mutex
	skew    time.Duration // of the account's clock
	revoked bool
	next    int // of all ids
	talks   []*talk
	uploads map[string]upload // by their address
}

// staff is who sits at the desk.
type staff struct {
	id   int
	name string
	kind int // 0 = a robot
}

var (
	lin   = staff{17, "Lin", 1}
	grace = staff{23, "Grace", 1}
	robo  = staff{9001, "小七", 0}
)

// talk is a session of a customer.
type talk struct {
	uid   string
	id    int
	staff *staff // nil while the customer waits
	ahead int
	info  map[string]string
	items []item
	ended string // empty = it goes on
}

// item is something that was said.
type item struct {
	from emulator.From
	name string
	text string
	file *emulator.File
}

type upload struct {
	name, content, md5 string
}

var _ emulator.Emulator = (*Emulator)(nil)

// New returns an account with secrets of its own.
func New(now handoff.Clock) *Emulator {
	e := &Emulator{key: strings.ToLower(rand.Text()), secret: strings.ToUpper(rand.Text()), now: now, next: 815_517, uploads: map[string]upload{}}
	e.mux = e.routes()
	return e
}

// Traits is what the suite has to know of QiYu.
func Traits() emulator.Traits {
	const noEvent = "no event tells of it"
	return emulator.Traits{
		New:   func(now handoff.Clock) emulator.Emulator { return New(now) },
		Spoil: func(config proto.Message) { config.(*handoffv1.QiYuConfig).AppSecret += "x" },
		Identity: func(c handoff.Customer) handoff.Customer {
			return handoff.Customer{Email: c.Email, Name: c.Name, Phone: c.Phone, UserID: c.UserID}
		},
		CloseAs: map[handoff.CloseReason]string{
			handoff.ClosedByCustomer:       "客户结束了会话。 The customer has ended the conversation.",
			handoff.ClosedByOperator:       "会话已由运营人员结束。 The conversation was ended by the operator.",
			handoff.ClosedByWaitTimeout:    "无人及时接待，会话已结束。 The conversation ended because nobody answered in time.",
			handoff.ClosedBySessionTimeout: "客户长时间未回复，会话已结束。 The conversation ended because the customer was silent.",
			handoff.ClosedByExpiry:         "会话时间过长，已结束。 The conversation ended because it lasted too long.",
		},
		InQuery:      true,
		Unsigned:     []string{"eventType"},
		Expires:      true,
		EmptyAnswers: true,
		FilesAlone:   true,
		Twice:        "QiYu knows no keys and shows nothing of what it has: what was cut after the work may stand there twice",
		Lacks: map[emulator.ActKind]string{
			emulator.SayHTML:  "staff write plain text",
			emulator.Farewell: "closing is an event of its own",
			emulator.Snooze:   "sessions cannot be put off",
			emulator.Reopen:   "what is over stays so, and another session begins",
			emulator.Delete:   "sessions cannot be deleted",
			emulator.Note:     noEvent,
			emulator.Echo:     "what customers write is not pushed",
			emulator.Read:     noEvent,
			emulator.Type:     noEvent,
			emulator.Rest:     noEvent,
		},
		Retries: []time.Duration{time.Second, 5 * time.Second, 15 * time.Second, time.Minute},
	}
}

// Config implements emulator.Emulator.
func (e *Emulator) Config(address string) proto.Message {
	return &handoffv1.QiYuConfig{AppKey: e.key, AppSecret: e.secret, FromTitle: "Web chat", ApiBaseUrl: address}
}

// Revoke implements emulator.Emulator: somebody presses 重置.
func (e *Emulator) Revoke() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.revoked = true
}

// Skew sets how much the account's clock is before ours.
func (e *Emulator) Skew(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.skew = d
}

func (e *Emulator) newID() int {
	e.next++
	return e.next
}

// talk returns a customer's session that goes on, or else the last one.
func (e *Emulator) talk(uid string) *talk {
	var found *talk
	for _, t := range e.talks {
		if t.uid == uid && (found == nil || found.ended != "" || t.ended == "") {
			found = t
		}
	}
	return found
}

// Do implements emulator.Emulator.
func (e *Emulator) Do(session string, a emulator.Act) ([]provider.Request, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if a.Kind == emulator.Greet {
		return []provider.Request{
			{Method: http.MethodGet, Header: http.Header{}, Time: e.now()}, {Method: http.MethodPost, Header: http.Header{}, Time: e.now()},
		}, nil
	}
	act, known := acts[a.Kind]
	if !known {
		return nil, fmt.Errorf("%w: %s", emulator.ErrLacks, a.Kind)
	}
	t := e.talk(session)
	if t == nil || t.ended != "" && a.Kind != emulator.Close {
		return nil, emulator.ErrNoSession
	}
	return act(e, t, a), nil
}

// acts are what can be done in a session.
var acts = map[emulator.ActKind]func(e *Emulator, t *talk, a emulator.Act) []provider.Request{
	emulator.Say: func(e *Emulator, t *talk, a emulator.Act) []provider.Request {
		return append(e.taken(t), e.say(t, *t.staff, "TEXT", a.Text, nil))
	},
	emulator.Attach: func(e *Emulator, t *talk, a emulator.Act) []provider.Request {
		all := append(e.taken(t), e.say(t, *t.staff, "PICTURE", "", a.File))
		if a.Text != "" {
			all = append(all, e.say(t, *t.staff, "TEXT", a.Text, nil))
		}
		return all
	},
	emulator.Join: func(e *Emulator, t *talk, _ emulator.Act) []provider.Request {
		if all := e.taken(t); len(all) > 0 {
			return all
		}
		return []provider.Request{e.pushStart(t)} // late
	},
	emulator.Transfer: func(e *Emulator, t *talk, _ emulator.Act) []provider.Request { return e.transfer(t) },
	emulator.Close:    func(e *Emulator, t *talk, _ emulator.Act) []provider.Request { return e.end(t, ByStaff) },
	emulator.Bot: func(e *Emulator, t *talk, a emulator.Act) []provider.Request {
		nameless := e.message(t, "TEXT", a.Text)
		t.items = append(t.items, item{from: emulator.FromBot, text: a.Text})
		return []provider.Request{e.say(t, robo, "TEXT", a.Text, nil), e.push("MSG", nameless)}
	},
	emulator.Unknown: func(e *Emulator, t *talk, _ emulator.Act) []provider.Request {
		return []provider.Request{
			e.push("EVA_INVITATION", map[string]any{"uid": t.uid, "sessionId": t.id, "staffId": lin.id, "staffName": lin.name, "staffIcon": "", "staffType": 1}),
			e.push("STAFF_LEVITATED", map[string]any{"uid": t.uid}),
			e.push("USER_JOIN_QUEUE", map[string]any{"uid": t.uid}),
			e.push("QUEUE_TIMEOUT", map[string]any{"uid": t.uid}),
			e.push("SESSION_END", map[string]any{"id": t.id, "closeReason": 0, "interaction": 1, "sType": 0, "staffFirstReplyTime": 3}), // data of a session
		}
	},
}

// taken has somebody take the session of who waits.
func (e *Emulator) taken(t *talk) []provider.Request {
	if t.staff != nil {
		return nil
	}
	t.staff = &lin
	return []provider.Request{e.pushStart(t)}
}

func (e *Emulator) say(t *talk, by staff, msgType, text string, file *emulator.File) provider.Request {
	it := item{from: emulator.FromHuman, name: by.name, text: text, file: file}
	var content any = text
	if file != nil {
		content = map[string]any{"url": file.URL, "size": len(file.Content), "md5": md5Hex([]byte(file.Content)), "w": 640, "h": 480}
	}
	body := e.message(t, msgType, content)
	body["staffId"], body["staffName"] = by.id, by.name
	if by.kind == 0 {
		it.from = emulator.FromBot
		body["staffType"] = by.kind
	}
	t.items = append(t.items, it)
	return e.push("MSG", body)
}

// transfer gives a session to another member of the staff, whose session is another.
func (e *Emulator) transfer(t *talk) []provider.Request {
	before := *t
	t.id, t.staff = e.newID(), &grace
	end := e.sessionBody(&before)
	end["closeReason"], end["transferTo"] = ByTransfer, grace.id
	start := e.sessionBody(t)
	start["transferFrom"] = lin.id
	return []provider.Request{e.push("SESSION_END", end), e.push("SESSION_START", start)}
}

// End ends a session for a reason and returns the pushes of it.
func (e *Emulator) End(uid string, reason int) []provider.Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.end(e.talk(uid), reason)
}

func (e *Emulator) end(t *talk, reason int) []provider.Request {
	t.ended = fmt.Sprintf("closeReason %d", reason)
	body := e.sessionBody(t)
	body["closeReason"] = reason
	return []provider.Request{e.push("SESSION_END", body)}
}
