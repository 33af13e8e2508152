// Package reconcile asks providers what webhooks have not told: those of open
// sessions that can be asked, after a start, after a provider's outage and, where
// calls cost nothing, every now and then. What did arrive comes with the same key again and counts for nothing.
package reconcile

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

const (
	// Interval is how far apart two rounds begin, at least.
	Interval = time.Minute
	// perSecond bounds the calls of a round, so that it takes a small part of what a
	// vendor allows.
	perSecond = 20
	parallel  = 8
	// overlap is how much of what was seen is looked at again: clocks differ, and
	// vendors count in seconds.
	overlap = 2 * time.Minute
)

// Session is an open session as a round needs it.
type Session struct {
	ID           string
	AgentID      string
	ConnectionID string
	State        handoff.State
	Ref          handoff.Ref
	CreateTime   time.Time
}

// Store lists open sessions.
type Store interface {
	// OpenSessions returns the open sessions of some kinds of providers that took them.
	OpenSessions(ctx context.Context, kinds []string) ([]Session, error)
}

// Connections gives access to providers.
type Connections interface {
	// Reconciling returns the kinds that can be asked: those whose calls cost money,
	// or the others.
	Reconciling(billed bool) []string
	Looks(kind string) float64 // a second, of one connection; 0 = any number
	Conn(ctx context.Context, connectionID string) (*provider.Conn, error)
	Report(ctx context.Context, connectionID string, callErr error)
}

// Receiver applies what a provider told.
type Receiver interface {
	Receive(ctx context.Context, connectionID string, in handoff.Inbound) error
}

// Config is what a Loop is made of.
type Config struct {
	Billed      bool // ask the providers whose calls cost money, and those after gaps alone
	Store       Store
	Connections Connections
	Receiver    Receiver
	Now         handoff.Clock
	Logger      *slog.Logger
}

// Loop makes the rounds.
type Loop struct {
	Config

	limit *rate.Limiter
	wake  chan struct{} // of size 1
	kinds []string

	mu     sync.Mutex
	seen   map[string]time.Time     // by session: up to when it was looked at
	owed   map[string]bool          // by session: not looked at since the last gap
	limits map[string]*rate.Limiter // by connection, of vendors that bear little
}

// New returns a Loop, which does nothing until Run.
func New(c Config) *Loop {
	return &Loop{
		Config: c, limit: rate.NewLimiter(perSecond, perSecond), wake: make(chan struct{}, 1),
		kinds: c.Connections.Reconciling(c.Billed), seen: map[string]time.Time{}, owed: map[string]bool{}, limits: map[string]*rate.Limiter{},
	}
}

// Nudge makes a round begin now. It does not block.
func (l *Loop) Nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Run makes rounds until ctx is done, the first one at once. With no provider that
// can be asked it does nothing.
func (l *Loop) Run(ctx context.Context) {
	if len(l.kinds) == 0 {
		return
	}
	ticker := time.NewTicker(Interval)
	defer ticker.Stop()
	for all := true; ; {
		if all || l.owes() {
			l.round(ctx, all)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			all = !l.Billed
		case <-l.wake:
			all = true
		}
	}
}

func (l *Loop) owes() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.owed) > 0
}

// round looks at all open sessions, or at those that an earlier round owes a look.
func (l *Loop) round(ctx context.Context, all bool) {
	sessions, err := l.Store.OpenSessions(ctx, l.kinds)
	if err != nil {
		if ctx.Err() == nil {
			l.Logger.ErrorContext(ctx, "reconcile.list", slog.Any("error", err))
		}
		return
	}
	l.forget(sessions, all)
	// So that where not all can be asked, each is at some time.
	rand.Shuffle(len(sessions), func(i, j int) { sessions[i], sessions[j] = sessions[j], sessions[i] })
	var group sync.WaitGroup
	var failed sync.Map // connections that are not asked again in this round
	slots := make(chan struct{}, parallel)
	for _, s := range sessions {
		if _, skip := failed.Load(s.ConnectionID); skip || !l.isOwed(s.ID) {
			continue
		}
		if l.limit.Wait(ctx) != nil {
			break
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			if !l.look(ctx, s) {
				failed.Store(s.ConnectionID, true)
			}
		})
	}
	group.Wait()
}

// forget drops what is known of sessions that are not open any more. With all, each
// of the others is owed a look.
func (l *Loop) forget(open []Session, all bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept, owed := make(map[string]time.Time, len(open)), map[string]bool{}
	for _, s := range open {
		if at, ok := l.seen[s.ID]; ok {
			kept[s.ID] = at
		}
		if all || l.owed[s.ID] {
			owed[s.ID] = true
		}
	}
	l.seen, l.owed = kept, owed
}

func (l *Loop) isOwed(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.owed[id]
}

// allowed reports whether a connection may be asked once more.
func (l *Loop) allowed(c handoff.Connection) bool {
	most := l.Connections.Looks(c.Kind)
	if most <= 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	limit := l.limits[c.ID]
	if limit == nil {
		limit = rate.NewLimiter(rate.Limit(most), perSecond)
		l.limits[c.ID] = limit
	}
	return limit.AllowN(l.Now(), 1)
}

// look asks for what happened in one session. It reports whether to go on with its
// connection: one that is down, or asked too much, is left alone until the next round.
func (l *Loop) look(ctx context.Context, s Session) bool {
	began := l.Now()
	l.mu.Lock()
	since, ok := l.seen[s.ID]
	l.mu.Unlock()
	if !ok {
		since = s.CreateTime
	}
	conn, err := l.Connections.Conn(ctx, s.ConnectionID)
	if err != nil || !conn.Reconciles() {
		return false // the status of the connection tells why
	}
	if !l.allowed(conn.Connection()) {
		return false // it is asked in one of the next rounds
	}
	inbound, err := conn.Since(ctx, provider.Call{SessionID: s.ID, AgentID: s.AgentID, Ref: s.Ref, Time: began}, since.Add(-overlap))
	if ctx.Err() != nil {
		return false
	}
	l.Connections.Report(ctx, s.ConnectionID, err)
	if err != nil { // which the connection has logged
		return provider.ClassOf(err) == provider.ClassRejected
	}
	for _, in := range inbound {
		in.Asked = true
		err := l.Receiver.Receive(ctx, s.ConnectionID, in)
		code := handoff.CodeOf(err)
		if err != nil && code != handoff.CodePrecondition && code != handoff.CodeNotFound {
			l.Logger.ErrorContext(ctx, "reconcile.receive", slog.String("session_id", s.ID), slog.Any("error", err))
			return true // it is asked for again, from the same moment on
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen[s.ID] = began
	delete(l.owed, s.ID)
	return true
}
