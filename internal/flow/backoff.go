package flow

import (
	"math/rand/v2"
	"time"
)

// The back-off between attempts: exponential with full jitter, after M. Brooker,
// "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
const (
	backoffBase    = 500 * time.Millisecond
	minBackoff     = 50 * time.Millisecond
	maxBackoff     = 5 * time.Minute
	maxBackoffStep = 16 // keeps the shift from overflowing
)

// Jitter returns a duration below the given one, mostly at random.
type Jitter func(d time.Duration) time.Duration

// FullJitter is the jitter to use.
func FullJitter(d time.Duration) time.Duration { return rand.N(d) }

// Backoff returns how long to wait after an attempt that failed, when there were
// some before it.
func (j Jitter) Backoff(before int) time.Duration {
	step := min(before, maxBackoffStep)
	return max(minBackoff, j(min(maxBackoff, backoffBase<<step)))
}
