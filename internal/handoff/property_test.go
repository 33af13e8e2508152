package handoff_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/human-handoff/handoff/internal/handoff"
)

// machine drives one session with random commands and checks the invariants of
// the aggregate after each of them.
type machine struct {
	s        *handoff.Session
	now      time.Time
	messages int
	head     int // the first delivery of the lane that is not settled
	owners   []handoff.Owner
	epoch    uint64
}

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
}

func (m *machine) receive(t *rapid.T) {
	in := rapid.SampledFrom([]handoff.InboundBody{
		handoff.HumanMessage{Text: "y"},
		handoff.HumanMessage{Text: "z", AuthorName: "Ann"},
		handoff.HumanClosed{},
		handoff.HumanJoined{Name: "Ann"},
		handoff.HumanLeft{Name: "Ann"},
		handoff.QueueMoved{Position: 1},
	}).Draw(t, "inbound")
	closed := m.s.State == handoff.StateClosed
	require.Equal(t, closed, m.s.Receive(in, m.id(), m.now))
}

func (m *machine) settle(t *rapid.T) {
	deliveries := m.s.Changes().Deliveries
	if m.head == len(deliveries) {
		return
	}
	state := rapid.SampledFrom([]handoff.DeliveryState{
		handoff.DeliveryPending, handoff.DeliveryDelivered, handoff.DeliveryFailed,
	}).Draw(t, "outcome")
	m.s.Settle(deliveries[m.head], handoff.Attempt{State: state, Ref: handoff.Ref{ID: "r"}, RetryAt: m.now.Add(time.Second)}, m.now)
	if state != handoff.DeliveryPending {
		m.head++
	}
}

func (m *machine) close(t *rapid.T) {
	reason := rapid.SampledFrom([]handoff.CloseReason{
		handoff.ClosedByCustomer, handoff.ClosedByOperator, handoff.ClosedByHuman, handoff.ClosedByExpiry,
	}).Draw(t, "reason")
	m.s.Close(reason, handoff.Outcome{}, m.now)
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
	m.checkOwner(t)
	m.checkLane(t, logged)
}

// checkOwner checks that the epoch rises by one with each change of owner, and else never.
func (m *machine) checkOwner(t *rapid.T) {
	if owner := m.s.Owner(); owner != m.owners[len(m.owners)-1] {
		m.owners = append(m.owners, owner)
	}
	require.LessOrEqual(t, m.epoch, m.s.Epoch)
	m.epoch = m.s.Epoch
	// A close right after a human's first words may pass two owners in one step,
	// so the epoch is at least the number of changes that were seen.
	require.GreaterOrEqual(t, m.s.Epoch, uint64(len(m.owners)-1))
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
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{s: newSession(), now: t0, owners: []handoff.Owner{handoff.OwnerBot}}
		t.Repeat(map[string]func(*rapid.T){
			"accept": m.accept, "receive": m.receive, "settle": m.settle, "close": m.close, "repeat": m.repeat,
			"": func(t *rapid.T) { m.now = m.now.Add(time.Millisecond); m.check(t) },
		})
	})
}
