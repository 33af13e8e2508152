package provider

import (
	"context"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Messenger is an [Adapter] of a chat app in which all of a human's sessions share
// one line of messages. Its calls have a [Seat], and what its humans say is a
// [handoff.PersonSaid].
type Messenger interface {
	// Tell writes to a human of the desk and returns the vendor's ids of what it
	// wrote, so that it can be quoted.
	Tell(ctx context.Context, n Notice) (vendorIDs []string, err error)

	// BriefStart reports whether a session's start shows too little of it to go on
	// with: whoever takes the session is then told all of it.
	BriefStart() bool
}

// Gatherer is a [Messenger] whose humans share one chat: what is written there all
// of them read.
type Gatherer interface {
	// Group returns the chat, which stands for the person to whom a message in it
	// was brought, and for that of a notice for all. Empty = each has a chat alone.
	Group() string
}

// Notice is something that the core says to a human of the desk.
type Notice struct {
	IdempotencyKey string
	Person         string // as the vendor knows them, or [Everybody]
	Name           string // how they are called, for chats in which others read it, too; may be empty
	Locale         string // BCP 47, of the text; empty = English
	Text           string // as long as it takes; the adapter splits it
	Choices        []Choice
	Orders         []Choice // what the human may order of the session; to be left out where buttons have their price
	Quote          string   // the vendor's id of the message that it is an answer to; may be empty

	// File is shown with the text, which is short then; nil = there is none. It is
	// one that the vendor can carry by its capabilities.
	File *handoff.Attachment

	Stranger  bool      // the person is none of the desk's humans
	SessionID string    // that it is about; empty = none, or several
	Heard     time.Time // when the human said something last; zero = not of late
	Barred    bool      // the vendor lets nobody write to the human as they like, whatever Heard says
}

// Choice is a button or a line of a list.
type Choice struct {
	Label  string // up to 24 characters
	Detail string // up to 72 characters; may be empty
	Button string // comes back as [handoff.PersonSaid.Button]
}

// Seat is a session's place in a chat app.
type Seat struct {
	Tag        string // stands, with a # before it, in every message about the session
	Person     string // who took the session, as the vendor knows them; empty = nobody yet
	PersonName string

	// Earlier holds what attempts before this one brought to whom: the vendor's ids
	// by person, as many as messages were written.
	Earlier map[string][]string
	// Noted is to be called for each message that the vendor took, so that it can
	// be quoted, and is not sent to the same person again. Of one that all humans of
	// the desk got the person is [Everybody]: when the session is taken, or offered
	// again, Everybody is told so by one notice that quotes it.
	Noted func(person, vendorID string)
	// Offered returns the vendor's id of the message by which the session was offered
	// to [Everybody] last; empty if there was none.
	Offered func(ctx context.Context) (vendorID string, err error)
	// Heard returns when humans said something last, of those who did since a time.
	Heard func(ctx context.Context, since time.Time) (map[string]time.Time, error)
}

// IsMessenger reports whether the adapter is a [Messenger].
func (c *Conn) IsMessenger() bool {
	_, ok := c.adapter.(Messenger)
	return ok
}

// Group implements [Gatherer]; empty for an adapter that is none.
func (c *Conn) Group() string {
	if g, ok := c.adapter.(Gatherer); ok {
		return g.Group()
	}
	return ""
}

// BriefStart implements [Messenger].
func (c *Conn) BriefStart() bool {
	m, ok := c.adapter.(Messenger)
	return ok && m.BriefStart()
}

// Tell implements [Messenger].
func (c *Conn) Tell(ctx context.Context, n Notice) (vendorIDs []string, err error) {
	m, ok := c.adapter.(Messenger)
	if !ok {
		return nil, Errorf(ClassRejected, "this provider cannot write to its humans")
	}
	err = c.call(ctx, "tell", Call{SessionID: n.SessionID, IdempotencyKey: n.IdempotencyKey}, func(ctx context.Context) (err error) {
		vendorIDs, err = m.Tell(ctx, n)
		return err
	})
	return vendorIDs, err
}
