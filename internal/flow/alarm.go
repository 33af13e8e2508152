package flow

import (
	"container/heap"
	"sync"
	"time"
)

// Alarm is something that is due at a time: a retry, the end of a pause, the next
// call of a pace. It belongs to whatever it is a field of.
type Alarm struct {
	Ring func() // called with the owner's mutex held, and not again until it is set again

	at    time.Time
	place int // in the heap, counted from 1; 0 = it is not set
}

// IsSet reports whether the alarm is going to ring.
func (a *Alarm) IsSet() bool { return a.place > 0 }

// Alarms is all that somebody waits for, behind one timer. As long as nothing is
// set, nothing runs. The methods are called with the owner's mutex held.
type Alarms struct {
	mu  sync.Locker // the owner's mutex
	now func() time.Time

	running bool
	heap    alarmHeap
	timer   *time.Timer
	armed   time.Time // when the timer fires; zero = it does not
}

// NewAlarms returns alarms that are guarded by mu. They ring from Start on.
func NewAlarms(mu sync.Locker, now func() time.Time) *Alarms { return &Alarms{mu: mu, now: now} }

// Start lets alarms ring.
func (s *Alarms) Start() {
	s.running = true
	s.arm()
}

// Stop forgets all alarms; those that are set later do not ring until Start.
func (s *Alarms) Stop() {
	if s.timer != nil {
		s.timer.Stop()
	}
	for _, a := range s.heap {
		a.place = 0
	}
	s.running, s.heap, s.timer, s.armed = false, nil, nil, time.Time{}
}

// Len returns how many alarms are set.
func (s *Alarms) Len() int { return len(s.heap) }

// Set lets the alarm ring at a time, instead of when it would have rung before.
func (s *Alarms) Set(a *Alarm, at time.Time) {
	a.at = at
	if a.place > 0 {
		heap.Fix(&s.heap, a.place-1)
	} else {
		heap.Push(&s.heap, a)
	}
	s.arm()
}

// Unset keeps the alarm from ringing.
func (s *Alarms) Unset(a *Alarm) {
	if a.place > 0 {
		heap.Remove(&s.heap, a.place-1)
		s.arm()
	}
}

// arm makes the timer fire with the first alarm.
func (s *Alarms) arm() {
	switch {
	case !s.running:
	case len(s.heap) == 0:
		if s.timer != nil {
			s.timer.Stop()
		}
		s.armed = time.Time{}
	case !s.armed.Equal(s.heap[0].at):
		s.armed = s.heap[0].at
		wait := max(0, s.armed.Sub(s.now()))
		if s.timer == nil {
			s.timer = time.AfterFunc(wait, s.ring)
		} else {
			s.timer.Reset(wait)
		}
	}
}

// ring rings what is due.
func (s *Alarms) ring() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = time.Time{}
	for now := s.now(); s.running && len(s.heap) > 0 && !s.heap[0].at.After(now); {
		a, _ := heap.Pop(&s.heap).(*Alarm)
		a.Ring()
	}
	s.arm()
}

// alarmHeap implements heap.Interface; the earliest alarm comes first.
type alarmHeap []*Alarm

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
	a, _ := x.(*Alarm)
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
