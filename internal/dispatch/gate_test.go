package dispatch_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// sessions returns n ids.
func sessions(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("s%03d", i)
	}
	return ids
}

func TestConcurrencyIsLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		g.terms["c"] = dispatch.Terms{Limits: provider.Limits{Concurrent: 3}}
		g.took = time.Second
		g.run(0)
		ids := sessions(20)
		g.open("c", ids...)
		began := time.Now()
		for _, id := range ids {
			g.message(id, "m-"+id)
		}
		time.Sleep(7*time.Second + time.Millisecond)
		synctest.Wait()
		require.Len(t, g.got(), 20)
		require.Equal(t, 3, g.most)
		for i, call := range g.got() {
			require.Equal(t, time.Duration(i/3)*time.Second, call.at.Sub(began), "no slot stands idle")
		}
	})
}

func TestRateIsLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		g.terms["c"] = dispatch.Terms{Limits: provider.Limits{PerSecond: 10, Burst: 5}}
		g.run(0)
		ids := sessions(25)
		g.open("c", ids...)
		for _, id := range ids {
			g.message(id, "m-"+id)
		}
		synctest.Wait()
		require.Len(t, g.got(), 5)
		time.Sleep(time.Second + time.Millisecond)
		synctest.Wait()
		require.Len(t, g.got(), 15)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Len(t, g.got(), 25)
		for i, call := range g.got()[5:] { // the first five went out at once
			require.Equal(t, ids[5+i], call.session, "in the order in which they asked")
		}
	})
}

func TestRateLimitedAnswersSlowTheConnectionDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		g.terms["c"] = dispatch.Terms{Limits: provider.Limits{Concurrent: 16}}
		g.took = 100 * time.Millisecond
		g.run(0)
		ids := sessions(40)
		g.open("c", ids...)
		g.open("c2", "elsewhere")
		storm := true
		g.answer = func(n sent) error {
			if n.connection == "c" && storm {
				return failed(provider.ClassRateLimited, time.Minute)
			}
			return nil
		}
		for _, id := range ids {
			g.message(id, id+"-1")
			g.message(id, id+"-2")
		}
		time.Sleep(time.Second)
		require.Len(t, g.got(), 16, "nothing goes out after the first refusal")
		g.message("elsewhere", "x")
		time.Sleep(time.Second)
		require.Len(t, g.got("c2"), 1, "other connections go on")

		time.Sleep(57 * time.Second)
		require.Len(t, g.got("c"), 16, "as long as the provider asked for")
		g.do(func() { storm, g.most = false, 0 })
		time.Sleep(1150 * time.Millisecond)
		g.do(func() { require.Equal(t, 8, g.most, "half as many at once, however many were refused") })
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, id := range ids {
			keys := g.keysOf(id)
			require.Equal(t, id+"-2", keys[len(keys)-1])
			require.Equal(t, id+"-1", keys[len(keys)-2], "in order")
		}
		require.Len(t, g.got("c"), 16+80, "who waited used up no attempt")

		g.do(func() { g.most = 0 })
		for round := range 30 {
			for _, id := range ids {
				g.message(id, fmt.Sprint(id, "-more-", round))
			}
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, 16, g.most, "successes raise it again, to what is allowed")
	})
}

func TestConcurrencyIsNeverUnderOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		g.run(0)
		refusals := 20
		g.answer = func(sent) error {
			if refusals--; refusals >= 0 {
				return failed(provider.ClassRateLimited, 0)
			}
			return nil
		}
		g.open("c", "s")
		g.message("s", "1")
		g.message("s", "2")
		time.Sleep(3 * time.Hour)
		calls := g.got()
		require.Len(t, calls, 22)
		for i := 1; i < 20; i++ {
			require.GreaterOrEqual(t, calls[i].at.Sub(calls[i-1].at), time.Second/2, "it backs off without being told how long")
		}
	})
}

