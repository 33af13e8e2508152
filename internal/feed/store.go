package feed

import (
	"context"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Store keeps feeds and how far they got. The log itself is the queue.
type Store interface {
	// Agent returns an agent; handoff.ErrAgentNotFound if there is none.
	Agent(ctx context.Context, id string) (*handoff.Agent, error)

	// LastChange is as in handoff.Store.
	LastChange(ctx context.Context) (uint64, error)

	// Feeds returns all feeds.
	Feeds(ctx context.Context) ([]Feed, error)

	// Feed returns an agent's feed; ErrNotFound if it has none.
	Feed(ctx context.Context, agentID string) (*Feed, error)

	// UpdateFeed loads an agent's feed, runs fn and writes it with its version
	// raised. Without a feed fn gets one of version 0, which is made: it begins
	// behind the events that there are, or with fromStart at the first event of
	// each open session. fn does no I/O and may run more than once; its error is
	// returned and nothing is written.
	UpdateFeed(ctx context.Context, agentID string, fromStart bool, fn func(*Feed) error) error

	// DeleteFeed removes an agent's feed and how far it got; ErrNotFound if it has none.
	DeleteFeed(ctx context.Context, agentID string) error

	// FeedHead returns what is due of a session, at most limit events. ok is false
	// when nothing of it is ever due: there is no session or no feed, or the
	// session closed before the feed was made.
	FeedHead(ctx context.Context, sessionID string, limit int) (h Head, ok bool, err error)

	// SetCursor stores how far a feed got with a session, unless the feed is gone or
	// got further by itself. It reports whether the log goes on from there.
	SetCursor(ctx context.Context, c Cursor) (more bool, err error)

	// Checkpoint notes that of all that changed up to a place only these sessions
	// are not delivered yet, and those that were noted before. Feeds that are
	// disabled keep their place.
	Checkpoint(ctx context.Context, pending []SessionKey, place uint64) error

	// Behind returns the sessions of an agent, or of all whose feed is not
	// disabled, that may have something due.
	Behind(ctx context.Context, agentID string) ([]SessionKey, error)

	// EventDeliveries lists how far feeds got, the newest sessions first.
	EventDeliveries(ctx context.Context, f DeliveryFilter, p handoff.Page) (list []Delivery, nextPageToken string, err error)
}

// Feed is an agent's event webhook as it is stored.
type Feed struct {
	AgentID      string
	URL          string
	Secret       []byte              // sealed
	Kinds        []handoff.EventKind // empty = all
	Disabled     string              // why; empty = it is not
	DisableTime  time.Time
	FailingSince time.Time // zero = it works, as far as is known
	LastError    string
	Version      int64 // rises with each change
	CreateTime   time.Time
}

// SessionKey is a session with its agent.
type SessionKey struct{ SessionID, AgentID string }

// Head is what is due of a session.
type Head struct {
	Cursor

	ConversationID string
	Events         []handoff.Event // in order; empty = nothing
}

// Cursor is how far a feed got with a session.
type Cursor struct {
	SessionKey

	Delivered    uint64 // the sequence of the last event that is done
	Attempts     int    // of the next one, without success
	NextAttempt  time.Time
	FailingSince time.Time // when the next one failed first; zero = it did not
	LastError    string
}

// Delivery is a cursor as operators see it.
type Delivery struct {
	Cursor

	Last uint64 // the sequence of the log's last event
}

// DeliveryFilter selects sessions; empty fields select all.
type DeliveryFilter struct {
	AgentID   string
	SessionID string
	Failing   bool // only those whose next event has failed
}

// Notification is what a call tells: an event of a session, or with an agent alone
// that the call is a test.
type Notification struct {
	Type      string
	Time      time.Time
	AgentID   string
	SessionID string

	ConversationID string
	Event          *handoff.Event
}
