package timer_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/timer"
)

// table holds what is due when, and notes when it fired.
type table struct {
	mu    sync.Mutex
	due   map[string]time.Time
	fired map[string]time.Time
	looks int
	fail  error
}

func (t *table) Due(_ context.Context, now time.Time, limit int) (ids []string, next time.Time, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.looks++
	for id, due := range t.due {
		switch {
		case !due.After(now) && len(ids) < limit:
			ids = append(ids, id)
		case due.After(now) && (next.IsZero() || due.Before(next)):
			next = due
		}
	}
	return ids, next, t.fail
}

func (t *table) Fire(_ context.Context, id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fired[id] = time.Now()
	delete(t.due, id)
	return nil
}

func TestTimersFireOnTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		tab := &table{fired: map[string]time.Time{}, due: map[string]time.Time{
			"overdue": began.Add(-time.Hour), "soon": began.Add(time.Second), "later": began.Add(time.Hour),
		}}
		for i := range 1000 {
			tab.due["many"+string(rune('a'+i))] = began.Add(time.Minute)
		}
		loop := timer.New(timer.Config{Store: tab, Firer: tab, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); loop.Run(ctx) }()

		time.Sleep(2 * time.Second)
		synctest.Wait()
		tab.mu.Lock()
		require.Equal(t, began, tab.fired["overdue"], "what fell due while we were away")
		require.Equal(t, began.Add(time.Second), tab.fired["soon"])
		tab.due["new"] = began.Add(3 * time.Second)
		tab.fail = errors.New("the disk is full")
		tab.mu.Unlock()
		loop.Nudge(began.Add(3 * time.Second))
		loop.Nudge(began.Add(time.Hour))
		time.Sleep(2500 * time.Millisecond)
		synctest.Wait()
		tab.mu.Lock()
		require.Empty(t, tab.fired["new"])
		tab.fail = nil
		tab.mu.Unlock()
		time.Sleep(time.Second)
		synctest.Wait()
		tab.mu.Lock()
		require.Equal(t, began.Add(5*time.Second), tab.fired["new"], "after the database failed it looks again each second")
		tab.mu.Unlock()

		time.Sleep(2 * time.Hour)
		synctest.Wait()
		tab.mu.Lock()
		require.Empty(t, tab.due)
		looks := tab.looks
		tab.mu.Unlock()
		time.Sleep(100 * time.Hour)
		synctest.Wait()
		tab.mu.Lock()
		require.Equal(t, looks, tab.looks, "with nothing to wait for it sleeps")
		tab.mu.Unlock()
		cancel()
		<-done
	})
}

// A clock that is set forward brings what it passes, within a minute.
func TestTimersFollowTheWallClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var mu sync.Mutex
		step := time.Duration(0)
		now := func() time.Time { mu.Lock(); defer mu.Unlock(); return time.Now().Add(step) }
		tab := &table{fired: map[string]time.Time{}, due: map[string]time.Time{"s": began.Add(3 * time.Hour)}}
		loop := timer.New(timer.Config{Store: tab, Firer: tab, Now: now, Logger: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); loop.Run(ctx) }()
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Empty(t, tab.fired)
		require.Equal(t, 1, tab.looks, "waking up reads nothing")
		mu.Lock()
		step = 2 * time.Hour
		mu.Unlock()
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		require.Contains(t, tab.fired, "s")
		cancel()
		<-done
	})
}
