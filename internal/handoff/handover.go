package handoff

import "sync"

// Handover is what a commit leaves to the lane of its session: what it added,
// with all that is needed to send it, so that nobody has to read it again.
type Handover struct {
	Session Session // as it was committed, without its changes
	Jobs    []Job   // in the order of the lane; their Session is left out, for they share the one above
	Unsure  bool    // nobody knows what was committed; only the table does
}

// concernsLane reports whether the lane has to learn of the session's changes. A
// close without a delivery does concern it: what waits may not have to be sent
// any more.
func (s *Session) concernsLane() bool {
	return len(s.changes.Deliveries)+len(s.changes.Retried) > 0 || s.State == StateClosed && s.Changed()
}

// handover tells what the session's changes leave to the lane.
func (s *Session) handover() Handover {
	c := &s.changes
	h := Handover{Session: s.Snapshot(), Unsure: len(c.Retried) > 0} // which goes before what the lane has
	for _, d := range c.Deliveries {
		job := Job{Delivery: d}
		switch d.Kind {
		case DeliverStart:
			h.Unsure = h.Unsure || c.Start == nil
			if c.Start != nil {
				job.Start = *c.Start
			}
		case DeliverMessage:
			logged, found := c.message(d.Sequence)
			h.Unsure = h.Unsure || !found
			job.Message = logged
		case DeliverClose:
		}
		h.Unsure = h.Unsure || d.ID == 0 // not written: somebody else was quicker
		h.Jobs = append(h.Jobs, job)
	}
	return h
}

// message returns the message that was logged with a sequence.
func (c *Changes) message(sequence uint64) (Message, bool) {
	for _, e := range c.Events {
		if logged, ok := e.Body.(MessageLogged); ok && e.Sequence == sequence {
			return logged.Message, true
		}
	}
	return Message{}, false
}

// handovers passes on what commits leave to lanes in the order of the commits.
// Callers come back from the store in any order; a session's are put in line
// while they hold its lock, and whoever comes back too early leaves what it has
// to the one before it. A session is here only while a commit is under way.
type handovers struct {
	waker Waker

	mu    sync.Mutex
	lines map[string][]*turn
}

// turn is the place of one commit in its session's line.
type turn struct {
	sessionID string
	done      bool
	handover  Handover
}

func newHandovers(waker Waker) *handovers {
	return &handovers{waker: waker, lines: map[string][]*turn{}}
}

// take puts a commit at the end of its session's line. It is called under the
// session's lock; a commit that runs again moves to the end again.
func (hs *handovers) take(t *turn, sessionID string) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if t.sessionID == "" {
		hs.waker.Committing(sessionID)
	} else {
		hs.remove(t)
	}
	t.sessionID = sessionID
	hs.lines[sessionID] = append(hs.lines[sessionID], t)
}

// leave ends a turn that led to nothing, or was never taken.
func (hs *handovers) leave(t *turn) {
	if t.sessionID == "" {
		return
	}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	t.done, t.handover = true, Handover{Session: Session{ID: t.sessionID}}
	hs.flush(t.sessionID)
}

// finish gives what the commit of a turn leaves; it is passed on when all before
// it has been.
func (hs *handovers) finish(t *turn, h Handover) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	t.done, t.handover = true, h
	hs.flush(t.sessionID)
}

func (hs *handovers) flush(sessionID string) {
	line := hs.lines[sessionID]
	for len(line) > 0 && line[0].done {
		hs.waker.Deliveries(line[0].handover)
		line = line[1:]
	}
	hs.keep(sessionID, line)
}

func (hs *handovers) remove(t *turn) {
	line := hs.lines[t.sessionID]
	for i := range line {
		if line[i] == t {
			hs.keep(t.sessionID, append(line[:i:i], line[i+1:]...))
			return
		}
	}
}

func (hs *handovers) keep(sessionID string, line []*turn) {
	if len(line) == 0 {
		delete(hs.lines, sessionID)
		return
	}
	hs.lines[sessionID] = line
}