// TestTheEndOfAnOutageEndsBackOff ends an outage that has lasted: what waits for a
// retry of our own choosing does not go on waiting, what the provider put off does.
func TestTheEndOfAnOutageEndsBackOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		down := true
		g.answer = func(n sent) error {
			switch {
			case !down:
				return nil
			case n.session == "put off":
				return failed(provider.ClassTransient, 2*time.Hour)
			default:
				return failed(provider.ClassTransient, 0)
			}
		}
		g.run(0)
		ids := sessions(20)
		g.open("c", ids...)
		g.open("c", "new", "put off")
		g.message("put off", "p")
		for _, id := range ids {
			g.message(id, "m-"+id)
		}
		time.Sleep(time.Hour)
		before := len(g.got())
		g.do(func() { down = false })
		g.message("new", "x")
		time.Sleep(10 * time.Second)
		require.Len(t, g.got(), before+21)
		require.Len(t, g.keysOf("put off"), 1)
		time.Sleep(time.Hour)
		require.Len(t, g.keysOf("put off"), 2)
	})
}

// TestStaleAnswersDoNotMoveTheBreaker has calls end after the breaker opened that
// began before.
func TestStaleAnswersDoNotMoveTheBreaker(t *testing.T) {
	t.Parallel()
	for _, answer := range []error{nil, failed(provider.ClassTransient, time.Hour)} {
		synctest.Test(t, func(t *testing.T) {
			g := newGateway(t)
			g.answer = func(n sent) error {
				switch n.session {
				case "stale":
					return answer
				case "probe", "after":
					return nil
				default:
					return failed(provider.ClassTransient, time.Hour)
				}
			}
			g.tookBy = map[string]time.Duration{"stale": 8 * time.Second, "probe": 10 * time.Second}
			g.run(0)
			ids := sessions(10)
			g.open("c", ids...)
			g.open("c", "stale", "probe", "after")
			began := time.Now()
			g.message("stale", "s")
			for _, id := range ids {
				g.message(id, "m-"+id)
			}
			time.Sleep(time.Second)
			g.message("probe", "p") // goes out after 4 to 6 s
			time.Sleep(6 * time.Second)
			require.Len(t, g.keysOf("probe"), 1)
			g.message("after", "a")
			time.Sleep(2 * time.Second) // the stale call has ended, the probe has not
			require.Empty(t, g.keysOf("after"))
			time.Sleep(time.Minute)
			last := g.got()[12]
			require.Equal(t, "after", last.session)
			require.Equal(t, g.got()[11].at.Add(10*time.Second), last.at, "the probe alone decides, after %s", last.at.Sub(began))
		})
	}
}

func TestTheBreakerOpensProbesAndCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		down := true
		g.answer = func(n sent) error {
			if down && n.connection == "c" {
				return failed(provider.ClassTransient, 0)
			}
			return nil
		}
		g.run(0)
		ids := sessions(50)
		g.open("c", ids...)
		g.terms["c"] = dispatch.Terms{Limits: provider.Limits{Concurrent: 5}}
		g.open("c2", "elsewhere")
		began := time.Now()
		for _, id := range ids {
			g.message(id, "m-"+id)
		}
		time.Sleep(time.Second)
		opened := len(g.got("c"))
		require.LessOrEqual(t, opened, 10+4, "those under way when it opens end")
		require.GreaterOrEqual(t, opened, 10)
		g.message("elsewhere", "x")
		synctest.Wait()
		require.Len(t, g.got("c2"), 1, "sessions of other connections are not stopped")

		time.Sleep(time.Minute)
		probes := g.got("c")[opened:]
		require.GreaterOrEqual(t, len(probes), 9)
		require.LessOrEqual(t, len(probes), 61/4)
		for i := range probes {
			before := g.got("c")[opened+i-1].at
			require.GreaterOrEqual(t, probes[i].at.Sub(before), 4*time.Second, "one call probes")
		}
		attempts := map[string]int{}
		for _, c := range g.got("c") {
			attempts[c.session]++
		}
		require.LessOrEqual(t, len(attempts), opened+len(probes))
		require.Greater(t, len(ids)-len(attempts), 20, "who waits uses up no attempt")

		g.do(func() { down = false })
		before := len(g.got("c"))
		for len(g.got("c")) == before {
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		require.Len(t, g.got("c"), before+50, "with the breaker everything goes out at once")
		require.Less(t, time.Since(began), 2*time.Minute)
		for _, id := range ids {
			g.do(func() { require.Empty(t, g.sessions[id].pending) })
		}
	})
}

