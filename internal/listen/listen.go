package listen

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// look is how often the runner looks which connections there have to be, besides
// when it is told of a change: sessions that end leave connections that nobody needs.
const look = time.Minute

// Source is where events come from: an app at a vendor's.
type Source struct {
	Key           string   // the vendor and the adapter's key
	ConnectionIDs []string // of those whose events come from there; each can open it
	Version       string   // changes with their configurations
}

// Connections knows what there is to listen to.
type Connections interface {
	// Sources returns what to listen to now.
	Sources(ctx context.Context) ([]Source, error)

	// Listen listens over a connection, as [provider.Conn.Listen].
	Listen(ctx context.Context, connectionID string, line provider.Line) error

	// Listened tells how listening went: an error, or nil once a connection is up.
	Listened(ctx context.Context, connectionIDs []string, err error)

	// Hear parses an event that came over a connection. What cannot be parsed is in
	// quarantine.
	Hear(ctx context.Context, connectionID string, event provider.Request) ([]handoff.Inbound, error)

	// Reconfigured has a value whenever Sources may have changed.
	Reconfigured() <-chan struct{}
}

// Receiver applies what a provider told.
type Receiver interface {
	Receive(ctx context.Context, connectionID string, in handoff.Inbound) error
}

// Config is what a Runner is made of.
type Config struct {
	Connections Connections
	Receiver    Receiver
	Lease       Lease
	Now         handoff.Clock
	Logger      *slog.Logger
}

// Runner listens to all sources.
type Runner struct {
	connections Connections
	receiver    Receiver
	lease       Lease
	now         handoff.Clock
	log         *slog.Logger

	group sync.WaitGroup
	lines map[string]running // by key
}

// running is a source that is listened to.
type running struct {
	source Source
	stop   context.CancelFunc
	done   <-chan struct{}
}

// New returns a Runner.
func New(c Config) *Runner {
	return &Runner{
		connections: c.Connections, receiver: c.Receiver, lease: c.Lease, now: c.Now, log: c.Logger,
		lines: map[string]running{},
	}
}

// Run listens until ctx is done.
func (r *Runner) Run(ctx context.Context) {
	defer r.group.Wait()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		r.follow(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-r.connections.Reconfigured():
		}
	}
}

// follow starts and stops lines until they are those that there have to be.
func (r *Runner) follow(ctx context.Context) {
	sources, err := r.connections.Sources(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.log.ErrorContext(ctx, "listen.sources", slog.Any("error", err))
		}
		return // what runs goes on
	}
	wanted := map[string]Source{}
	for _, s := range sources {
		wanted[s.Key] = s
	}
	for key, line := range r.lines {
		if s, ok := wanted[key]; ok && s.Version == line.source.Version && slices.Equal(s.ConnectionIDs, line.source.ConnectionIDs) {
			delete(wanted, key)
			continue
		}
		line.stop()
		<-line.done // so that two never listen for one
		delete(r.lines, key)
	}
	for key, s := range wanted {
		held, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		r.lines[key] = running{s, stop, done}
		r.group.Go(func() {
			defer close(done)
			r.keep(held, s)
		})
	}
}
