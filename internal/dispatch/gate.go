package dispatch

import (
	"context"
	"log/slog"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"golang.org/x/time/rate"

	"github.com/human-handoff/handoff/internal/provider"
)

const (
	// breakerFailures is how many calls in a row have to meet an outage until a
	// connection's calls stop. A provider that fails now and then stays in use.
	breakerFailures = 10
	// breakerDelay is how long they stop until one call probes, give or take
	// breakerJitter of it.
	breakerDelay  = 5 * time.Second
	breakerJitter = 0.2

	// limitedBase and maxLimited bound the pause of a connection that was told to
	// slow down, but not for how long.
	limitedBase = time.Second
	maxLimited  = time.Minute
)

// gate is where the lanes of one connection wait until they may call. Its fields
// are guarded by the dispatcher's mutex.
type gate struct {
	connectionID string
	known        bool // its terms are
	terms        Terms
	line         []*lane // in the order in which they asked
	paces        map[string]*pace

	held       bool // no call can succeed until somebody acts
	trial      bool // nobody was refused since that, but nobody was let in either: one call at a time
	released   bool // while the terms were being read, which may be older news
	paused     time.Time
	alarm      alarm // for when to look again
	inFlight   int
	started    uint64  // calls so far
	concurrent float64 // calls at once that the provider bears, as far as we know
	cutAt      uint64  // calls up to this one began before concurrent was lowered
	strikes    int     // how often it was lowered in a row
	rate       *rate.Limiter
	breaker    circuitbreaker.CircuitBreaker[any]
}

// permit lets a lane make one call.
type permit struct {
	gate   *gate // nil: no call is made
	number uint64
	probe  bool // the one call that a half-open breaker lets through
}

// gateOf returns the gate of a connection. The caller holds d.mu, as for all that
// follows.
func (d *Dispatcher) gateOf(connectionID string) *gate {
	if g := d.gates[connectionID]; g != nil {
		return g
	}
	g := &gate{
		connectionID: connectionID, paces: map[string]*pace{},
		breaker: circuitbreaker.NewBuilder[any]().WithFailureThreshold(breakerFailures).
			WithDelay(breakerDelay).WithJitterFactor(breakerJitter).WithSuccessThreshold(1).Build(),
	}
	g.alarm.ring = func() { d.pump(g) }
	d.gates[connectionID] = g
	ctx := d.ctx
	d.running.Go(func() { d.learn(ctx, g) })
	return g
}

