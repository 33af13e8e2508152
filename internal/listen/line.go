package listen

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/human-handoff/handoff/internal/provider"
)

// The pause before a connection is opened again: it doubles from the first to the
// longest, with jitter, and begins anew once a connection has held for a while.
const (
	firstPause   = time.Second
	longestPause = time.Minute
	refusedPause = 5 * time.Minute // when somebody has to act first; a change of the configuration ends it
	steady       = 10 * time.Second
)

// line is a source that is kept listened to. All but its channels belongs to the
// goroutine of keep.
type line struct {
	r      *Runner
	source Source
	ended  chan ending
	renew  chan int

	newest  int // number of the connection that was opened last
	open    int // connections that have not ended
	opened  time.Time
	pause   time.Duration // the last one; 0 = none yet
	refused int           // how often in a row
	waiting *time.Timer   // for the next to be opened
}

// ending is how a connection ended.
type ending struct {
	number int
	opener string // the connection that opened it
	err    error
}

// keep keeps a source listened to until ctx is done.
func (r *Runner) keep(ctx context.Context, s Source) {
	for ctx.Err() == nil {
		held, release, err := r.lease.Hold(ctx, s.Key)
		if err != nil {
			r.log.ErrorContext(ctx, "listen.lease", slog.Any("error", err))
			select {
			case <-ctx.Done():
			case <-time.After(firstPause):
			}
			continue
		}
		l := &line{r: r, source: s, ended: make(chan ending), renew: make(chan int, 1), waiting: time.NewTimer(0)}
		l.run(held)
		release()
	}
}

// run has a connection open, or soon again, until ctx is done.
func (l *line) run(ctx context.Context) {
	defer l.waiting.Stop()
	done := ctx.Done()
	for {
		select {
		case <-done:
			if l.open == 0 {
				return
			}
			done = nil
		case <-l.waiting.C:
			if ctx.Err() == nil {
				l.connect(ctx)
			}
		case number := <-l.renew:
			if number == l.newest && ctx.Err() == nil {
				l.again(nil)
			}
		case e := <-l.ended:
			l.open--
			if ctx.Err() != nil && l.open == 0 {
				return
			}
			l.end(ctx, e)
		}
	}
}

// connect opens the next connection. The one before may go on beside it.
func (l *line) connect(ctx context.Context) {
	l.newest++
	l.open++
	l.opened = l.r.now()
	number, ids := l.newest, l.source.ConnectionIDs
	opener := ids[number%len(ids)] // each in turn: one's credentials may be bad, and another's good
	up := false
	on := provider.Line{
		Up: func() {
			if !up {
				up = true
				l.r.connections.Listened(ctx, ids, nil)
			}
		},
		Renew: func() {
			select {
			case l.renew <- number:
			default: // it was told already
			}
		},
		Take: func(ctx context.Context, event provider.Request) error { return l.r.took(ctx, ids, event) },
	}
	go func() {
		l.ended <- ending{number, opener, l.r.connections.Listen(ctx, opener, on)}
	}()
}

// end notes that a connection ended, and opens the next one after a pause. That of
// one that has been replaced matters to nobody.
func (l *line) end(ctx context.Context, e ending) {
	if e.number != l.newest || ctx.Err() != nil {
		return
	}
	if e.err != nil {
		l.r.connections.Listened(ctx, []string{e.opener}, e.err)
	}
	l.again(e.err)
}

// again has the next connection opened, once its pause is over.
func (l *line) again(err error) {
	if l.r.now().Sub(l.opened) >= steady {
		l.pause = 0
	}
	l.waiting.Reset(l.next(err))
}

// next is how long to wait before the next connection. One that the vendor ended in
// its usual course is followed at once, unless it did so at once, too.
func (l *line) next(err error) time.Duration {
	if err == nil && l.pause == 0 {
		l.pause = firstPause
		return 0
	}
	l.pause = min(max(2*l.pause, firstPause), longestPause)
	wait := l.pause/2 + rand.N(l.pause/2)
	switch provider.ClassOf(err) {
	case provider.ClassCredentials, provider.ClassConsent, provider.ClassIncomplete:
		if l.refused++; l.refused%len(l.source.ConnectionIDs) == 0 {
			wait = refusedPause
		}
	default:
		l.refused = 0
	}
	if e, ok := errors.AsType[*provider.Error](err); ok {
		wait = max(wait, e.RetryAfter)
	}
	return wait
}
