package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/reconcile"
)

// counter is a vendor with a queue, and the rest of the program around it.
type counter struct {
	provider.Adapter

	mu      sync.Mutex // held by the test, but for the time of a round
	open    []reconcile.Session
	places  map[string]int32 // by session
	fail    error
	refuse  error
	asked   []string
	told    []handoff.Inbound
	reports []error
}

func (c *counter) Queuing() []string { return []string{"kind"} }

func (c *counter) Conn(context.Context, string) (*provider.Conn, error) {
	return provider.NewConn(provider.ConnOptions{
		Connection: handoff.Connection{ID: "con"}, Adapter: c, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	}), nil
}

func (c *counter) Report(_ context.Context, _ string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reports = append(c.reports, err)
}

func (c *counter) OpenSessions(context.Context, []string) ([]reconcile.Session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open, nil
}

func (c *counter) Place(_ context.Context, call provider.Call) (int32, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, call.SessionID)
	return c.places[call.SessionID], c.fail
}

func (c *counter) Receive(_ context.Context, _ string, in handoff.Inbound) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse != nil {
		return c.refuse
	}
	c.told = append(c.told, in)
	return nil
}

// run runs the rounds for as long as the test takes.
func (c *counter) run(t *testing.T) {
	t.Helper()
	q := reconcile.NewQueues(reconcile.QueuesConfig{Store: c, Connections: c, Receiver: c, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); q.Run(ctx) }()
	c.mu.Lock()
	t.Cleanup(func() { stop(); c.mu.Unlock(); <-done })
}

func (c *counter) round() {
	c.mu.Unlock()
	time.Sleep(reconcile.QueueInterval)
	synctest.Wait()
	c.mu.Lock()
}

func waits(id string) reconcile.Session {
	return reconcile.Session{ID: id, ConnectionID: "con", State: handoff.StateWaiting, Ref: handoff.Ref{ID: id}}
}

func TestThoseWhoWaitAreToldTheirPlaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		talks := waits("talks")
		talks.State = handoff.StateActive
		c := &counter{open: []reconcile.Session{waits("one"), talks}, places: map[string]int32{"one": 3, "talks": 9}}
		c.run(t)
		var got []string
		for _, position := range []int32{3, 3, 2, 4, 2, 0, 1} {
			c.places["one"] = position
			before := len(c.told)
			c.round()
			for _, in := range c.told[before:] {
				moved, ok := in.Body.(handoff.QueueMoved)
				require.True(t, ok)
				require.Equal(t, "one", in.SessionID)
				got = append(got, fmt.Sprint(moved.Position, in.Key == provider.PlaceKey(moved.Position)))
			}
		}
		require.NotContains(t, c.asked, "talks", "who talks waits no more")
		require.Equal(t, []string{"3 true", "2 true", "4 false", "2 false", "1 false"}, got,
			"each change once, and a place that is reached again is news")
	})
}

func TestAQueueThatCannotBeLookedInto(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &counter{open: []reconcile.Session{waits("one"), waits("two")}, places: map[string]int32{"one": 2, "two": 3}}
		c.fail = errors.New("down")
		c.run(t)
		c.round()
		require.Equal(t, []string{"one"}, c.asked, "who is down is asked once in a round")
		require.Equal(t, c.fail.Error(), c.reports[0].Error())
		c.fail = provider.Errorf(provider.ClassRejected, "no such customer")
		c.round()
		require.Equal(t, []string{"one", "one", "two"}, c.asked, "one who is unknown holds up nobody")
		require.Empty(t, c.told)

		c.fail, c.refuse = nil, handoff.Errorf(handoff.CodeUnavailable, "DATABASE_STUCK", "not now")
		c.round()
		c.refuse = nil
		c.round()
		require.Len(t, c.told, 2, "what was not taken is told again")
	})
}
