package agents

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
)

// The back-off between the checks of a connection that is unavailable.
const (
	firstRecheck  = 5 * time.Second
	maxRecheck    = 15 * time.Minute
	recheckSpread = 10 // percent of a wait by which checks differ, so that they do not come all at once
	parallelCheck = 8
)

// rechecks is when unavailable connections are checked again. Which they are
// stands in the database; here is only how long to wait.
type rechecks struct {
	wake chan struct{} // of size 1

	mu    sync.Mutex
	waits map[string]*recheckWait // by connection
}

type recheckWait struct {
	wait time.Duration // the present one
	next time.Time
}

func newRechecks() *rechecks {
	return &rechecks{wake: make(chan struct{}, 1), waits: map[string]*recheckWait{}}
}

// nudge tells that a connection became unavailable. It does not block.
func (r *rechecks) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// due returns which of the connections are to be checked now, and when the first
// of the others is; the zero time if there is none.
func (r *rechecks) due(list []handoff.Connection, now time.Time) (due []handoff.Connection, next time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range list {
		if c.Status.ReasonCode == handoff.ReasonConsent {
			continue // somebody has to agree first; asking the vendor changes nothing
		}
		w := r.waits[c.ID]
		// A connection that looked well for a moment goes on where it was: its
		// check may not be able to see what is wrong.
		if w == nil || now.Sub(w.next) > w.wait {
			w = &recheckWait{wait: firstRecheck, next: now.Add(spread(firstRecheck))}
			r.waits[c.ID] = w
		}
		switch {
		case !now.Before(w.next):
			due = append(due, c)
			w.wait = min(2*w.wait, maxRecheck)
			w.next = now.Add(spread(w.wait))
		case next.IsZero() || w.next.Before(next):
			next = w.next
		}
	}
	for id, w := range r.waits {
		if now.Sub(w.next) > w.wait {
			delete(r.waits, id)
		}
	}
	return due, next
}

func spread(d time.Duration) time.Duration {
	return d + rand.N(d*recheckSpread/100)
}

// Run checks connections that are unavailable again and again until ctx is done,
// so that they come back by themselves. While none is, it does nothing.
func (svc *Service) Run(ctx context.Context) {
	timer := time.NewTimer(0) // a first look, for what was unavailable before the start
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-svc.rechecks.wake:
		}
		next := svc.recheck(ctx)
		timer.Stop()
		if !next.IsZero() {
			timer.Reset(next.Sub(svc.now()))
		}
	}
}

// recheck checks what is due and returns when to look again; the zero time when
// nothing is unavailable.
func (svc *Service) recheck(ctx context.Context) time.Time {
	for ctx.Err() == nil {
		list, err := svc.store.Unavailable(ctx)
		if err != nil {
			svc.log.ErrorContext(ctx, "agents.recheck", slog.Any("error", err))
			return svc.now().Add(firstRecheck)
		}
		due, next := svc.rechecks.due(list, svc.now())
		if len(due) == 0 {
			return next
		}
		svc.recheckAll(ctx, due)
	}
	return time.Time{}
}

func (svc *Service) recheckAll(ctx context.Context, due []handoff.Connection) {
	var group sync.WaitGroup
	slots := make(chan struct{}, parallelCheck)
	for _, c := range due {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			status, err := svc.checkAgain(ctx, &c)
			svc.log.InfoContext(ctx, "agents.recheck", slog.String("connection_id", c.ID), slog.String("agent_id", c.AgentID),
				slog.String("provider", c.Kind), slog.String("state", string(status.State)), slog.Any("error", err))
		})
	}
	group.Wait()
}
