package feed_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/feed"
	"github.com/human-handoff/handoff/internal/handoff"
)

const day = 24 * time.Hour

func TestEventsGoOutInOrderAndSessionsSideBySide(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.run()
		secret := b.set()
		b.takes(time.Second)
		for range 5 {
			b.happen("a", "b", "c")
		}
		pass(5 * time.Second)
		for _, id := range []string{"a", "b", "c"} {
			require.Equal(t, ids(id, 5), b.idsOf(id), "each once, in order, and in the time that five calls take")
		}
		require.Equal(t, 3, b.most)
		call := b.calls("b")[4]
		require.NoError(t, verify(t, call, secret))
		require.JSONEq(t, `{"type":"message","agent":"shop","session":"b","conversation":"of b","sequence":5}`, string(call.body))
		require.Equal(t, call.id, call.header.Get("Idempotency-Key"))
		require.Zero(t, b.view().Pending)
		b.svc.Stop()
		left, err := b.table.Behind(t.Context(), "")
		require.NoError(t, err)
		require.Empty(t, left, "a start after an orderly stop has nothing to look at")
	})
}

func TestWithoutAFeedNothingIsReadOrWritten(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.run()
		before := b.table.used()
		b.happen("a", "b", "a")
		pass(time.Hour)
		require.Equal(t, before, b.table.used())
	})
}

func TestARefusedEventHoldsUpItsOwnSession(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.run()
		b.set()
		b.does(func(g got) answer {
			if g.id == "a_2" {
				return refused
			}
			return answer{status: http.StatusOK}
		})
		b.happen("a", "a", "a", "b", "b")
		for range 20 {
			pass(time.Minute)
			b.happen("b")
		}
		pass(time.Second)
		require.Equal(t, ids("b", 22), b.idsOf("b"))
		require.Equal(t, []string{"a_1", "a_2"}, deduped(b.idsOf("a")), "what comes after it waits, and nothing is skipped")
		require.Less(t, len(b.calls("a")), 40, "it is not tried at each success of others")
		list, _, err := b.svc.Deliveries(t.Context(), feed.DeliveryFilter{Failing: true}, handoff.Page{})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, uint64(1), list[0].Delivered)
		require.Equal(t, uint64(3), list[0].Last)
		require.Equal(t, len(b.calls("a"))-1, list[0].Attempts)
		require.Equal(t, "the address answered 400 Bad Request", list[0].LastError)
		require.WithinDuration(t, now().Add(-20*time.Minute), list[0].FailingSince, time.Second)
		require.Equal(t, 1, b.view().Pending)
		require.Equal(t, handoff.FeedActive, b.view().State, "the others get through")

		b.does(nil)
		pass(6 * time.Minute)
		require.Equal(t, []string{"a_2", "a_3"}, b.idsOf("a")[len(b.idsOf("a"))-2:])
		require.Zero(t, b.view().Pending)
	})
}

func TestAnOutageIsBorneAndEndsAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.run()
		b.set()
		b.does(func(got) answer { return answer{} })
		const sessions = 200
		for range 3 {
			for i := range sessions {
				b.happen(fmt.Sprint("s", i))
			}
		}
		pass(time.Hour)
		calls := len(b.calls(""))
		require.Less(t, calls, 2*sessions+3600/4, "a breaker keeps the calls back")
		v := b.view()
		require.Equal(t, handoff.FeedFailing, v.State)
		require.Equal(t, "no answer: the connection was cut", v.LastError)
		require.NotContains(t, b.log.String(), "hush", "an address may hold a secret")
		require.Equal(t, sessions, v.Pending)
		require.Equal(t, "failing", last(b.states))

		b.forget()
		b.does(nil)
		pass(7 * time.Second)
		require.Len(t, b.calls(""), 3*sessions, "all goes out once one call got through")
		for i := range sessions {
			require.Equal(t, ids(fmt.Sprint("s", i), 3), b.idsOf(fmt.Sprint("s", i)))
		}
		require.Equal(t, handoff.FeedActive, b.view().State)
		require.Equal(t, "active", last(b.states))
	})
}

