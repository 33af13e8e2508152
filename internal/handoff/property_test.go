package handoff_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/human-handoff/handoff/internal/handoff"
)

// machine drives one session with random commands at random times. After each of
// them it checks the log and the lane for what must always hold, and the rest
// against a model.
type machine struct {
	s        *handoff.Session
	model    *model
	now      time.Time
	messages int
	head     int  // the first delivery of the lane that is not settled
	asked    bool // the customer was asked whether to wait, and nobody has said a thing since
	seen     int  // the events that were looked at for prompts
	lonely   bool // no human's message comes, so that waits get to their end
	stuck    bool // the start hardly ever gets through
}

func newMachine(t *rapid.T) *machine {
	limits, epoch := drawLimits(t), rapid.Uint64Range(0, 9).Draw(t, "epoch")
	s := handoff.NewSession(handoff.Session{ID: "s", ConnectionID: "c", Limits: limits}, handoff.Start{}, epoch, t0)
	return &machine{
		s: s, now: t0, model: &model{limits: limits, epoch: epoch, began: t0, waitBegan: t0},
		lonely: rapid.Bool().Draw(t, "lonely"), stuck: rapid.Bool().Draw(t, "stuck"),
	}
}

// seldom keeps what ends a session rare, or few would live to see their timers.
func seldom(t *rapid.T) bool { return rapid.IntRange(0, 9).Draw(t, "seldom") == 9 }

func (m *machine) id() string {
	m.messages++
	return "m" + strconv.Itoa(m.messages)
}

func (m *machine) accept(t *rapid.T) {
	closed := m.s.State == handoff.StateClosed
	_, err := m.s.Accept(handoff.Message{ID: m.id(), Text: "x"}, m.now)
	if closed {
		require.ErrorIs(t, err, handoff.ErrSessionClosed)
		return
	}
	require.NoError(t, err)
	m.asked = false
	m.model.customerSpoke(m.now)
}

func (m *machine) receive(t *rapid.T) {
	in := rapid.SampledFrom([]handoff.InboundBody{
		handoff.HumanMessage{Text: "y"},
		handoff.HumanMessage{Text: "z", AuthorName: "Ann"},
		handoff.HumanClosed{},
		handoff.HumanClosed{Silent: true},
		handoff.HumanJoined{Name: "Ann"},
		handoff.HumanLeft{Name: "Ann"},
		handoff.QueueMoved{Position: 1},
	}).Draw(t, "inbound")
	closed := m.s.State == handoff.StateClosed
	switch in.(type) {
	case handoff.HumanMessage:
		if m.lonely && !closed {
			return
		}
	case handoff.HumanClosed:
		if !seldom(t) {
			return
		}
	default:
	}
	require.Equal(t, closed, m.s.Receive(in, m.id(), m.now))
	if closed {
		return
	}
	m.model.receive(in, m.now)
	if _, spoke := in.(handoff.HumanMessage); spoke {
		m.asked = false
	}
}

func (m *machine) settle(t *rapid.T) {
	deliveries := m.s.Changes().Deliveries
	if m.head == len(deliveries) || m.head == 0 && m.stuck && !seldom(t) {
		return
	}
	state := rapid.SampledFrom([]handoff.DeliveryState{
		handoff.DeliveryPending, handoff.DeliveryDelivered, handoff.DeliveryFailed,
	}).Draw(t, "outcome")
	m.s.Settle(deliveries[m.head], handoff.Attempt{State: state, Ref: handoff.Ref{ID: "r"}, RetryAt: m.now.Add(time.Second)}, m.now)
	if deliveries[m.head].Kind == handoff.DeliverStart {
		m.model.settleStart(state)
	}
	if state != handoff.DeliveryPending {
		m.head++
	}
}

func (m *machine) close(t *rapid.T) {
	if !seldom(t) {
		return
	}
	reason := rapid.SampledFrom([]handoff.CloseReason{
		handoff.ClosedByCustomer, handoff.ClosedByOperator, handoff.ClosedByHuman, handoff.ClosedByWaitTimeout,
		handoff.ClosedBySessionTimeout, handoff.ClosedByProvider, handoff.ClosedByExpiry,
	}).Draw(t, "reason")
	m.s.Close(reason, handoff.Outcome{}, m.now)
	m.model.close(reason)
}

func (m *machine) goOn(t *rapid.T) {
	closed := m.s.State == handoff.StateClosed
	err := m.s.ContinueWaiting(m.now)
	if closed {
		require.ErrorIs(t, err, handoff.ErrSessionClosed)
		return
	}
	require.NoError(t, err)
	m.asked = false
	m.model.goOn(m.now)
}

// fire looks for what is due, twice. What is early or repeated changes nothing.
func (m *machine) fire(t *rapid.T) {
	next, before := m.model.next(), m.s.Snapshot()
	touched := *m.s.Changes()
	m.s.Fire(m.now)
	m.model.fire(m.now)
	if next.IsZero() || m.now.Before(next) {
		require.Equal(t, before, m.s.Snapshot(), "nothing was due")
		require.Equal(t, touched, *m.s.Changes(), "nothing was due")
	} else {
		require.Greater(t, m.s.LastSequence, before.LastSequence, "whatever falls due is logged")
	}
	before, touched = m.s.Snapshot(), *m.s.Changes()
	m.s.Fire(m.now)
	require.Equal(t, before, m.s.Snapshot(), "the second look at one instant")
	require.Equal(t, touched, *m.s.Changes(), "the second look at one instant")
}

