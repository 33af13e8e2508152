package whatsapp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
	"github.com/human-handoff/handoff/internal/provider/pieces"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

const (
	// window is for how long after a human's message we may write as we like: a day,
	// less what clocks and webhooks may be off.
	window = 24*time.Hour - 10*time.Minute
	// hearsay is how long after a call whose answer was lost a status may tell that it
	// got through.
	hearsay = 15 * time.Second
	// pairInterval and pairBurst keep below what WhatsApp takes for one human: one
	// message in 6 s in the long run, and 45 at once. Notices count as well.
	pairInterval = 6 * time.Second
	pairBurst    = 20
	// fanOut is how many humans are written to at once.
	fanOut = 8
)

// Adapter talks to one business number.
type Adapter struct {
	rest        restapi.Client
	secret      string
	verifyToken string
	number      string // its id
	account     string // id of the WhatsApp Business Account
	staff       staff
	template    string
	language    string
	files       provider.Files
	now         handoff.Clock
}

var (
	_ provider.Adapter   = (*Adapter)(nil)
	_ provider.Messenger = (*Adapter)(nil)
	_ provider.Locator   = (*Adapter)(nil)
	_ provider.Pacer     = (*Adapter)(nil)
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

// The kinds of messages, as they come back in statuses.
const (
	kindMessage = "m" // of the customer: whoever wrote it learns what becomes of it
	kindOther   = "o"
)

const dataPrefix = "handoff:"

// callback is what comes back in the statuses of a message.
func callback(kind, sessionID, key string) string {
	return dataPrefix + kind + ":" + sessionID + ":" + key
}

// Pace implements provider.Pacer.
func (a *Adapter) Pace(c provider.Call) (key string, interval time.Duration) {
	return c.Seat.Person, pairInterval
}

// PaceBurst implements provider.BurstPacer.
func (a *Adapter) PaceBurst() int { return pairBurst }

// BriefStart implements provider.Messenger: what was said is only for the one who
// takes the session, and each message has its price.
func (a *Adapter) BriefStart() bool { return true }

// heard returns who may be written to as we like.
func (a *Adapter) heard(ctx context.Context, c provider.Call) (map[string]time.Time, error) {
	if c.Seat.Heard == nil {
		return map[string]time.Time{}, nil
	}
	heard, err := c.Seat.Heard(ctx, a.now().Add(-window))
	if err != nil {
		return nil, provider.Errorf(provider.ClassTransient, "find out who wrote of late: %w", err)
	}
	return heard, nil
}

// unsure is the answer to a repeat for which it is too early: the vendor may still
// tell that the call before has got through.
func (a *Adapter) unsure(c provider.Call) error {
	if wait := hearsay - a.now().Sub(c.Time); c.Repeat && wait > 0 {
		return &provider.Error{Class: provider.ClassTransient, RetryAfter: wait, Err: errors.New("waiting to hear whether the call before got through")}
	}
	return nil
}

// Open implements provider.Adapter: the session is offered to all of the staff.
func (a *Adapter) Open(ctx context.Context, c provider.Call, start handoff.Start) (handoff.Ref, error) {
	data, err := json.Marshal(refData{Customer: oneLine(start.Customer.Name)})
	if err != nil {
		return handoff.Ref{}, err
	}
	ref := handoff.Ref{ID: c.Seat.Tag, Data: string(data)}
	left := slices.DeleteFunc(a.staff.phones(), func(phone string) bool { return len(c.Seat.Earlier[phone]) > 0 })
	if len(left) == 0 {
		return ref, nil
	}
	if err := a.unsure(c); err != nil {
		return handoff.Ref{}, err
	}
	heard, err := a.heard(ctx, c)
	if err != nil {
		return handoff.Ref{}, err
	}
	reached := len(left) < len(a.staff.people)
	err = each(left, func(phone string) error {
		return a.show(ctx, c, phone, heard, start)
	}, &reached)
	if err != nil {
		return handoff.Ref{}, err
	}
	return ref, nil
}

// show offers a new session to one human.
func (a *Adapter) show(ctx context.Context, c provider.Call, phone string, heard map[string]time.Time, start handoff.Start) error {
	m := outgoing{to: phone, data: callback(kindOther, c.SessionID, c.IdempotencyKey)}
	customer, about := start.Customer.Name, words(start)
	id, err := "", error(&refusal{code: codeBarred})
	if !heard[phone].IsZero() {
		m.kind, m.body = a.card(c.Seat.Tag, customer, about)
		id, err = a.post(ctx, m)
	}
	if codeOf(err) == codeBarred {
		m.kind, m.body = a.offer(c.Seat.Tag, customer, about, messenger.Button(messenger.TakeIt, c.Seat.Tag))
		id, err = a.post(ctx, m)
	}
	if err == nil {
		c.Seat.Noted(phone, id)
	}
	return err
}

// each does something for several humans. It fails if it was refused for all of
// them, or if it has to be tried again for one; reached tells whether somebody was
// reached before.
func each(phones []string, do func(phone string) error, reached *bool) error {
	var mu sync.Mutex
	var refused, again error
	permits := make(chan struct{}, fanOut)
	var running sync.WaitGroup
	for _, phone := range phones {
		permits <- struct{}{}
		running.Go(func() {
			defer func() { <-permits }()
			err := do(phone)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				*reached = true
			case provider.ClassOf(err) == provider.ClassRejected:
				refused = err // others may have been reached
			case again == nil || provider.ClassOf(err) != provider.ClassTransient:
				again = err
			}
		})
	}
	running.Wait()
	if again != nil || *reached {
		return again
	}
	return refused
}

