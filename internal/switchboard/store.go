package switchboard

import (
	"context"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
)

// Store keeps seats and what humans in chat apps say and are told. What it
// answered without an error is on disk.
type Store interface {
	// Seat returns the seat of a session. If it has none it gets one, with a tag of
	// newTag that no session of the connection had of late.
	Seat(ctx context.Context, connectionID, sessionID string, newTag func() string, now time.Time) (Seat, error)

	// Seats returns the seats of a connection: of all sessions that are open, and of
	// those that were closed after a time.
	Seats(ctx context.Context, connectionID string, closedAfter time.Time) ([]Seat, error)

	// SeatOfMessage returns the tag of the session that a message belongs to, by the
	// vendor's ids of it; empty if none is known.
	SeatOfMessage(ctx context.Context, connectionID string, vendorIDs []string) (tag string, err error)

	// Take gives a session to a human, unless another one has it; then it reports false.
	Take(ctx context.Context, sessionID, person, name string, now time.Time) (bool, error)

	// Leave gives a session that the human has to nobody.
	Leave(ctx context.Context, sessionID, person string) error

	// Shown notes what a session's delivery brought to whom; the customer's words
	// may be empty.
	Shown(ctx context.Context, sessionID, delivery, words string, messages []Message, now time.Time) error

	// Note notes a single message that belongs to a session, unless it is known.
	Note(ctx context.Context, connectionID, sessionID, delivery string, m Message, now time.Time) error

	// ShownTo returns the messages of a session that are in humans' lines, of one
	// delivery or, when that is empty, of all.
	ShownTo(ctx context.Context, sessionID, delivery string) ([]Message, error)

	// Human returns what is known of a human, with what is held of them.
	Human(ctx context.Context, connectionID, person string) (Human, error)

	// Heard returns when the humans of a connection said something last, of those who
	// did since a time.
	Heard(ctx context.Context, connectionID string, since time.Time) (map[string]time.Time, error)

	// Handled reports whether something that a human said was recorded.
	Handled(ctx context.Context, connectionID, key string) (bool, error)

	// Record writes what became of something that a human said, in one transaction,
	// unless its key is known.
	Record(ctx context.Context, r Record) error

	// Notices returns notices that are due, the oldest first, and when the next one
	// or the next held input will be; the zero time = there is none.
	Notices(ctx context.Context, now time.Time, limit int) (due []Notice, next time.Time, err error)

	// Told forgets a notice.
	Told(ctx context.Context, id int64) error

	// TellLater puts a notice off, and with it all others for the same human, so that
	// they stay in order.
	TellLater(ctx context.Context, id int64, until time.Time) error

	// HeldSince returns the humans of whom something has been held since before a time.
	HeldSince(ctx context.Context, before time.Time) ([]Human, error)
}

// Seat is a session's place in a chat app.
type Seat struct {
	messenger.Session // its OpenTime is that of the session, or of its taking

	SessionID  string
	Provider   string
	PersonName string
	Customer   string // the name, empty if unknown
	Words      string // what the customer said last, or the question
}

// Message is a message of a chat app that belongs to a session.
type Message struct{ Person, VendorID string }

// Human is a human of a desk that is a chat app.
type Human struct {
	ConnectionID string
	Person       string
	Pin          string // tag of the session that they chose last
	PinTime      time.Time
	Held         []Held // the oldest first
}

// Held is something that a human said of which nobody knows whom it is for.
type Held struct {
	ID   int64
	Key  string
	Said Said
	Time time.Time
}

// Said is what a human said, with what the vendor calls it.
type Said struct {
	handoff.PersonSaid

	VendorID string `json:"vendor_id,omitempty"`
}

// Record is what became of something that a human said.
type Record struct {
	ConnectionID string
	Person       string // empty = nobody said it
	Key          string // of what was said; empty = it is not remembered
	Time         time.Time

	Pin       string // the session that the human chose; empty = none
	Unpin     bool   // what they chose before holds no more
	Hold      *Said  // what was said, as nobody knows yet whom it is for
	Release   []int64
	SessionID string // that it went to; empty = none
	VendorID  string // of what was said
	Notices   []Notice
}

// Notice is something that has to be told to a human.
type Notice struct {
	ID           int64           `json:"-"`
	ConnectionID string          `json:"-"`
	Attempts     int             `json:"-"`
	CreateTime   time.Time       `json:"-"`
	Notice       provider.Notice `json:"notice"`
}
