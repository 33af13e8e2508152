package dispatch_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/provider"
)

func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		channel := map[string]string{}
		g.terms["c"] = dispatch.Terms{Pace: func(c provider.Call) (string, time.Duration) {
			return channel[c.SessionID], time.Second
		}}
		g.run(0)
		ids := sessions(6)
		g.open("c", ids...)
		for i, id := range ids {
			channel[id] = []string{"even", "odd"}[i%2]
		}
		g.open("c", "free")
		began := time.Now()
		for _, id := range ids {
			g.message(id, id+"-1")
			g.message(id, id+"-2")
		}
		synctest.Wait()
		require.Len(t, g.got(), 2)
		g.message("free", "x")
		g.message("free", "y")
		synctest.Wait()
		require.Len(t, g.keysOf("free"), 2, "who has no key does not wait")
		time.Sleep(time.Minute)
		synctest.Wait()
		at := map[string][]sent{}
		for _, c := range g.got() {
			at[channel[c.session]] = append(at[channel[c.session]], c)
		}
		for key, want := range map[string][]string{
			"even": {"s000-1", "s002-1", "s004-1", "s000-2", "s002-2", "s004-2"},
			"odd":  {"s001-1", "s003-1", "s005-1", "s001-2", "s003-2", "s005-2"},
		} {
			require.Len(t, at[key], 6)
			for i, c := range at[key] {
				require.Equal(t, want[i], c.key, "in the order in which the lanes asked")
				require.Equal(t, time.Duration(i)*time.Second, c.at.Sub(began))
			}
		}
	})
}

// TestAPaceLends lets so many calls go at once after a rest, the others at the
// interval, and as many again once all is paid back.
func TestAPaceLends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		channel := map[string]string{}
		g.terms["c"] = dispatch.Terms{PaceBurst: 3, Pace: func(c provider.Call) (string, time.Duration) {
			return channel[c.SessionID], time.Second
		}}
		g.run(0)
		ids := sessions(6)
		g.open("c", ids...)
		for _, id := range ids {
			channel[id] = "k"
		}
		offsets := func(round string) (at []time.Duration) {
			before, began := len(g.got()), time.Now()
			for _, id := range ids {
				g.message(id, id+round)
			}
			time.Sleep(10 * time.Second)
			synctest.Wait()
			for _, call := range g.got()[before:] {
				at = append(at, call.at.Sub(began))
			}
			return at
		}
		want := []time.Duration{0, 0, 0, time.Second, 2 * time.Second, 3 * time.Second}
		require.Equal(t, want, offsets("-1"))
		require.Equal(t, want, offsets("-2"))

		began := time.Now() // a call now and then uses up nothing
		for i := range 5 {
			g.message(ids[0], fmt.Sprint("slow-", i))
			time.Sleep(time.Second)
		}
		synctest.Wait()
		for i, call := range g.got()[12:] {
			require.Equal(t, time.Duration(i)*time.Second, call.at.Sub(began))
		}
		require.Len(t, g.got(), 17)
		time.Sleep(1500 * time.Millisecond)
		require.Equal(t, want, offsets("-3"))
	})
}

// TestAPaceIsKeptByWhoeverWaitsElsewhere lets a pace be paid back while one of its
// lanes waits for the gate: the others still wait behind that one.
func TestAPaceIsKeptByWhoeverWaitsElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		g.terms["c"] = dispatch.Terms{Limits: provider.Limits{Concurrent: 1}, PaceBurst: 2, Pace: func(c provider.Call) (string, time.Duration) {
			return strings.TrimLeft(c.SessionID[:1], "f"), time.Second
		}}
		g.run(0)
		g.open("c", "p1", "p2", "p3", "free")
		g.message("p1", "1")
		synctest.Wait()
		g.took = 5 * time.Second
		began := time.Now()
		g.message("free", "slow")
		synctest.Wait()
		g.took = 0
		g.message("p1", "2")
		time.Sleep(2 * time.Second)
		g.message("p2", "1")
		g.message("p3", "1")
		time.Sleep(time.Minute)
		var at []time.Duration
		for _, call := range g.got()[2:] {
			at = append(at, call.at.Sub(began))
		}
		require.Equal(t, []time.Duration{5 * time.Second, 5 * time.Second, 6 * time.Second}, at)
	})
}

// TestAPaceHoldsBehindAClosedGate lets lanes of one pace wait for something else
// first.
func TestAPaceHoldsBehindAClosedGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		g.terms["c"] = dispatch.Terms{Held: true, Pace: func(provider.Call) (string, time.Duration) { return "k", time.Second }}
		d := g.run(0)
		ids := sessions(3)
		g.open("c", ids...)
		for _, id := range ids {
			g.message(id, "m-"+id)
		}
		synctest.Wait()
		d.Release("c")
		began := time.Now()
		time.Sleep(time.Minute)
		require.Len(t, g.got(), 3)
		for i, call := range g.got() {
			require.Equal(t, ids[i], call.session)
			require.Equal(t, time.Duration(i)*time.Second, call.at.Sub(began))
		}
	})
}
