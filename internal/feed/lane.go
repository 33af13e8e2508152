package feed

import (
	"time"

	"github.com/human-handoff/handoff/internal/flow"
)

type laneState int

const (
	laneInLine  laneState = iota // waits at its feed's gate
	laneCalling                  // reads what is due, sends it, records the outcome
	laneWaiting                  // waits for its alarm
)

// lane is one session's way through the gate of its feed. It holds no events:
// they are read when the call is about to be made. Its fields are guarded by the
// service's mutex.
type lane struct {
	id      string
	feed    *feed
	state   laneState
	again   bool // something came since what is due was read
	overdue bool // the next look ignores when a retry is due
	ownWait bool // the time of the retry is our own choice
	noted   bool // its cursor is pending in the table
	settled int  // how often its cursor was written
	alarm   flow.Alarm

	unsettled *outcome
}

// outcome is what became of a look and could not be recorded yet.
type outcome struct {
	attempt attempt
	cursor  Cursor
	err     error // of the call
}

// The methods below are called with svc.mu held.

// enter puts a lane at the end of its feed's line, unless the outcome of its last
// call has to be recorded first.
func (svc *Service) enter(l *lane) {
	if o := l.unsettled; o != nil && svc.ctx != nil {
		l.state, l.unsettled = laneCalling, nil
		ctx := svc.ctx
		svc.running.Go(func() { svc.settle(ctx, o.attempt, o.cursor, o.err) })
		return
	}
	l.state, l.ownWait = laneInLine, false
	l.feed.line = append(l.feed.line, l)
	svc.pump(l.feed)
}

// pump lets go whoever may go now, and otherwise sees to it that it looks again
// when that can have changed.
func (svc *Service) pump(f *feed) {
	for len(f.line) > 0 && svc.ctx != nil {
		permit, wait, ok := f.gate.Admit(svc.now())
		if !ok {
			if wait > 0 {
				svc.alarms.Set(&f.alarm, svc.now().Add(wait))
			}
			return
		}
		l := f.line[0]
		f.line[0] = nil
		f.line = f.line[1:]
		svc.launch(l, permit)
	}
	if len(f.line) == 0 {
		f.line = nil // and not the memory of the longest line ever
		svc.alarms.Unset(&f.alarm)
	}
}

func (svc *Service) launch(l *lane, p flow.Permit) {
	l.state, l.again = laneCalling, false
	ctx, f := svc.ctx, l.feed
	t := attempt{lane: l, permit: p, target: f.target(svc.now()), kinds: f.stored.Kinds, overdue: l.overdue}
	l.overdue = false
	svc.running.Go(func() { svc.deliver(ctx, t) })
}

// target is where calls go, and what signs them now.
func (f *feed) target(now time.Time) target {
	keys := f.keys
	if len(keys) > 1 && !now.Before(f.until) {
		keys = keys[:1]
	}
	return target{agentID: f.stored.AgentID, url: f.stored.URL, keys: keys}
}

// next goes on with a lane after a look; more tells that something is left.
func (svc *Service) next(l *lane, more bool) {
	switch {
	case svc.ctx == nil: // kept, for the checkpoint
	case l.feed.stored.Disabled != "":
		svc.leave(l)
	case more || l.again:
		svc.enter(l)
	default:
		svc.remove(l)
	}
}

func (svc *Service) wait(l *lane, until time.Time, ownWait bool) {
	if l.overdue && svc.ctx != nil && l.feed.stored.Disabled == "" {
		svc.enter(l) // something happened that is newer than what it knows
		return
	}
	svc.rest(l, until, ownWait)
}

// rest is wait, whatever happened meanwhile.
func (svc *Service) rest(l *lane, until time.Time, ownWait bool) {
	switch {
	case svc.ctx == nil:
	case l.feed.stored.Disabled != "":
		svc.leave(l)
	default:
		l.state, l.ownWait = laneWaiting, ownWait
		svc.alarms.Set(&l.alarm, until)
	}
}

// leave ends a lane whose feed was disabled or deleted during a call. News that
// came since belong to the feed of now, if there is one.
func (svc *Service) leave(l *lane) {
	svc.remove(l)
	if l.again {
		svc.news(l.id, l.feed.stored.AgentID, false)
	}
}

func (svc *Service) remove(l *lane) {
	delete(svc.lanes, l.id)
	l.feed.lanes--
}

// hurry lets those that wait for a retry of our own choosing look at once,
// because the outage is over. What the other side asked for still holds.
func (svc *Service) hurry(f *feed) {
	for _, l := range svc.lanes {
		if l.feed == f && l.state == laneWaiting && l.ownWait {
			svc.alarms.Unset(&l.alarm)
			l.overdue = true
			svc.enter(l)
		}
	}
}

// dropLanes forgets the lanes of a feed that stops to send. Those that call go
// when they are done.
func (svc *Service) dropLanes(f *feed) {
	f.line = nil
	svc.alarms.Unset(&f.alarm)
	for _, l := range svc.lanes {
		if l.feed == f && l.state != laneCalling {
			svc.alarms.Unset(&l.alarm)
			svc.remove(l)
		}
	}
}
