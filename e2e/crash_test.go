package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// writer sends messages of one session, one after the other. What was not answered
// is sent again with the same id, as a careful backend does.
type writer struct {
	session      string
	next         int
	acknowledged []string
}

func (w *writer) text() string { return fmt.Sprintf("%s message %d", w.session, w.next) }

// write sends until the server is gone, and reports each OK.
func (w *writer) write(ctx context.Context, c *client, ok func()) {
	for {
		_, err := c.SendMessage(ctx, &handoffv1.SendMessageRequest{
			SessionId: w.session, ClientMessageId: strconv.Itoa(w.next), Text: w.text(),
		})
		if err != nil {
			return
		}
		w.acknowledged = append(w.acknowledged, w.text())
		w.next++
		ok()
	}
}

// TestKillRightAfterOK kills the server at the moment of an OK, again and again,
// and then counts what is there.
func TestKillRightAfterOK(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, withFixedPort()), startReceiver(t)
	s.configure("shop", r)
	var writers []*writer
	for i := range 3 {
		session, _ := s.admin.request(t, "shop", strconv.Itoa(i))
		writers = append(writers, &writer{session: session.GetId()})
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, seed))
	for range 12 {
		killAfterOK(t, s, writers, 1+random.IntN(40))
	}
	for _, w := range writers {
		s.admin.send(t, w.session, strconv.Itoa(w.next), w.text())
		w.acknowledged = append(w.acknowledged, w.text())
		requireAllThere(t, s, r, w.session, w.acknowledged)
	}
}

// killAfterOK lets all write until the nth OK, kills the server right then, and
// starts it again.
func killAfterOK(t *testing.T, s *server, writers []*writer, n int) {
	t.Helper()
	c := s.client(s.adminKey)
	left := make(chan struct{}, n)
	for range n {
		left <- struct{}{}
	}
	var once sync.Once
	ok := func() {
		select {
		case <-left:
		default:
			once.Do(s.kill)
		}
	}
	var group sync.WaitGroup
	for _, w := range writers {
		group.Go(func() { w.write(t.Context(), c, ok) })
	}
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(2 * patience):
		require.Fail(t, "the writers did not end")
	}
	require.False(t, s.running())
	s.start()
}

// requireAllThere checks that what was acknowledged, and nothing else, is in the
// log and reached the receiver, in order and once.
func requireAllThere(t *testing.T, s *server, r *receiver, session string, want []string) {
	t.Helper()
	eventuallyWithin(t, 3*patience, func() error {
		if got := r.texts(session); len(got) < len(want) {
			return fmt.Errorf("%d of %d messages reached the receiver", len(got), len(want))
		}
		return nil
	})
	require.Equal(t, want, r.texts(session))
	events := s.admin.events(t, session)
	requireGapless(t, events)
	var logged []string
	for _, event := range events {
		if event.GetMessage() != nil {
			logged = append(logged, event.GetMessage().GetText())
		}
	}
	require.Equal(t, want, logged)
}

func TestKillDuringRetries(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, withFixedPort()), startReceiver(t)
	s.configure("shop", r)
	session, token := s.admin.request(t, "shop", "conversation")
	id := session.GetId()
	s.admin.awaitState(t, id, waiting)
	r.misbehave(`{"path":"/chat","always":503}`)
	var want []string
	for i := range 5 {
		want = append(want, fmt.Sprint("kept ", i))
		s.client(token).send(t, id, strconv.Itoa(i), want[i])
		if i > 0 {
			r.await(id, "/chat", 2*i)
			s.crash()
		}
	}
	before := r.callsOf(id, "/chat")
	for _, call := range before {
		assert.Equal(t, before[0].IdempotencyKey, call.IdempotencyKey, "the first message blocks the others")
	}
	r.misbehave(`{}`)
	requireAllThere(t, s, r, id, want)
}

func TestReceiverIsDown(t *testing.T) {
	t.Parallel()
	s := startServer(t, withFixedPort())
	address := freeAddress(t)
	r := &receiver{t: t}
	r.run(address)
	s.configure("shop", r)
	r.kill()

	session, _ := s.admin.request(t, "shop", "conversation")
	id := session.GetId()
	var want []string
	for i := range 5 {
		want = append(want, fmt.Sprint("kept ", i))
		s.admin.send(t, id, strconv.Itoa(i), want[i])
	}
	s.crash()
	assert.Equal(t, requested, s.admin.events(t, id)[0].GetStateChanged().GetState())
	r.run(address)
	requireAllThere(t, s, r, id, want)
	s.admin.awaitState(t, id, waiting)
	assert.Len(t, r.callsOf(id, "/conversation/establish"), 1)
}

// TestKillAfterOtherOKs kills the server right after what is no message.
func TestKillAfterOtherOKs(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, withFixedPort()), startReceiver(t)
	s.configure("shop", r)
	s.crash()
	require.Equal(t, available, s.status("shop").GetState(), "ConfigureProvider")

	agent := s.agentClient("shop")
	s.crash()
	session, token := agent.request(t, "shop", "conversation")
	s.crash()
	id := session.GetId()
	r.await(id, "/conversation/establish", 1)
	agent.awaitState(t, id, waiting)
	customer := s.client(token)
	customer.awaitState(t, id, waiting)

	status, body := agent.post(t, "/v1/human/message/receive", reply(id, "Hi"))
	s.crash()
	require.Equal(t, 200, status, body)
	agent.awaitState(t, id, active)

	customer.close(t, id)
	s.crash()
	agent.awaitState(t, id, closed)
	requireGapless(t, agent.events(t, id))
	r.await(id, "/conversation/close", 1)
	sent := map[string]bool{}
	eventually(t, func() error {
		answer, err := s.admin.ops.ListDeliveries(t.Context(), &handoffv1.ListDeliveriesRequest{SessionId: id})
		require.NoError(t, err)
		for _, delivery := range answer.GetDeliveries() {
			if delivery.GetState() != handoffv1.DeliveryState_DELIVERY_STATE_DELIVERED {
				return errors.New("not delivered yet: " + delivery.String())
			}
			sent[delivery.GetId()] = true
		}
		return nil
	})
	keys := map[string]string{}
	for _, call := range r.callsOf(id, "") {
		if before, ok := keys[call.Path]; ok {
			assert.Equal(t, before, call.IdempotencyKey, "repeated with the same key only")
		}
		keys[call.Path] = call.IdempotencyKey
		assert.True(t, sent[call.IdempotencyKey], "a delivery's id is the key of its calls: %s", call.IdempotencyKey)
	}

	_, info := s.createKey(handoffv1.Key_SCOPE_AGENT, "shop")
	_, err := s.admin.keys.RevokeKey(t.Context(), &handoffv1.RevokeKeyRequest{Id: info.GetId()})
	s.crash()
	require.NoError(t, err)
	list, err := s.admin.keys.ListKeys(t.Context(), &handoffv1.ListKeysRequest{})
	require.NoError(t, err)
	for _, key := range list.GetKeys() {
		assert.Equal(t, key.GetId() == info.GetId(), key.GetRevokeTime() != nil)
	}
}