func TestWhatTheOtherSideAsksForIsHonoured(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.run()
		b.set()
		b.does(func(got) answer { return answer{http.StatusTooManyRequests, "600"} })
		b.happen("a")
		pass(time.Second)
		b.does(nil)
		b.happen("b")
		pass(598 * time.Second)
		require.Len(t, b.calls(""), 1, "nobody is called meanwhile")
		pass(2 * time.Second)
		require.Len(t, b.calls(""), 3)
	})
}

func TestRefusalsOfAllEndAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.run()
		b.set()
		b.says(http.StatusNotFound)
		for i := range 20 {
			b.happen(fmt.Sprint("s", i), fmt.Sprint("s", i))
		}
		pass(time.Hour)
		require.Equal(t, handoff.FeedFailing, b.view().State)
		b.says(http.StatusOK)
		b.forget()
		b.happen("new")
		pass(time.Second)
		require.Len(t, b.calls(""), 41)
	})
}

func TestACallMayTakeFifteenSeconds(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.run()
		b.set()
		b.takes(16 * time.Second)
		b.happen("a")
		pass(15*time.Second + time.Millisecond)
		require.Equal(t, "no answer within 15s", b.view().LastError)
		b.takes(14 * time.Second)
		pass(20 * time.Second)
		require.Empty(t, b.view().LastError)
	})
}

func TestGoneDisablesAndSetGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.run()
		b.set()
		b.happen("a", "b")
		pass(time.Minute)
		b.says(http.StatusInternalServerError)
		b.happen("a", "b", "a")
		pass(time.Hour)
		b.says(http.StatusGone)
		pass(5 * time.Minute)
		v := b.view()
		require.Equal(t, handoff.FeedDisabled, v.State)
		require.Equal(t, "GONE", v.Disabled)
		require.Equal(t, "the address answered 410 Gone", v.LastError)
		require.Equal(t, []string{"GONE"}, b.disabled)
		require.Equal(t, "disabled", last(b.states))
		require.Contains(t, b.log.String(), "event_webhook.disabled")
		calls := len(b.calls(""))
		b.does(nil)
		b.happen("a", "c")
		pass(10 * day)
		require.Len(t, b.calls(""), calls)

		b.svc.Stop()
		b.run()
		pass(time.Hour)
		require.Len(t, b.calls(""), calls, "it stays so over a restart")
		require.Equal(t, handoff.FeedDisabled, b.svc.State("shop"))
		b.forget()
		require.Empty(t, b.set(), "the secret stays")
		pass(time.Second)
		require.Equal(t, []string{"a_2", "a_3", "a_4"}, b.idsOf("a"))
		require.Equal(t, []string{"b_2"}, b.idsOf("b"))
		require.Equal(t, []string{"c_1"}, b.idsOf("c"))
		require.Equal(t, handoff.FeedActive, b.view().State)
		require.Empty(t, b.view().LastError)
	})
}

func TestNothingButFailuresForDaysDisables(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.run()
		b.set()
		b.says(http.StatusInternalServerError)
		b.happen("a")
		pass(30 * time.Second)
		require.Equal(t, handoff.FeedActive, b.view().State, "a hiccup is nobody's business")
		require.False(t, b.view().FailingSince.IsZero())
		began := b.view().FailingSince
		pass(10 * time.Minute)
		require.Equal(t, handoff.FeedFailing, b.view().State)
		b.svc.Stop()
		b.run()
		require.Equal(t, began, b.view().FailingSince, "a restart does not begin to count anew")
		pass(5*day - time.Hour)
		require.Equal(t, handoff.FeedFailing, b.view().State)
		pass(time.Hour)
		require.Equal(t, "FAILING", b.view().Disabled)
		require.Equal(t, []string{"FAILING"}, b.disabled)

		b.says(http.StatusOK)
		b.set()
		pass(time.Second)
		require.Equal(t, handoff.FeedActive, b.view().State)
		require.Equal(t, "a_1", last(b.idsOf("a")))
		b.says(http.StatusInternalServerError)
		b.happen("a")
		pass(3 * day)
		b.says(http.StatusOK)
		pass(10 * time.Minute)
		b.says(http.StatusInternalServerError)
		b.happen("a")
		pass(4 * day)
		require.Equal(t, handoff.FeedFailing, b.view().State, "a success begins to count anew")
	})
}

