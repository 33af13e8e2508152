// Package measure has the two kinds of load, what is said of their latencies,
// and what /proc tells of a server's process.
package measure

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Result is what a load led to.
type Result struct {
	Calls     int
	Elapsed   time.Duration
	Latencies Latencies // of the calls
}

// PerSecond is the rate of the calls.
func (r Result) PerSecond() float64 { return float64(r.Calls) / r.Elapsed.Seconds() }

// Closed lets clients call one after the other for a while, each as fast as it
// is answered. The first error ends the load: figures with errors are worthless.
func Closed(ctx context.Context, clients int, d time.Duration, call func(ctx context.Context, client int) error) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	each := make([]Latencies, clients)
	begin := time.Now()
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			for time.Since(begin) < d && ctx.Err() == nil {
				start := time.Now()
				if err := call(ctx, client); err != nil {
					cancel(err)
					return
				}
				each[client] = append(each[client], time.Since(start))
			}
		})
	}
	wg.Wait()
	r := Result{Elapsed: time.Since(begin)}
	for _, l := range each {
		r.Calls += len(l)
		r.Latencies = append(r.Latencies, l...)
	}
	return r, failure(ctx, r.Calls)
}

// Open starts calls at a rate, however long each of them takes: a server that
// stumbles makes the calls behind it late too, as real customers would be.
func Open(ctx context.Context, perSecond int, d time.Duration, call func(ctx context.Context, n int) error) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	total := int(d.Seconds() * float64(perSecond))
	latencies := make(Latencies, total)
	begin := time.Now()
	var wg sync.WaitGroup
	for n := range total {
		due := begin.Add(time.Duration(n) * time.Second / time.Duration(perSecond))
		time.Sleep(time.Until(due))
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			if err := call(ctx, n); err != nil {
				cancel(err)
			}
			latencies[n] = time.Since(due)
		})
	}
	wg.Wait()
	return Result{Calls: total, Elapsed: time.Since(begin), Latencies: latencies}, failure(ctx, total)
}

func failure(ctx context.Context, calls int) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if calls == 0 {
		return errors.New("not one call was made")
	}
	return nil
}

// Latencies are those of many calls, in any order.
type Latencies []time.Duration

// Millis returns a quantile (0 to 1) in milliseconds, sorting the latencies.
func (l Latencies) Millis(quantile float64) float64 {
	if len(l) == 0 {
		return 0
	}
	slices.Sort(l)
	return float64(l[int(quantile*float64(len(l)-1))]) / float64(time.Millisecond)
}

// Until waits until done says so, for a limited time, and reports whether it did.
func Until(ctx context.Context, limit time.Duration, done func() bool) bool {
	for end := time.Now().Add(limit); !done(); {
		if time.Now().After(end) || ctx.Err() != nil {
			return false
		}
		time.Sleep(200 * time.Microsecond)
	}
	return true
}