func TestWhatIsNoOutageDoesNotOpenTheBreaker(t *testing.T) {
	t.Parallel()
	for _, class := range []provider.Class{provider.ClassRejected, provider.ClassRateLimited, provider.ClassCredentials} {
		synctest.Test(t, func(t *testing.T) {
			g := newGateway(t)
			d := g.run(0)
			refusals := 40
			g.answer = func(sent) error {
				if refusals--; refusals >= 0 {
					return failed(class, time.Millisecond)
				}
				return nil
			}
			g.open("c", "s")
			for i := range 60 {
				g.message("s", fmt.Sprint(i))
			}
			for range 200 {
				time.Sleep(5 * time.Minute)
				d.Release("c")
			}
			synctest.Wait()
			calls := g.got()
			require.Greater(t, len(calls), 40, class)
			last := calls[40:]
			require.Equal(t, last[0].at, last[len(last)-1].at, class)
		})
	}
}

func TestRefusedCredentialsHoldTheConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		refuse := true
		g.answer = func(n sent) error {
			if refuse && n.connection == "c" {
				return failed(provider.ClassCredentials, 0)
			}
			return nil
		}
		d := g.run(0)
		g.open("c", "a", "b")
		g.open("c2", "elsewhere")
		g.message("a", "a1")
		synctest.Wait()
		g.message("a", "a2")
		g.message("b", "b1")
		g.message("elsewhere", "x")
		time.Sleep(100 * time.Hour)
		require.Len(t, g.got("c"), 1, "no call goes out until it heals")
		require.Len(t, g.got("c2"), 1)

		d.Release("c") // by a check that could not see what is wrong
		time.Sleep(time.Hour)
		require.Len(t, g.got("c"), 2, "one call finds out")
		d.Release("c2")
		synctest.Wait()
		require.Len(t, g.got("c"), 2)

		g.do(func() { refuse = false })
		d.Release("c")
		synctest.Wait()
		require.Equal(t, []string{"a1", "a2"}, g.keysOf("a")[len(g.keysOf("a"))-2:], "nothing is given up, whatever its age")
		require.Equal(t, "b1", g.keysOf("b")[len(g.keysOf("b"))-1])
	})
}

func TestARestartKnowsWhatIsHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		g.terms["c"] = dispatch.Terms{Held: true}
		g.open("c", "a")
		g.open("c2", "b")
		g.message("a", "a1")
		g.message("b", "b1")
		d := g.run(0)
		time.Sleep(time.Hour)
		g.message("a", "a2")
		time.Sleep(time.Hour)
		require.Equal(t, []string{"b1"}, append(g.keysOf("b"), g.keysOf("a")...))
		d.Release("c")
		synctest.Wait()
		require.Equal(t, []string{"a1", "a2"}, g.keysOf("a"))
	})
}

// TestAReleaseIsNewerThanTermsThatAreBeingRead finds out that a connection works
// while the dispatcher still reads that it does not.
func TestAReleaseIsNewerThanTermsThatAreBeingRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		g.terms["c"] = dispatch.Terms{Held: true}
		g.termsTook = time.Second
		d := g.run(0)
		g.open("c", "s")
		g.message("s", "1")
		time.Sleep(time.Millisecond)
		d.Release("c")
		time.Sleep(time.Minute)
		require.Equal(t, []string{"1"}, g.keysOf("s"))
	})
}

func TestTheHorizonEndsRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		g.answer = func(n sent) error {
			if n.key == "1" {
				return failed(provider.ClassTransient, 0)
			}
			return nil
		}
		g.run(10 * time.Minute)
		g.open("c", "s")
		began := time.Now()
		g.message("s", "1")
		g.message("s", "2")
		time.Sleep(time.Hour)
		keys := g.keysOf("s")
		require.Equal(t, "2", keys[len(keys)-1])
		last := g.got()[len(keys)-1].at.Sub(began)
		require.Greater(t, last, 10*time.Minute)
		require.LessOrEqual(t, last, 16*time.Minute)
		require.Equal(t, handoff.StateWaiting, g.sessions["s"].session.State)
	})
}
