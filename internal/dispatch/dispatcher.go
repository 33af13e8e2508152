// Package dispatch takes deliveries to the providers.
//
// Each session is a lane: only its first pending delivery is sent, and the next
// one when that is settled, so that a provider gets a session's messages in the
// order of their acceptance. Lanes run in parallel up to a limit for each
// connection. A commit wakes the lane; the database is read for what to send,
// and at start for all lanes that have something. What fails in a way that can
// heal is tried again with exponential back-off and full jitter.
package dispatch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

const (
	// callsPerConnection bounds the calls that are under way to one connection,
	// so that a provider that hangs holds up its own sessions alone.
	callsPerConnection = 512
	// stopGrace is how long calls under way get to end when the program stops.
	stopGrace = 10 * time.Second
	// storeRetry is the pause after the database failed.
	storeRetry = time.Second
)

// Sender is a connection as dispatch uses it.
type Sender interface {
	Open(ctx context.Context, c provider.Call, start handoff.Start) (handoff.Ref, error)
	Send(ctx context.Context, c provider.Call, m handoff.Message) (vendorID string, err error)
	Close(ctx context.Context, c provider.Call, reason handoff.CloseReason) error
}

// Connections opens connections and is told how they fare.
type Connections interface {
	Sender(ctx context.Context, connectionID string) (Sender, error)
	// Report notes the outcome of a call: nil, or what went wrong.
	Report(ctx context.Context, connectionID string, err error)
}

// Settler records the outcome of an attempt.
type Settler interface {
	Settle(ctx context.Context, d handoff.Delivery, a handoff.Attempt) error
}

// Dispatcher runs the lanes.
type Dispatcher struct {
	store   Store
	conns   Connections
	settler Settler
	now     handoff.Clock
	log     *slog.Logger
	jitter  func(d time.Duration) time.Duration

	mu      sync.Mutex
	ctx     context.Context // of all calls; nil until Start and after Stop
	cancel  context.CancelFunc
	lanes   map[string]*lane         // by session; a lane is here as long as it has work
	calls   map[string]chan struct{} // by connection: the slots for its calls
	running sync.WaitGroup
}

// Config is what a Dispatcher is made of.
type Config struct {
	Store       Store
	Connections Connections
	Settler     Settler
	Now         handoff.Clock
	Logger      *slog.Logger
}

// New returns a Dispatcher; it does nothing until Start.
func New(c Config) *Dispatcher {
	return &Dispatcher{
		store: c.Store, conns: c.Connections, settler: c.Settler, now: c.Now, log: c.Logger, jitter: fullJitter,
		lanes: map[string]*lane{}, calls: map[string]chan struct{}{},
	}
}

// Start takes up all lanes that have pending deliveries.
func (d *Dispatcher) Start(ctx context.Context) error {
	sessionIDs, err := d.store.Lanes(ctx)
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.ctx, d.cancel = context.WithCancel(context.WithoutCancel(ctx))
	d.mu.Unlock()
	for _, id := range sessionIDs {
		d.Wake(id)
	}
	return nil
}

// Stop takes up no more deliveries, lets the calls under way end for a while
// and then cuts them. What was cut stays pending and goes out after the next start.
func (d *Dispatcher) Stop() {
	d.mu.Lock()
	cancel := d.cancel
	d.ctx, d.cancel = nil, nil
	for _, l := range d.lanes {
		l.stopTimer()
	}
	d.mu.Unlock()
	if cancel == nil {
		return
	}
	cut := time.AfterFunc(stopGrace, cancel)
	d.running.Wait()
	cut.Stop()
	cancel()
}

// Wake says that a session's lane may have work. It does not block.
func (d *Dispatcher) Wake(sessionID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lanes[sessionID]
	switch {
	case d.ctx == nil:
	case l == nil:
		d.run(sessionID, &lane{})
	default:
		l.again = true // a lane that waits for a retry looks when that is due
	}
}

// Release sends at once what waits for a retry on a connection, because
// somebody found out that it works again.
func (d *Dispatcher) Release(connectionID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for sessionID, l := range d.lanes {
		if l.connectionID != connectionID || d.ctx == nil {
			continue
		}
		l.released = true
		if l.stopTimer() {
			d.run(sessionID, l)
		}
	}
}

// run starts the lane's worker. The caller holds d.mu.
func (d *Dispatcher) run(sessionID string, l *lane) {
	d.lanes[sessionID] = l
	ctx := d.ctx
	d.running.Go(func() { d.work(ctx, sessionID, l) })
}

// slots returns the places for calls under way to a connection.
func (d *Dispatcher) slots(connectionID string) chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.calls[connectionID] == nil {
		d.calls[connectionID] = make(chan struct{}, callsPerConnection)
	}
	return d.calls[connectionID]
}