func TestAReplacedSecretSignsForADay(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.run()
		first := b.set()
		require.Empty(t, b.set(func(c *feed.Change) { c.URL = "https://shop.example/v2" }), "the same host keeps it")
		second := b.set(func(c *feed.Change) { c.ReplaceSecret = true })
		require.Equal(t, now().Add(day), b.view().PreviousUntil)
		b.happen("a")
		pass(day - time.Second)
		b.happen("a")
		pass(time.Second)
		b.happen("a")
		pass(time.Second)
		require.True(t, b.view().PreviousUntil.IsZero())
		calls := b.calls("a")
		for i, call := range calls {
			require.NoError(t, verify(t, call, second))
			old := verify(t, call, first)
			require.Equal(t, i < 2, old == nil, "call %d: %v", i, old)
		}
		other := b.set(func(c *feed.Change) { c.URL = "https://elsewhere.example/" })
		require.NotEmpty(t, other, "another host gets another secret")
		b.happen("a")
		pass(time.Second)
		require.Error(t, verify(t, b.calls("a")[3], second))
		require.NoError(t, verify(t, b.calls("a")[3], other))
	})
}

func TestAFeedSendsWhatItsFilterLetsThrough(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.run()
		b.set(func(c *feed.Change) { c.Kinds = []handoff.EventKind{handoff.KindStateChanged} })
		for range 150 {
			b.table.log("shop", "a", handoff.MessageLogged{})
		}
		b.table.log("shop", "a", handoff.StateChanged{})
		b.happen("a", "b")
		pass(time.Second)
		require.Equal(t, []string{"a_151"}, b.idsOf("a"))
		require.Empty(t, b.calls("b"))
		require.Zero(t, b.view().Pending)
	})
}

func TestANewFeedBeginsWithWhatComes(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.run()
		b.happen("a", "a", "b")
		b.set(func(c *feed.Change) { c.Disabled = true })
		require.Equal(t, "OPERATOR", b.view().Disabled)
		b.happen("a")
		pass(time.Minute)
		require.Empty(t, b.calls(""))
		b.set()
		pass(time.Second)
		require.Equal(t, []string{"a_3"}, b.idsOf(""))

		require.NoError(t, b.svc.Delete(t.Context(), "shop"))
		require.ErrorIs(t, b.svc.Delete(t.Context(), "shop"), feed.ErrNotFound)
		require.Empty(t, b.svc.State("shop"))
		b.happen("a")
		pass(time.Minute)
		b.set(func(c *feed.Change) { c.FromStart = true })
		pass(time.Second)
		require.Equal(t, ids("a", 4), b.idsOf("a")[1:])
		require.Equal(t, ids("b", 1), b.idsOf("b"))
	})
}

// A call that is under way when its feed is deleted and made anew neither moves
// the new one back nor swallows its news.
func TestAFeedIsMadeAnewDuringACall(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.run()
		b.set()
		b.takes(10 * time.Second)
		b.happen("a", "a")
		pass(time.Second)
		require.NoError(t, b.svc.Delete(t.Context(), "shop"))
		b.set()
		b.happen("a")
		pass(time.Minute)
		require.Equal(t, []string{"a_1", "a_3"}, b.idsOf("a"))
		require.Zero(t, b.view().Pending)
	})
}

func TestADatabaseThatFailsCostsTimeAlone(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.run()
		b.set()
		b.table.fail(errors.New("the disk is full"))
		b.happen("a", "a", "b")
		pass(10 * time.Second)
		require.Equal(t, []string{"a_1"}, b.idsOf("a"))
		require.Contains(t, b.log.String(), "the disk is full")
		b.table.fail(nil)
		pass(10 * time.Second)
		require.Equal(t, ids("a", 2), b.idsOf("a"))
	})
}

func TestStopLetsCallsEndAndStartGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.run()
		b.set()
		b.takes(2 * time.Second)
		b.happen("a", "a", "b")
		pass(time.Second)
		b.svc.Stop()
		require.Equal(t, []string{"a_1", "b_1"}, sorted(b.idsOf("")))
		b.run()
		pass(time.Minute)
		require.Equal(t, []string{"a_1", "a_2", "b_1"}, sorted(b.idsOf("")), "nothing was cut, so nothing is repeated")
		b.takes(14 * time.Second)
		b.happen("a")
		pass(time.Second)
		b.svc.Stop()
		b.takes(0)
		b.run()
		pass(time.Second)
		require.Equal(t, ids("a", 3), b.idsOf("a"), "what was cut is sent again")
	})
}

