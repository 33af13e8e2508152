package dispatch

import (
	"context"
	"log/slog"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
)

// lane is the work of one session. Its fields are guarded by the dispatcher's mutex.
type lane struct {
	connectionID string
	again        bool        // woken while it was looking
	released     bool        // the next look ignores when a retry is due
	timer        *time.Timer // set while it waits for a retry
}

// stopTimer ends the wait for a retry; it reports whether there was one to end.
func (l *lane) stopTimer() bool {
	stopped := l.timer != nil && l.timer.Stop()
	l.timer = nil
	return stopped
}

// work sends what the lane holds, until it is empty, has to wait or the
// dispatcher stops.
func (d *Dispatcher) work(ctx context.Context, sessionID string, l *lane) {
	for {
		job, ok, err := d.store.Head(ctx, sessionID)
		switch {
		case err != nil:
			d.log.ErrorContext(ctx, "dispatch.head", slog.String("session_id", sessionID), slog.Any("error", err))
			d.later(sessionID, l, storeRetry)
			return
		case !ok && d.leave(sessionID, l):
			return
		case !ok:
			continue
		}
		if wait := d.waitFor(job, l); wait > 0 {
			d.later(sessionID, l, wait)
			return
		}
		if !d.deliver(ctx, job) {
			d.later(sessionID, l, storeRetry)
			return
		}
	}
}

// leave removes an empty lane, unless it was woken in the meantime.
func (d *Dispatcher) leave(sessionID string, l *lane) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l.again && d.ctx != nil {
		l.again = false
		return false
	}
	delete(d.lanes, sessionID)
	return true
}

// waitFor tells how long the job has to wait for its next attempt.
func (d *Dispatcher) waitFor(job handoff.Job, l *lane) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	l.connectionID, l.again = job.Session.ConnectionID, false
	if l.released {
		l.released = false
		return 0
	}
	return job.Delivery.NextAttempt.Sub(d.now())
}

// later lets the lane look again after a while.
func (d *Dispatcher) later(sessionID string, l *lane, wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx == nil {
		delete(d.lanes, sessionID)
		return
	}
	l.timer = time.AfterFunc(wait, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.ctx != nil && l.timer != nil {
			l.timer = nil
			d.run(sessionID, l)
		}
	})
}
