package dispatch

import (
	"context"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Store is what the dispatcher reads; it writes through [Settler] alone.
type Store interface {
	// Lanes returns the sessions that have pending deliveries.
	Lanes(ctx context.Context) ([]string, error)

	// Head returns the first pending delivery of a session's lane with all that
	// is needed to send it; ok is false when the lane is empty.
	Head(ctx context.Context, sessionID string) (job handoff.Job, ok bool, err error)
}
