package dispatch

import (
	"container/heap"
	"time"
)

// alarm is something that is due at a time: a retry, the end of a pause, the next
// call of a pace. It belongs to whatever it is a field of.
type alarm struct {
	ring  func() // called with the dispatcher's mutex held, and not again until it is set again
	at    time.Time
	place int // in the heap, counted from 1; 0 = it is not set
}

// alarms is all that the dispatcher waits for, behind one timer. As long as
// nothing is set, nothing runs.
type alarms struct {
	heap  alarmHeap
	timer *time.Timer
	armed time.Time // when the timer fires; zero = it does not
}

// set lets the alarm ring at a time, instead of when it would have rung before.
// The caller holds d.mu, as for all that follows.
func (d *Dispatcher) set(a *alarm, at time.Time) {
	a.at = at
	if a.place > 0 {
		heap.Fix(&d.alarms.heap, a.place-1)
	} else {
		heap.Push(&d.alarms.heap, a)
	}
	d.arm()
}

// unset keeps the alarm from ringing.
func (d *Dispatcher) unset(a *alarm) {
	if a.place > 0 {
		heap.Remove(&d.alarms.heap, a.place-1)
		d.arm()
	}
}

// arm makes the timer fire with the first alarm.
func (d *Dispatcher) arm() {
	s := &d.alarms
	switch {
	case d.ctx == nil:
	case len(s.heap) == 0:
		if s.timer != nil {
			s.timer.Stop()
		}
		s.armed = time.Time{}
	case !s.armed.Equal(s.heap[0].at):
		s.armed = s.heap[0].at
		wait := max(0, s.armed.Sub(d.now()))
		if s.timer == nil {
			s.timer = time.AfterFunc(wait, d.ring)
		} else {
			s.timer.Reset(wait)
		}
	}
}

// ring rings what is due.
func (d *Dispatcher) ring() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.alarms.armed = time.Time{}
	for now := d.now(); d.ctx != nil && len(d.alarms.heap) > 0 && !d.alarms.heap[0].at.After(now); {
		a, _ := heap.Pop(&d.alarms.heap).(*alarm)
		a.ring()
	}
	d.arm()
}

// silence forgets all alarms.
func (d *Dispatcher) silence() {
	if d.alarms.timer != nil {
		d.alarms.timer.Stop()
	}
	for _, a := range d.alarms.heap {
		a.place = 0
	}
	d.alarms = alarms{}
}

// alarmHeap implements heap.Interface; the earliest alarm comes first.
type alarmHeap []*alarm

// Len implements heap.Interface.
func (h *alarmHeap) Len() int { return len(*h) }

// Less implements heap.Interface.
func (h *alarmHeap) Less(i, j int) bool { return (*h)[i].at.Before((*h)[j].at) }

// Swap implements heap.Interface.
func (h *alarmHeap) Swap(i, j int) {
	s := *h
	s[i], s[j] = s[j], s[i]
	s[i].place, s[j].place = i+1, j+1
}

// Push implements heap.Interface.
func (h *alarmHeap) Push(x any) {
	a, _ := x.(*alarm)
	*h = append(*h, a)
	a.place = len(*h)
}

// Pop implements heap.Interface.
func (h *alarmHeap) Pop() any {
	old := *h
	last := len(old) - 1
	a := old[last]
	old[last] = nil
	*h = old[:last]
	a.place = 0
	return a
}
