package handoff_test

import (
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/human-handoff/handoff/internal/handoff"
)

// model predicts a session's state, timers and prompts. It is told what happened
// and when, and computes the rest at the time of the question; a session instead
// arms and disarms as things happen, so the two do not err alike.
type model struct {
	limits     handoff.Limits
	epoch      uint64    // before the session
	began      time.Time // the request
	waitBegan  time.Time // the request, or the last answer to a prompt
	asked      time.Time // when the open prompt came; zero = none is open
	human      time.Time // the last human's message; zero = none has spoken
	theirTurn  bool      // the customer has spoken since
	unanswered time.Time // since when the human's side owes an answer and was not yet waited for
	taken      bool      // the provider has the session
	reason     handoff.CloseReason
	prompts    []handoff.WaitPrompted
}

func (m *model) closed() bool { return m.reason != "" }

func (m *model) state() handoff.State {
	switch {
	case m.closed():
		return handoff.StateClosed
	case !m.human.IsZero():
		return handoff.StateActive
	case m.taken:
		return handoff.StateWaiting
	default:
		return handoff.StateRequested
	}
}

// epochNow counts the owner's changes: to WAITING at once, to HUMAN with the
// first human's message, to BOT at the close.
func (m *model) epochNow() uint64 {
	epoch := m.epoch + 1
	if !m.human.IsZero() {
		epoch++
	}
	if m.closed() {
		epoch++
	}
	return epoch
}

func (m *model) expires() time.Time { return m.began.Add(m.limits.Longest) }

// waitEnds is when the customer is asked, or given up; false once a human spoke.
func (m *model) waitEnds() (time.Time, bool) {
	since := m.waitBegan
	if !m.asked.IsZero() {
		since = m.asked
	}
	return since.Add(time.Duration(m.limits.Wait)), m.human.IsZero()
}

func (m *model) customerIsIdle() (time.Time, bool) {
	return m.human.Add(time.Duration(m.limits.Session)), !m.human.IsZero() && !m.theirTurn
}

func (m *model) humanIsSilent() (time.Time, bool) {
	return m.unanswered.Add(m.limits.Silence), !m.unanswered.IsZero() && m.limits.Silence > 0
}

// next is when something is due; zero = never.
func (m *model) next() time.Time {
	if m.closed() {
		return time.Time{}
	}
	next := m.expires()
	for _, timer := range []func() (time.Time, bool){m.waitEnds, m.customerIsIdle, m.humanIsSilent} {
		if due, armed := timer(); armed && due.Before(next) {
			next = due
		}
	}
	return next
}

func (m *model) close(reason handoff.CloseReason) {
	if !m.closed() {
		m.reason = reason
	}
}

func (m *model) goOn(now time.Time) {
	if m.human.IsZero() {
		m.waitBegan, m.asked = now, time.Time{}
	}
}

func (m *model) customerSpoke(now time.Time) {
	if !m.asked.IsZero() {
		m.goOn(now)
	}
	m.theirTurn = true
	if !m.human.IsZero() && m.unanswered.IsZero() {
		m.unanswered = now
	}
}

func (m *model) humanSpoke(now time.Time) {
	m.human, m.taken, m.theirTurn, m.unanswered, m.asked = now, true, false, time.Time{}, time.Time{}
}

// receive is told of what the provider's side did while the session was open.
func (m *model) receive(in handoff.InboundBody, now time.Time) {
	switch in := in.(type) {
	case handoff.HumanMessage:
		m.humanSpoke(now)
	case handoff.HumanClosed:
		if in.Silent {
			m.close(handoff.ClosedBySessionTimeout)
		} else {
			m.close(handoff.ClosedByHuman)
		}
	default:
	}
}