// fallDue goes to the next timer and fires it.
func (m *machine) fallDue(t *rapid.T) {
	if next := m.model.next(); next.After(m.now) {
		late := rapid.SampledFrom([]time.Duration{0, time.Microsecond, 250 * time.Millisecond}).Draw(t, "late")
		m.now = next.Add(late)
	}
	m.fire(t)
}

// wait lets time pass: a little, to a timer or close to it, far beyond several of
// them, or backwards, as a clock that is set right may go.
func (m *machine) wait(t *rapid.T) {
	next := m.model.next()
	if next.Before(m.now) { // closed, or overdue
		next = m.now
	}
	m.now = rapid.SampledFrom([]time.Time{
		m.now.Add(time.Millisecond), m.now.Add(time.Second), m.now.Add(-time.Millisecond), m.now.Add(-time.Second),
		next, next, next, next.Add(-time.Microsecond), next.Add(time.Microsecond), next.Add(time.Hour), next.Add(48 * time.Hour),
	}).Draw(t, "now")
}

func (m *machine) repeat(t *rapid.T) {
	before := len(m.s.Changes().Events)
	m.s.Repeat = &handoff.Repeat{Message: &handoff.Message{ID: "first"}}
	got, err := m.s.Accept(handoff.Message{ID: "second"}, m.now)
	require.NoError(t, err)
	require.Equal(t, "first", got.ID)
	m.s.Receive(handoff.HumanMessage{Text: "again"}, "third", m.now)
	m.s.Repeat = nil
	require.Len(t, m.s.Changes().Events, before, "a repeat changes nothing")
}

var rank = map[handoff.State]int{
	handoff.StateRequested: 1, handoff.StateWaiting: 2, handoff.StateActive: 3, handoff.StateClosed: 4,
}

func (m *machine) check(t *rapid.T) {
	last, state, humans := uint64(0), 0, 0
	logged := map[string]bool{}
	events := m.s.Changes().Events
	for i, e := range events {
		require.Equal(t, last+1, e.Sequence, "sequences have no gaps")
		last = e.Sequence
		switch b := e.Body.(type) {
		case handoff.StateChanged:
			require.Greater(t, rank[b.State], state, "states only move forward")
			require.True(t, b.State != handoff.StateActive || humans > 0, "only a human's message makes a session active")
			require.True(t, b.State != handoff.StateClosed || i == len(events)-1, "CLOSED is the last event")
			state = rank[b.State]
		case handoff.MessageLogged:
			require.False(t, logged[b.Message.ID], "a message is logged once")
			logged[b.Message.ID] = true
			if b.Message.Author == handoff.AuthorHuman {
				humans++
			}
		case handoff.MessageStatusChanged:
			require.True(t, logged[b.MessageID], "a status follows its message")
		default:
		}
	}
	require.Equal(t, m.s.LastSequence, last)
	require.Equal(t, rank[m.s.State], state)
	require.Equal(t, m.s.State == handoff.StateClosed, m.s.CloseReason != "")
	m.checkPrompts(t)
	m.checkLane(t, logged)
	m.model.check(t, m.s)
}

// checkPrompts checks that nobody is asked who has not answered the last time, and
// that a question with a deadline is for those alone who wait for a human.
func (m *machine) checkPrompts(t *rapid.T) {
	events := m.s.Changes().Events
	for _, e := range events[m.seen:] {
		p, ok := e.Body.(handoff.WaitPrompted)
		if !ok {
			continue
		}
		require.False(t, m.asked, "one prompt at a time")
		waits := m.s.State != handoff.StateActive
		require.Equal(t, waits, !p.Deadline.IsZero())
		m.asked = waits
	}
	m.seen = len(events)
}

// checkLane checks that the lane holds the start, every customer's message once
// and in order, and at most one close, which is last.
func (m *machine) checkLane(t *rapid.T, logged map[string]bool) {
	var before uint64
	for i, d := range m.s.Changes().Deliveries {
		switch d.Kind {
		case handoff.DeliverStart:
			require.Zero(t, i)
		case handoff.DeliverMessage:
			require.True(t, logged[d.MessageID])
			require.Greater(t, d.Sequence, before)
			before = d.Sequence
		case handoff.DeliverClose:
			require.Equal(t, handoff.StateClosed, m.s.State)
			require.NotEqual(t, handoff.ClosedByHuman, m.s.CloseReason)
			require.Equal(t, len(m.s.Changes().Deliveries)-1, i)
		}
	}
}

func TestInvariants(t *testing.T) {
	t.Parallel()
	for range 10 { // what takes several steps to go wrong is not met in one run of the library's default length
		t.Run("random", rapid.MakeCheck(func(t *rapid.T) {
			m := newMachine(t)
			t.Repeat(map[string]func(*rapid.T){
				"accept": m.accept, "receive": m.receive, "settle": m.settle, "close": m.close, "repeat": m.repeat,
				"go on": m.goOn, "fire": m.fire, "wait": m.wait, "fall due": m.fallDue, "": m.check,
			})
		}))
	}
}
