package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// The back-off between attempts: exponential with full jitter, after M. Brooker,
// "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
const (
	backoffBase    = 500 * time.Millisecond
	minBackoff     = 50 * time.Millisecond
	maxBackoff     = 5 * time.Minute
	retryHorizon   = 24 * time.Hour // after which a delivery is given up
	maxBackoffStep = 16             // keeps the shift from overflowing
)

var errNeverStarted = &provider.Error{Class: provider.ClassRejected, Err: errors.New("the provider never took the session")}

// deliver makes one attempt and settles it. It reports whether the lane may
// look again at once: false when the outcome could not be recorded, or when the
// dispatcher stops and the delivery stays as it is.
func (d *Dispatcher) deliver(ctx context.Context, job handoff.Job) bool {
	slots := d.slots(job.Session.ConnectionID)
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	defer func() { <-slots }()
	if d.stopping() {
		return false
	}
	began := d.now()
	attempt, err := d.attempt(ctx, job)
	if err != nil && ctx.Err() != nil {
		return false // cut by Stop, which is no failure of the provider's
	}
	// The outcome is recorded even while the program stops: it happened.
	if settleErr := d.settler.Settle(context.WithoutCancel(ctx), job.Delivery, attempt); settleErr != nil {
		d.log.ErrorContext(ctx, "dispatch.settle", slog.String("session_id", job.Session.ID), slog.Any("error", settleErr))
		return false
	}
	d.logAttempt(ctx, job, attempt, err, d.now().Sub(began))
	return true
}

func (d *Dispatcher) stopping() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ctx == nil
}

func (d *Dispatcher) attempt(ctx context.Context, job handoff.Job) (handoff.Attempt, error) {
	attempt, err := d.call(ctx, job)
	if err != nil {
		return d.failure(job.Delivery, err), err
	}
	attempt.State = handoff.DeliveryDelivered
	return attempt, nil
}

// call makes the provider's call that the job stands for.
func (d *Dispatcher) call(ctx context.Context, job handoff.Job) (a handoff.Attempt, err error) {
	s := &job.Session
	isStart := job.Delivery.Kind == handoff.DeliverStart
	if isStart && s.CloseReason == handoff.ClosedByProvider || !isStart && s.Ref.ID == "" {
		return a, errNeverStarted
	}
	sender, err := d.conns.Sender(ctx, s.ConnectionID)
	if err != nil {
		return a, err
	}
	c := provider.Call{SessionID: s.ID, AgentID: s.AgentID, Ref: s.Ref, IdempotencyKey: job.Delivery.IdempotencyKey(), Time: job.Delivery.CreateTime}
	switch job.Delivery.Kind {
	case handoff.DeliverStart:
		a.Ref, err = sender.Open(ctx, c, job.Start)
	case handoff.DeliverMessage:
		a.VendorID, err = sender.Send(ctx, c, job.Message)
	case handoff.DeliverClose:
		reason := s.CloseReason
		if reason == handoff.ClosedByProvider {
			reason = handoff.ClosedByWaitTimeout // what it means to a provider that took the start too late
		}
		err = sender.Close(ctx, c, reason)
	}
	if ctx.Err() == nil {
		d.conns.Report(ctx, s.ConnectionID, err)
	}
	return a, err
}

// failure decides what becomes of a delivery whose attempt failed.
func (d *Dispatcher) failure(delivery handoff.Delivery, err error) handoff.Attempt {
	now := d.now()
	a := handoff.Attempt{State: handoff.DeliveryPending, Detail: err.Error()}
	pe, ok := errors.AsType[*provider.Error](err)
	if !ok {
		pe = &provider.Error{Class: provider.ClassTransient}
	}
	tooOld := now.Sub(delivery.CreateTime) > retryHorizon && pe.Class != provider.ClassCredentials
	if pe.Class == provider.ClassRejected || tooOld {
		a.State = handoff.DeliveryFailed
		return a
	}
	step := min(delivery.Attempts, maxBackoffStep)
	wait := max(minBackoff, d.jitter(min(maxBackoff, backoffBase<<step)))
	a.RetryAt = now.Add(max(wait, pe.RetryAfter))
	return a
}

func fullJitter(d time.Duration) time.Duration { return rand.N(d) }

func (d *Dispatcher) logAttempt(ctx context.Context, job handoff.Job, a handoff.Attempt, err error, took time.Duration) {
	level := slog.LevelInfo
	if a.State != handoff.DeliveryDelivered {
		level = slog.LevelWarn
	}
	d.log.LogAttrs(ctx, level, "delivery.attempted",
		slog.String("session_id", job.Session.ID), slog.String("agent_id", job.Session.AgentID),
		slog.String("provider", job.Session.Provider), slog.String("connection_id", job.Session.ConnectionID),
		slog.String("kind", string(job.Delivery.Kind)), slog.String("message_id", job.Delivery.MessageID),
		slog.Int("attempt", job.Delivery.Attempts+1), slog.String("state", string(a.State)),
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
