package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// watched is a stream of agents' statuses.
type watched struct {
	t      *testing.T
	stream *connect.ServerStreamForClient[handoffv1.WatchStatusResponse]
}

func (c *client) watchStatus(t *testing.T, agent string) *watched {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	stream, err := c.ops.WatchStatus(ctx, &handoffv1.WatchStatusRequest{AgentId: agent})
	require.NoError(t, err)
	t.Cleanup(func() { _ = stream.Close() })
	return &watched{t, stream}
}

// next returns the agents of the next part, which may be a heartbeat's none.
func (w *watched) next() []*handoffv1.Agent {
	w.t.Helper()
	require.True(w.t, w.stream.Receive(), "the stream ended: %v", w.stream.Err())
	return w.stream.Msg().GetAgents()
}

// await reads on until an agent has a state.
func (w *watched) await(agent string, state handoffv1.ServiceState) *handoffv1.ServiceStatus {
	w.t.Helper()
	for {
		for _, a := range w.next() {
			if a.GetAgentId() == agent && a.GetStatus().GetState() == state {
				return a.GetStatus()
			}
		}
	}
}

// TestStatusHealsByItself has a desk refuse our credentials until somebody there
// sets them right. Nobody calls anything meanwhile: the re-check finds out.
func TestStatusHealsByItself(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startSecuredReceiver(t)
	all := s.admin.watchStatus(t, "")
	assert.Empty(t, all.next(), "there are no agents, and it answers at once")

	request, right := webhookRequest("shop", r), r.password
	request.GetWebhook().Password = randomSecret()
	s.configured(request)
	one := s.admin.watchStatus(t, "shop")
	assert.Len(t, one.next(), 1, "it begins with what there is")
	assert.Equal(t, "CREDENTIALS", all.await("shop", unavailable).GetReasonCode())

	s.configure("other", startReceiver(t))
	all.await("other", available)
	r.misbehave(`{"password":"` + request.GetWebhook().GetPassword() + `"}`)
	for _, w := range []*watched{all, one} {
		status := w.await("shop", available)
		assert.Empty(t, status.GetReason())
		assert.True(t, status.GetInServicePeriod())
	}
	eventually(t, func() error { // its lines may be on their way
		if n := len(r.probes()); n != 2 {
			return fmt.Errorf("one probe by the call and one by the re-check, not %d", n)
		}
		return nil
	})
	r.misbehave(`{"password":"` + right + `"}`)

	_, body := s.admin.do(t, http.MethodGet, "/metrics", "")
	assert.Contains(t, body, `handoff_agents{provider="webhook",state="available"} 2`)
	assert.Contains(t, body, `handoff_provider_status_changes_total{provider="webhook",reason="CREDENTIALS",state="unavailable"} 1`)
}

func TestWatchStatusNeedsAnAdminKey(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	stream, err := s.agentClient("shop").ops.WatchStatus(t.Context(), &handoffv1.WatchStatusRequest{})
	require.NoError(t, err)
	assert.False(t, stream.Receive())
	requireCode(t, connect.CodePermissionDenied, stream.Err())
}
