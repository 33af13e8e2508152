package feed_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
)

// TestNothingIsLostByCrashes takes what a crash would leave at random moments and
// starts anew from there: each time all events arrive in order, and what arrived
// before does so again only if it was under way.
func TestNothingIsLostByCrashes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			bubble(t, func(t *testing.T, b *backend) { crashAtRandom(t, b, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func crashAtRandom(t *testing.T, b *backend, random *rand.Rand) {
	t.Helper()
	b.table.took = time.Duration(random.IntN(3)) * 4 * time.Second
	b.run()
	b.set()
	b.took = 100 * time.Millisecond
	bad, answers := random.IntN(60), rand.New(rand.NewPCG(random.Uint64(), 2)) // guarded by b.mu
	b.does(func(got) answer {
		if answers.IntN(100) < bad {
			return []answer{refused, {}, {status: http.StatusServiceUnavailable}, {http.StatusTooManyRequests, "2"}}[answers.IntN(4)]
		}
		return answer{status: http.StatusOK}
	})
	sessions := []string{"a", "b", "c", "d"}
	for range 8 {
		for range random.IntN(30) {
			id := sessions[random.IntN(len(sessions))]
			if random.IntN(4) == 0 { // who commits may tell of it late
				b.table.log("shop", id, handoff.MessageLogged{})
				svc := b.svc
				time.AfterFunc(time.Duration(random.IntN(20))*time.Second, func() { svc.Changed(id, "shop") })
			} else {
				b.happen(id)
			}
			if random.IntN(3) == 0 {
				pass(time.Duration(random.IntN(40_000)) * time.Millisecond)
			}
		}
		// What a process that died now would find; the old one's calls come to
		// nothing, for its table is not looked at any more.
		b.table = b.table.crash()
		b.svc.Stop()
		before := b.idsOf("")
		b.run()
		if random.IntN(2) == 0 {
			continue
		}
		pass(time.Hour)
		requireAllInOrder(t, b)
		require.LessOrEqual(t, len(b.idsOf(""))-len(before), len(b.table.sessions)*40+40)
	}
	b.does(nil)
	pass(time.Hour)
	requireAllInOrder(t, b)
	require.Zero(t, b.view().Pending)
}

// requireAllInOrder checks that what arrived of each session first is its whole
// log in order.
func requireAllInOrder(t *testing.T, b *backend) {
	t.Helper()
	for id, ses := range b.table.sessions {
		var first []string
		for _, call := range b.idsOf(id) {
			if !slices.Contains(first, call) {
				first = append(first, call)
			}
		}
		require.Equal(t, ids(id, len(ses.events)), first)
	}
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
