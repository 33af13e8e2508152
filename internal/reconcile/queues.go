package reconcile

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// QueueInterval is how far apart two rounds of looks into vendors' queues begin, at
// least. Vendors ask for ten to thirty seconds.
const QueueInterval = 20 * time.Second

// Queuers gives access to providers with queues.
type Queuers interface {
	// Queuing returns the kinds that can be asked.
	Queuing() []string
	Conn(ctx context.Context, connectionID string) (*provider.Conn, error)
	Report(ctx context.Context, connectionID string, callErr error)
}

// QueuesConfig is what Queues is made of.
type QueuesConfig struct {
	Store       Store
	Connections Queuers
	Receiver    Receiver
	Now         handoff.Clock
	Logger      *slog.Logger
}

// Queues asks vendors that do not tell it by themselves for the places of those who
// wait. One call is under way at a time, so that a crowd that waits takes nothing
// from those who talk.
type Queues struct {
	QueuesConfig

	kinds []string
	told  map[string]place // by session
}

// place is the last one that was told of a session.
type place struct {
	position int32
	rose     bool // somebody got in before once, so that a place may be reached again
}

// NewQueues returns Queues, which do nothing until Run.
func NewQueues(c QueuesConfig) *Queues {
	return &Queues{QueuesConfig: c, kinds: c.Connections.Queuing(), told: map[string]place{}}
}

// Run makes rounds until ctx is done. With no provider that can be asked it does nothing.
func (q *Queues) Run(ctx context.Context) {
	if len(q.kinds) == 0 {
		return
	}
	ticker := time.NewTicker(QueueInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			q.round(ctx)
		}
	}
}

func (q *Queues) round(ctx context.Context) {
	sessions, err := q.Store.OpenSessions(ctx, q.kinds)
	if err != nil {
		if ctx.Err() == nil {
			q.Logger.ErrorContext(ctx, "queues.list", slog.Any("error", err))
		}
		return
	}
	waiting := map[string]place{}
	down := map[string]bool{} // connections that are not asked again in this round
	for _, s := range sessions {
		if s.State != handoff.StateWaiting {
			continue
		}
		if at, known := q.told[s.ID]; known {
			waiting[s.ID] = at
		}
		if down[s.ConnectionID] || ctx.Err() != nil {
			continue
		}
		at, ok := q.look(ctx, s, waiting[s.ID])
		down[s.ConnectionID] = !ok
		waiting[s.ID] = at
	}
	q.told = waiting
}

// look asks for a session's place and tells it if it is another than before. It
// reports whether to go on with the connection.
func (q *Queues) look(ctx context.Context, s Session, before place) (now place, ok bool) {
	conn, err := q.Connections.Conn(ctx, s.ConnectionID)
	if err != nil || !conn.Queues() {
		return before, false // the status of the connection tells why
	}
	position, err := conn.Place(ctx, provider.Call{SessionID: s.ID, AgentID: s.AgentID, Ref: s.Ref, Time: q.Now()})
	if ctx.Err() != nil {
		return before, false
	}
	q.Connections.Report(ctx, s.ConnectionID, err)
	if err != nil { // which the connection has logged
		return before, provider.ClassOf(err) == provider.ClassRejected
	}
	if position <= 0 || position == before.position {
		return before, true
	}
	now = place{position, before.rose || before.position != 0 && position > before.position}
	if !q.tell(ctx, s, now) {
		return before, true // it is told in the next round
	}
	return now, true
}

// tell has a session learn of its place. It reports whether that is done with.
func (q *Queues) tell(ctx context.Context, s Session, now place) bool {
	in := handoff.Inbound{SessionID: s.ID, Key: provider.PlaceKey(now.position), Body: handoff.QueueMoved{Position: now.position}, Asked: true}
	if now.rose {
		in.Key += fmt.Sprint("@", q.Now().UnixMilli())
	}
	err := q.Receiver.Receive(ctx, s.ConnectionID, in)
	if code := handoff.CodeOf(err); err != nil && code != handoff.CodePrecondition && code != handoff.CodeNotFound {
		q.Logger.ErrorContext(ctx, "queues.receive", slog.String("session_id", s.ID), slog.Any("error", err))
		return false
	}
	return true
}
