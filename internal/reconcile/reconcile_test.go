package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/reconcile"
)

// world is the rest of the program: one session at a vendor that can be asked.
type world struct {
	provider.Adapter

	billed  bool
	mu      sync.Mutex
	open    []reconcile.Session
	asked   []time.Time
	fail    error
	told    []handoff.Inbound
	keep    []handoff.Inbound
	refuse  error
	reports []error
	looks   float64
}

func (w *world) Reconciling(billed bool) []string {
	if billed != w.billed {
		return nil
	}
	return []string{"kind"}
}

func (w *world) Looks(string) float64 { return w.looks }

func (w *world) Conn(context.Context, string) (*provider.Conn, error) {
	return provider.NewConn(provider.ConnOptions{
		Connection: handoff.Connection{ID: "con"}, Adapter: w, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	}), nil
}

func (w *world) Report(_ context.Context, _ string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reports = append(w.reports, err)
}

func (w *world) OpenSessions(context.Context, []string) ([]reconcile.Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open, nil
}

func (w *world) Since(_ context.Context, c provider.Call, since time.Time) ([]handoff.Inbound, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, since)
	return append([]handoff.Inbound{{Ref: c.Ref.ID, Key: "first"}}, w.told...), w.fail
}

func (w *world) Receive(_ context.Context, connectionID string, in handoff.Inbound) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if connectionID != "con" {
		return errors.New("foreign")
	}
	if w.refuse != nil {
		return w.refuse
	}
	w.keep = append(w.keep, in)
	return nil
}

// look returns what is known of the world now.
func (w *world) look() (asked []time.Time, keep []handoff.Inbound, reports []error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked), slices.Clone(w.keep), slices.Clone(w.reports)
}

func (w *world) run(t *testing.T) *reconcile.Loop {
	t.Helper()
	loop := reconcile.New(reconcile.Config{Billed: w.billed, Store: w, Connections: w, Receiver: w, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); loop.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	synctest.Wait()
	return loop
}

func TestRounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		w := &world{open: []reconcile.Session{{ID: "ses", ConnectionID: "con", Ref: handoff.Ref{ID: "ref"}, CreateTime: began.Add(-time.Hour)}}}
		loop := w.run(t)
		asked, keep, _ := w.look()
		require.Equal(t, []time.Time{began.Add(-time.Hour - 2*time.Minute)}, asked, "at the start, all since the session began")
		require.Equal(t, []handoff.Inbound{{Ref: "ref", Key: "first", Asked: true}}, keep)

		time.Sleep(reconcile.Interval)
		synctest.Wait()
		asked, _, _ = w.look()
		require.Equal(t, began.Add(-2*time.Minute), asked[1], "then what is new, and a little of the old")
		loop.Nudge()
		synctest.Wait()
		asked, _, reports := w.look()
		require.Len(t, asked, 3, "and at once after an outage")
		require.Equal(t, began.Add(reconcile.Interval-2*time.Minute), asked[2])
		require.Equal(t, []error{nil, nil, nil}, reports)

		w.mu.Lock()
		w.open = nil
		w.mu.Unlock()
		time.Sleep(10 * reconcile.Interval)
		synctest.Wait()
		asked, _, _ = w.look()
		require.Len(t, asked, 3, "nothing is asked of what is closed")
	})
}

// TestSomeVendorsBearFewLooks has more sessions open than a vendor lets us ask for.
func TestSomeVendorsBearFewLooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		w := &world{looks: 0.5}
		for i := range 100 {
			w.open = append(w.open, reconcile.Session{ID: fmt.Sprint(i), ConnectionID: "con", Ref: handoff.Ref{ID: fmt.Sprint(i)}, CreateTime: began})
		}
		w.run(t)
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		require.LessOrEqual(t, len(w.asked), 20+600)
		require.Greater(t, len(w.asked), 400)
		refs := map[string]bool{}
		for _, in := range w.keep {
			refs[in.Ref] = true
		}
		require.Greater(t, len(refs), 95, "and each is asked at some time")
	})
}

// TestWhatFailedIsAskedForAgain matters because a later round would begin after
// what was not taken.
func TestWhatFailedIsAskedForAgain(t *testing.T) {
	t.Parallel()
	for name, breakIt := range map[string]func(*world){
		"the vendor":  func(w *world) { w.fail = errors.New("cut") },
		"our own end": func(w *world) { w.refuse = handoff.Errorf(handoff.CodeUnavailable, "STUCK", "not now") },
	} {
		synctest.Test(t, func(t *testing.T) {
			created := time.Now().Add(-time.Hour)
			w := &world{open: []reconcile.Session{{ID: "ses", ConnectionID: "con", Ref: handoff.Ref{ID: "ref"}, CreateTime: created}}}
			breakIt(w)
			w.run(t)
			time.Sleep(reconcile.Interval)
			synctest.Wait()
			asked, keep, _ := w.look()
			require.Equal(t, []time.Time{created.Add(-2 * time.Minute), created.Add(-2 * time.Minute)}, asked, name)
			require.Empty(t, keep)
			w.mu.Lock()
			w.fail, w.refuse = nil, nil
			w.mu.Unlock()
			time.Sleep(reconcile.Interval)
			synctest.Wait()
			_, keep, _ = w.look()
			require.NotEmpty(t, keep)
		})
	}
}

func TestWhoIsDownIsAskedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{fail: errors.New("cut")}
		for range 100 {
			w.open = append(w.open, reconcile.Session{ID: "ses", ConnectionID: "con", CreateTime: time.Now()})
		}
		w.run(t)
		time.Sleep(reconcile.Interval - time.Second)
		synctest.Wait()
		asked, _, _ := w.look()
		require.Less(t, len(asked), 50, "a round is no siege")
		require.NotEmpty(t, asked)
	})
}

func TestWhatIsTooLateHoldsUpNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		w := &world{
			open:   []reconcile.Session{{ID: "ses", ConnectionID: "con", Ref: handoff.Ref{ID: "ref"}, CreateTime: began}},
			refuse: handoff.ErrSessionClosed,
		}
		w.run(t)
		time.Sleep(reconcile.Interval)
		synctest.Wait()
		asked, _, _ := w.look()
		require.Equal(t, began.Add(-2*time.Minute), asked[1])
	})
}

// TestCallsThatCostMoneyAreMadeAfterGapsAlone matters because a look each minute at
// each session would cost more than the sessions do.
func TestCallsThatCostMoneyAreMadeAfterGapsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{billed: true, open: []reconcile.Session{{ID: "ses", ConnectionID: "con", Ref: handoff.Ref{ID: "ref"}, CreateTime: time.Now()}}}
		loop := w.run(t)
		asked := func() []time.Time {
			list, _, _ := w.look()
			return list
		}
		require.Len(t, asked(), 1, "after the start")
		time.Sleep(10 * reconcile.Interval)
		synctest.Wait()
		require.Len(t, asked(), 1)
		w.mu.Lock()
		w.fail = errors.New("cut")
		w.mu.Unlock()
		loop.Nudge()
		synctest.Wait()
		require.Len(t, asked(), 2, "after an outage")
		w.mu.Lock()
		w.fail = nil
		w.mu.Unlock()
		time.Sleep(10 * reconcile.Interval)
		synctest.Wait()
		require.Len(t, asked(), 3, "and again until it went well")
	})
}
