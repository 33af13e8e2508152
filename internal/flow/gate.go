// Package flow keeps calls to one place within what that place bears: limits, pauses
// that it asks for, a circuit breaker for its outages, waits between attempts. Who
// calls, and in which order, is up to the owner.
//
//	gate.go     whether a call may go now, and what its outcome teaches
//	alarm.go    all that is waited for, behind one timer
//	backoff.go  the waits between attempts
//
// Nothing here has a lock: the owner's mutex guards it.
package flow

import (
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"golang.org/x/time/rate"
)

const (
	// breakerFailures is how many calls in a row have to meet an outage until the
	// calls stop. A place that fails now and then stays in use.
	breakerFailures = 10
	// breakerDelay is how long they stop until one call probes, give or take
	// breakerJitter of it.
	breakerDelay  = 5 * time.Second
	breakerJitter = 0.2

	// limitedBase and maxLimited bound the pause of a place that asked for fewer
	// calls, but not for how long.
	limitedBase = time.Second
	maxLimited  = time.Minute
)

// Limits is what a place bears.
type Limits struct {
	Concurrent int     // calls under way at once
	PerSecond  float64 // calls a second in the long run; 0 = no limit
	Burst      int     // calls at once after a rest
}

// Outcome is what a call tells of the place.
type Outcome int

// The outcomes of calls.
const (
	Answered Outcome = iota // it was there and took, or refused, the call
	Limited                 // it is asked too much
	Refused                 // it will refuse every call until somebody has acted
	Outage                  // it was not there
)

// Gate is where those who want to call one place wait.
type Gate struct {
	limits     Limits
	jitter     Jitter
	held       bool // no call can succeed until somebody acts
	trial      bool // nobody was refused since that, but nobody was let in either: one call at a time
	paused     time.Time
	inFlight   int
	started    uint64  // calls so far
	concurrent float64 // calls at once that the place bears, as far as we know
	cutAt      uint64  // calls up to this one began before concurrent was lowered
	strikes    int     // how often it was lowered in a row
	rate       *rate.Limiter
	breaker    circuitbreaker.CircuitBreaker[any]
}

// Permit lets one call be made. The zero value is none.
type Permit struct {
	number uint64
	probe  bool // the one call that a half-open breaker lets through
}

// NewGate returns an open gate.
func NewGate(l Limits, jitter Jitter) *Gate {
	g := &Gate{
		jitter: jitter,
		breaker: circuitbreaker.NewBuilder[any]().WithFailureThreshold(breakerFailures).
			WithDelay(breakerDelay).WithJitterFactor(breakerJitter).WithSuccessThreshold(1).Build(),
	}
	g.SetLimits(l)
	return g
}

// SetLimits sets what the place bears.
func (g *Gate) SetLimits(l Limits) {
	g.limits, g.concurrent, g.rate = l, float64(l.Concurrent), nil
	if l.PerSecond > 0 {
		g.rate = rate.NewLimiter(rate.Limit(l.PerSecond), l.Burst)
	}
}

// Hold lets no call through until [Gate.Release].
func (g *Gate) Hold() { g.held = true }

// Release lets calls through again, because somebody found out that the place
// works. A pause that it asked for still holds.
func (g *Gate) Release() {
	g.held, g.trial = false, g.held || g.trial // whoever found out may not have seen all
	g.breaker.Close()
}

// Admit gives a permit, or tells how long to wait; 0 = until something happens.
func (g *Gate) Admit(now time.Time) (p Permit, wait time.Duration, ok bool) {
	switch {
	case g.held:
		return Permit{}, 0, false
	case now.Before(g.paused):
		return Permit{}, g.paused.Sub(now), false
	case g.inFlight >= int(g.concurrent), g.trial && g.inFlight > 0:
		return Permit{}, 0, false
	}
	if wait := g.rateWait(now); wait > 0 {
		return Permit{}, wait, false
	}
	if !g.breaker.TryAcquirePermit() {
		if g.breaker.IsHalfOpen() {
			return Permit{}, 0, false // the probe will tell
		}
		return Permit{}, max(g.breaker.RemainingDelay(), time.Millisecond), false
	}
	if g.rate != nil {
		g.rate.AllowN(now, 1)
	}
	g.inFlight++
	g.started++
	return Permit{number: g.started, probe: g.breaker.IsHalfOpen()}, 0, true
}

// rateWait tells how long the rate makes the next call wait, and takes nothing.
func (g *Gate) rateWait(now time.Time) time.Duration {
	if g.rate == nil {
		return 0
	}
	r := g.rate.ReserveN(now, 1)
	defer r.CancelAt(now)
	return r.DelayFrom(now)
}

// Note learns from the outcome of a call; retryAfter is what a limited place asked
// for, 0 if it did not. It reports for how long the place has to rest now, and
// whether the call has ended an outage.
func (g *Gate) Note(p Permit, o Outcome, retryAfter time.Duration, now time.Time) (rest time.Duration, ended bool) {
	g.trial = false
	switch o {
	case Limited:
		g.limited(p, now, retryAfter)
		rest = g.paused.Sub(now)
	case Refused:
		g.held = true
	case Answered:
		g.strikes = 0
		g.concurrent = min(g.concurrent+1/g.concurrent, float64(g.limits.Concurrent))
	case Outage:
	}
	g.inFlight--
	return rest, g.record(p, o != Outage)
}

// GiveBack returns a permit that led to no call.
func (g *Gate) GiveBack(p Permit) {
	g.inFlight--
	if p.probe {
		g.breaker.RecordFailure() // there is no other way to have a probe again, later
	}
}

// limited slows the calls down: none for a while, and then fewer at once. A storm
// of refusals counts once, however many calls it hits.
func (g *Gate) limited(p Permit, now time.Time, retryAfter time.Duration) {
	if p.number > g.cutAt {
		g.concurrent = max(1, min(g.concurrent, float64(g.inFlight))/2)
		g.cutAt = g.started
		g.strikes++
	}
	if retryAfter <= 0 {
		wait := min(maxLimited, limitedBase<<min(max(g.strikes-1, 0), maxBackoffStep))
		retryAfter = wait/2 + g.jitter(wait/2)
	}
	if until := now.Add(retryAfter); until.After(g.paused) {
		g.paused = until
	}
}

// record tells the breaker that the place was there, or was not. It reports
// whether that ended an outage. What began before the breaker opened says nothing
// that it does not know.
func (g *Gate) record(p Permit, there bool) (ended bool) {
	if !g.breaker.IsClosed() && !p.probe {
		return false
	}
	if !there {
		g.breaker.RecordFailure()
		return false
	}
	g.breaker.RecordSuccess()
	return p.probe && g.breaker.IsClosed()
}
