package rows

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/human-handoff/handoff/bench/internal/measure"
	"github.com/human-handoff/handoff/bench/internal/target"
	"github.com/human-handoff/handoff/bench/internal/yardstick"
	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// resume is row 8.
func resume(ctx context.Context, e *Env) error {
	n := e.many(sessions)
	ours, ids, err := e.product(ctx, "", n)
	if err != nil {
		return err
	}
	defer ours.Stop()
	bare, err := e.yardstick(ctx, "fanout")
	if err != nil {
		return err
	}
	defer bare.Stop()
	after, err := e.miss(ctx, ours, ids)
	if err != nil {
		return err
	}
	if !measure.Settle(ctx, ours.PID, settleLimit) {
		return errBusy
	}
	for range e.Runs {
		b, err := resumeAll(ctx, bare, ids, after)
		if err != nil {
			return fmt.Errorf("yardstick: %w", err)
		}
		var o float64
		err = e.profiled(ctx, ours, "row8", time.Second, func() (err error) {
			o, err = resumeAll(ctx, ours.Process, ids, after)
			return err
		})
		if err != nil {
			return err
		}
		e.Report.Note(Metric{fmt.Sprintf("%d streams whole after", n), "s", goal(AtMost(1))}, o, b)
	}
	return nil
}

// miss opens a stream of each session, cuts them all and lets events happen that
// they miss. It returns the sequence that each stream had seen.
func (e *Env) miss(ctx context.Context, p *target.Product, ids []string) (after uint64, err error) {
	s, err := target.OpenPlain(ctx, p.Host(), ids, len(ids))
	if err != nil {
		return 0, err
	}
	s.Close()
	for i, id := range ids {
		got, err := p.Client.GetSession(ctx, &handoffv1.GetSessionRequest{SessionId: id})
		if err != nil {
			return 0, err
		}
		if last := got.GetSession().GetLastSequence(); i == 0 {
			after = last
		} else if last != after {
			return 0, fmt.Errorf("session %s is at event %d, the first one at %d", id, last, after)
		}
	}
	return after, eachAtOnce(len(ids), clients, func(i int) error {
		for n := range yardstick.Missed {
			_, err := p.Client.SendMessage(ctx, &handoffv1.SendMessageRequest{SessionId: ids[i], ClientMessageId: fmt.Sprint(n), Text: text})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// resumeAll lets all streams come back at the same time and returns the seconds
// until the last of them is whole.
func resumeAll(ctx context.Context, server *target.Process, ids []string, after uint64) (float64, error) {
	begin := time.Now()
	err := eachAtOnce(len(ids), len(ids), func(i int) error {
		return target.Resume(ctx, server.Host(), ids[i], after, yardstick.Missed)
	})
	return time.Since(begin).Seconds(), err
}

// eachAtOnce calls do for 0 to n-1, some at a time, and returns an error of them.
func eachAtOnce(n, atOnce int, do func(i int) error) error {
	errs := make(chan error, n)
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			errs <- do(i)
			<-slots
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
