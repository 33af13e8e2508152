package e2e_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/qiyu/qiyutest"
)

// TestACustomerInTheQueueOfQiYu waits there while the server is killed, is taken,
// given to another, and let go.
func TestACustomerInTheQueueOfQiYu(t *testing.T) {
	t.Parallel()
	s, e := startServer(t, withFixedPort()), startEmulator(t, "qiyu")
	e.request.GetQiyu().GroupId = qiyutest.GroupBusy
	e.connect(s, "shop")
	w := &whole{t: t, s: s, agent: s.agentClient("shop")}
	w.begin("one")
	awaitPlace := func(place int32) {
		w.agent.awaitEvent(t, w.id, func(event *handoffv1.Event) bool { return event.GetQueueChanged().GetPosition() == place })
	}
	awaitPlace(3)
	w.crash(func() {})
	w.agent.send(t, w.id, "1", "still there?")
	e.awaitMessages("still there?")
	awaitPlace(2)

	e.act(emulator.Say, "Hi", false)
	w.agent.awaitState(t, w.id, active)
	e.act(emulator.Bot, "beep", false)
	e.act(emulator.Transfer, "", false)
	e.act(emulator.Say, "Grace here", false)
	e.act(emulator.Close, "", false)
	w.agent.awaitState(t, w.id, closed)
	w.requireLog("AUTHOR_CUSTOMER: still there?", "AUTHOR_HUMAN: Hi", "AUTHOR_HUMAN: Grace here")

	var places []int32
	var people []string
	events := w.agent.events(t, w.id)
	for _, event := range events {
		if q := event.GetQueueChanged(); q != nil {
			places = append(places, q.GetPosition())
		}
		if p := event.GetParticipantChanged(); p != nil {
			people = append(people, p.GetName()+" "+p.GetChange().String())
		}
	}
	require.True(t, slices.IsSortedFunc(places, func(a, b int32) int { return int(b - a) }), "%v", places)
	assert.Len(t, slices.Compact(slices.Clone(places)), len(places), "no place is told twice: %v", places)
	assert.Equal(t, []string{"Lin CHANGE_JOINED", "Lin CHANGE_LEFT", "Grace CHANGE_JOINED"}, people)
	assert.Equal(t, handoffv1.CloseReason_CLOSE_REASON_HUMAN, events[len(events)-1].GetStateChanged().GetCloseReason())
}

// TestNobodyAtQiYu closes a session at once.
func TestNobodyAtQiYu(t *testing.T) {
	t.Parallel()
	s, e := startServer(t), startEmulator(t, "qiyu")
	e.request.GetQiyu().GroupId = qiyutest.GroupNobody
	e.connect(s, "shop")
	agent := s.agentClient("shop")
	session, _ := agent.request(t, "shop", "one", func(r *handoffv1.RequestHandoffRequest) { r.Question = "A human, please." })
	agent.awaitState(t, session.GetId(), closed)
	events := agent.events(t, session.GetId())
	assert.Equal(t, handoffv1.CloseReason_CLOSE_REASON_PROVIDER_FAILED, events[len(events)-1].GetStateChanged().GetCloseReason())
	assert.Equal(t, available, s.status("shop").GetState())
}
