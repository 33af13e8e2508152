package e2e_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

const (
	// short is a time-out that nobody has to be quicker than.
	short = time.Second
	// bearable is one that a call of the test has to be quicker than, even on a
	// machine that is busy.
	bearable = 4 * time.Second
	// slack is how late a timer may be on such a machine; never early.
	slack = 10 * time.Second
)

// configureTimed configures an agent whose time-outs are long but for those that
// change sets.
func (s *server) configureTimed(agent string, r *receiver, change func(*handoffv1.Settings)) {
	s.t.Helper()
	s.configure(agent, r, func(request *handoffv1.ConfigureProviderRequest) { change(request.GetSettings()) })
}

// requireSoonAfter checks that something happened once its time had come, never
// before, and not much later.
func requireSoonAfter(t *testing.T, due time.Time, event *handoffv1.Event) {
	t.Helper()
	late := event.GetTime().AsTime().Sub(due)
	require.GreaterOrEqual(t, late, time.Duration(0), "too early: %v", event)
	require.Less(t, late, slack, "too late: %v", event)
}

// requireClosed checks the last event of a stream, and that nothing follows.
func (f *follower) requireClosed(due time.Time, reason handoffv1.CloseReason) {
	f.t.Helper()
	event := f.next()
	require.Equal(f.t, closed, event.GetStateChanged().GetState(), "%v", event)
	require.Equal(f.t, reason, event.GetStateChanged().GetCloseReason())
	requireSoonAfter(f.t, due, event)
	require.NoError(f.t, f.end())
}

// prompt waits for a wait prompt with a deadline and checks its times.
func (f *follower) prompt(due time.Time, wait time.Duration) *handoffv1.Event {
	f.t.Helper()
	event := f.next()
	require.NotNil(f.t, event.GetWaitPrompt(), "%v", event)
	requireSoonAfter(f.t, due, event)
	require.Equal(f.t, event.GetTime().AsTime().Add(wait), event.GetWaitPrompt().GetDeadline().AsTime())
	return event
}

// requireState waits for the next event, which is a change to a state, and returns its time.
func (f *follower) requireState(state handoffv1.SessionState) time.Time {
	f.t.Helper()
	event := f.next()
	require.Equal(f.t, state, event.GetStateChanged().GetState(), "%v", event)
	return event.GetTime().AsTime()
}

// requireMessage waits for the next event, which is a message, and returns its time.
func (f *follower) requireMessage(author handoffv1.Author) time.Time {
	f.t.Helper()
	event := f.next()
	require.Equal(f.t, author, event.GetMessage().GetAuthor(), "%v", event)
	return event.GetTime().AsTime()
}

// write sends a customer's message, waits until the provider has it, and returns
// when it was accepted.
func (f *follower) write(c *client, session, id string) time.Time {
	f.t.Helper()
	c.send(f.t, session, id, "Hello?")
	accepted := f.requireMessage(handoffv1.Author_AUTHOR_CUSTOMER)
	event := f.next()
	require.Equal(f.t, delivered, event.GetMessageStatus().GetStatus(), "%v", event)
	return accepted
}

// humanWrites brings a human's message.
func (s *server) humanWrites(t *testing.T, session string) {
	t.Helper()
	status, body := s.admin.post(t, "/v1/human/message/receive", reply(session, "Hi"))
	require.Equal(t, http.StatusOK, status, body)
}

// requireToldTimeout checks that the human's side heard of a time-out, once.
func requireToldTimeout(t *testing.T, s *server, r *receiver, session string) {
	t.Helper()
	r.await(session, "/conversation/close", 1)
	s.awaitSettled(t, session)
	calls := r.callsOf(session, "/conversation/close")
	require.Len(t, calls, 1)
	assert.Equal(t, "TIMEOUT", calls[0].Body.Type)
}

// awaitSettled waits until no delivery of a session is pending.
func (s *server) awaitSettled(t *testing.T, session string) (settled []*handoffv1.Delivery) {
	t.Helper()
	eventually(t, func() error {
		answer, err := s.admin.ops.ListDeliveries(t.Context(), &handoffv1.ListDeliveriesRequest{SessionId: session})
		require.NoError(t, err)
		settled = answer.GetDeliveries()
		for _, delivery := range settled {
			if delivery.GetState() == handoffv1.DeliveryState_DELIVERY_STATE_PENDING {
				return fmt.Errorf("still pending: %v", delivery)
			}
		}
		return nil
	})
	return settled
}

