package agents

import (
	"context"
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

const (
	// parallelSignals bounds the signals that are on their way to providers. What
	// comes beyond that is dropped, for it would be late.
	parallelSignals = 64
	// signalTimeout is how long one may take.
	signalTimeout = 5 * time.Second
)

// Signals takes customers' signals to providers: one at a time for each session,
// and while that is under way only the latest of each kind waits. Nothing is
// tried again. It is a [handoff.Signaler].
type Signals struct {
	agents *Service
	ctx    context.Context // done when the program stops

	mu    sync.Mutex
	lanes map[string]map[handoff.SignalKind]waiting // by session, while one is under way
	group sync.WaitGroup
}

type waiting struct {
	session handoff.Session
	signal  handoff.Signal
}

var _ handoff.Signaler = (*Signals)(nil)

// NewSignals returns a Signals, which works until ctx is done.
func NewSignals(ctx context.Context, agents *Service) *Signals {
	return &Signals{agents: agents, ctx: ctx, lanes: map[string]map[handoff.SignalKind]waiting{}}
}

// Signal implements handoff.Signaler.
func (x *Signals) Signal(s handoff.Session, signal handoff.Signal) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if lane, busy := x.lanes[s.ID]; busy {
		lane[signal.Kind] = waiting{s, signal}
		return
	}
	if len(x.lanes) >= parallelSignals || x.ctx.Err() != nil {
		return
	}
	x.lanes[s.ID] = map[handoff.SignalKind]waiting{signal.Kind: {s, signal}}
	x.group.Go(func() { x.run(s.ID) })
}

// Wait returns once nothing is under way any more, after ctx was done.
func (x *Signals) Wait() { x.group.Wait() }

func (x *Signals) run(sessionID string) {
	for {
		w, ok := x.next(sessionID)
		if !ok {
			return
		}
		x.send(w)
	}
}

// next takes what waits of a session, or ends its lane.
func (x *Signals) next(sessionID string) (waiting, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	lane := x.lanes[sessionID]
	for kind, w := range lane {
		delete(lane, kind)
		return w, true
	}
	delete(x.lanes, sessionID)
	return waiting{}, false
}

// send makes one call. Its outcome stands in the log, and changes nothing.
func (x *Signals) send(w waiting) {
	ctx, cancel := context.WithTimeout(x.ctx, signalTimeout)
	defer cancel()
	conn, err := x.agents.conn(ctx, w.session.ConnectionID)
	if err != nil || !conn.Signals(w.signal.Kind) {
		return
	}
	call := provider.Call{SessionID: w.session.ID, AgentID: w.session.AgentID, Ref: w.session.Ref, Time: x.agents.now()}
	_ = conn.Signal(ctx, call, w.signal) // the connection has logged it
}
