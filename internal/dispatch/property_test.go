package dispatch_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// chaos drives a gateway at random and remembers what has to come of it.
type chaos struct {
	g        *gateway
	d        *dispatch.Dispatcher
	accepted map[string][]string // by session, the keys of its deliveries in order
	holding  bool
	late     []handoff.Handover // committed, but not handed over yet
	crashes  int
	lost     int             // answers that did not come back
	refused  map[string]bool // keys that the vendor refused for good
	n        int
}

var connections = []string{"plain", "narrow", "paced", "lent", "down"}

// TestEveryDeliveryArrivesInOrder commits, fails, delays and restarts at random:
// every delivery reaches the vendor, those of a session in their order, and once
// unless the program died or an answer was lost.
func TestEveryDeliveryArrivesInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, 99), 5, 60).Draw(rt, "steps")
		answers := rapid.SliceOfN(rapid.IntRange(0, 99), 1, 40).Draw(rt, "answers")
		var failure string
		synctest.Test(t, func(t *testing.T) {
			c := newChaos(t)
			c.answerWith(answers)
			for _, step := range steps {
				c.step(step)
			}
			failure = c.finish()
		})
		if failure != "" {
			rt.Fatal(failure)
		}
	})
}

func newChaos(t *testing.T) *chaos {
	t.Helper()
	g := newGateway(t)
	c := &chaos{g: g, accepted: map[string][]string{}, refused: map[string]bool{}}
	g.took = 100 * time.Millisecond
	g.terms["narrow"] = dispatch.Terms{Limits: provider.Limits{Concurrent: 1, PerSecond: 5}}
	g.terms["paced"] = dispatch.Terms{Pace: func(call provider.Call) (string, time.Duration) {
		return call.SessionID[:1], 300 * time.Millisecond
	}}
	g.terms["lent"] = dispatch.Terms{PaceBurst: 3, Pace: g.terms["paced"].Pace}
	g.committed = func(h handoff.Handover) {
		for _, job := range h.Jobs {
			c.accepted[h.Session.ID] = append(c.accepted[h.Session.ID], job.Delivery.IdempotencyKey())
		}
		if c.late = append(c.late, h); !c.holding {
			c.handOver()
		}
	}
	c.d = c.start()
	return c
}

// handOver lets the callers come back whose commits have not been handed over.
func (c *chaos) handOver() {
	for _, h := range c.late {
		c.d.Deliver(h)
	}
	c.late = nil
}

func (c *chaos) start() *dispatch.Dispatcher {
	c.late = nil // a program that dies hands nothing over
	c.d = c.g.run(1000 * time.Hour)
	return c.d
}

// answerWith lets the vendor answer in turn.
func (c *chaos) answerWith(answers []int) {
	i := 0
	c.g.answer = func(n sent) error {
		if i++; i > 4*len(answers) {
			return nil // it gets well in the end
		}
		a := answers[i%len(answers)]
		if n.connection == "down" && a < 80 {
			a %= 20
		}
		switch {
		case a < 15:
			return failed(provider.ClassTransient, 0)
		case a < 20:
			return failed(provider.ClassTransient, 3*time.Second)
		case a < 25:
			return failed(provider.ClassRateLimited, time.Duration(a-20)*time.Second)
		case a < 28:
			return failed(provider.ClassCredentials, 0)
		case a < 30:
			c.refused[n.key] = true
			return failed(provider.ClassRejected, 0)
		case a < 32:
			c.lost++
			return errors.New("cut after it was taken")
		default:
			return nil
		}
	}
}

func (c *chaos) step(n int) {
	c.n++
	session := fmt.Sprintf("%c%d", "ab"[n%2], n%7)
	connection := connections[n%len(connections)]
	switch {
	case n < 60:
		c.g.commit(connection, session, nil)
		c.g.commit("", session, func(s *handoff.Session) {
			_, _ = s.Accept(handoff.Message{ID: fmt.Sprintf("%s-m%d", session, c.n), Text: "x"}, now()) // refused when it is closed
		})
	case n < 65:
		if c.g.sessions[session] != nil {
			c.g.commit("", session, func(s *handoff.Session) { s.Close(handoff.ClosedByCustomer, handoff.Outcome{}, now()) })
		}
	case n < 70:
		c.d.Wake(session)
	case n < 75:
		c.d.Committing(session)
		if c.late = append(c.late, handoff.Handover{Session: handoff.Session{ID: session}, Unsure: true}); !c.holding {
			c.handOver()
		}
	case n < 80:
		c.d.Release(connection)
	case n < 83:
		c.d.Stop()
		c.start()
	case n < 85:
		c.crash()
	case n < 88:
		if c.holding = !c.holding; !c.holding {
			c.handOver()
		}
	default:
		time.Sleep(time.Duration(n-87) * 150 * time.Millisecond)
	}
}

// crash ends the program so that nothing of what is under way gets recorded.
func (c *chaos) crash() {
	c.g.do(func() { c.g.settleErr = errors.New("dead") })
	c.d.Stop()
	c.g.do(func() { c.g.settleErr = nil })
	c.crashes++
	c.start()
}

// finish waits until all is delivered and returns what is wrong with it.
func (c *chaos) finish() string {
	c.handOver()
	for range 200 {
		time.Sleep(10 * time.Minute)
		for _, connection := range connections {
			c.d.Release(connection)
		}
	}
	synctest.Wait()
	for id, st := range c.g.sessions {
		if len(st.pending) > 0 {
			return fmt.Sprintf("%s: %d deliveries did not go out: %+v", id, len(st.pending), st.pending[0].Delivery)
		}
	}
	for session, want := range c.accepted {
		if wrong := c.check(session, want); wrong != "" {
			return session + ": " + wrong
		}
	}
	if lanes, bytes, alarms := c.d.Holds(); lanes+bytes+alarms > 0 {
		return fmt.Sprintf("%d lanes, %d bytes and %d alarms are left", lanes, bytes, alarms)
	}
	return ""
}

// check compares a session's calls with its deliveries: the calls go through them
// from the first to the last and repeat only the one that was sent last.
func (c *chaos) check(session string, want []string) string {
	if c.refused[session+"-start"] {
		return "" // then nothing follows it
	}
	next := 0
	taken := map[string]int{}
	for _, key := range c.g.keysOf(session) {
		switch {
		case next < len(want) && key == want[next]:
			next++
		case next == 0 || key != want[next-1]:
			return fmt.Sprintf("%v were accepted, %v sent", want, c.g.keysOf(session))
		}
		taken[key]++
	}
	if next != len(want) {
		return fmt.Sprintf("%v were accepted, %v sent", want, c.g.keysOf(session))
	}
	return ""
}

// TestWithoutFailuresEachDeliveryGoesOutOnce is the same without anything that
// could excuse a repeat.
func TestWithoutFailuresEachDeliveryGoesOutOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(0, 82), rapid.IntRange(85, 99)), 5, 80).Draw(rt, "steps")
		var sent, want map[string][]string
		synctest.Test(t, func(t *testing.T) {
			c := newChaos(t)
			for _, step := range steps {
				c.step(step)
			}
			c.handOver()
			time.Sleep(time.Hour)
			sent, want = map[string][]string{}, c.accepted
			for session := range want {
				sent[session] = c.g.keysOf(session)
			}
		})
		require.Equal(rt, want, sent)
	})
}
