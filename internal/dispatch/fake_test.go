package dispatch_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// gateway is a store with real sessions, the settler, and a vendor that does what
// it is told. Unlike desk, it hands over what it commits.
type gateway struct {
	t *testing.T

	mu       sync.Mutex
	lastID   int64
	sessions map[string]*stored
	order    []string

	heads     int // reads of lanes
	headErr   error
	headTook  time.Duration
	termsTook time.Duration
	settleErr error
	settled   func() error // what is answered once it is recorded; called with mu held
	settles   int

	terms  map[string]dispatch.Terms // by connection
	calls  []sent
	now    int                      // calls under way
	most   int                      // at once
	keeps  bool                     // starts have something kept
	tells  bool                     // starts tell that a human joined
	told   []handoff.Inbound        // what starts have told
	late   bool                     // what they tell comes too late
	answer func(n sent) error       // called with mu held
	took   time.Duration            // by each call
	tookBy map[string]time.Duration // by those of a session

	dispatcher *dispatch.Dispatcher
	committed  func(h handoff.Handover) // instead of handing over
}

// stored is a session's rows.
type stored struct {
	session handoff.Session
	pending []handoff.Job
	failed  map[int64]handoff.Job
}

// sent is a call that the vendor got.
type sent struct {
	connection, session, key string
	kind                     handoff.DeliveryKind
	at                       time.Time
	repeat                   bool
	data                     string // of the ref
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	return &gateway{t: t, sessions: map[string]*stored{}, terms: map[string]dispatch.Terms{}}
}

