package wecom

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
	"github.com/human-handoff/handoff/internal/provider/pieces"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// ration keeps below what WeCom brings to one member: 30 messages a minute, and a
// thousand an hour. It drops the rest without an error.
var ration = provider.Ration{Burst: 14, Interval: 4 * time.Second}

// paceBurst leaves a part of the ration to offers and notices.
const paceBurst = 8

// cardPrefix begins what we call the vendor's id of a card: the code that changes it.
const cardPrefix = "card:"

// Adapter talks to one app of a corporation.
type Adapter struct {
	rest     restapi.Client
	corp     string
	app      int64
	secret   string
	crypt    *crypt
	desk     desk
	language string
	tokens   *provider.Tokens
	meter    *provider.Meter
	now      handoff.Clock
}

var (
	_ provider.Adapter    = (*Adapter)(nil)
	_ provider.Messenger  = (*Adapter)(nil)
	_ provider.BurstPacer = (*Adapter)(nil)
	_ provider.Pacer      = (*Adapter)(nil)
	_ provider.Introducer = (*Adapter)(nil)
)

// refData is what later calls of a session need.
type refData struct {
	Customer string `json:"customer,omitempty"` // the name
}

func dataOf(c provider.Call) (refData, error) {
	var d refData
	if err := json.Unmarshal([]byte(c.Ref.Data), &d); err != nil {
		return d, provider.Errorf(provider.ClassRejected, "the session was begun by another version")
	}
	return d, nil
}

// Pace implements provider.Pacer.
func (a *Adapter) Pace(c provider.Call) (key string, interval time.Duration) {
	return c.Seat.Person, ration.Interval
}

// PaceBurst implements provider.BurstPacer.
func (a *Adapter) PaceBurst() int { return paceBurst }

// BriefStart implements provider.Messenger: a card holds few words, and what was said
// is only for the one who takes the session.
func (a *Adapter) BriefStart() bool { return true }

var errTooMany = errors.New("WeCom takes no more messages to the member for now")

// admit counts one message of some that are left for people, or asks to wait until
// the most of them can go at once. Undone tells that nothing went before.
func (a *Adapter) admit(left int, undone bool, people ...string) error {
	wait := a.meter.Take(ration, 1, people...)
	if wait <= 0 {
		return nil
	}
	wait += time.Duration(min(left, ration.Burst)-1) * ration.Interval
	return &provider.Error{
		Class: provider.ClassTransient, RetryAfter: wait, Undone: undone,
		Err: errTooMany,
	}
}

// Open implements provider.Adapter: the session is offered to all of the desk by one
// card.
func (a *Adapter) Open(ctx context.Context, c provider.Call, start handoff.Start) (handoff.Ref, error) {
	data, err := json.Marshal(refData{Customer: oneLine(start.Customer.Name)})
	if err != nil {
		return handoff.Ref{}, err
	}
	ref := handoff.Ref{ID: c.Seat.Tag, Data: string(data)}
	if len(c.Seat.Earlier[provider.Everybody]) > 0 {
		return ref, nil
	}
	id, err := a.offerToAll(ctx, a.offer(c.IdempotencyKey+c.SessionID, c.Seat.Tag, start.Customer.Name, words(start)), !c.Repeat)
	if err != nil {
		return handoff.Ref{}, err
	}
	c.Seat.Noted(provider.Everybody, id)
	return ref, nil
}

// offerToAll sends a card to all of the desk. That somebody cannot be reached is no
// error as long as somebody else can.
func (a *Adapter) offerToAll(ctx context.Context, m message, undone bool) (id string, err error) {
	if err := a.admit(1, undone, a.desk.metered()...); err != nil {
		return "", err
	}
	got, err := a.post(ctx, a.all(), m)
	if err != nil {
		return "", err
	}
	out := strings.FieldsFunc(got.InvalidUser+"|"+got.Unlicensed, func(r rune) bool { return r == '|' })
	if !a.desk.open() && len(out) >= len(a.desk.users) {
		return "", provider.Errorf(provider.ClassRejected, "WeCom reaches none of the members: is the app visible to them, and their accounts licensed?")
	}
	return got.id(m), nil
}

// Send implements provider.Adapter. As long as nobody has taken the session there
// is nobody to send it to: whoever takes it is told all that was said.
func (a *Adapter) Send(ctx context.Context, c provider.Call, m handoff.Message) (string, error) {
	if c.Seat.Person == "" {
		return "", nil
	}
	if err := a.known(c); err != nil {
		return "", err
	}
	d, err := dataOf(c)
	if err != nil {
		return "", err
	}
	return a.tell(ctx, c, headed(c.IdempotencyKey, "#"+c.Seat.Tag+" "+d.Customer, m.Text))
}

// known refuses calls for a human who is not of the desk any more.
func (a *Adapter) known(c provider.Call) error {
	if _, ok := a.desk.find(c.Seat.Person); !ok {
		return provider.Errorf(provider.ClassRejected, "%s, who has the session, is not of the desk any more", cmp.Or(c.Seat.PersonName, c.Seat.Person))
	}
	return nil
}

// tell sends to the human who has the session what did not get there before.
func (a *Adapter) tell(ctx context.Context, c provider.Call, messages []message) (string, error) {
	earlier := c.Seat.Earlier[c.Seat.Person]
	if len(earlier) >= len(messages) {
		return earlier[len(earlier)-1], nil
	}
	messages = messages[len(earlier):]
	admit := func(left int) error { return a.admit(left, left == len(messages) && !c.Repeat, c.Seat.Person) }
	return a.write(ctx, c.Seat.Person, messages, admit, func(id string) { c.Seat.Noted(c.Seat.Person, id) })
}

// Close implements provider.Adapter. An end that came from the human is not told. Of
// a session that nobody took the card is changed, without a message.
func (a *Adapter) Close(ctx context.Context, c provider.Call, reason handoff.CloseReason) error {
	notice := messenger.NoticeOfClose(reason)
	if notice == messenger.NoticeNone || c.Ref.ID == "" {
		return nil
	}
	text := notice.Text(a.language, c.Seat.Tag, "")
	if c.Seat.Person != "" {
		if _, ok := a.desk.find(c.Seat.Person); !ok {
			return nil
		}
		_, err := a.tell(ctx, c, []message{onceMessage(c.IdempotencyKey, 0, text)})
		return err
	}
	if c.Seat.Offered == nil {
		return nil
	}
	id, err := c.Seat.Offered(ctx)
	if err != nil {
		return provider.Errorf(provider.ClassTransient, "find out how the session was offered: %w", err)
	}
	if code, ok := strings.CutPrefix(id, cardPrefix); ok {
		return a.update(ctx, code, "", pieces.First(strings.TrimRight(text, ".。"), maxReplace, pieces.Characters))
	}
	return nil
}
