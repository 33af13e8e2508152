package handoff

import (
	"context"
	"iter"
	"time"
)

// Beat is how often a quiet stream shows that it is alive.
const Beat = 15 * time.Second

// tailBatch bounds what a stream holds in memory at once.
const tailBatch = 256

// Batch is one part of a stream: the events that are due, and the signals since
// the part before. One without either is a sign of life.
type Batch struct {
	Events  []Event
	Signals []Signal
}

// Tail follows a session's log from after a sequence. It yields what is due at
// once, then what comes, in order and without gap or repeat; an empty batch
// means "nothing due yet" at the start and "still here" each [Beat]. It ends
// after CLOSED, when ctx is done, or with an error. A reader that is slow costs
// the others nothing: it holds no more than a batch, and reads the log again from
// where it is.
func (svc *Service) Tail(ctx context.Context, sessionID string, after uint64) iter.Seq2[[]Event, error] {
	return func(yield func([]Event, error) bool) {
		for batch, err := range svc.Stream(ctx, sessionID, after, "") {
			if !yield(batch.Events, err) {
				return
			}
		}
	}
}

// Stream is [Service.Tail] with the signals of an author, as they come; no author
// means no signals.
func (svc *Service) Stream(ctx context.Context, sessionID string, after uint64, author Author) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		recent, leave := svc.recent.follow(sessionID)
		defer leave()
		wake, stop := svc.waker.Follow(sessionID)
		defer stop()
		listener, deafen := svc.signals.listen(sessionID, author)
		defer deafen()
		beat := time.NewTicker(Beat)
		defer beat.Stop()
		for show := true; ctx.Err() == nil; {
			log, err := recent.after(ctx, svc, sessionID, after)
			if err != nil {
				yield(Batch{}, err)
				return
			}
			batch := Batch{Events: log.Events, Signals: svc.signals.take(listener)}
			if n := len(log.Events); n > 0 {
				after = log.Events[n-1].Sequence
			}
			show = show || len(batch.Events)+len(batch.Signals) > 0
			ended := log.Closed && after == log.Last
			if show && !yield(batch, nil) || ended {
				return
			}
			if after < log.Last {
				continue
			}
			show = awaitNews(ctx, wake, listener.wake, beat.C)
		}
	}
}

// awaitNews waits until there may be something to show, or until a sign of life is
// due; it reports whether that is to be shown even without news.
func awaitNews(ctx context.Context, wake, signal <-chan struct{}, beat <-chan time.Time) bool {
	select {
	case <-wake:
	case <-signal:
	case <-ctx.Done():
	case <-beat:
		return true
	}
	return false
}