// run starts a dispatcher that ends with the test.
func (g *gateway) run(horizon time.Duration) *dispatch.Dispatcher {
	g.t.Helper()
	d := dispatch.New(dispatch.Config{
		Store: g, Connections: g, Settler: g, Horizon: horizon, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(g.t, d.Start(g.t.Context()))
	g.t.Cleanup(d.Stop)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dispatcher = d
	return d
}

// commit runs a command on a session, which is made if there is none, and hands
// over what it left. It returns the ids of its deliveries.
func (g *gateway) commit(connection, session string, command func(s *handoff.Session)) []int64 {
	g.mu.Lock()
	st := g.sessions[session]
	if st == nil {
		s := handoff.NewSession(handoff.Session{ID: session, ConnectionID: connection, AgentID: "agent"}, handoff.Start{Question: "?"}, 0, now())
		st = &stored{}
		g.sessions[session] = st
		g.order = append(g.order, session)
		st.session = *s
	} else if command == nil {
		g.mu.Unlock()
		return nil
	}
	s := st.session
	if command != nil {
		command(&s)
	}
	d, committed := g.dispatcher, g.committed
	if d != nil {
		d.Committing(session)
	}
	h := g.write(st, &s)
	g.mu.Unlock()
	var ids []int64
	for _, job := range h.Jobs {
		ids = append(ids, job.Delivery.ID)
	}
	switch {
	case committed != nil:
		committed(h)
	case d != nil:
		d.Deliver(h)
	}
	return ids
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// write stores what a session has recorded. The caller holds g.mu.
func (g *gateway) write(st *stored, s *handoff.Session) handoff.Handover {
	c := s.Changes()
	st.session = s.Snapshot()
	h := handoff.Handover{Session: st.session}
	for _, settled := range c.Settled {
		for i, job := range st.pending {
			if job.Delivery.ID == settled.ID {
				st.pending[i].Delivery = settled
				if settled.State == handoff.DeliveryFailed {
					st.failed = map[int64]handoff.Job{settled.ID: st.pending[i]}
				}
				if settled.State != handoff.DeliveryPending {
					st.pending = append(st.pending[:i:i], st.pending[i+1:]...)
				}
				break
			}
		}
	}
	for _, d := range c.Retried {
		job := st.failed[d.ID]
		job.Delivery = d
		st.pending = append(st.pending, job)
		slices.SortFunc(st.pending, func(a, b handoff.Job) int { return cmp.Compare(a.Delivery.ID, b.Delivery.ID) })
		h.Unsure = true
	}
	for _, d := range c.Deliveries {
		g.lastID++
		d.ID = g.lastID
		job := handoff.Job{Delivery: d}
		if d.Kind == handoff.DeliverStart {
			job.Start = *c.Start
		}
		for _, e := range c.Events {
			if m, ok := e.Body.(handoff.MessageLogged); ok && e.Sequence == d.Sequence && d.Kind == handoff.DeliverMessage {
				job.Message = m.Message
			}
		}
		st.pending = append(st.pending, job)
		h.Jobs = append(h.Jobs, job)
	}
	return h
}

// open makes a session whose start was taken already.
func (g *gateway) open(connection string, sessions ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range sessions {
		s := handoff.NewSession(handoff.Session{ID: id, ConnectionID: connection, AgentID: "agent"}, handoff.Start{}, 0, now())
		ready := s.Snapshot()
		ready.State, ready.Ref = handoff.StateWaiting, handoff.Ref{ID: "ref-" + id}
		g.sessions[id] = &stored{session: ready}
		g.order = append(g.order, id)
	}
}

// message commits a customer's message.
func (g *gateway) message(session, id string) []int64 {
	return g.commit("", session, func(s *handoff.Session) {
		if _, err := s.Accept(handoff.Message{ID: id, Text: "text of " + id}, now()); err != nil {
			g.t.Error(err)
		}
	})
}

func (g *gateway) Lanes(context.Context) ([]string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var lanes []string
	for _, id := range g.order {
		if len(g.sessions[id].pending) > 0 {
			lanes = append(lanes, id)
		}
	}
	return lanes, nil
}

func (g *gateway) Head(_ context.Context, session string) (handoff.Job, bool, error) {
	defer func() { // after it has looked
		g.mu.Lock()
		slow := g.headTook
		g.mu.Unlock()
		if slow > 0 {
			<-time.After(slow)
		}
	}()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.heads++
	st := g.sessions[session]
	if g.headErr != nil || st == nil || len(st.pending) == 0 {
		return handoff.Job{}, false, g.headErr
	}
	job := st.pending[0]
	job.Session = st.session
	return job, true, nil
}

func (g *gateway) Settle(_ context.Context, d handoff.Delivery, a handoff.Attempt) (*handoff.Session, error) {
	g.mu.Lock()
	if g.settleErr != nil {
		defer g.mu.Unlock()
		return nil, g.settleErr
	}
	g.settles++
	st := g.sessions[d.SessionID]
	s := st.session
	s.Settle(d, a, now())
	g.dispatcher.Committing(d.SessionID)
	h := g.write(st, &s)
	if g.settled != nil {
		if err := g.settled(); err != nil {
			g.mu.Unlock()
			g.dispatcher.Deliver(handoff.Handover{Session: handoff.Session{ID: d.SessionID}})
			return nil, err
		}
	}
	g.mu.Unlock()
	g.dispatcher.Deliver(h)
	return &s, nil
}

func (g *gateway) Keep(_ context.Context, sessionID, data string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sessions[sessionID].session.Keep(data)
	return nil
}

func (g *gateway) Receive(_ context.Context, connectionID string, in handoff.Inbound) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.late {
		return handoff.ErrSessionClosed
	}
	in.Ref = connectionID
	g.told = append(g.told, in)
	return nil
}

func (g *gateway) Sender(_ context.Context, id string) (dispatch.Sender, error) {
	return &vendor{g, id}, nil
}

func (g *gateway) Terms(_ context.Context, id string) (dispatch.Terms, error) {
	g.mu.Lock()
	terms, slow := g.terms[id], g.termsTook
	g.mu.Unlock()
	if slow > 0 {
		<-time.After(slow)
	}
	return terms, nil
}

func (g *gateway) Report(context.Context, string, error) {}

// vendor is the other end of one connection.
type vendor struct {
	g          *gateway
	connection string
}

func (v *vendor) take(ctx context.Context, kind handoff.DeliveryKind, c provider.Call) error {
	g := v.g
	g.mu.Lock()
	n := sent{v.connection, c.SessionID, c.IdempotencyKey, kind, time.Now(), c.Repeat, c.Ref.Data}
	g.calls = append(g.calls, n)
	g.now++
	g.most = max(g.most, g.now)
	took := max(g.took, g.tookBy[c.SessionID])
	g.mu.Unlock()
	defer g.do(func() { g.now-- })
	if took > 0 {
		select {
		case <-time.After(took):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.answer != nil {
		return g.answer(n)
	}
	return nil
}

func (v *vendor) Open(ctx context.Context, c provider.Call, start handoff.Start) (handoff.Ref, error) {
	if start.Question == "" {
		v.g.t.Error("a start without its content")
	}
	if v.g.keeps {
		if err := c.Keep(ctx, c.Ref.Data+"+"); err != nil {
			v.g.t.Error(err)
		}
	}
	if v.g.tells {
		if err := c.Tell(ctx, handoff.Inbound{Key: "joined", Body: handoff.HumanJoined{Name: "Lin"}}); err != nil {
			v.g.t.Error(err)
		}
	}
	return handoff.Ref{ID: "ref-" + c.SessionID}, v.take(ctx, handoff.DeliverStart, c)
}

func (v *vendor) Send(ctx context.Context, c provider.Call, m handoff.Message) (string, error) {
	if m.ID != c.IdempotencyKey || m.Text == "" || c.Ref.ID != "ref-"+c.SessionID {
		v.g.t.Errorf("call %+v with message %+v", c, m)
	}
	return "", v.take(ctx, handoff.DeliverMessage, c)
}

func (v *vendor) Close(ctx context.Context, c provider.Call, reason handoff.CloseReason) error {
	if reason == "" {
		v.g.t.Error("a close without its reason")
	}
	return v.take(ctx, handoff.DeliverClose, c)
}

// got returns the calls so far, of all connections or of one.
func (g *gateway) got(connection ...string) []sent {
	g.mu.Lock()
	defer g.mu.Unlock()
	var calls []sent
	for _, c := range g.calls {
		if len(connection) == 0 || c.connection == connection[0] {
			calls = append(calls, c)
		}
	}
	return calls
}

func (g *gateway) keysOf(session string) []string {
	var keys []string
	for _, c := range g.got() {
		if c.session == session {
			keys = append(keys, c.key)
		}
	}
	return keys
}

func (g *gateway) do(fn func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	fn()
}

func (g *gateway) reads() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.heads
}

func failed(class provider.Class, wait time.Duration) error {
	return &provider.Error{Class: class, RetryAfter: wait, Err: errors.New(string(class))}
}
