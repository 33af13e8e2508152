package dispatch

import (
	"context"
	"log/slog"
	"time"

	"github.com/human-handoff/handoff/internal/flow"
	"github.com/human-handoff/handoff/internal/provider"
)

// gate is where the lanes of one connection wait until they may call. Its fields
// are guarded by the dispatcher's mutex.
type gate struct {
	flow *flow.Gate

	connectionID string
	known        bool // its terms are
	released     bool // while the terms were being read, which may be older news
	terms        Terms
	line         []*lane // in the order in which they asked
	paces        map[string]*pace
	alarm        flow.Alarm // for when to look again
}

// permit lets a lane make one call.
type permit struct {
	flow.Permit

	gate *gate // nil: no call is made
}

// gateOf returns the gate of a connection. The caller holds d.mu, as for all that
// follows.
func (d *Dispatcher) gateOf(connectionID string) *gate {
	if g := d.gates[connectionID]; g != nil {
		return g
	}
	g := &gate{
		connectionID: connectionID, paces: map[string]*pace{},
		flow: flow.NewGate(flow.Limits{}, d.jitter), // until its terms are known
	}
	g.alarm.Ring = func() { d.pump(g) }
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
	l := terms.Limits.WithDefaults()
	g.known, g.terms = true, terms
	g.flow.SetLimits(flow.Limits{Concurrent: l.Concurrent, PerSecond: l.PerSecond, Burst: l.Burst})
	if terms.Held && !g.released {
		g.flow.Hold()
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
		if !g.known {
			return
		}
		p, wait, ok := g.flow.Admit(d.now())
		if !ok {
			if wait > 0 {
				d.alarms.Set(&g.alarm, d.now().Add(wait))
			}
			return
		}
		g.step()
		d.depart(l, true)
		d.launch(l, permit{Permit: p, gate: g})
	}
	if len(g.line) == 0 {
		g.line = nil // and not the memory of the longest line ever
		d.alarms.Unset(&g.alarm)
	}
}

// step takes the first lane out of the line.
func (g *gate) step() {
	g.line[0] = nil
	g.line = g.line[1:]
}

// note learns from the outcome of a call. It reports for how long the connection
// has to rest now.
func (d *Dispatcher) note(p permit, err error) (rest time.Duration) {
	rest, ended := p.gate.flow.Note(p.Permit, outcomeOf(err), retryAfter(err), d.now())
	if ended {
		d.hurry(p.gate)
	}
	d.pump(p.gate)
	return rest
}

// outcomeOf tells what a call's error says of the connection.
func outcomeOf(err error) flow.Outcome {
	if err == nil {
		return flow.Answered
	}
	switch provider.ClassOf(err) {
	case provider.ClassRateLimited:
		return flow.Limited
	case provider.ClassCredentials, provider.ClassConsent, provider.ClassIncomplete:
		return flow.Refused
	case provider.ClassTransient:
		return flow.Outage
	default:
		return flow.Answered
	}
}

// giveBack returns a permit that led to no call.
func (d *Dispatcher) giveBack(p permit) {
	p.gate.flow.GiveBack(p.Permit)
	d.pump(p.gate)
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
	g.flow.Release()
	g.released = !g.known
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
