package listen_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/listen"
	"github.com/human-handoff/handoff/internal/provider"
)

// vendor is a listen.Connections whose connections are ended by the test.
type vendor struct {
	mu       sync.Mutex
	sources  []listen.Source
	changed  chan struct{}
	open     []*call // that have not ended
	dialled  []time.Time
	listened []error
	refuse   error                                                        // what Listen fails with at once
	hear     func(id, body string) (inbound []handoff.Inbound, err error) // nil = a message to ses_1
	received map[string][]string                                          // texts, by connection
	failing  error                                                        // of Receive
}

type call struct {
	id   string
	line provider.Line
	end  chan error
}

func newVendor(sources ...listen.Source) *vendor {
	return &vendor{sources: sources, received: map[string][]string{}}
}

func (v *vendor) Sources(context.Context) ([]listen.Source, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.sources, nil
}

func (v *vendor) Reconfigured() <-chan struct{} { return v.changed }

func (v *vendor) Listen(ctx context.Context, id string, line provider.Line) error {
	v.mu.Lock()
	v.dialled = append(v.dialled, time.Now())
	if v.refuse != nil {
		defer v.mu.Unlock()
		return v.refuse
	}
	c := &call{id, line, make(chan error, 1)}
	v.open = append(v.open, c)
	v.mu.Unlock()
	defer func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		for i, o := range v.open {
			if o == c {
				v.open = append(v.open[:i], v.open[i+1:]...)
			}
		}
	}()
	line.Up()
	select {
	case err := <-c.end:
		return err
	case <-ctx.Done():
		return nil
	}
}

func (v *vendor) Listened(_ context.Context, ids []string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for range ids {
		v.listened = append(v.listened, err)
	}
}

func (v *vendor) Hear(_ context.Context, id string, r provider.Request) ([]handoff.Inbound, error) {
	if v.hear != nil {
		return v.hear(id, string(r.Body))
	}
	return []handoff.Inbound{{SessionID: "ses_1", Body: handoff.HumanMessage{Text: string(r.Body)}}}, nil
}

func (v *vendor) Receive(_ context.Context, id string, in handoff.Inbound) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.failing != nil {
		return v.failing
	}
	v.received[id] = append(v.received[id], in.Body.(handoff.HumanMessage).Text)
	return nil
}

func (v *vendor) dials() []time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]time.Time(nil), v.dialled...)
}

func (v *vendor) told() []error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]error(nil), v.listened...)
}

// set changes the vendor while the runner may be looking at it.
func (v *vendor) set(change func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change()
}

// pass lets time pass and everybody do what there is to do.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (v *vendor) calls() []*call {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]*call(nil), v.open...)
}

func (v *vendor) reconfigure(sources ...listen.Source) {
	v.mu.Lock()
	v.sources, v.refuse = sources, nil
	v.mu.Unlock()
	v.changed <- struct{}{}
	synctest.Wait()
}

// run runs a test beside a runner, in a bubble where time passes when all wait.
func run(t *testing.T, v *vendor, test func()) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		v.changed = make(chan struct{}, 1) // of the bubble
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		r := listen.New(listen.Config{Connections: v, Receiver: v, Lease: listen.Alone{}, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
		go func() {
			defer close(done)
			r.Run(ctx)
		}()
		synctest.Wait()
		test()
		cancel()
		<-done
		require.Empty(t, v.calls(), "nothing goes on after the end")
	})
}

var app = listen.Source{Key: "slack:A1", ConnectionIDs: []string{"con_1"}, Version: "1"}

func TestAnEventIsTakenOnceItIsOnDisk(t *testing.T) {
	v := newVendor(app)
	run(t, v, func() {
		require.Len(t, v.calls(), 1)
		line := v.calls()[0].line
		require.NoError(t, line.Take(t.Context(), provider.Request{Body: []byte("one")}))
		assert.Equal(t, []string{"one"}, v.received["con_1"])

		for err, taken := range map[error]bool{
			handoff.Errorf(handoff.CodeUnavailable, "DATABASE_STUCK", "not now"): false,
			errors.New("something broke"):                                        false,
			handoff.ErrSessionClosed:                                             true, // it is told to nobody any more
			handoff.ErrSessionNotFound:                                           true, // it is not ours
		} {
			v.failing = err
			assert.Equal(t, taken, line.Take(t.Context(), provider.Request{Body: []byte("two")}) == nil, "%v", err)
		}
		v.failing = nil
		for code, taken := range map[handoff.Code]bool{handoff.CodeInvalid: true, handoff.CodeUnavailable: false} {
			v.hear = func(string, string) ([]handoff.Inbound, error) { return nil, handoff.Errorf(code, "X", "no") }
			assert.Equal(t, taken, line.Take(t.Context(), provider.Request{}) == nil, "%v", code)
		}
	})
}

