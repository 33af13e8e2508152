package dispatch

import (
	"context"
	"log/slog"
	"time"

	"github.com/human-handoff/handoff/internal/flow"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

const (
	// maxLaneJobs bounds what one lane keeps in memory, maxBytes what all of them
	// do together; what is beyond that is read when its turn comes.
	maxLaneJobs = 32
	maxBytes    = 32 << 20
	// maxReaders bounds how many lanes are read at once, as at the start.
	maxReaders = 16
)

// laneState is what a lane is doing.
type laneState int

const (
	laneIdle    laneState = iota // has nothing to do
	laneReading                  // waits for its head to be read from the table
	laneInLine                   // waits at its gate, or at that of its pace
	laneCalling                  // a call is under way, or its outcome is being recorded
	laneWaiting                  // waits for its alarm
)

// lane is the work of one session. It is there as long as the session has
// something to deliver. Its fields are guarded by the dispatcher's mutex.
//
// What a lane has in memory begins with the first pending delivery of the table.
// Whether it also ends with the last one is what whole says; if not, the table is
// read again and again until it holds no more.
type lane struct {
	id      string
	state   laneState
	session subject
	gate    *gate // nil until the session is known
	jobs    []parcel
	last    int64 // the id of the last delivery seen
	whole   bool
	again   bool // something came while the table was being read

	overdue bool // the next look ignores when a retry is due
	ownWait bool // the time of the retry is our own choice, not the provider's
	alarm   flow.Alarm

	pace     *pace // while it stands in line because of one
	interval time.Duration
	lent     int // calls that the pace lends after a rest

	unsettled *outcome
	undone    int64 // the delivery of which it is certain that all attempts did nothing; 0 = none
}

// subject is what calls need of a session. Nothing of it changes once it is set.
type subject struct {
	agentID, connectionID, provider string
	ref                             handoff.Ref
	closed                          handoff.CloseReason
}

// parcel is a delivery with its content.
type parcel struct {
	delivery handoff.Delivery
	start    *handoff.Start
	message  *handoff.Message
	size     int
	empty    bool // the content, and even which one it is, has to be read again
	proven   bool // it comes from the table, and the session with it
}

// outcome is what became of an attempt and could not be recorded yet.
type outcome struct {
	delivery handoff.Delivery
	attempt  handoff.Attempt
	ownWait  bool // as in lane
	undone   bool // this attempt and those before it did nothing
}

func newParcel(job *handoff.Job) parcel {
	p := parcel{delivery: job.Delivery, size: 512 + len(job.Message.Text)}
	switch job.Delivery.Kind {
	case handoff.DeliverStart:
		p.start = &job.Start
		p.size += len(job.Start.Question) + len(job.Start.ProviderExtra)
		for _, turn := range job.Start.Transcript {
			p.size += 64 + len(turn.Text)
		}
	case handoff.DeliverMessage:
		p.message = &job.Message
	case handoff.DeliverClose:
	}
	return p
}

// learn adds what a session, as it was at some time, says of the subject.
func (s *subject) learn(from *handoff.Session) {
	if from.ConnectionID != "" {
		s.agentID, s.connectionID, s.provider = from.AgentID, from.ConnectionID, from.Provider
	}
	if from.Ref.ID != "" || s.ref.ID == "" && from.Ref.Data != "" {
		s.ref = from.Ref
	}
	if from.CloseReason != "" {
		s.closed = from.CloseReason
	}
}

// needless reports whether the first job can be settled without a call, because
// the provider never took the session.
func (l *lane) needless() bool {
	first := &l.jobs[0]
	switch {
	case first.empty:
		return false
	case first.delivery.Kind == handoff.DeliverStart:
		return l.session.closed == handoff.ClosedByProvider
	default:
		return l.session.ref.ID == ""
	}
}

// call is the first job's. Only what comes straight from whoever made it is known
// to be a first attempt: of what the table holds, another process may have tried
// it and ended before it could say so.
func (l *lane) call() provider.Call {
	first := &l.jobs[0].delivery
	return provider.Call{
		SessionID: l.id, AgentID: l.session.agentID, Ref: l.session.ref,
		IdempotencyKey: first.IdempotencyKey(), Time: first.CreateTime,
		Repeat: (first.Attempts > 0 || l.jobs[0].proven) && l.undone != first.ID,
	}
}

// The methods below are called with d.mu held.

// newLane makes a lane that knows nothing.
func (d *Dispatcher) newLane(sessionID string) *lane {
	l := &lane{id: sessionID}
	l.alarm.Ring = func() { d.wakeUp(l) }
	d.lanes[sessionID] = l
	return l
}

// next does whatever comes next in a lane that is not doing anything.
func (d *Dispatcher) next(l *lane) {
	switch {
	case d.ctx == nil:
	case len(l.jobs) > 0:
		d.ask(l)
	case !l.whole:
		d.queueRead(l)
	case d.commits[l.id] > 0:
		l.state = laneIdle // what is about to be handed over may be older than what the lane knows
	default:
		delete(d.lanes, l.id)
	}
}

// ask waits until the first job is due, and then for a permit.
func (d *Dispatcher) ask(l *lane) {
	if at := l.jobs[0].delivery.NextAttempt; !l.overdue && at.After(d.now()) {
		d.wait(l, at)
		return
	}
	l.overdue = false
	l.gate = d.gateOf(l.session.connectionID)
	if l.needless() {
		d.dismiss(l)
		return
	}
	d.enter(l.gate, l)
}

// dismiss settles a first job that needs no call. What was handed over may tell of
// an earlier moment, before the provider took the session: then the table decides.
func (d *Dispatcher) dismiss(l *lane) {
	if l.jobs[0].proven {
		d.launch(l, permit{})
		return
	}
	l.state = laneIdle
	d.distrust(l)
	d.shift(l)
	d.queueRead(l)
}

func (d *Dispatcher) wait(l *lane, until time.Time) {
	if d.ctx == nil {
		return
	}
	l.state = laneWaiting
	d.alarms.Set(&l.alarm, until)
}

// resume ends a lane's wait before its time.
func (d *Dispatcher) resume(l *lane) {
	d.alarms.Unset(&l.alarm)
	l.overdue = true
	d.wakeUp(l)
}

// wakeUp ends a lane's wait.
func (d *Dispatcher) wakeUp(l *lane) {
	l.ownWait = false
	if l.unsettled != nil && d.ctx != nil {
		l.state = laneCalling
		ctx, o := d.ctx, *l.unsettled
		d.running.Go(func() { d.settleAgain(ctx, l, o) })
		return
	}
	d.next(l)
}

// keep adds a job at the end of what the lane has in memory. It reports false if
// it has no room for it.
func (d *Dispatcher) keep(l *lane, p parcel) bool {
	l.last = p.delivery.ID
	if len(l.jobs) >= maxLaneJobs || d.bytes+p.size > maxBytes {
		return false
	}
	d.bytes += p.size
	l.jobs = append(l.jobs, p)
	return true
}

// shift takes the first job out of memory.
func (d *Dispatcher) shift(l *lane) {
	d.bytes -= l.jobs[0].size
	l.jobs[0] = parcel{}
	if l.jobs = l.jobs[1:]; len(l.jobs) == 0 {
		l.jobs = nil
	}
}

// distrust drops what a lane has in memory; the table tells what comes next. A
// lane that stands in line keeps its place there.
func (d *Dispatcher) distrust(l *lane) {
	l.whole, l.again = false, true
	if len(l.jobs) == 0 {
		return
	}
	for i := range l.jobs[1:] {
		d.bytes -= l.jobs[1+i].size
	}
	clear(l.jobs[1:])
	l.jobs = l.jobs[:1]
	switch l.state {
	case laneInLine:
		d.empty(&l.jobs[0])
	case laneWaiting:
		if l.unsettled == nil {
			d.shift(l)
		}
	default: // what is under way is beyond recall
	}
}

// empty leaves of a parcel that there is something.
func (d *Dispatcher) empty(p *parcel) {
	d.bytes -= p.size
	p.start, p.message, p.size, p.empty = nil, nil, 0, true
}

// queueRead lets the lane's head be read from the table.
func (d *Dispatcher) queueRead(l *lane) {
	l.state, l.again = laneReading, false
	d.unread = append(d.unread, l)
	if d.readers < maxReaders {
		d.readers++
		ctx := d.ctx
		d.running.Go(func() { d.read(ctx) })
	}
}

// read reads the heads of lanes as long as one waits for it.
func (d *Dispatcher) read(ctx context.Context) {
	for l := d.takeUnread(); l != nil; l = d.takeUnread() {
		job, ok, err := d.store.Head(ctx, l.id)
		d.mu.Lock()
		d.found(ctx, l, &job, ok, err)
		d.mu.Unlock()
	}
}

// takeUnread returns the next lane to read; nil if a reader has nothing to do any
// more.
func (d *Dispatcher) takeUnread() *lane {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.unread) == 0 || d.ctx == nil {
		d.unread = nil
		d.readers--
		return nil
	}
	l := d.unread[0]
	d.unread[0] = nil
	d.unread = d.unread[1:]
	l.again = false
	return l
}

// found goes on with what the table says.
func (d *Dispatcher) found(ctx context.Context, l *lane, job *handoff.Job, ok bool, err error) {
	switch {
	case d.ctx == nil:
		return
	case err != nil:
		d.log.ErrorContext(ctx, "dispatch.head", slog.String("session_id", l.id), slog.Any("error", err))
		d.wait(l, d.now().Add(storeRetry))
		return
	case ok:
		l.session.learn(&job.Session)
		p := newParcel(job)
		p.proven = true
		l.jobs = append(l.jobs, p)
		l.last = max(l.last, job.Delivery.ID)
		if d.bytes += l.jobs[0].size; d.bytes > maxBytes {
			d.empty(&l.jobs[0])
		}
	default:
		l.whole = !l.again // what was committed meanwhile may not have been seen
	}
	d.next(l)
}
