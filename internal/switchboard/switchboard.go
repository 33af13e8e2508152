package switchboard

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
)

const (
	// HeldFor is how long what a human said waits for them to say whom it is for.
	HeldFor = 10 * time.Minute
	// recalled is for how long a closed session's tag is known.
	recalled = 7 * 24 * time.Hour
	// maxChoices is how many sessions a question offers at most.
	maxChoices = 10
)

// Sessions applies what humans do to sessions.
type Sessions interface {
	Receive(ctx context.Context, connectionID string, in handoff.Inbound) error
	Start(ctx context.Context, sessionID string) (handoff.Start, error)
	Log(ctx context.Context, sessionID string, after uint64, limit int) (handoff.Log, error)
}

// Connections opens connections.
type Connections interface {
	dispatch.Connections

	// Messenger returns a connection to a chat app; nil if the provider is none.
	Messenger(ctx context.Context, connectionID string) (provider.Messenger, error)
}

// Config is what a Service is made of.
type Config struct {
	Store       Store
	Sessions    Sessions
	Connections Connections
	Now         handoff.Clock

	Capabilities func(provider string) handoff.Capabilities
	Link         func(handoff.Attachment) string // where a file can be read that a provider cannot carry

	Logger *slog.Logger
}

// Service is the switchboard. It stands between the dispatcher and connections,
// and between webhooks and sessions; what does not concern chat apps passes through.
//
// It is safe for concurrent use.
type Service struct {
	dispatch.Connections

	store       Store
	sessions    Sessions
	connections Connections
	caps        func(provider string) handoff.Capabilities
	link        func(handoff.Attachment) string
	now         handoff.Clock
	log         *slog.Logger

	seed  maphash.Seed
	lines [64]sync.Mutex // what one human says is dealt with in its order
	nudge chan struct{}  // there is something to tell
	sits  sync.Map       // session id to the person who has it, as far as it was seen here
}

// New returns a Service; nobody is told anything before Run.
func New(c Config) *Service {
	return &Service{
		Connections: c.Connections, store: c.Store, sessions: c.Sessions, connections: c.Connections, caps: c.Capabilities, link: c.Link,
		now: c.Now, log: c.Logger, seed: maphash.MakeSeed(), nudge: make(chan struct{}, 1),
	}
}

// Receive applies what a provider told, as [handoff.Service.Receive] does, once it
// is known which session it is about.
func (svc *Service) Receive(ctx context.Context, connectionID string, in handoff.Inbound) error {
	switch body := in.Body.(type) {
	case handoff.PersonSaid:
		line := svc.line(connectionID, body.Person)
		line.Lock()
		defer line.Unlock()
		if body.Stranger {
			return svc.stranger(ctx, connectionID, in.Key, Said{body, in.VendorID})
		}
		return svc.said(ctx, connectionID, in.Key, Said{body, in.VendorID})
	case handoff.PersonTold:
		line := svc.line(connectionID, body.Person)
		line.Lock()
		defer line.Unlock()
		return svc.told(ctx, connectionID, in.SessionID, in.VendorID, body)
	default:
		return svc.sessions.Receive(ctx, connectionID, in)
	}
}

func (svc *Service) line(connectionID, person string) *sync.Mutex {
	return &svc.lines[maphash.String(svc.seed, connectionID+"\x00"+person)%uint64(len(svc.lines))]
}

// turn is one thing that a human said, while it is dealt with.
type turn struct {
	connectionID string
	said         Said
	human        Human
	seats        []Seat
	record       Record
	now          time.Time
}

// said deals with what a human said. Whatever it does before the record is written
// may be done again, and then changes nothing.
func (svc *Service) said(ctx context.Context, connectionID, key string, said Said) error {
	if known, err := svc.store.Handled(ctx, connectionID, key); err != nil || known {
		return err
	}
	now := svc.now()
	t := &turn{
		connectionID: connectionID, said: said, now: now,
		record: Record{ConnectionID: connectionID, Person: said.Person, Key: key, Time: now},
	}
	var err error
	if t.human, err = svc.store.Human(ctx, connectionID, said.Person); err != nil {
		return err
	}
	if t.seats, err = svc.store.Seats(ctx, connectionID, now.Add(-recalled)); err != nil {
		return err
	}
	if err := svc.decide(ctx, t); err != nil {
		return err
	}
	if err := svc.store.Record(ctx, t.record); err != nil {
		return err
	}
	svc.Nudge()
	return nil
}