func TestOneAppOfTwoAgents(t *testing.T) {
	v := newVendor(listen.Source{Key: "slack:A1", ConnectionIDs: []string{"con_1", "con_2"}})
	v.hear = func(id, body string) ([]handoff.Inbound, error) {
		if id != body { // the channel of the other
			return nil, nil
		}
		return []handoff.Inbound{{SessionID: "ses_1", Body: handoff.HumanMessage{Text: body}}}, nil
	}
	run(t, v, func() {
		require.Len(t, v.calls(), 1, "the vendor would give each an event that is the other's")
		for _, id := range []string{"con_1", "con_2"} {
			require.NoError(t, v.calls()[0].line.Take(t.Context(), provider.Request{Body: []byte(id)}))
		}
		assert.Equal(t, map[string][]string{"con_1": {"con_1"}, "con_2": {"con_2"}}, v.received)

		before := v.calls()[0].id
		v.calls()[0].end <- &provider.Error{Class: provider.ClassCredentials}
		pass(3 * time.Second)
		require.Len(t, v.calls(), 1, "the other's credentials may be good")
		assert.NotEqual(t, before, v.calls()[0].id)
	})
}

func TestTheNextConnectionOpensBeforeTheOldOneEnds(t *testing.T) {
	v := newVendor(app)
	run(t, v, func() {
		pass(time.Hour)
		old := v.calls()[0]
		old.line.Renew()
		old.line.Renew()
		synctest.Wait()
		require.Len(t, v.calls(), 2, "there is no gap")
		require.NoError(t, old.line.Take(t.Context(), provider.Request{Body: []byte("still")}))
		old.end <- nil
		pass(time.Hour)
		require.Len(t, v.calls(), 1, "and then it is one again")
		assert.Len(t, v.dials(), 2)
		assert.Equal(t, []string{"still"}, v.received["con_1"])
	})
}

func TestAConnectionThatEndsIsFollowedAtOnce(t *testing.T) {
	v := newVendor(app)
	run(t, v, func() {
		pass(time.Hour)
		v.calls()[0].end <- nil
		synctest.Wait()
		require.Len(t, v.calls(), 1)
		for range 20 { // but a vendor that ends each at once is not called without end
			if calls := v.calls(); len(calls) > 0 {
				calls[0].end <- nil
			}
			pass(time.Second)
		}
		assert.Less(t, len(v.dials()), 9)
		v.calls()
	})
}

func TestPausesGrow(t *testing.T) {
	v := newVendor(app)
	v.refuse = &provider.Error{Class: provider.ClassTransient}
	run(t, v, func() {
		pass(10 * time.Minute)
		require.Greater(t, len(v.dials()), 10)
		for i := range v.dials()[1:] {
			wait := v.dials()[i+1].Sub(v.dials()[i])
			longest := min(time.Second<<i, time.Minute)
			assert.GreaterOrEqual(t, wait, longest/2)
			assert.LessOrEqual(t, wait, longest)
		}
		assert.Len(t, v.told(), len(v.dials()), "and each failure is told")

		v.set(func() { v.refuse = &provider.Error{Class: provider.ClassRateLimited, RetryAfter: 3 * time.Minute} })
		pass(time.Minute + time.Second)
		before := len(v.dials())
		pass(3*time.Minute - 2*time.Second - time.Minute)
		assert.Len(t, v.dials(), before, "what the vendor asks for is kept")

		v.set(func() { v.refuse = &provider.Error{Class: provider.ClassCredentials} })
		pass(20 * time.Minute)
		before = len(v.dials())
		pass(20 * time.Minute)
		assert.LessOrEqual(t, len(v.dials())-before, 5, "somebody has to act")
		before = len(v.dials())
		v.reconfigure(listen.Source{Key: app.Key, ConnectionIDs: app.ConnectionIDs, Version: "2"})
		assert.Len(t, v.dials(), before+1, "and when somebody did, it goes on at once")
		assert.Len(t, v.calls(), 1)
	})
}

func TestTheConfigurationIsFollowed(t *testing.T) {
	v := newVendor(app)
	run(t, v, func() {
		first := v.calls()[0]
		v.reconfigure(app, listen.Source{Key: "slack:A2", ConnectionIDs: []string{"con_2"}})
		require.Len(t, v.calls(), 2)
		assert.Contains(t, v.calls(), first, "what has not changed goes on")
		v.reconfigure()
		assert.Empty(t, v.calls())
		v.set(func() { v.sources = []listen.Source{app} })
		pass(time.Minute + time.Second)
		assert.Len(t, v.calls(), 1, "a look once a minute finds what nobody told of")
	})
}

// lost is a lease that others get after a while.
type lost struct {
	listen.Alone

	holds atomic.Int64
}

func (l *lost) Hold(ctx context.Context, _ string) (context.Context, func(), error) {
	if l.holds.Add(1) > 1 {
		<-ctx.Done()
		return nil, nil, ctx.Err()
	}
	held, cancel := context.WithTimeout(ctx, time.Minute)
	return held, cancel, nil
}

func TestWithoutItsLeaseANodeDoesNotListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, lease := newVendor(app), &lost{}
		ctx, cancel := context.WithCancel(t.Context())
		r := listen.New(listen.Config{Connections: v, Receiver: v, Lease: lease, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
		done := make(chan struct{})
		go func() { r.Run(ctx); close(done) }()
		synctest.Wait()
		require.Len(t, v.calls(), 1)
		pass(time.Minute + time.Second)
		require.Empty(t, v.calls())
		assert.Equal(t, int64(2), lease.holds.Load())
		cancel()
		<-done
	})
}
