package handoff_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/wake"
)

// log is a store of one session's log; nothing else of a store is called.
type log struct {
	handoff.Store

	mu     sync.Mutex
	events []handoff.Event
	closed bool
	reads  int
}

func (l *log) append(state handoff.State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, handoff.Event{Sequence: uint64(len(l.events) + 1), Body: handoff.StateChanged{State: state}})
	l.closed = state == handoff.StateClosed
}

func (l *log) Log(_ context.Context, _ string, after uint64, limit int) (handoff.Log, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	got := handoff.Log{Last: uint64(len(l.events)), Closed: l.closed}
	if after < got.Last {
		got.Events = l.events[after:min(after+uint64(limit), got.Last)]
	}
	return got, nil
}

// Update appends what fn records, as one commit.
func (l *log) Update(_ context.Context, id, _ string, fn func(*handoff.Session) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &handoff.Session{ID: id, State: handoff.StateWaiting, LastSequence: uint64(len(l.events))}
	if err := fn(s); err != nil {
		return err
	}
	l.events = append(l.events, s.Changes().Events...)
	return nil
}

func (l *log) readSoFar() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reads
}

func tailer(l *log) (*handoff.Service, *wake.Hub) {
	hub := wake.NewHub()
	newID := func(prefix string) string { return prefix }
	return handoff.NewService(handoff.Config{Store: l, Waker: hub, NewID: newID, Now: time.Now}), hub
}

func TestTailEndsAfterClosed(t *testing.T) {
	t.Parallel()
	l := &log{}
	for range 1000 {
		l.append(handoff.StateWaiting)
	}
	l.append(handoff.StateClosed)
	svc, _ := tailer(l)
	for _, after := range []uint64{0, 1, 999, 1000} {
		last := after
		for events, err := range svc.Tail(t.Context(), "s", after) {
			require.NoError(t, err)
			for _, e := range events {
				require.Equal(t, last+1, e.Sequence)
				last = e.Sequence
			}
		}
		require.EqualValues(t, 1001, last)
	}
	batches := 0
	for events, err := range svc.Tail(t.Context(), "s", 1001) {
		require.NoError(t, err)
		require.Empty(t, events)
		batches++
	}
	require.Equal(t, 1, batches, "nothing is left: one empty answer, then the end")
	for _, err := range svc.Tail(t.Context(), "s", 1002) {
		require.ErrorIs(t, err, handoff.ErrBeyondLog)
	}
}

func TestTailGoesLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &log{}
		l.append(handoff.StateRequested)
		svc, hub := tailer(l)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var mu sync.Mutex
		look := func(fn func()) { mu.Lock(); defer mu.Unlock(); fn() }
		var seen []uint64
		var beats []time.Duration
		began := time.Now()
		done := make(chan struct{})
		go func() {
			defer close(done)
			for events, err := range svc.Tail(ctx, "s", 1) {
				mu.Lock()
				if err != nil || len(events) == 0 {
					beats = append(beats, time.Since(began))
				}
				for _, e := range events {
					seen = append(seen, e.Sequence)
				}
				mu.Unlock()
			}
		}()
		synctest.Wait()
		look(func() { require.Equal(t, []time.Duration{0}, beats, "an answer at once, although nothing is due") })

		hub.Changed("another", "agent")
		hub.Changed("s", "agent") // a wake-up without anything new
		synctest.Wait()
		look(func() { require.Len(t, beats, 1) })
		for range 300 {
			_, err := svc.SendMessage(ctx, "s", handoff.Message{Text: "hello"})
			require.NoError(t, err)
		}
		synctest.Wait()
		look(func() {
			require.Len(t, seen, 300)
			require.EqualValues(t, 2, seen[0])
			require.EqualValues(t, 301, seen[299])
		})
		reads := l.readSoFar()
		time.Sleep(46 * time.Second)
		synctest.Wait()
		look(func() {
			require.Equal(t, []time.Duration{0, 15 * time.Second, 30 * time.Second, 45 * time.Second}, beats)
		})
		require.Equal(t, reads, l.readSoFar(), "a quiet stream reads nothing")
		cancel()
		<-done
	})
}

// Many streams of one session get every event once and in order, however the
// updates overtake one another after their commit, and the log is hardly read.
func TestTailSharesReads(t *testing.T) {
	t.Parallel()
	l := &log{}
	l.append(handoff.StateRequested)
	svc, _ := tailer(l)
	const readers, writers, messages = 50, 8, 100
	var group, ready sync.WaitGroup
	ready.Add(readers)
	for range readers {
		group.Go(func() {
			last := uint64(0)
			for events, err := range svc.Tail(t.Context(), "s", 0) {
				if err != nil {
					t.Error(err)
					return
				}
				if last == 0 {
					ready.Done()
				}
				for _, e := range events {
					if e.Sequence != last+1 {
						t.Errorf("%d came after %d", e.Sequence, last)
						return
					}
					last = e.Sequence
				}
				if last == writers*messages+1 {
					return
				}
			}
		})
	}
	ready.Wait()
	for range writers {
		group.Go(func() {
			for range messages {
				if _, err := svc.SendMessage(t.Context(), "s", handoff.Message{Text: "hello"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	require.Less(t, l.readSoFar(), readers*writers*messages/10)
}