func (svc *Service) decide(ctx context.Context, t *turn) error {
	if t.said.Unreadable {
		t.tell(messenger.NoticeUnreadable, "", "")
		return nil
	}
	quoted, err := svc.store.SeatOfMessage(ctx, t.connectionID, t.said.QuotedIDs)
	if err != nil {
		return err
	}
	d := messenger.Route(messenger.Said{
		Button: t.said.Button, Quotes: t.said.Quotes, Quoted: quoted, QuotedText: t.said.QuotedText, Text: t.said.Text,
		Files: len(t.said.Files) > 0,
	}, t.desk())
	switch d.Do {
	case messenger.Relay:
		return svc.relay(ctx, t, d)
	case messenger.Order:
		return svc.order(ctx, t, d)
	case messenger.Pin:
		return svc.pick(ctx, t, d)
	case messenger.Ask:
		svc.ask(t, d)
	case messenger.Tell:
		t.tell(d.Notice, d.Tag, t.holder(d.Tag))
	case messenger.Ignore:
	}
	return nil
}

// desk is the turn as the router sees it.
func (t *turn) desk() messenger.Desk {
	sessions := make([]messenger.Session, len(t.seats))
	for i := range t.seats {
		sessions[i] = t.seats[i].Session
	}
	return messenger.Desk{Now: t.now, Person: t.said.Person, Sessions: sessions, Pin: t.human.Pin, PinTime: t.human.PinTime}
}

// seat returns the seat with a tag: of the open session, if there is one.
func (t *turn) seat(tag string) *Seat {
	for i := range t.seats {
		if t.seats[i].Tag == tag {
			return &t.seats[i]
		}
	}
	return &Seat{}
}

func (t *turn) holder(tag string) string { return t.seat(tag).PersonName }

// tell notes what the human has to be told, of the session with a tag if there is one.
func (t *turn) tell(n messenger.Notice, tag, person string) {
	t.notify(t.seat(tag).SessionID, n.Text(t.said.Locale, tag, person))
}

func (t *turn) notify(sessionID, text string, choices ...provider.Choice) {
	t.record.Notices = append(t.record.Notices, Notice{
		ConnectionID: t.connectionID,
		Notice: provider.Notice{
			SessionID: sessionID, Person: t.said.Person, Name: t.said.Name, Locale: t.said.Locale, Text: text,
			Choices: choices, Quote: t.said.VendorID,
		},
	})
}

// relay brings what the human said to a customer.
func (svc *Service) relay(ctx context.Context, t *turn, d messenger.Decision) error {
	if d.Take {
		if taken, err := svc.take(ctx, t, d.Tag); err != nil || !taken {
			return err
		}
	}
	said := t.said
	said.Text = d.Text
	err := svc.bring(ctx, t, d.Tag, t.record.Key, said)
	if errors.Is(err, handoff.ErrSessionClosed) {
		t.tell(messenger.NoticeClosed, d.Tag, "")
		return nil
	}
	t.record.SessionID, t.record.VendorID = t.seat(d.Tag).SessionID, said.VendorID
	if t.said.Stays {
		t.record.Pin = d.Tag
	} else {
		t.record.Unpin = d.Tag != t.human.Pin // what comes next may go on with this
	}
	return err
}

// bring has a session receive what a human said.
func (svc *Service) bring(ctx context.Context, t *turn, tag, key string, said Said) error {
	return svc.sessions.Receive(ctx, t.connectionID, handoff.Inbound{
		SessionID: t.seat(tag).SessionID, Key: key, VendorID: said.VendorID,
		Body: handoff.HumanMessage{AuthorName: said.Name, Text: said.Text, Files: said.Files},
	})
}

// ask holds what the human said and asks whom it is for, once for all that is held.
func (svc *Service) ask(t *turn, d messenger.Decision) {
	verb := messenger.PickIt
	if d.Command != messenger.NoCommand {
		verb = d.Command // the choice carries it out, so there is nothing to hold
	} else {
		held := t.said
		held.Text = d.Text
		t.record.Hold = &held
		if len(t.human.Held) > 0 {
			return
		}
	}
	t.notify("", messenger.NoticeWhich.Text(t.said.Locale, "", ""), t.choices(verb, d.Among)...)
}

func (t *turn) choices(verb messenger.Command, among []string) []provider.Choice {
	var choices []provider.Choice
	for _, tag := range among[:min(len(among), maxChoices)] {
		seat := t.seat(tag)
		choices = append(choices, provider.Choice{
			Label: cutRunes(strings.TrimSpace("#"+tag+" "+seat.Customer), 24), Detail: cutRunes(oneLine(seat.Words), 72),
			Button: messenger.Button(verb, tag),
		})
	}
	return choices
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// cutRunes shortens a text to n characters.
func cutRunes(text string, n int) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return string(slices.Concat(runes[:n-1], []rune("…")))
}