// learn finds out the terms of a connection. When they cannot be had it is used
// as one without any: the calls will tell what is wrong.
func (d *Dispatcher) learn(ctx context.Context, g *gate) {
	terms, err := d.conns.Terms(ctx, g.connectionID)
	if err != nil && ctx.Err() == nil {
		d.log.ErrorContext(ctx, "dispatch.terms", slog.String("connection_id", g.connectionID), slog.Any("error", err))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx == nil {
		return
	}
	terms.Limits = terms.Limits.WithDefaults()
	g.known, g.terms, g.held = true, terms, terms.Held && !g.released
	g.concurrent = float64(terms.Limits.Concurrent)
	if terms.Limits.PerSecond > 0 {
		g.rate = rate.NewLimiter(rate.Limit(terms.Limits.PerSecond), terms.Limits.Burst)
	}
	line := g.line
	g.line = nil
	for _, l := range line {
		d.enter(g, l)
	}
}

// enter puts a lane at the end of the line, or first into that of its pace.
func (d *Dispatcher) enter(g *gate, l *lane) {
	l.state = laneInLine
	if !g.known || d.paced(g, l) {
		g.line = append(g.line, l)
	}
	d.pump(g)
}

// pump lets go whoever may go now, and otherwise sees to it that it looks again
// when that can have changed.
func (d *Dispatcher) pump(g *gate) {
	for len(g.line) > 0 && d.ctx != nil {
		l := g.line[0]
		if l.needless() {
			g.step()
			d.depart(l, false)
			d.dismiss(l)
			continue
		}
		p, wait := g.admit(d.now())
		if p.gate == nil {
			if wait > 0 {
				d.set(&g.alarm, d.now().Add(wait))
			}
			return
		}
		g.step()
		d.depart(l, true)
		d.launch(l, p)
	}
	if len(g.line) == 0 {
		g.line = nil // and not the memory of the longest line ever
		d.unset(&g.alarm)
	}
}

// step takes the first lane out of the line.
func (g *gate) step() {
	g.line[0] = nil
	g.line = g.line[1:]
}

// admit gives a permit, or tells how long to wait; 0 = until something happens.
func (g *gate) admit(now time.Time) (p permit, wait time.Duration) {
	switch {
	case !g.known || g.held:
		return permit{}, 0
	case now.Before(g.paused):
		return permit{}, g.paused.Sub(now)
	case g.inFlight >= int(g.concurrent), g.trial && g.inFlight > 0:
		return permit{}, 0
	}
	if wait := g.rateWait(now); wait > 0 {
		return permit{}, wait
	}
	if !g.breaker.TryAcquirePermit() {
		if g.breaker.IsHalfOpen() {
			return permit{}, 0 // the probe will tell
		}
		return permit{}, max(g.breaker.RemainingDelay(), time.Millisecond)
	}
	if g.rate != nil {
		g.rate.AllowN(now, 1)
	}
	g.inFlight++
	g.started++
	return permit{gate: g, number: g.started, probe: g.breaker.IsHalfOpen()}, 0
}

// rateWait tells how long the rate makes the next call wait, and takes nothing.
func (g *gate) rateWait(now time.Time) time.Duration {
	if g.rate == nil {
		return 0
	}
	r := g.rate.ReserveN(now, 1)
	defer r.CancelAt(now)
	return r.DelayFrom(now)
}

// note learns from the outcome of a call. It reports for how long the connection
// has to rest now.
func (d *Dispatcher) note(p permit, err error) (rest time.Duration) {
	g, now := p.gate, d.now()
	g.trial = false
	class := provider.Class("")
	if err != nil {
		class = provider.ClassOf(err)
	}
	switch class {
	case provider.ClassRateLimited:
		g.limited(p, now, retryAfter(err), d.jitter)
		rest = g.paused.Sub(now)
	case provider.ClassCredentials, provider.ClassConsent, provider.ClassIncomplete:
		g.held = true
	case "", provider.ClassRejected:
		g.strikes = 0
		g.concurrent = min(g.concurrent+1/g.concurrent, float64(g.terms.Limits.Concurrent))
	default:
	}
	g.inFlight--
	if g.record(p, class != provider.ClassTransient) {
		d.hurry(g)
	}
	d.pump(g)
	return rest
}

// giveBack returns a permit that led to no call.
func (d *Dispatcher) giveBack(p permit) {
	p.gate.inFlight--
	if p.probe {
		p.gate.breaker.RecordFailure() // there is no other way to have a probe again, later
	}
	d.pump(p.gate)
}

// limited slows the connection down: no call for a while, and then fewer at once.
// A storm of refusals counts once, however many calls it hits.
func (g *gate) limited(p permit, now time.Time, retryAfter time.Duration, jitter func(time.Duration) time.Duration) {
	if p.number > g.cutAt {
		g.concurrent = max(1, min(g.concurrent, float64(g.inFlight))/2)
		g.cutAt = g.started
		g.strikes++
	}
	if retryAfter <= 0 {
		wait := min(maxLimited, limitedBase<<min(max(g.strikes-1, 0), maxBackoffStep))
		retryAfter = wait/2 + jitter(wait/2)
	}
	if until := now.Add(retryAfter); until.After(g.paused) {
		g.paused = until
	}
}

// record tells the breaker that the provider was there, or was not. It reports
// whether that ended an outage. What began before the breaker opened says nothing
// that it does not know.
func (g *gate) record(p permit, there bool) (ended bool) {
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

// hurry lets those that wait for a retry of our own choosing look at once,
// because the outage is over. What the provider asked for still holds.
func (d *Dispatcher) hurry(g *gate) {
	for _, l := range d.lanes {
		if l.gate == g && l.state == laneWaiting && l.ownWait {
			d.resume(l)
		}
	}
}

// Release lets go out what waits on a connection, because somebody found out that
// it works again. A pause that the provider asked for still holds.
func (d *Dispatcher) Release(connectionID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.gates[connectionID]
	if g == nil || d.ctx == nil {
		return
	}
	g.held, g.trial = false, g.held || g.trial // whoever found out may not have seen all
	g.released = !g.known
	g.breaker.Close()
	for _, l := range d.lanes {
		if l.gate != g {
			continue
		}
		switch l.state {
		case laneWaiting:
			d.resume(l)
		case laneReading, laneCalling:
			l.overdue = true // what it is about to learn is older than this
		default:
		}
	}
	d.pump(g)
}