func TestWaitTimeout(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configureTimed("prompting", r, func(settings *handoffv1.Settings) { settings.WaitTimeout = durationpb.New(bearable) })
	s.configureTimed("closing", r, func(settings *handoffv1.Settings) {
		settings.WaitTimeout = durationpb.New(bearable)
		settings.OnWaitTimeout = handoffv1.WaitTimeoutAction_WAIT_TIMEOUT_ACTION_CLOSE
	})
	begin := func(t *testing.T, agent, conversation string) (id string, customer *client, f *follower, began time.Time) {
		t.Helper()
		session, token := s.admin.request(t, agent, conversation)
		customer = s.client(token)
		f = customer.follow(t, session.GetId(), 0)
		began = f.requireState(requested)
		f.requireState(waiting)
		return session.GetId(), customer, f, began
	}

	t.Run("prompt, on, prompt, end", func(t *testing.T) {
		t.Parallel()
		id, customer, f, began := begin(t, "prompting", "goes on")
		f.prompt(began.Add(bearable), bearable)
		asked := time.Now().Truncate(time.Microsecond) // as the server keeps times
		_, err := customer.ContinueWaiting(t.Context(), &handoffv1.ContinueWaitingRequest{SessionId: id})
		require.NoError(t, err)
		again := f.prompt(asked.Add(bearable), bearable)
		f.requireClosed(again.GetWaitPrompt().GetDeadline().AsTime(), handoffv1.CloseReason_CLOSE_REASON_WAIT_TIMEOUT)
		requireToldTimeout(t, s, r, id)
	})

	t.Run("a message answers the prompt", func(t *testing.T) {
		t.Parallel()
		id, customer, f, began := begin(t, "prompting", "writes")
		f.prompt(began.Add(bearable), bearable)
		written := f.write(customer, id, "1")
		f.prompt(written.Add(bearable), bearable)
		f.requireClosed(written.Add(2*bearable), handoffv1.CloseReason_CLOSE_REASON_WAIT_TIMEOUT)
		requireToldTimeout(t, s, r, id)
	})

	t.Run("a human ends the wait", func(t *testing.T) {
		t.Parallel()
		id, customer, f, began := begin(t, "prompting", "is answered")
		f.prompt(began.Add(bearable), bearable)
		s.humanWrites(t, id)
		f.requireMessage(handoffv1.Author_AUTHOR_HUMAN)
		f.requireState(active)
		// A wait that begins now ends after the one that the human ended.
		_, _, other, began := begin(t, "closing", "measures the time")
		other.requireClosed(began.Add(bearable), handoffv1.CloseReason_CLOSE_REASON_WAIT_TIMEOUT)
		assert.Len(t, customer.events(t, id), 5, "nothing since")
	})

	t.Run("without a prompt", func(t *testing.T) {
		t.Parallel()
		id, _, f, began := begin(t, "closing", "conversation")
		f.requireClosed(began.Add(bearable), handoffv1.CloseReason_CLOSE_REASON_WAIT_TIMEOUT)
		requireToldTimeout(t, s, r, id)
	})
}

func TestTimersOfAnActiveSession(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configureTimed("idle", r, func(settings *handoffv1.Settings) { settings.SessionTimeout = durationpb.New(bearable) })
	s.configureTimed("silent", r, func(settings *handoffv1.Settings) { settings.HumanSilenceTimeout = durationpb.New(bearable) })
	s.configureTimed("expiring", r, func(settings *handoffv1.Settings) { settings.MaxSessionDuration = durationpb.New(bearable) })
	activate := func(t *testing.T, agent, conversation string) (id string, f *follower, spoke time.Time) {
		t.Helper()
		session, _ := s.admin.request(t, agent, conversation)
		f = s.admin.follow(t, session.GetId(), 0)
		f.requireState(requested)
		f.requireState(waiting)
		s.humanWrites(t, session.GetId())
		spoke = f.requireMessage(handoffv1.Author_AUTHOR_HUMAN)
		f.requireState(active)
		return session.GetId(), f, spoke
	}

	t.Run("an idle customer", func(t *testing.T) {
		t.Parallel()
		id, f, _ := activate(t, "idle", "answers at first")
		f.write(s.admin, id, "1")
		// One who begins later and does not answer measures the time.
		silent, other, spoke := activate(t, "idle", "never answers")
		other.requireClosed(spoke.Add(bearable), handoffv1.CloseReason_CLOSE_REASON_SESSION_TIMEOUT)
		requireToldTimeout(t, s, r, silent)
		require.Len(t, s.admin.events(t, id), 6, "the customer's answer stopped the time")

		s.humanWrites(t, id)
		f.requireMessage(handoffv1.Author_AUTHOR_HUMAN)
		s.humanWrites(t, id)
		spoke = f.requireMessage(handoffv1.Author_AUTHOR_HUMAN)
		f.requireClosed(spoke.Add(bearable), handoffv1.CloseReason_CLOSE_REASON_SESSION_TIMEOUT)
		requireToldTimeout(t, s, r, id)
	})

	t.Run("a silent human", func(t *testing.T) {
		t.Parallel()
		id, f, _ := activate(t, "silent", "conversation")
		for i := range 2 { // each time the customer asks, and not once more
			written := f.write(s.admin, id, fmt.Sprint(i))
			event := f.next()
			require.NotNil(t, event.GetWaitPrompt(), "%v", event)
			require.Nil(t, event.GetWaitPrompt().GetDeadline(), "the session goes on")
			requireSoonAfter(t, written.Add(bearable), event)
		}
		s.humanWrites(t, id)
		f.requireMessage(handoffv1.Author_AUTHOR_HUMAN)
		s.admin.close(t, id)
		f.requireState(closed)
	})

	t.Run("a session that lasts too long", func(t *testing.T) {
		t.Parallel()
		session, _ := s.admin.request(t, "expiring", "conversation")
		f := s.admin.follow(t, session.GetId(), 0)
		began := f.requireState(requested)
		f.requireState(waiting)
		f.requireClosed(began.Add(bearable), handoffv1.CloseReason_CLOSE_REASON_EXPIRED)
		requireToldTimeout(t, s, r, session.GetId())
	})
}

