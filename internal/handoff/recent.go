package handoff

import (
	"context"
	"sync"
)

// maxRecent bounds how many events of a session are kept for its streams.
const maxRecent = 256

// recentLogs holds the newest events of the sessions that are being followed, so
// that an event is read once however many streams it goes to. The database stays
// the truth: what does not fit together is dropped and read again.
type recentLogs struct {
	mu   sync.Mutex
	logs map[string]*recentLog // by session
}

type recentLog struct {
	followers int // guarded by recentLogs.mu

	mu     sync.Mutex
	events []Event // without gaps, up to last; nil until somebody has read the log
	known  bool    // last and closed are those of the database
	last   uint64
	closed bool
}

// follow returns the log of a session; stop has to be called once.
func (r *recentLogs) follow(sessionID string) (l *recentLog, stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.logs == nil {
		r.logs = map[string]*recentLog{}
	}
	l = r.logs[sessionID]
	if l == nil {
		l = &recentLog{}
		r.logs[sessionID] = l
	}
	l.followers++
	return l, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if l.followers--; l.followers == 0 {
			delete(r.logs, sessionID)
		}
	}
}

// add takes over what a committed update has logged. Updates that were committed
// one after the other may come here in another order; then the log is dropped.
func (r *recentLogs) add(s *Session) {
	events := s.Changes().Events
	if len(events) == 0 {
		return
	}
	r.mu.Lock()
	l := r.logs[s.ID]
	r.mu.Unlock()
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch first, last := events[0].Sequence, events[len(events)-1].Sequence; {
	case !l.known || last <= l.last:
	case first == l.last+1:
		l.keep(append(l.events, events...))
		l.last, l.closed = last, s.State == StateClosed
	default:
		l.known, l.events = false, nil
	}
}

// keep holds on to the newest events. Readers may still have those of before, so
// the array is copied before it would grow without end.
func (l *recentLog) keep(events []Event) {
	if len(events) > 2*maxRecent {
		events = append([]Event(nil), events[len(events)-maxRecent:]...)
	}
	l.events = events
}

// after returns what comes after a sequence, from memory if it is there. Of many
// readers that ask at once for what is not, one reads it for all.
func (l *recentLog) after(ctx context.Context, svc *Service, sessionID string, after uint64) (Log, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known && after <= l.last && after+uint64(len(l.events)) >= l.last {
		events := l.events[uint64(len(l.events))-(l.last-after):]
		return Log{Events: events[:min(len(events), tailBatch):min(len(events), tailBatch)], Last: l.last, Closed: l.closed}, nil
	}
	log, err := svc.Log(ctx, sessionID, after, tailBatch)
	if err != nil {
		return Log{}, err
	}
	if n := uint64(len(log.Events)); !l.known && after+n == log.Last {
		l.known, l.events, l.last, l.closed = true, log.Events[:n:n], log.Last, log.Closed
	}
	return log, nil
}
