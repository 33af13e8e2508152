// Package timer runs sessions' timers. They are rows of the database and
// therefore hold over a restart; in memory there is nothing but the time of the
// next one, so that many sessions cost no more than few.
package timer

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
)

const (
	// batch bounds how many sessions are taken at once.
	batch = 256
	// parallel is how many of them are worked on at a time; the store writes
	// them in one transaction.
	parallel = 64
	// storeRetry is the pause after the database failed.
	storeRetry = time.Second
	// maxSleep bounds a sleep, which a step of the wall clock does not shorten.
	maxSleep = time.Minute
)

// Store finds what is due.
type Store interface {
	// Due returns up to limit sessions that are due at a time, the longest due
	// first, and when the first of the others is; the zero time = never.
	Due(ctx context.Context, now time.Time, limit int) (sessionIDs []string, next time.Time, err error)
}

// Firer does what is due in a session.
type Firer interface {
	Fire(ctx context.Context, sessionID string) error
}

// Loop waits for the next timer and fires it.
type Loop struct {
	store Store
	firer Firer
	now   handoff.Clock
	log   *slog.Logger

	mu   sync.Mutex
	next time.Time     // when the loop will look; zero = at the next nudge
	wake chan struct{} // of size 1
}

// Config is what a Loop is made of.
type Config struct {
	Store  Store
	Firer  Firer
	Now    handoff.Clock
	Logger *slog.Logger
}

// New returns a Loop; it does nothing until Run.
func New(c Config) *Loop {
	return &Loop{store: c.Store, firer: c.Firer, now: c.Now, log: c.Logger, wake: make(chan struct{}, 1)}
}

// Nudge tells that something is due at a time. It does not block.
func (l *Loop) Nudge(due time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.next.IsZero() && !due.Before(l.next) {
		return
	}
	l.next = due
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Run fires timers until ctx is done.
func (l *Loop) Run(ctx context.Context) {
	timer := time.NewTimer(0) // a first look, for what fell due while we were away
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			if next := l.planned(); !l.now().Before(next) { // the zero time is past, too
				l.look(ctx)
			}
		case <-l.wake:
		}
		next := l.planned()
		if next.IsZero() {
			timer.Stop()
			continue
		}
		timer.Reset(min(next.Sub(l.now()), maxSleep))
	}
}

// planned returns when to look next; the zero time is none.
func (l *Loop) planned() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

// look fires what is due and notes when to look again.
func (l *Loop) look(ctx context.Context) {
	l.mu.Lock()
	l.next = time.Time{} // a nudge from now on counts
	l.mu.Unlock()
	for ctx.Err() == nil {
		due, next, err := l.store.Due(ctx, l.now(), batch)
		if err != nil {
			l.log.ErrorContext(ctx, "timer.due", slog.Any("error", err))
			l.Nudge(l.now().Add(storeRetry))
			return
		}
		if len(due) == 0 {
			if !next.IsZero() {
				l.Nudge(next)
			}
			return
		}
		if !l.fire(ctx, due) {
			l.Nudge(l.now().Add(storeRetry))
			return
		}
	}
}

// fire reports whether all went well; what did not is still due.
func (l *Loop) fire(ctx context.Context, sessionIDs []string) bool {
	var group sync.WaitGroup
	slots := make(chan struct{}, parallel)
	failed := make(chan error, len(sessionIDs))
	for _, id := range sessionIDs {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			if err := l.firer.Fire(ctx, id); err != nil {
				failed <- err
			}
		})
	}
	group.Wait()
	close(failed)
	var errs []error
	for err := range failed {
		errs = append(errs, err)
	}
	if len(errs) > 0 && ctx.Err() == nil {
		l.log.ErrorContext(ctx, "timer.fire", slog.Int("failed", len(errs)), slog.Any("error", errors.Join(errs...)))
	}
	return len(errs) == 0
}
