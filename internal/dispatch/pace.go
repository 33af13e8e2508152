package dispatch

import (
	"time"

	"github.com/human-handoff/handoff/internal/flow"
)

// pace keeps the calls that count towards one thing of a provider's apart: a
// channel, a phone. It exists as long as a call counts towards those that follow.
type pace struct {
	key   string
	next  time.Time  // no call before
	paid  time.Time  // when none of the calls up to now counts any more
	taken bool       // by a lane that stands in the gate's line
	line  []*lane    // in the order in which they asked
	alarm flow.Alarm // at next for the line, without one at paid
}

// paced reports whether a lane may stand in its gate's line already. If not, it
// stands in that of its pace. The caller holds d.mu, as for all that follows.
func (d *Dispatcher) paced(g *gate, l *lane) bool {
	l.pace = nil
	if g.terms.Pace == nil {
		return true
	}
	key, interval := g.terms.Pace(l.call())
	if key == "" || interval <= 0 {
		return true
	}
	p := g.paces[key]
	if p == nil {
		p = &pace{key: key}
		p.alarm.Ring = func() { d.paceTurn(g, p) }
		g.paces[key] = p
	}
	l.pace, l.interval, l.lent = p, interval, max(0, g.terms.PaceBurst-1)
	if p.taken || len(p.line) > 0 || d.now().Before(p.next) {
		p.line = append(p.line, l)
		if !p.taken {
			d.alarms.Set(&p.alarm, p.next)
		}
		return false
	}
	p.taken = true
	return true
}

// depart notes that a lane left the gate's line, with or without making a call,
// and lets the next one of its pace come up in time.
func (d *Dispatcher) depart(l *lane, calls bool) {
	p := l.pace
	if p == nil {
		return
	}
	l.pace, p.taken = nil, false
	if calls {
		if now := d.now(); p.paid.Before(now) {
			p.paid = now
		}
		p.paid = p.paid.Add(l.interval)
		p.next = p.paid.Add(-l.interval * time.Duration(l.lent))
	}
	if len(p.line) > 0 {
		d.alarms.Set(&p.alarm, p.next)
	} else {
		d.alarms.Set(&p.alarm, p.paid)
	}
}

// paceTurn lets the first of a pace's line into the gate's.
func (d *Dispatcher) paceTurn(g *gate, p *pace) {
	if p.taken {
		return // whoever departs sets the alarm again
	}
	if len(p.line) == 0 {
		delete(g.paces, p.key)
		return
	}
	l := p.line[0]
	p.line[0] = nil
	p.line = p.line[1:]
	p.taken = true
	g.line = append(g.line, l)
	d.pump(g)
}
