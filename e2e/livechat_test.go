package e2e_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// TestKilledInTheMiddleOfAStart matters where a start is several calls: whichever
// of them the server is killed in, before the vendor did its work or after, there
// is one customer with one chat in the end. Only who was made in the very call that
// never came to its end stays behind, without a chat, and nobody sees them.
func TestKilledInTheMiddleOfAStart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		call     int // of the start: makes the customer, tells who it is, begins the chat
		done     bool
		contacts int
	}{
		{0, false, 1}, {0, true, 2}, {1, false, 1}, {1, true, 1}, {2, false, 1}, {2, true, 1},
	} {
		t.Run(fmt.Sprintf("call %d, done %t", c.call, c.done), func(t *testing.T) {
			t.Parallel()
			s, e := startServer(t, withFixedPort()), startEmulator(t, "livechat")
			e.connect(s, "shop")
			agent := s.agentClient("shop")
			before := e.state().Calls
			e.order("fail", map[string]any{"hang": true, "done": c.done, "skip": c.call})
			session, _ := agent.request(t, "shop", "one", func(r *handoffv1.RequestHandoffRequest) {
				r.Customer, r.Question = &handoffv1.Customer{Email: "bob@example.com", Name: "Bob"}, "A human, please."
			})
			eventually(t, func() error {
				if calls := e.state().Calls - before; calls != c.call+1 {
					return &missing{"call of the start", fmt.Sprint(calls)}
				}
				return nil
			})
			s.kill()
			e.order("heal", map[string]any{})
			s.start()
			agent = s.client(agent.key)
			agent.awaitState(t, session.GetId(), waiting)
			state := e.state()
			require.Len(t, state.Sessions, 1)
			assert.Equal(t, c.contacts, state.Contacts)
			assert.Equal(t, "A human, please.", state.Sessions[0].Context)
			assert.Equal(t, "Bob", state.Sessions[0].Customer.Name)

			e.act(emulator.Say, "Hi", false)
			agent.awaitState(t, session.GetId(), active)
			agent.send(t, session.GetId(), "1", "hello")
			e.awaitMessages("hello")
			agent.close(t, session.GetId())
			eventually(t, func() error {
				if e.last().Closed == "" {
					return &missing{"close", "none"}
				}
				return nil
			})
			require.Len(t, e.sessions(), 1)
		})
	}
}
