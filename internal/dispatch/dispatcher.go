// Package dispatch takes deliveries to the providers.
//
// Each session is a lane: only its first pending delivery is sent, and the next
// one when that is settled, so that a provider gets a session's messages in the
// order of their acceptance. Lanes run in parallel, through the gate of their
// connection. What is committed is handed straight to its lane; the database is
// the truth and is read whenever memory is not known to agree with it: at the
// start, after an error, when a queue has become too long. What fails in a way
// that can heal is tried again with exponential back-off and full jitter.
//
//	dispatcher.go  start, stop, and what comes in
//	lane.go        one session's work, in memory or in the table
//	gate.go        one connection: its line, and what package flow lets through
//	pace.go        limits of a provider's that are wider than a session
//	deliver.go     one attempt and its outcome
//	store.go       the ports
//
// A lane that waits for anything has no goroutine.
package dispatch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/flow"
	"github.com/human-handoff/handoff/internal/handoff"
)

const (
	// DefaultHorizon is how long a delivery is tried again before it is given up.
	DefaultHorizon = 24 * time.Hour
	// stopGrace is how long calls under way get to end when the program stops.
	stopGrace = 10 * time.Second
	// storeRetry is the pause after the database failed.
	storeRetry = time.Second
)

// Dispatcher runs the lanes.
type Dispatcher struct {
	store   Store
	conns   Connections
	settler Settler
	now     handoff.Clock
	log     *slog.Logger
	horizon time.Duration
	jitter  flow.Jitter
	degrade func(provider string, m handoff.Message) (handoff.Message, string)

	mu      sync.Mutex
	ctx     context.Context // of all calls; nil until Start and after Stop
	cancel  context.CancelFunc
	ready   bool             // all lanes of the table have been taken up
	lanes   map[string]*lane // by session; a lane is here as long as it has work
	commits map[string]int   // by session, those that have not been handed over yet
	gates   map[string]*gate // by connection
	alarms  *flow.Alarms     // all that is waited for
	bytes   int              // what lanes have in memory
	unread  []*lane          // that wait for their head to be read
	readers int
	running sync.WaitGroup
}

// Config is what a Dispatcher is made of.
type Config struct {
	Store       Store
	Connections Connections
	Settler     Settler
	Horizon     time.Duration // how long a delivery is tried again; 0 = [DefaultHorizon]

	// Degrade returns a message with files as a kind of provider can carry it, and
	// what had to be replaced; nil = all can carry everything.
	Degrade func(provider string, m handoff.Message) (degraded handoff.Message, note string)

	Now    handoff.Clock
	Logger *slog.Logger
}

// New returns a Dispatcher; it does nothing until Start.
func New(c Config) *Dispatcher {
	if c.Horizon <= 0 {
		c.Horizon = DefaultHorizon
	}
	if c.Degrade == nil {
		c.Degrade = func(_ string, m handoff.Message) (handoff.Message, string) { return m, "" }
	}
	d := &Dispatcher{
		store: c.Store, conns: c.Connections, settler: c.Settler, now: c.Now, log: c.Logger,
		horizon: c.Horizon, jitter: flow.FullJitter, degrade: c.Degrade, lanes: map[string]*lane{}, commits: map[string]int{}, gates: map[string]*gate{},
	}
	d.alarms = flow.NewAlarms(&d.mu, c.Now)
	return d
}

// Start takes up all lanes that have pending deliveries.
func (d *Dispatcher) Start(ctx context.Context) error {
	d.mu.Lock()
	d.ctx, d.cancel = context.WithCancel(context.WithoutCancel(ctx))
	d.alarms.Start()
	d.mu.Unlock()
	sessionIDs, err := d.store.Lanes(ctx)
	if err != nil {
		d.Stop()
		return err
	}
	for _, id := range sessionIDs {
		d.Wake(id)
	}
	d.mu.Lock()
	d.ready = true
	d.mu.Unlock()
	return nil
}

// Stop takes up no more deliveries, lets the calls under way end for a while
// and then cuts them. What was cut stays pending and goes out after the next start.
func (d *Dispatcher) Stop() {
	d.mu.Lock()
	cancel := d.cancel
	d.ctx, d.cancel, d.ready = nil, nil, false
	d.alarms.Stop()
	d.mu.Unlock()
	if cancel == nil {
		return
	}
	cut := time.AfterFunc(stopGrace, cancel)
	d.running.Wait()
	cut.Stop()
	cancel()
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.lanes)
	clear(d.gates)
	d.unread, d.bytes = nil, 0
}

// Wake says that a session's lane may have work that nobody has handed over. It
// does not block.
func (d *Dispatcher) Wake(sessionID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.look(sessionID)
}

// look lets a lane read the table. The caller holds d.mu.
func (d *Dispatcher) look(sessionID string) {
	if d.ctx == nil {
		return
	}
	l := d.lanes[sessionID]
	if l == nil {
		l = d.newLane(sessionID)
	}
	d.distrust(l)
	if l.state == laneIdle { // one that waits for a retry looks when that is due
		d.next(l)
	}
}

// Committing tells that something may be committed for a session's lane, which
// Deliver will be told of. Until then the lane keeps what it knows: it may find in
// the table what is handed over later. It does not block.
func (d *Dispatcher) Committing(sessionID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.commits[sessionID]++
}

// Deliver takes over what was committed for a lane. Those of one session come in
// the order of their commits; whatever does not go on from where the lane is, is
// read from the table. It does not block.
func (d *Dispatcher) Deliver(h handoff.Handover) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id := h.Session.ID
	if d.commits[id]--; d.commits[id] <= 0 {
		delete(d.commits, id)
	}
	l := d.lanes[id]
	switch {
	case d.ctx == nil:
		return
	case h.Unsure || !d.ready:
		d.look(id)
	case l != nil:
		l.session.learn(&h.Session)
		d.add(l, h.Jobs)
	case len(h.Jobs) > 0:
		// An idle lane has nothing pending, so that this is the head of the table.
		l = d.newLane(id)
		l.session.learn(&h.Session)
		l.whole = true
		d.add(l, h.Jobs)
	}
	if l != nil && l.state == laneIdle {
		d.next(l)
	}
}

// add puts jobs at the end of a lane, as long as the lane has room for them and
// they belong there.
func (d *Dispatcher) add(l *lane, jobs []handoff.Job) {
	for i := range jobs {
		switch {
		case jobs[i].Delivery.ID <= l.last:
			d.distrust(l)
			return
		case !l.whole:
			l.again = true
			return
		case !d.keep(l, newParcel(&jobs[i])):
			l.whole, l.again = false, true
			return
		}
	}
}
