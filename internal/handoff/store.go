package handoff

import (
	"context"
	"time"
)

// Store keeps sessions and their logs. What it answered without an error is on disk.
type Store interface {
	Inbox
	Watchable

	// Update loads and locks the session, runs fn and writes all that fn
	// recorded in one transaction. A key that is not empty stands for what fn
	// records: when it was used before in this session, the session comes with
	// Repeat set. fn does no I/O and may run more than once; its error is
	// returned and nothing is written. ErrSessionNotFound if there is none.
	Update(ctx context.Context, sessionID, key string, fn func(*Session) error) error

	// Create makes a session for a conversation, unless the conversation has an
	// open one or the request id is known: then it returns that. fn gets the
	// epoch of the conversation and may run more than once.
	Create(ctx context.Context, c ConversationKey, requestID string, fn func(epoch uint64) (*Session, error)) (s *Session, created bool, err error)

	// Session returns one session; ErrSessionNotFound if there is none.
	Session(ctx context.Context, id string) (*Session, error)

	// Identity returns what never changes of a session; ErrSessionNotFound if there is none.
	Identity(ctx context.Context, sessionID string) (Identity, error)

	// SessionByRef finds the session that a connection's provider calls ref.
	SessionByRef(ctx context.Context, connectionID, ref string) (*Session, error)

	// FindSession returns the open session of a conversation, else the one with
	// the request id, else ErrSessionNotFound.
	FindSession(ctx context.Context, c ConversationKey, requestID string) (*Session, error)

	// LatestSession returns the newest session of a conversation; ErrSessionNotFound if it had none.
	LatestSession(ctx context.Context, c ConversationKey) (*Session, error)

	// Sessions lists sessions, the newest first unless the filter says otherwise.
	Sessions(ctx context.Context, f SessionFilter, p Page) (sessions []Session, nextPageToken string, err error)

	// Log returns up to limit events of a session's log after a sequence, oldest
	// first. ErrSessionNotFound if there is no session.
	Log(ctx context.Context, sessionID string, after uint64, limit int) (Log, error)

	// Start returns what a session began with; ErrSessionNotFound if there is none.
	Start(ctx context.Context, sessionID string) (Start, error)

	// Deliveries lists deliveries, the newest first. Those of a filter that asks for
	// one session or one message come with the log of their failed attempts.
	Deliveries(ctx context.Context, f DeliveryFilter, p Page) (deliveries []AgentDelivery, nextPageToken string, err error)

	// LateMessages lists messages that came after their session's close, the newest first.
	LateMessages(ctx context.Context, sessionID string, p Page) (late []LateMessage, nextPageToken string, err error)

	// KnownEmail returns the address that the newest session of an agent's user
	// told; empty if there is none.
	KnownEmail(ctx context.Context, agentID, userID string) (string, error)

	// Agent returns an agent with its current connection; ErrAgentNotFound if there is none.
	Agent(ctx context.Context, id string) (*Agent, error)
}

// Watchable tells what changes, in one order over all sessions.
type Watchable interface {
	// LastChange returns the latest place in the order of all sessions' changes.
	LastChange(ctx context.Context) (uint64, error)

	// Changes returns, in the order of their places, the sessions that a filter
	// selects and whose latest change stands after one place and up to another, at
	// most limit of them.
	Changes(ctx context.Context, f SessionFilter, after, upTo uint64, limit int) ([]Session, error)
}

// Inbox keeps what providers tell of messages that were sent to them.
type Inbox interface {
	// Sent returns the delivery that a connection's provider calls vendorID;
	// ErrNotSent if there is none.
	Sent(ctx context.Context, connectionID, vendorID string) (Delivery, error)

	// Hold keeps a status until its message's id is known, and drops those that
	// have waited for more than a day.
	Hold(ctx context.Context, h HeldStatus, now time.Time) error

	// Held returns the statuses that wait for an id, in the order in which they came.
	Held(ctx context.Context, connectionID, vendorID string) ([]HeldStatus, error)

	// Unhold forgets a held status.
	Unhold(ctx context.Context, id int64) error
}

// Log is a stretch of a session's log, and where the whole log stands.
type Log struct {
	Events []Event
	Last   uint64 // the sequence of the log's last event
	Closed bool   // the last event is CLOSED
}

// ConversationKey names a conversation of an agent with a customer.
type ConversationKey struct{ AgentID, ConversationID string }

// SessionFilter selects sessions; empty fields select all.
type SessionFilter struct {
	AgentID        string
	ConversationID string
	Provider       string
	States         []State
	OldestFirst    bool // instead of the newest
}

// DeliveryFilter selects deliveries; empty fields select all.
type DeliveryFilter struct {
	AgentID   string
	SessionID string
	MessageID string
	Provider  string // the kind
	Kinds     []DeliveryKind
	States    []DeliveryState
}

// AgentDelivery is a delivery with the agent and the provider of its session.
type AgentDelivery struct {
	Delivery

	AgentID  string
	Provider string          // the kind
	Log      []FailedAttempt // the oldest first; nil unless the filter is [DeliveryFilter.Detailed]
}

// Page is a part of a list.
type Page struct {
	Size  int    // rows at most
	Token string // where the page before ended; empty = from the start
}

// DefaultPageSize and MaxPageSize bound the size of a page.
const (
	DefaultPageSize = 50
	MaxPageSize     = 1000
)

// Waker tells the program's parts that there is something to read. A wake-up may
// be lost or doubled; it is never waited for. None but Deliveries carries data,
// and that is there to save a read: the table stays the truth.
type Waker interface {
	// Changed wakes those who follow the session's log, or all sessions of its agent.
	Changed(sessionID, agentID string)
	// Committing tells that something may be committed for the session's lane, and
	// that Deliveries will tell what became of it.
	Committing(sessionID string)
	// Deliveries gives the session's lane what was committed for it, which may be
	// nothing. Those of a session come once and in the order of their commits.
	Deliveries(h Handover)
	// Timer tells that a session is due at a time.
	Timer(due time.Time)
	// Follow returns a channel that is ready after each change of the session,
	// until stop is called.
	Follow(sessionID string) (wake <-chan struct{}, stop func())
	// FollowAgent is Follow for all sessions of an agent; of all agents, if the id
	// is empty.
	FollowAgent(agentID string) (wake <-chan struct{}, stop func())
}

// Clock returns the time of now.
type Clock func() time.Time
