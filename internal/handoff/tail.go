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

// Tail follows a session's log from after a sequence. It yields what is due at
// once, then what comes, in order and without gap or repeat; an empty batch
// means "nothing due yet" at the start and "still here" each [Beat]. It ends
// after CLOSED, when ctx is done, or with an error. A reader that is slow costs
// the others nothing: it holds no more than a batch, and reads the log again from
// where it is.
func (svc *Service) Tail(ctx context.Context, sessionID string, after uint64) iter.Seq2[[]Event, error] {
	return func(yield func([]Event, error) bool) {
		recent, leave := svc.recent.follow(sessionID)
		defer leave()
		wake, stop := svc.waker.Follow(sessionID)
		defer stop()
		beat := time.NewTicker(Beat)
		defer beat.Stop()
		for show := true; ctx.Err() == nil; {
			log, err := recent.after(ctx, svc, sessionID, after)
			if err != nil {
				yield(nil, err)
				return
			}
			if n := len(log.Events); n > 0 {
				after, show = log.Events[n-1].Sequence, true
			}
			ended := log.Closed && after == log.Last
			if show && !yield(log.Events, nil) || ended {
				return
			}
			if after < log.Last {
				continue
			}
			select {
			case <-wake:
				show = false
			case <-beat.C:
				show = true
			case <-ctx.Done():
			}
		}
	}
}