// Send implements provider.Adapter. As long as nobody has taken the session there
// is nobody to send it to: whoever takes it is told all that was said.
func (a *Adapter) Send(ctx context.Context, c provider.Call, m handoff.Message) (string, error) {
	if c.Seat.Person == "" {
		return "", nil
	}
	if _, ok := a.staff.find(c.Seat.Person); !ok {
		return "", provider.Errorf(provider.ClassRejected, "%s, who has the session, is not among the staff any more", cmp.Or(c.Seat.PersonName, "the human"))
	}
	d, err := dataOf(c)
	if err != nil {
		return "", err
	}
	return a.write(ctx, c, kindMessage, shown(header(c.Seat.Tag, d.Customer), m.Text, m.Attachments), func() (string, any) {
		return a.offer(c.Seat.Tag, d.Customer, m.Text, messenger.Button(messenger.TakeIt, c.Seat.Tag))
	})
}

// write writes to the human who has the session, and returns the id of the last
// message. What WhatsApp does not let through is offered by instead.
func (a *Adapter) write(ctx context.Context, c provider.Call, kind string, all []piece, instead func() (kind string, body any)) (string, error) {
	earlier := c.Seat.Earlier[c.Seat.Person]
	if len(earlier) >= len(all) {
		return earlier[len(earlier)-1], nil
	}
	if err := a.unsure(c); err != nil {
		return "", err
	}
	id := ""
	for i := len(earlier); i < len(all); i++ {
		m := outgoing{to: c.Seat.Person, data: callback(kind, c.SessionID, c.IdempotencyKey)}
		var err error
		id, err = a.postPiece(ctx, m, all[i])
		barred := codeOf(err) == codeBarred
		if barred {
			m.kind, m.body = instead()
			id, err = a.post(ctx, m)
		}
		if err != nil {
			return "", err
		}
		c.Seat.Noted(c.Seat.Person, id)
		if barred {
			break // they are told all of it once they answer
		}
	}
	return id, nil
}

