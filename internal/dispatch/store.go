package dispatch

import (
	"context"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// Store is what the dispatcher reads; it writes through [Settler] alone.
type Store interface {
	// Lanes returns the sessions that have pending deliveries.
	Lanes(ctx context.Context) ([]string, error)

	// Head returns the first pending delivery of a session's lane with all that
	// is needed to send it; ok is false when the lane is empty.
	Head(ctx context.Context, sessionID string) (job handoff.Job, ok bool, err error)
}

// Sender is a connection as dispatch uses it.
type Sender interface {
	Open(ctx context.Context, c provider.Call, start handoff.Start) (handoff.Ref, error)
	Send(ctx context.Context, c provider.Call, m handoff.Message) (vendorID string, err error)
	Close(ctx context.Context, c provider.Call, reason handoff.CloseReason) error
}

// Connections opens connections and is told how they fare.
type Connections interface {
	Sender(ctx context.Context, connectionID string) (Sender, error)

	// Terms tells on which terms a connection is used. It is asked once, before
	// the first call.
	Terms(ctx context.Context, connectionID string) (Terms, error)

	// Report notes the outcome of a call: nil, or what went wrong. When that makes
	// the connection unavailable, somebody has to call [Dispatcher.Release] in the
	// end, for until then nothing goes out over it.
	Report(ctx context.Context, connectionID string, err error)
}

// Terms is what has to be known of a connection before it is used.
type Terms struct {
	Limits provider.Limits

	// Held tells that no call can succeed before somebody has acted, as after
	// refused credentials: nothing goes out until [Dispatcher.Release].
	Held bool

	// Pace is as in [provider.Pacer], with the configuration of the moment; nil if
	// the connection has no such limits.
	Pace func(c provider.Call) (key string, interval time.Duration)
	// PaceBurst is as in [provider.BurstPacer]; 0 = one.
	PaceBurst int
}

// Settler records the outcomes of attempts.
type Settler interface {
	// Settle returns the session once the outcome is on disk, and nil as long as
	// that is not known. An error may come with either.
	Settle(ctx context.Context, d handoff.Delivery, a handoff.Attempt) (*handoff.Session, error)

	// Keep remembers something of a start that is under way: see [provider.Call].
	Keep(ctx context.Context, sessionID, data string) error

	// Receive applies what a provider told of a session.
	Receive(ctx context.Context, connectionID string, in handoff.Inbound) error
}
