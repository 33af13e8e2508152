package dispatch_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// retry has the failed delivery with an id sent again.
func (g *gateway) retry(session string, id int64) {
	g.commit("", session, func(s *handoff.Session) {
		if err := s.Retry(g.sessions[session].failed[id].Delivery, now()); err != nil {
			g.t.Error(err)
		}
	})
}

// refuse lets the vendor refuse some keys for good.
func (g *gateway) refuse(keys ...string) {
	g.do(func() {
		g.answer = func(n sent) error {
			if slices.Contains(keys, n.key) {
				return failed(provider.ClassRejected, 0)
			}
			return nil
		}
	})
}

// What is sent again goes out before all of its session that is still waiting,
// whatever the lane is doing when it comes.
func TestRetriedGoesFirst(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		during func(g *gateway, d *dispatch.Dispatcher) // before the retry; leaves m1, m2 waiting
		after  func(g *gateway, d *dispatch.Dispatcher)
		want   []string
	}{
		"an idle lane": {want: []string{"m0", "m0"}},
		"a call under way": {
			during: func(g *gateway, _ *dispatch.Dispatcher) {
				g.do(func() { g.took = time.Second })
				g.message("s", "m1")
				g.message("s", "m2")
			},
			want: []string{"m0", "m1", "m0", "m2"},
		},
		"in line": {
			during: func(g *gateway, d *dispatch.Dispatcher) {
				g.do(func() { g.terms["c"] = dispatch.Terms{Held: true} })
				d.Stop()
				g.run(0)
				g.message("s", "m1")
				g.message("s", "m2")
			},
			after: func(g *gateway, _ *dispatch.Dispatcher) { g.dispatcher.Release("c") },
			want:  []string{"m0", "m0", "m1", "m2"},
		},
		"a wait": {
			during: func(g *gateway, _ *dispatch.Dispatcher) {
				g.do(func() { g.answer = func(sent) error { return failed(provider.ClassTransient, time.Minute) } })
				g.message("s", "m1")
				g.message("s", "m2")
				synctest.Wait()
			},
			want: []string{"m0", "m1", "m0", "m1", "m2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGateway(t)
				d := g.run(0)
				g.open("c", "s")
				g.refuse("m0")
				id := g.message("s", "m0")[0]
				synctest.Wait()
				if c.during != nil {
					c.during(g, d)
				}
				synctest.Wait()
				g.refuse()
				g.retry("s", id)
				if c.after != nil {
					c.after(g, d)
				}
				time.Sleep(10 * time.Minute)
				require.Equal(t, c.want, g.keysOf("s"), "with the key that it had")
			})
		})
	}
}

// The day for which a delivery is tried again begins anew when somebody asks for it.
func TestRetriedIsTriedForAsLongAsTheFirstTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		g.run(time.Hour)
		g.open("c", "s")
		g.refuse("m0")
		id := g.message("s", "m0")[0]
		time.Sleep(10 * time.Hour)
		down := true
		g.do(func() {
			g.answer = func(sent) error {
				if down {
					return failed(provider.ClassTransient, time.Minute)
				}
				return nil
			}
		})
		g.retry("s", id)
		time.Sleep(30 * time.Minute)
		calls := len(g.got())
		require.Greater(t, calls, 10, "it is not given up at once")
		g.do(func() { down = false })
		time.Sleep(10 * time.Minute)
		require.Len(t, g.got(), calls+1, fmt.Sprint(g.keysOf("s")))
	})
}
