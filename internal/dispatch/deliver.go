package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

var errNeverStarted = &provider.Error{Class: provider.ClassRejected, Err: errors.New("the provider never took the session")}

// attempt is one try to deliver a lane's first job.
type attempt struct {
	parcel  parcel
	call    provider.Call
	session subject
	permit  permit
}

// launch tries to deliver a lane's first job. The caller holds d.mu.
func (d *Dispatcher) launch(l *lane, p permit) {
	l.state = laneCalling
	ctx := d.ctx
	t := attempt{parcel: l.jobs[0], session: l.session, call: l.call(), permit: p}
	d.running.Go(func() { d.deliver(ctx, l, t) })
}

// deliver makes one attempt and settles it.
func (d *Dispatcher) deliver(ctx context.Context, l *lane, t attempt) {
	if t.parcel.empty && !d.fill(ctx, l, &t) {
		return
	}
	began := d.now()
	a, err := d.send(ctx, t)
	if err != nil && ctx.Err() != nil {
		return // cut by Stop, which is no failure of the provider's
	}
	rest := d.learnFrom(ctx, t, err)
	o := outcome{delivery: t.parcel.delivery, attempt: a}
	if err != nil {
		o.attempt = d.failure(o.delivery, err, rest)
		o.undone = undone(err) && !t.call.Repeat
		o.ownWait = provider.ClassOf(err) == provider.ClassTransient && retryAfter(err) == 0
	} else {
		o.attempt.State = handoff.DeliveryDelivered
	}
	d.logAttempt(ctx, t, o.attempt, err, d.now().Sub(began))
	d.settle(ctx, l, o)
}

// learnFrom tells all that the outcome of a call concerns of it. It returns for
// how long the connection has to rest now.
func (d *Dispatcher) learnFrom(ctx context.Context, t attempt, err error) (rest time.Duration) {
	if t.permit.gate == nil {
		return 0
	}
	d.mu.Lock()
	rest = d.note(t.permit, err)
	d.mu.Unlock()
	// Only now: what is reported may end in a Release, which has to come last.
	if _, unopened := errors.AsType[*unopenedError](err); !unopened {
		d.conns.Report(ctx, t.session.connectionID, err)
	}
	return rest
}

// unopenedError says that a connection could not even be opened, for a reason that
// lies with us.
type unopenedError struct{ error }

// Unwrap returns the cause.
func (e *unopenedError) Unwrap() error { return e.error }

// fill reads the content of what memory had no room for. It reports false if the
// attempt ends there.
func (d *Dispatcher) fill(ctx context.Context, l *lane, t *attempt) bool {
	job, ok, err := d.store.Head(ctx, l.id)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shift(l)
	if err != nil || !ok || job.Delivery.NextAttempt.After(d.now()) {
		d.found(ctx, l, &job, ok, err)
		d.giveBack(t.permit)
		return false
	}
	l.session.learn(&job.Session)
	p := newParcel(&job)
	p.proven = true
	d.bytes += p.size // for as long as the call takes
	l.jobs = append([]parcel{p}, l.jobs...)
	l.last = max(l.last, p.delivery.ID)
	t.parcel, t.session, t.call = p, l.session, l.call()
	if l.needless() {
		d.giveBack(t.permit)
		t.permit = permit{}
	}
	return true
}

// send makes the provider's call that an attempt stands for.
func (d *Dispatcher) send(ctx context.Context, t attempt) (a handoff.Attempt, err error) {
	if t.permit.gate == nil {
		return a, errNeverStarted
	}
	sender, err := d.conns.Sender(ctx, t.session.connectionID)
	if err != nil {
		if _, judged := errors.AsType[*provider.Error](err); !judged {
			err = &unopenedError{err}
		}
		return a, err
	}
	switch t.parcel.delivery.Kind {
	case handoff.DeliverStart:
		t.call.Keep = func(ctx context.Context, data string) error {
			return d.settler.Keep(ctx, t.call.SessionID, data)
		}
		t.call.Tell = func(ctx context.Context, in handoff.Inbound) error { return d.tell(ctx, t, in) }
		a.Ref, err = sender.Open(ctx, t.call, *t.parcel.start)
	case handoff.DeliverMessage:
		m := *t.parcel.message
		if len(m.Attachments) > 0 {
			m, a.Degraded = d.degrade(t.session.provider, m)
		}
		a.VendorID, err = sender.Send(ctx, t.call, m)
	case handoff.DeliverClose:
		reason := t.session.closed
		if reason == handoff.ClosedByProvider {
			reason = handoff.ClosedByWaitTimeout // what it means to a provider that took the start too late
		}
		err = sender.Close(ctx, t.call, reason)
	}
	return a, err
}

