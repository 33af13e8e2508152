package provider

import (
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Everybody stands for all humans of a desk where a person is told, for a
// [Messenger] that writes to all of them with one message.
const Everybody = "@all"

// Meter counts what is written to the humans of a chat app whose vendor drops,
// without a word, what is too much for one of them. Like [Tokens] it is a
// connection's, in memory alone, and remembers what adapters, which hold no state,
// must not. A nil Meter lets everything through. It is safe for concurrent use.
type Meter struct {
	now handoff.Clock

	mu      sync.Mutex
	paid    map[string]time.Time // when nothing that was written to a person counts any more
	sweepAt int
}

// Ration is how much one human may be written to: so many messages after a rest,
// which are paid back one after each interval.
type Ration struct {
	Burst    int
	Interval time.Duration
}

// meterSweep is how many people are remembered before those are forgotten of whom
// nothing counts any more.
const meterSweep = 1024

// NewMeter returns a Meter that has counted nothing.
func NewMeter(now handoff.Clock) *Meter {
	return &Meter{now: now, paid: map[string]time.Time{}, sweepAt: meterSweep}
}

// Take counts n messages to each of some people, or to [Everybody], if that is
// within the ration of all of them. If not, nothing is counted, and it returns how
// long to wait. More than a ration's burst counts as that.
func (m *Meter) Take(r Ration, n int, people ...string) (wait time.Duration) {
	if m == nil || r.Burst <= 0 {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	m.sweep(now)
	cost := time.Duration(min(n, r.Burst)) * r.Interval
	most := now.Add(time.Duration(r.Burst) * r.Interval)
	if len(people) == 1 && people[0] == Everybody {
		people = m.everybody()
	}
	for _, person := range people {
		wait = max(wait, m.of(person, now).Add(cost).Sub(most))
	}
	if wait > 0 {
		return wait
	}
	for _, person := range people {
		m.paid[person] = m.of(person, now).Add(cost)
	}
	return 0
}

// of returns when nothing counts any more of what was written to a person: somebody
// new has got what everybody got.
func (m *Meter) of(person string, now time.Time) time.Time {
	paid, known := m.paid[person]
	if !known {
		paid = m.paid[Everybody]
	}
	if paid.Before(now) {
		return now
	}
	return paid
}

func (m *Meter) everybody() []string {
	people := []string{Everybody}
	for person := range m.paid {
		if person != Everybody {
			people = append(people, person)
		}
	}
	return people
}

func (m *Meter) sweep(now time.Time) {
	if len(m.paid) < m.sweepAt {
		return
	}
	for person, paid := range m.paid {
		if !paid.After(now) && !m.paid[Everybody].After(now) {
			delete(m.paid, person)
		}
	}
	m.sweepAt = max(meterSweep, 2*len(m.paid))
}