func TestPing(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.run()
		_, err := b.svc.Test(t.Context(), "shop")
		require.ErrorIs(t, err, feed.ErrNotFound)
		secret := b.set(func(c *feed.Change) { c.Disabled = true })
		b.takes(time.Second)
		tested, err := b.svc.Test(t.Context(), "shop")
		require.NoError(t, err)
		require.Equal(t, feed.Tested{Took: time.Second}, tested)
		require.Equal(t, "ping", b.calls("")[0].kind)
		require.NoError(t, verify(t, b.calls("")[0], secret))
		b.does(func(got) answer { return answer{status: http.StatusFound} })
		tested, err = b.svc.Test(t.Context(), "shop")
		require.NoError(t, err)
		require.Equal(t, http.StatusFound, tested.Status)
		require.ErrorContains(t, tested.Err, "redirects are not followed")
	})
}

func TestWhatCannotBeSetIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.run()
		for reason, c := range map[string]feed.Change{
			"AGENT_NOT_FOUND":    {AgentID: "unknown", URL: "https://shop.example"},
			"BAD_URL":            {AgentID: "shop", URL: "https://user:secret@shop.example"},
			"BAD_SIGNING_SECRET": {AgentID: "shop", URL: "https://shop.example", Secret: "whsec_c2hvcnQ="},
			"TWO_SECRETS":        {AgentID: "shop", URL: "https://shop.example", Secret: "whsec_" + strings.Repeat("a", 40), ReplaceSecret: true},
		} {
			_, _, err := b.svc.Set(t.Context(), c)
			known, ok := errors.AsType[*handoff.Error](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, reason, known.Reason)
			assert.NotContains(t, err.Error(), "secret@")
		}
		for _, url := range []string{"ftp://x", "x", "https://", "https://x/#y", "http://[::1"} {
			_, _, err := b.svc.Set(t.Context(), feed.Change{AgentID: "shop", URL: url})
			require.Error(t, err, url)
		}
		_, err := b.svc.Get(t.Context(), "shop")
		require.ErrorIs(t, err, feed.ErrNotFound)
	})
}

func TestWhatHappensWhileACursorIsWrittenGoesOut(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.table.took = time.Second
		b.run()
		b.set()
		b.happen("a")
		pass(1500 * time.Millisecond) // it is written, and nobody has heard of it
		b.happen("a")
		pass(10 * time.Second)
		require.Equal(t, ids("a", 2), b.idsOf("a"))
	})
}

// What waits in line when a checkpoint passes it is found by the next start.
func TestACheckpointKnowsWhatWaits(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.table.took = time.Second
		b.run()
		b.set()
		b.does(func(g got) answer {
			if g.session == "b" {
				return answer{http.StatusTooManyRequests, "900"}
			}
			return answer{status: http.StatusOK}
		})
		b.happen("a")
		pass(1500 * time.Millisecond)
		b.happen("b", "a") // a's cursor is written, and nobody has heard of it
		pass(10 * time.Minute)
		require.Equal(t, ids("a", 1), b.idsOf("a"))
		b.table = b.table.crash()
		b.svc.Stop()
		b.says(http.StatusOK)
		b.run()
		pass(20 * time.Minute)
		require.Equal(t, ids("a", 2), b.idsOf("a"))
	})
}

func TestSetTriesAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, b *backend) {
		b.run()
		b.set()
		b.says(http.StatusBadRequest)
		b.happen("a", "b")
		pass(time.Hour)
		b.set(func(c *feed.Change) { c.Disabled = true })
		b.says(http.StatusOK)
		b.forget()
		b.set()
		pass(time.Second)
		require.Len(t, b.calls(""), 2)
		b.says(http.StatusBadRequest)
		b.happen("a", "b")
		pass(time.Hour)
		b.says(http.StatusOK)
		b.forget()
		b.set(func(c *feed.Change) { c.URL = "https://shop.example/new" })
		pass(time.Second)
		require.Len(t, b.calls(""), 2)
		require.Equal(t, "https://shop.example/new", b.calls("")[0].url)
	})
}
