package feed

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/human-handoff/handoff/internal/flow"
	"github.com/human-handoff/handoff/internal/handoff"
)

const (
	// storeRetry is the pause after the database failed.
	storeRetry = time.Second
	// filtered is how many events are read at once when a filter may leave some out.
	filtered = 64
)

// attempt is one look of a lane, which mostly ends in a call.
type attempt struct {
	lane    *lane
	permit  flow.Permit
	target  target
	kinds   []handoff.EventKind
	overdue bool
}

// deliver reads what is due of a session, sends it and records the outcome.
func (svc *Service) deliver(ctx context.Context, t attempt) {
	limit := 1
	if len(t.kinds) > 0 {
		limit = filtered
	}
	h, ok, err := svc.store.FeedHead(ctx, t.lane.id, limit)
	switch {
	case err != nil:
		svc.failed(ctx, t, "event_webhook.head", err)
	case !ok:
		svc.giveBack(t, func(l *lane) { svc.next(l, false) })
	case len(h.Events) == 0:
		svc.giveBack(t, func(*lane) {})
		svc.settle(ctx, t, h.Cursor, nil)
	case h.NextAttempt.After(svc.now()) && !t.overdue:
		svc.giveBack(t, func(l *lane) { svc.wait(l, h.NextAttempt, true) })
	default:
		svc.send(ctx, t, h)
	}
}

// failed ends a look that something of ours kept from a call.
func (svc *Service) failed(ctx context.Context, t attempt, what string, err error) {
	if ctx.Err() == nil {
		svc.log.ErrorContext(ctx, "event_webhook.stuck", slog.String("session_id", t.lane.id), slog.String("step", what), slog.Any("error", err))
	}
	svc.giveBack(t, func(l *lane) { svc.wait(l, svc.now().Add(storeRetry), false) })
}

// giveBack ends an attempt without a call.
func (svc *Service) giveBack(t attempt, then func(l *lane)) {
	svc.mu.Lock()
	defer svc.mu.Unlock()
	t.lane.feed.gate.GiveBack(t.permit)
	then(t.lane)
	svc.pump(t.lane.feed)
}

// send makes the call for the first event that the filter lets through.
func (svc *Service) send(ctx context.Context, t attempt, h Head) {
	i := slices.IndexFunc(h.Events, func(e handoff.Event) bool { return len(t.kinds) == 0 || slices.Contains(t.kinds, e.Kind()) })
	if i < 0 {
		svc.giveBack(t, func(*lane) {})
		svc.settle(ctx, t, Cursor{SessionKey: h.SessionKey, Delivered: h.Events[len(h.Events)-1].Sequence}, nil)
		return
	}
	event := &h.Events[i]
	body, err := svc.encode(Notification{
		Type: string(event.Kind()), Time: event.Time,
		AgentID: h.AgentID, SessionID: h.SessionID, ConversationID: h.ConversationID, Event: event,
	})
	if err != nil {
		svc.failed(ctx, t, "event_webhook.encode", err)
		return
	}
	began := svc.now()
	err = svc.post(ctx, t.target, callID(h.SessionID, event.Sequence), body)
	if err != nil && ctx.Err() != nil {
		return // cut by Stop, which is no failure of the other side's
	}
	c := Cursor{SessionKey: h.SessionKey, Delivered: event.Sequence}
	rest := svc.note(t, err)
	if err != nil {
		c = svc.failure(h.Cursor, err, rest)
	}
	svc.logCall(ctx, t, event.Sequence, c, err, svc.now().Sub(began))
	svc.settle(ctx, t, c, err)
	svc.judge(ctx, t, err)
}

// callID is the same for each repeat of an event.
func callID(sessionID string, sequence uint64) string {
	return sessionID + "_" + strconv.FormatUint(sequence, 10)
}

// note tells the gate what became of a call. It returns for how long the feed has
// to rest now.
func (svc *Service) note(t attempt, err error) (rest time.Duration) {
	svc.mu.Lock()
	defer svc.mu.Unlock()
	f := t.lane.feed
	rest, ended := f.gate.Note(t.permit, outcomeOf(err), retryAfter(err), svc.now())
	if ended {
		svc.hurry(f)
	}
	svc.pump(f)
	return rest
}

// failure is where a session stands after a call that failed. No event is ever
// given up: the next one would say less than nothing without it.
func (svc *Service) failure(before Cursor, err error, rest time.Duration) Cursor {
	now := svc.now()
	c := before
	if c.Attempts == 0 {
		c.FailingSince = now
	}
	c.NextAttempt = now.Add(max(svc.jitter.Backoff(c.Attempts), retryAfter(err), rest))
	c.Attempts++
	c.LastError = err.Error()
	return c
}

// settle records how far a session got, after a call that failed with callErr or
// did not, and goes on with its lane. It is recorded even while the program stops,
// for it happened.
func (svc *Service) settle(ctx context.Context, t attempt, c Cursor, callErr error) {
	more, err := svc.store.SetCursor(context.WithoutCancel(ctx), c)
	if err != nil {
		svc.log.ErrorContext(ctx, "event_webhook.stuck", slog.String("session_id", t.lane.id),
			slog.String("step", "event_webhook.cursor"), slog.Any("error", err))
	}
	svc.mu.Lock()
	defer svc.mu.Unlock()
	l := t.lane
	l.settled++
	switch {
	case err != nil: // nothing else of the session goes out until it is recorded
		l.noted, l.unsettled = false, &outcome{t, c, callErr}
		svc.rest(l, svc.now().Add(storeRetry), false)
	case callErr != nil:
		l.noted = more
		svc.wait(l, c.NextAttempt, retryAfter(callErr) == 0)
	default:
		l.noted = more
		svc.next(l, more)
	}
}

func (svc *Service) logCall(ctx context.Context, t attempt, sequence uint64, c Cursor, err error, took time.Duration) {
	level := slog.LevelDebug
	if err != nil {
		level = slog.LevelWarn
	}
	if !svc.log.Enabled(ctx, level) {
		return
	}
	svc.log.LogAttrs(ctx, level, "event_webhook.called",
		slog.String("agent_id", t.target.agentID), slog.String("session_id", t.lane.id),
		slog.Uint64("sequence", sequence), slog.Int("attempt", c.Attempts), slog.Time("retry_at", c.NextAttempt),
		slog.Any("error", err), slog.Duration("took", took))
}