// settleStart is told of what became of the start.
func (m *model) settleStart(state handoff.DeliveryState) {
	switch state {
	case handoff.DeliveryDelivered:
		m.taken = true
	case handoff.DeliveryFailed:
		m.close(handoff.ClosedByProvider)
	case handoff.DeliveryPending, handoff.DeliveryRead: // a start is not read
	}
}

// fire is told that somebody looked. A close comes before any prompt, and of two
// closes the one that no answer could have put off.
func (m *model) fire(now time.Time) {
	over := func(due time.Time, armed bool) bool { return armed && !m.closed() && !now.Before(due) }
	switch {
	case over(m.expires(), true):
		m.close(handoff.ClosedByExpiry)
	case over(m.waitEnds()) && m.asked.IsZero() && m.limits.OnWait != handoff.WaitTimeoutClose:
		m.asked = now
		m.prompts = append(m.prompts, handoff.WaitPrompted{Deadline: now.Add(time.Duration(m.limits.Wait)), Text: "Go on waiting?"})
	case over(m.waitEnds()) && m.taken:
		m.close(handoff.ClosedByWaitTimeout)
	case over(m.waitEnds()):
		m.close(handoff.ClosedByProvider)
	case over(m.customerIsIdle()):
		m.close(handoff.ClosedBySessionTimeout)
	case over(m.humanIsSilent()):
		m.unanswered = time.Time{}
		m.prompts = append(m.prompts, handoff.WaitPrompted{Text: "Nobody answers?"})
	}
}

// check compares a session with the prediction.
func (m *model) check(t *rapid.T, s *handoff.Session) {
	require.Equal(t, m.state(), s.State)
	require.Equal(t, m.reason, s.CloseReason)
	require.Equal(t, m.epochNow(), s.Epoch, "the epoch rises with each change of owner, and else never")
	require.Equal(t, m.next(), s.Timers.Next(), "the next timer")
	require.Equal(t, !m.closed() && !m.asked.IsZero(), s.Prompted, "an open prompt")
	var prompts []handoff.WaitPrompted
	for _, e := range s.Changes().Events {
		if p, ok := e.Body.(handoff.WaitPrompted); ok {
			prompts = append(prompts, p)
		}
	}
	require.Equal(t, m.prompts, prompts)

	// The next timer may hide a wrong one behind it.
	timers := s.Timers
	if m.closed() {
		require.Equal(t, handoff.Timers{}, timers, "a closed session has no timer")
		return
	}
	require.Equal(t, m.expires(), timers.Expiry, "an open session ends some day")
	for name, timer := range map[string]struct {
		due  time.Time
		want func() (time.Time, bool)
	}{"wait": {timers.Wait, m.waitEnds}, "idle": {timers.Idle, m.customerIsIdle}, "silence": {timers.Silence, m.humanIsSilent}} {
		want, armed := timer.want()
		if !armed {
			want = time.Time{}
		}
		require.Equal(t, want, timer.due, name)
	}
}

// drawLimits draws settings from 1 s to 24 h. Those of one session are of one
// order mostly, or the shortest would hide the others.
func drawLimits(t *rapid.T) handoff.Limits {
	units := rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour})
	unit := units.Draw(t, "unit")
	draw := func(name string, unit time.Duration) time.Duration {
		return time.Duration(rapid.Int64Range(1, 24).Draw(t, name)) * unit
	}
	limits := handoff.Limits{
		Wait: handoff.WaitTimeout(draw("wait", unit)), Session: handoff.SessionTimeout(draw("session", unit)),
		OnWait:     rapid.SampledFrom([]handoff.WaitTimeoutAction{handoff.WaitTimeoutPrompt, handoff.WaitTimeoutClose}).Draw(t, "on wait"),
		Longest:    draw("longest", max(unit, units.Draw(t, "unit of the longest"))),
		WaitPrompt: "Go on waiting?", SilencePrompt: "Nobody answers?",
	}
	if rapid.Bool().Draw(t, "silence on") {
		limits.Silence = draw("silence", unit)
	}
	return limits
}