// tell applies what the answer to a start told. What comes too late counts for nothing.
func (d *Dispatcher) tell(ctx context.Context, t attempt, in handoff.Inbound) error {
	in.SessionID = t.call.SessionID
	err := d.settler.Receive(ctx, t.session.connectionID, in)
	if handoff.CodeOf(err) == handoff.CodePrecondition {
		return nil
	}
	return err
}

// settle records an outcome and goes on with the lane. It is recorded even while
// the program stops, for it happened; as long as it is not, nothing else of the
// lane goes out.
func (d *Dispatcher) settle(ctx context.Context, l *lane, o outcome) {
	session, err := d.settler.Settle(context.WithoutCancel(ctx), o.delivery, o.attempt)
	if err != nil {
		d.log.ErrorContext(ctx, "dispatch.settle", slog.String("session_id", l.id), slog.Any("error", err))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if session == nil {
		l.unsettled = &o
		d.wait(l, d.now().Add(storeRetry))
		return
	}
	l.unsettled, l.undone = nil, 0
	l.session.learn(session)
	if o.undone {
		l.undone = o.delivery.ID
	}
	if o.attempt.State != handoff.DeliveryPending {
		d.shift(l)
		d.next(l)
		return
	}
	d.distrust(l)
	d.shift(l)
	if l.overdue {
		d.next(l)
		return
	}
	l.ownWait = o.ownWait
	d.wait(l, o.attempt.RetryAt)
}

// settleAgain records an outcome that could not be recorded before, unless the
// table says that it was.
func (d *Dispatcher) settleAgain(ctx context.Context, l *lane, o outcome) {
	job, ok, err := d.store.Head(ctx, l.id)
	if err == nil && ok && job.Delivery.ID == o.delivery.ID && job.Delivery.Attempts == o.delivery.Attempts {
		d.settle(ctx, l, o)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.log.ErrorContext(ctx, "dispatch.head", slog.String("session_id", l.id), slog.Any("error", err))
		d.wait(l, d.now().Add(storeRetry))
		return
	}
	l.unsettled = nil
	d.distrust(l)
	d.shift(l)
	d.next(l)
}

// failure decides what becomes of a delivery whose attempt failed, on a connection
// that has to rest.
func (d *Dispatcher) failure(delivery handoff.Delivery, err error, rest time.Duration) handoff.Attempt {
	now := d.now()
	class := provider.ClassOf(err)
	a := handoff.Attempt{State: handoff.DeliveryPending, Class: string(class), Detail: err.Error()}
	tooOld := now.Sub(delivery.QueueTime()) > d.horizon && !untilSomebodyActs(class)
	if class == provider.ClassRejected || tooOld {
		a.State = handoff.DeliveryFailed
		return a
	}
	a.RetryAt = now.Add(max(d.jitter.Backoff(delivery.Attempts), retryAfter(err), rest))
	return a
}

// untilSomebodyActs reports whether a class of errors lasts until an operator, or
// somebody at the provider, has done something. Nothing is given up for them.
func untilSomebodyActs(c provider.Class) bool {
	return c == provider.ClassCredentials || c == provider.ClassConsent || c == provider.ClassIncomplete
}

// retryAfter is what the provider asked for; 0 if it did not.
func retryAfter(err error) time.Duration {
	if pe, ok := errors.AsType[*provider.Error](err); ok {
		return pe.RetryAfter
	}
	return 0
}

// undone reports whether it is certain that a call did nothing.
func undone(err error) bool {
	pe, ok := errors.AsType[*provider.Error](err)
	return ok && pe.Undone
}

func (d *Dispatcher) logAttempt(ctx context.Context, t attempt, a handoff.Attempt, err error, took time.Duration) {
	level := slog.LevelDebug // what went well stands in the database
	if a.State != handoff.DeliveryDelivered {
		level = slog.LevelWarn
	}
	if !d.log.Enabled(ctx, level) {
		return
	}
	delivery := &t.parcel.delivery
	d.log.LogAttrs(ctx, level, "delivery.attempted",
		slog.String("session_id", delivery.SessionID), slog.String("agent_id", t.session.agentID),
		slog.String("provider", t.session.provider), slog.String("connection_id", t.session.connectionID),
		slog.String("kind", string(delivery.Kind)), slog.String("message_id", delivery.MessageID),
		slog.Int("attempt", delivery.Attempts+1), slog.String("state", string(a.State)),
		slog.Time("retry_at", a.RetryAt), slog.String("error", summary(err)), slog.Duration("took", took))
}

// summary is an error without the provider's words, which may repeat the customer's.
func summary(err error) string {
	if pe, ok := errors.AsType[*provider.Error](err); ok {
		return pe.Summary()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
