package handoff

import (
	"context"
	"sync"
)

const (
	// maxRecent bounds how many events of a session are kept for its streams.
	maxRecent = 256
	// maxEarly bounds how many commits may overtake one that is expected.
	maxEarly = 64
)

// recentLogs holds the newest events of the sessions that are being followed, so
// that an event is read once however many streams it goes to. The database stays
// the truth: what does not fit together is forgotten and read again.
type recentLogs struct {
	mu   sync.Mutex
	logs map[string]*recentLog // by session
}

type recentLog struct {
	followers int // guarded by recentLogs.mu

	mu     sync.Mutex
	events []Event            // without gaps, up to last; nil until somebody has read the log
	early  map[uint64][]Event // by first sequence: what has overtaken others
	known  bool               // last and closed are those of the database
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
// one after the other may come here in another order: what comes too early waits.
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
	switch first := events[0].Sequence; {
	case !l.known || first <= l.last: // it was read
	case first == l.last+1:
		l.append(events)
	case len(l.early) < maxEarly:
		l.early[first] = events
	default:
		l.forget()
	}
}

// forget lets the next reader of a session read its log again.
func (r *recentLogs) forget(sessionID string) {
	r.mu.Lock()
	l := r.logs[sessionID]
	r.mu.Unlock()
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget()
}

// append adds what comes next, and what has waited for it.
func (l *recentLog) append(events []Event) {
	for len(events) > 0 {
		l.keep(append(l.events, events...))
		end := events[len(events)-1]
		l.last = end.Sequence
		if change, ok := end.Body.(StateChanged); ok {
			l.closed = change.State == StateClosed
		}
		events = l.early[l.last+1]
		delete(l.early, l.last+1)
	}
}

// forget lets the next reader read the log again.
func (l *recentLog) forget() {
	l.known, l.events, l.early = false, nil, nil
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
		l.early = map[uint64][]Event{}
	}
	return log, nil
}