// Close implements provider.Adapter. An end that came from the human is not told. Of
// a session that nobody took those are told who may be written to as we like.
func (a *Adapter) Close(ctx context.Context, c provider.Call, reason handoff.CloseReason) error {
	notice := messenger.NoticeOfClose(reason)
	if notice == messenger.NoticeNone || c.Ref.ID == "" {
		return nil
	}
	to := []string{c.Seat.Person}
	if c.Seat.Person == "" {
		heard, err := a.heard(ctx, c)
		if err != nil {
			return err
		}
		to = slices.DeleteFunc(a.staff.phones(), func(phone string) bool { return heard[phone].IsZero() })
	}
	to = slices.DeleteFunc(to, func(phone string) bool { return len(c.Seat.Earlier[phone]) > 0 })
	if len(to) == 0 {
		return nil
	}
	if err := a.unsure(c); err != nil {
		return err
	}
	body := textBody(notice.Text(a.language, c.Seat.Tag, ""))
	reached := false
	return each(to, func(phone string) error {
		id, err := a.post(ctx, outgoing{to: phone, kind: kindText, body: body, data: callback(kindOther, c.SessionID, c.IdempotencyKey)})
		if codeOf(err) == codeBarred {
			return nil // a template for an end would be no use
		}
		if err == nil {
			c.Seat.Noted(phone, id)
		}
		return err
	}, &reached)
}

// Tell implements provider.Messenger.
func (a *Adapter) Tell(ctx context.Context, n provider.Notice) ([]string, error) {
	if _, ok := a.staff.find(n.Person); !ok && !n.Stranger {
		return nil, provider.Errorf(provider.ClassRejected, "the human is not among the staff any more")
	}
	data := callback(kindOther, n.SessionID, n.IdempotencyKey)
	if n.Barred || a.now().Sub(n.Heard) >= window {
		return a.tellBarred(ctx, n, data)
	}
	if n.File != nil {
		return a.tellFile(ctx, n, data)
	}
	messages := a.messages(n)
	messages[0].quote, messages[len(messages)-1].data = n.Quote, data
	var ids []string
	for _, m := range messages {
		m.to = n.Person
		id, err := a.post(ctx, m)
		if codeOf(err) == codeBarred {
			return a.tellBarred(ctx, n, data)
		}
		if err != nil {
			return ids, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// messages are what brings a notice: its text and, at last, its choices.
func (a *Adapter) messages(n provider.Notice) []outgoing {
	texts, last := notices(n.Text), outgoing{}
	if len(n.Choices) > 0 {
		body := n.Text
		if pieces.Size(body, pieces.UTF16) > maxCard {
			body = "…"
		} else {
			texts = nil
		}
		last.kind, last.body = kindInteractive, a.choices(body, n.Choices)
	}
	var messages []outgoing
	for _, text := range texts {
		messages = append(messages, outgoing{kind: kindText, body: textBody(text)})
	}
	if last.kind != "" {
		messages = append(messages, last)
	}
	return messages
}

// tellFile shows a human a file of a session's.
func (a *Adapter) tellFile(ctx context.Context, n provider.Notice, data string) (ids []string, err error) {
	all := shown(n.Text, "", []handoff.Attachment{*n.File})
	for i, p := range all {
		m := outgoing{to: n.Person}
		if i == len(all)-1 {
			m.data = data
		}
		id, err := a.postPiece(ctx, m, p)
		if codeOf(err) == codeBarred {
			return ids, nil // they get it with all else once they answer
		}
		if err != nil {
			return ids, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// tellBarred tells what can be told to somebody who has not written for a day: that
// there is a session to take. Of anything else, such as that another was quicker,
// they learn once they press a button.
func (a *Adapter) tellBarred(ctx context.Context, n provider.Notice, data string) ([]string, error) {
	if len(n.Choices) != 1 {
		return nil, nil
	}
	only := n.Choices[0]
	tag, customer, _ := strings.Cut(strings.TrimPrefix(only.Label, "#"), " ")
	m := outgoing{to: n.Person, data: data}
	m.kind, m.body = a.offer(tag, customer, only.Detail, only.Button)
	id, err := a.post(ctx, m)
	if err != nil {
		return nil, err
	}
	return []string{id}, nil
}
