package dispatch_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

func TestWhatIsCommittedNeedsNoRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		g.took = time.Millisecond
		g.run(0)
		for i := range 10 {
			id := fmt.Sprint("s", i)
			g.commit("c", id, nil)
			for k := range 10 {
				g.message(id, fmt.Sprint(id, "-", k))
			}
			g.commit("c", id, func(s *handoff.Session) { s.Close(handoff.ClosedByCustomer, handoff.Outcome{}, now()) })
		}
		time.Sleep(time.Second)
		g.open("c", "idle")
		g.message("idle", "after a rest")
		synctest.Wait()
		require.Zero(t, g.reads())
		require.Len(t, g.got(), 10*12+1)
		for i := range 10 {
			id := fmt.Sprint("s", i)
			keys := g.keysOf(id)
			require.Equal(t, id+"-start", keys[0])
			require.Equal(t, id+"-close", keys[11])
			require.IsIncreasing(t, keys[1:11])
		}
	})
}

func TestOverflowFallsBackToTheTable(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"many": "x", "long": strings.Repeat("x", 4<<20)} {
		synctest.Test(t, func(t *testing.T) {
			g := newGateway(t)
			g.took = time.Millisecond
			g.terms["c"] = dispatch.Terms{Held: true}
			d := g.run(0)
			g.open("c", "s", "other")
			var want []string
			for i := range 100 {
				id := fmt.Sprintf("m%03d", i)
				want = append(want, id)
				g.commit("", "s", func(s *handoff.Session) {
					_, err := s.Accept(handoff.Message{ID: id, Text: text}, now())
					require.NoError(t, err)
				})
			}
			g.message("other", "o")
			synctest.Wait()
			d.Release("c")
			time.Sleep(time.Second)
			require.Equal(t, want, g.keysOf("s"), name)
			require.Equal(t, []string{"o"}, g.keysOf("other"))
			require.Positive(t, g.reads(), name)
			reads := g.reads()
			g.message("s", "back in memory")
			time.Sleep(time.Second)
			require.Equal(t, reads, g.reads())
			require.Len(t, g.keysOf("s"), 101)
		})
	}
}

// TestMemoryIsBoundedForAllLanesTogether fills it with the first jobs of many
// lanes: what has no room is read when its turn comes.
func TestMemoryIsBoundedForAllLanesTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		g.terms["c"] = dispatch.Terms{Held: true, Limits: provider.Limits{Concurrent: 2}}
		g.took = time.Millisecond
		ids := sessions(60)
		g.open("c", ids...)
		text := strings.Repeat("x", 1<<20)
		for _, id := range ids {
			g.commit("", id, func(s *handoff.Session) {
				_, err := s.Accept(handoff.Message{ID: id + "-1", Text: text}, now())
				require.NoError(t, err)
			})
		}
		d := g.run(0)
		synctest.Wait()
		require.Equal(t, 60, g.reads())
		lanes, bytes, _ := d.Holds()
		require.Equal(t, 60, lanes)
		require.LessOrEqual(t, bytes, 32<<20)
		d.Release("c")
		time.Sleep(time.Second)
		require.Greater(t, g.reads(), 80)
		for _, id := range ids {
			require.Equal(t, []string{id + "-1"}, g.keysOf(id))
			require.Empty(t, g.sessions[id].pending)
		}
		reads := g.reads()
		g.message(ids[0], ids[0]+"-2")
		time.Sleep(time.Second)
		require.Equal(t, reads, g.reads(), "there is room again")
	})
}

func TestHandoversThatDoNotFitFallBackToTheTable(t *testing.T) {
	t.Parallel()
	for name, mix := range map[string]func(hs []handoff.Handover) []handoff.Handover{
		"turned round": func(hs []handoff.Handover) []handoff.Handover { slices.Reverse(hs); return hs },
		"the first comes last": func(hs []handoff.Handover) []handoff.Handover {
			return append(slices.Clone(hs[1:]), hs[0])
		},
		"all twice": func(hs []handoff.Handover) []handoff.Handover { return append(slices.Clone(hs), hs...) },
		"one is unsure": func(hs []handoff.Handover) []handoff.Handover {
			hs[2] = handoff.Handover{Session: handoff.Session{ID: hs[2].Session.ID}, Unsure: true}
			return hs
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := newGateway(t)
			g.terms["c"] = dispatch.Terms{Held: true}
			d := g.run(0)
			g.open("c", "s")
			var hs []handoff.Handover
			g.committed = func(h handoff.Handover) { hs = append(hs, h) }
			want := []string{"1", "2", "3", "4", "5"}
			for _, id := range want {
				g.message("s", id)
			}
			for _, h := range mix(hs) {
				d.Deliver(h)
			}
			synctest.Wait()
			d.Release("c")
			synctest.Wait()
			require.Equal(t, want, g.keysOf("s"), name)
			require.Positive(t, g.reads(), name)
		})
	}
}

func TestAStaleHandoverSendsNothingAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		d := g.run(0)
		g.open("c", "s")
		g.took = time.Second
		var first handoff.Handover
		g.committed = func(h handoff.Handover) { first = h; d.Deliver(h) }
		g.message("s", "1")
		g.committed = nil
		time.Sleep(time.Millisecond)
		d.Deliver(first) // while its call is under way
		g.message("s", "2")
		time.Sleep(time.Minute)
		require.Equal(t, []string{"1", "2"}, g.keysOf("s"))
	})
}

func TestAnErrorOfTheStoreSendsNothingTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		d := g.run(0)
		g.open("c", "s")
		g.do(func() { g.settleErr = errors.New("disk full") })
		g.message("s", "1")
		g.message("s", "2")
		time.Sleep(10 * time.Second)
		require.Equal(t, []string{"1"}, g.keysOf("s"), "nothing follows what is not recorded")
		d.Wake("s")
		g.do(func() { g.settleErr, g.headErr = nil, errors.New("no disk") })
		time.Sleep(10 * time.Second)
		require.Equal(t, []string{"1"}, g.keysOf("s"))
		g.do(func() { g.headErr = nil })
		time.Sleep(2 * time.Second)
		require.Equal(t, []string{"1", "2"}, g.keysOf("s"))
	})
}

// TestAnOutcomeIsRecordedOnce loses the store's answer, not the outcome.
func TestAnOutcomeIsRecordedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		g.run(0)
		g.open("c", "s")
		g.settled = func() error { g.settled = nil; return errors.New("no answer") }
		g.message("s", "1")
		g.message("s", "2")
		time.Sleep(time.Minute)
		require.Equal(t, []string{"1", "2"}, g.keysOf("s"))
		require.Equal(t, 2, g.settles)
	})
}

// TestALaneKnowsHowItsSessionEnded closes a session whose start waits in memory:
// nothing is left of it to be sent.
func TestALaneKnowsHowItsSessionEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		g.terms["c"] = dispatch.Terms{Held: true}
		d := g.run(0)
		g.commit("c", "s", nil)
		g.message("s", "1")
		g.commit("c", "s", func(s *handoff.Session) { s.Close(handoff.ClosedByProvider, handoff.Outcome{}, now()) })
		synctest.Wait()
		d.Release("c")
		synctest.Wait()
		require.Empty(t, g.got())
		require.Empty(t, g.sessions["s"].pending)
	})
}

func TestAStartThatCameTooLateIsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		g.took = time.Second
		g.run(0)
		g.commit("c", "s", nil)
		time.Sleep(time.Millisecond)
		g.commit("c", "s", func(s *handoff.Session) { s.Close(handoff.ClosedByProvider, handoff.Outcome{}, now()) })
		time.Sleep(time.Minute)
		require.Equal(t, []string{"s-start", "s-close"}, g.keysOf("s"))
		require.Zero(t, g.reads())
	})
}

func TestNothingIsKeptOfIdleLanes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		d := g.run(0)
		for _, id := range sessions(100) {
			g.open("c", id)
			g.message(id, "m-"+id)
		}
		synctest.Wait()
		lanes, bytes, alarms := d.Holds()
		require.Zero(t, lanes)
		require.Zero(t, bytes)
		require.Zero(t, alarms)
	})
}

// TestWhatTheTableToldIsNotSentAgain hands over what a lane has read from the
// table and settled before its caller came back.
func TestWhatTheTableToldIsNotSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		d := g.run(0)
		g.open("c", "s")
		var late []handoff.Handover
		g.committed = func(h handoff.Handover) { late = append(late, h) }
		g.message("s", "1")
		d.Wake("s")
		synctest.Wait()
		g.message("s", "2")
		require.Equal(t, []string{"1"}, g.keysOf("s"))
		for _, h := range late {
			d.Deliver(h)
			synctest.Wait()
		}
		require.Equal(t, []string{"1", "2"}, g.keysOf("s"))
		lanes, bytes, _ := d.Holds()
		require.Zero(t, lanes)
		require.Zero(t, bytes)
	})
}