func TestAStartThatNeverGetsThrough(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	address := freeAddress(t)
	r := &receiver{t: t}
	r.run(address)
	s.configureTimed("shop", r, func(settings *handoffv1.Settings) { settings.WaitTimeout = durationpb.New(short) })
	r.kill()

	session, _ := s.admin.request(t, "shop", "conversation")
	f := s.admin.follow(t, session.GetId(), 0)
	began := f.requireState(requested)
	prompt := f.prompt(began.Add(short), short)
	f.requireClosed(prompt.GetWaitPrompt().GetDeadline().AsTime(), handoffv1.CloseReason_CLOSE_REASON_PROVIDER_FAILED)

	r.run(address)
	settled := s.awaitSettled(t, session.GetId())
	require.Len(t, settled, 1, "the start, and no close for those who know of nothing")
	assert.Equal(t, handoffv1.DeliveryState_DELIVERY_STATE_FAILED, settled[0].GetState())
	assert.Empty(t, r.callsOf(session.GetId(), ""), "what was given up does not begin after all")
}

// TestTimersOutliveAKill kills the server after the OK that armed a timer, and
// starts it again when that is overdue: right after the OK, and when the provider
// has the session, so that after the start there is nothing to do but the timer.
func TestTimersOutliveAKill(t *testing.T) {
	t.Parallel()
	t.Run("right after the request", func(t *testing.T) {
		t.Parallel()
		killBeforeTimers(t, func(*client, string) {})
	})
	t.Run("once the provider has it", func(t *testing.T) {
		t.Parallel()
		killBeforeTimers(t, func(c *client, id string) { c.awaitState(t, id, waiting) })
	})
}

func killBeforeTimers(t *testing.T, beforeKill func(c *client, session string)) {
	t.Helper()
	s, r := startServer(t, withFixedPort()), startReceiver(t)
	const missed, ahead = bearable, 3 * bearable
	s.configureTimed("missed", r, func(settings *handoffv1.Settings) { settings.WaitTimeout = durationpb.New(missed) })
	s.configureTimed("ahead", r, func(settings *handoffv1.Settings) { settings.WaitTimeout = durationpb.New(ahead) })
	later, _ := s.admin.request(t, "ahead", "conversation")
	sooner, _ := s.admin.request(t, "missed", "conversation")
	beforeKill(s.admin, later.GetId())
	beforeKill(s.admin, sooner.GetId())
	s.kill()

	time.Sleep(time.Until(sooner.GetCreateTime().AsTime().Add(missed + short)))
	back := time.Now().Truncate(time.Microsecond) // as the server keeps times
	s.start()
	s.admin.awaitState(t, sooner.GetId(), closed)
	var prompts, ends []*handoffv1.Event
	events := s.admin.events(t, sooner.GetId())
	for _, event := range events {
		switch {
		case event.GetWaitPrompt() != nil:
			prompts = append(prompts, event)
		case event.GetStateChanged().GetState() == closed:
			ends = append(ends, event)
		}
	}
	require.Len(t, prompts, 1, "once: %s", describeEvents(events))
	requireSoonAfter(t, back, prompts[0])
	deadline := prompts[0].GetWaitPrompt().GetDeadline().AsTime()
	require.Equal(t, prompts[0].GetTime().AsTime().Add(missed), deadline, "those who were away get the whole time")
	require.Len(t, ends, 1)
	requireSoonAfter(t, deadline, ends[0])
	requireGapless(t, events)

	prompt := s.admin.awaitEvent(t, later.GetId(), func(e *handoffv1.Event) bool { return e.GetWaitPrompt() != nil })
	requireSoonAfter(t, later.GetCreateTime().AsTime().Add(ahead), prompt)
}
