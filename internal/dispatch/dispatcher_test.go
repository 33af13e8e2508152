package dispatch_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// desk is the lanes' store, the vendor and the settler of a test: what is
// settled leaves its lane, and every call is noted.
type desk struct {
	mu       sync.Mutex
	lanes    map[string][]handoff.Job
	calls    []call
	answers  map[string][]error // by message: what the vendor answers, in turn
	reported []error
	hang     chan struct{} // when set, calls wait for it or for their context
	conn     map[string]string
}

type call struct {
	session, key string
	at           time.Time
}

func newDesk() *desk {
	return &desk{lanes: map[string][]handoff.Job{}, answers: map[string][]error{}, conn: map[string]string{}}
}

// add puts messages into a session's lane.
func (d *desk) add(session string, ids ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	connection := d.conn[session]
	if connection == "" {
		connection = "c"
	}
	for _, id := range ids {
		d.lanes[session] = append(d.lanes[session], handoff.Job{
			Delivery: handoff.Delivery{ID: int64(len(d.lanes[session]) + 1), SessionID: session, Kind: handoff.DeliverMessage, MessageID: id, CreateTime: time.Now()},
			Session:  handoff.Session{ID: session, ConnectionID: connection, Ref: handoff.Ref{ID: session}},
		})
	}
}

func (d *desk) Lanes(context.Context) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Keys(d.lanes)), nil
}

func (d *desk) Head(_ context.Context, session string) (handoff.Job, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.lanes[session]) == 0 {
		return handoff.Job{}, false, nil
	}
	return d.lanes[session][0], true, nil
}

func (d *desk) Settle(_ context.Context, delivery handoff.Delivery, a handoff.Attempt) (*handoff.Session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	lane := d.lanes[delivery.SessionID]
	session := lane[0].Session
	if a.State != handoff.DeliveryPending {
		d.lanes[delivery.SessionID] = lane[1:]
		return &session, nil
	}
	lane[0].Delivery.Attempts++
	lane[0].Delivery.NextAttempt = a.RetryAt
	return &session, nil
}

func (d *desk) Keep(context.Context, string, string) error { return nil }

func (d *desk) Receive(context.Context, string, handoff.Inbound) error { return nil }

func (d *desk) Sender(context.Context, string) (dispatch.Sender, error) { return d, nil }

func (d *desk) Terms(context.Context, string) (dispatch.Terms, error) { return dispatch.Terms{}, nil }

func (d *desk) Report(_ context.Context, _ string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reported = append(d.reported, err)
}

func (d *desk) Open(context.Context, provider.Call, handoff.Start) (handoff.Ref, error) {
	return handoff.Ref{ID: "r"}, nil
}

func (d *desk) Send(ctx context.Context, c provider.Call, _ handoff.Message) (string, error) {
	d.mu.Lock()
	d.calls = append(d.calls, call{c.SessionID, c.IdempotencyKey, time.Now()})
	var err error
	if answers := d.answers[c.IdempotencyKey]; len(answers) > 0 {
		err, d.answers[c.IdempotencyKey] = answers[0], answers[1:]
	}
	hang := d.hang
	d.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return "", err
}

func (d *desk) Close(context.Context, provider.Call, handoff.CloseReason) error { return nil }

func (d *desk) keys() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var keys []string
	for _, c := range d.calls {
		keys = append(keys, c.key)
	}
	return keys
}

// start runs a dispatcher over the desk until the test ends.
func start(t *testing.T, d *desk) *dispatch.Dispatcher {
	t.Helper()
	dispatcher := dispatch.New(dispatch.Config{
		Store: d, Connections: d, Settler: d, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, dispatcher.Start(t.Context()))
	t.Cleanup(dispatcher.Stop)
	return dispatcher
}

func transient(wait time.Duration) error {
	return &provider.Error{Class: provider.ClassTransient, RetryAfter: wait, Err: errors.New("503")}
}

func TestStartTakesUpWhatIsDueInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.add("s", "1", "2", "3")
		start(t, d)
		synctest.Wait()
		require.Equal(t, []string{"1", "2", "3"}, d.keys())
	})
}

func TestAFailureHoldsUpItsOwnLaneAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.answers["1"] = []error{transient(time.Hour), transient(0)}
		d.add("s", "1", "2")
		d.add("other", "a", "b")
		dispatcher := start(t, d)
		synctest.Wait()
		require.ElementsMatch(t, []string{"1", "a", "b"}, d.keys())

		d.add("s", "3")
		dispatcher.Wake("s")
		time.Sleep(time.Hour - time.Millisecond)
		synctest.Wait()
		require.Len(t, d.keys(), 3, "Retry-After is honoured, and a wake-up does not shorten it")

		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, []string{"1", "1", "2", "3"}, d.keys()[3:])
		require.Len(t, d.reported, 7)
	})
}

func TestARefusedMessageDoesNotBlockTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.answers["1"] = []error{&provider.Error{Class: provider.ClassRejected, Err: errors.New("422")}}
		d.add("s", "1", "2")
		start(t, d)
		synctest.Wait()
		require.Equal(t, []string{"1", "2"}, d.keys())
	})
}

func TestBackOffGrowsAndGivesUpAtTheHorizon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		for range 1000 {
			d.answers["1"] = append(d.answers["1"], transient(0))
		}
		d.add("s", "1", "2")
		start(t, d)
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		keys := d.keys()
		require.Equal(t, "2", keys[len(keys)-1], "what follows goes on")
		require.Less(t, len(keys), 1000)
		require.Greater(t, len(keys), 24*60/5, "an attempt at least every five minutes")
	})
}

func TestCredentialsAreKeptUntilReleased(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.answers["1"] = []error{&provider.Error{Class: provider.ClassCredentials, RetryAfter: 100 * time.Hour, Err: errors.New("401")}}
		d.add("s", "1")
		d.conn["elsewhere"] = "c2"
		d.answers["x"] = []error{transient(time.Hour)}
		d.add("elsewhere", "x")
		dispatcher := start(t, d)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.ElementsMatch(t, []string{"1", "x"}, d.keys())
		dispatcher.Release("c")
		synctest.Wait()
		require.Equal(t, "1", d.keys()[2])
		require.Len(t, d.keys(), 3, "other connections wait on")
	})
}

func TestStopLeavesWhatWasCutPending(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.hang = make(chan struct{})
		d.add("s", "1", "2")
		dispatcher := start(t, d)
		synctest.Wait()
		began := time.Now()
		dispatcher.Stop()
		require.Equal(t, 10*time.Second, time.Since(began))
		require.Equal(t, []string{"1"}, d.keys())
		require.Len(t, d.lanes["s"], 2)
		require.Zero(t, d.lanes["s"][0].Delivery.Attempts, "a cut is no failure")
		require.Empty(t, d.reported)

		d.hang = nil
		start(t, d)
		synctest.Wait()
		require.Equal(t, []string{"1", "1", "2"}, d.keys(), "the next start takes it up")
	})
}

func TestAHangingConnectionDoesNotHoldUpAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.hang = make(chan struct{})
		for i := range 600 {
			d.add("s"+string(rune('a'+i)), "m")
		}
		dispatcher := start(t, d)
		synctest.Wait()
		require.Len(t, d.keys(), 512, "calls of one connection are bounded")
		d.conn["free"] = "c2"
		d.add("free", "x")
		dispatcher.Wake("free")
		synctest.Wait()
		require.Contains(t, d.keys(), "x")
		close(d.hang)
		synctest.Wait()
		require.Len(t, d.keys(), 601)
	})
}