// TestAHandoverMayKnowLessThanTheTable hands over a message that was committed
// before the session's start was taken, and comes after.
func TestAHandoverMayKnowLessThanTheTable(t *testing.T) {
	t.Parallel()
	for _, forgotten := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			g := newGateway(t)
			d := g.run(0)
			g.took = time.Second
			g.commit("c", "s", nil)
			var late handoff.Handover
			g.do(func() { g.committed = func(h handoff.Handover) { late = h } })
			g.message("s", "1")
			time.Sleep(time.Minute)
			if forgotten { // as if nothing were to come
				d.Deliver(handoff.Handover{Session: handoff.Session{ID: "s"}})
			}
			d.Deliver(late)
			time.Sleep(time.Minute)
			require.Equal(t, []string{"s-start", "1"}, g.keysOf("s"))
			require.Equal(t, forgotten, g.reads() > 0)
		})
	}
}

// TestWhatComesDuringAReadIsReadToo commits after the table was looked at, and
// hands over before the lane knows what was seen.
func TestWhatComesDuringAReadIsReadToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		d := g.run(0)
		g.open("c", "s")
		g.headTook = time.Second
		d.Wake("s")
		time.Sleep(time.Millisecond)
		g.message("s", "1")
		time.Sleep(time.Minute)
		require.Equal(t, []string{"1"}, g.keysOf("s"))
	})
}

// TestARepeatIsSaidToBeOne matters to vendors without idempotency keys: only then
// do their adapters look before they create.
func TestARepeatIsSaidToBeOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		g.run(0)
		g.open("c", "s")
		failures := 1
		g.do(func() {
			g.answer = func(sent) error {
				if failures--; failures >= 0 {
					return errors.New("cut")
				}
				return nil
			}
		})
		g.message("s", "1")
		time.Sleep(time.Minute)
		g.message("s", "2")
		synctest.Wait()
		g.committed = func(handoff.Handover) {}
		g.message("s", "3")
		g.dispatcher.Wake("s")
		synctest.Wait()
		var got []string
		for _, c := range g.got() {
			got = append(got, fmt.Sprint(c.key, c.repeat))
		}
		require.Equal(t, []string{"1false", "1true", "2false", "3true"}, got[len(got)-4:],
			"what comes from the table may have been tried by a process that is gone")
	})
}

// TestWhatAStartHasKeptReachesItsRepeat matters to vendors whose sessions are made
// in several steps: without it the steps before the cut would be done twice.
func TestWhatAStartHasKeptReachesItsRepeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		failures := 2
		g.keeps, g.answer = true, func(sent) error {
			if failures--; failures >= 0 {
				return errors.New("cut")
			}
			return nil
		}
		g.run(0)
		g.commit("c", "s", nil)
		g.message("s", "1")
		time.Sleep(time.Minute)
		var keys []string
		for _, c := range g.got() {
			keys = append(keys, fmt.Sprint(c.key, " ", c.data))
		}
		require.Equal(t, []string{"s-start ", "s-start +", "s-start ++", "1 "}, keys)
	})
}

// TestWhatTheAnswerToAStartTells is applied as if a webhook told it, and comes too
// late without harm.
func TestWhatTheAnswerToAStartTells(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			g := newGateway(t)
			g.tells, g.late = true, late
			g.run(0)
			g.commit("c", "s", nil)
			synctest.Wait()
			if late {
				require.Empty(t, g.told)
			} else {
				require.Equal(t, []handoff.Inbound{{SessionID: "s", Ref: "c", Key: "joined", Body: handoff.HumanJoined{Name: "Lin"}}}, g.told)
			}
			require.Len(t, g.got(), 1)
		})
	}
}

// TestWhatDidNothingIsNoRepeat spares a vendor that is asked too much the look for
// what was left by a call that it refused.
func TestWhatDidNothingIsNoRepeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		g.run(0)
		g.open("c", "s")
		before := len(g.got())
		answers := []error{
			&provider.Error{Class: provider.ClassRateLimited, Undone: true},
			&provider.Error{Class: provider.ClassRateLimited, Undone: true},
			errors.New("cut"),
			&provider.Error{Class: provider.ClassRateLimited, Undone: true},
			nil,
		}
		g.do(func() {
			g.answer = func(sent) error {
				if len(answers) == 0 {
					return nil
				}
				err := answers[0]
				answers = answers[1:]
				return err
			}
		})
		g.message("s", "1")
		time.Sleep(10 * time.Minute)
		var repeats []bool
		for _, c := range g.got()[before:] {
			repeats = append(repeats, c.repeat)
		}
		require.Equal(t, []bool{false, false, false, true, true}, repeats, "after the cut one it may have got through, whatever came then")
	})
}
