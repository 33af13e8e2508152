package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// ledger returns a message's entry.
func (c *client) ledger(t *testing.T, message string) *handoffv1.Delivery {
	t.Helper()
	answer, err := c.ops.ListDeliveries(t.Context(), &handoffv1.ListDeliveriesRequest{MessageId: message})
	require.NoError(t, err)
	require.Len(t, answer.GetDeliveries(), 1)
	return answer.GetDeliveries()[0]
}

func TestLedger(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	session, _ := s.admin.request(t, "shop", "conversation")
	id := session.GetId()
	s.admin.awaitState(t, id, waiting)
	retry := func(c *client, delivery string) (*handoffv1.RetryDeliveryResponse, error) {
		return c.ops.RetryDelivery(t.Context(), &handoffv1.RetryDeliveryRequest{DeliveryId: delivery})
	}

	r.misbehave(`{"path":"/chat","answers":[503,400]}`)
	first := s.admin.send(t, id, "1", "refused for now")
	s.admin.awaitStatus(t, id, first.GetId(), failed)
	second := s.admin.send(t, id, "2", "taken")
	s.admin.awaitStatus(t, id, second.GetId(), delivered)

	entry := s.admin.ledger(t, first.GetId())
	assert.Equal(t, handoffv1.DeliveryState_DELIVERY_STATE_FAILED, entry.GetState())
	assert.Equal(t, "webhook", entry.GetProvider())
	assert.EqualValues(t, 2, entry.GetAttempts())
	require.Len(t, entry.GetFailedAttempts(), 2)
	assert.Equal(t, "transient", entry.GetFailedAttempts()[0].GetReason())
	assert.Contains(t, entry.GetFailedAttempts()[0].GetDetail(), "503")
	assert.Equal(t, "rejected", entry.GetFailedAttempts()[1].GetReason())
	assert.Contains(t, entry.GetFailedAttempts()[1].GetDetail(), "400")
	good := s.admin.ledger(t, second.GetId())
	assert.Empty(t, good.GetFailedAttempts())
	assert.Equal(t, good.GetSettleTime(), good.GetLastAttemptTime())

	list, err := s.admin.ops.ListDeliveries(t.Context(), &handoffv1.ListDeliveriesRequest{
		AgentId: "shop", Provider: "webhook", Kinds: []handoffv1.DeliveryKind{handoffv1.DeliveryKind_DELIVERY_KIND_MESSAGE},
		States: []handoffv1.DeliveryState{handoffv1.DeliveryState_DELIVERY_STATE_FAILED},
	})
	require.NoError(t, err)
	require.Len(t, list.GetDeliveries(), 1)
	require.Equal(t, entry.GetId(), list.GetDeliveries()[0].GetId())

	_, err = retry(s.agentClient("shop"), entry.GetId())
	requireCode(t, connect.CodePermissionDenied, err)
	_, err = retry(s.admin, "msg_nothing")
	requireCode(t, connect.CodeNotFound, err)
	_, err = retry(s.admin, good.GetId())
	requireCode(t, connect.CodeFailedPrecondition, err)
	assert.Equal(t, "DELIVERY_NOT_FAILED", reasonOf(err))

	answer, err := retry(s.admin, entry.GetId())
	require.NoError(t, err)
	assert.Equal(t, handoffv1.DeliveryState_DELIVERY_STATE_PENDING, answer.GetDelivery().GetState())
	s.admin.awaitStatus(t, id, first.GetId(), delivered)
	calls := r.callsOf(id, "/chat")
	require.Len(t, calls, 4)
	assert.Equal(t, entry.GetId(), calls[3].IdempotencyKey, "with the key that it had")
	entry = s.admin.ledger(t, first.GetId())
	assert.EqualValues(t, 3, entry.GetAttempts())
	assert.Len(t, entry.GetFailedAttempts(), 2)
	assert.NotNil(t, entry.GetRetryTime())
}

func TestQuarantine(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startSecuredReceiver(t)
	url := strings.TrimPrefix(s.configure("shop", r).GetReceiveUrl(), s.url)
	for range 2 {
		body := `{"conversation_id":17}`
		status, _ := s.client("").post(t, url+"/human/message/receive", body, sign(t, r.signingSecret, body)...)
		require.Equal(t, http.StatusBadRequest, status)
	}
	list := func(request *handoffv1.ListQuarantineRequest) []*handoffv1.QuarantinedWebhook {
		t.Helper()
		answer, err := s.admin.ops.ListQuarantine(t.Context(), request)
		require.NoError(t, err)
		return answer.GetWebhooks()
	}
	kept := list(&handoffv1.ListQuarantineRequest{AgentId: "shop", Provider: "webhook", IncludeRequests: true})
	require.Len(t, kept, 1)
	assert.EqualValues(t, 2, kept[0].GetCount())
	assert.Contains(t, kept[0].GetReason(), "conversation_id")
	assert.JSONEq(t, `{"conversation_id":17}`, string(kept[0].GetRequest().GetBody()))
	assert.Equal(t, "/human/message/receive", kept[0].GetRequest().GetPath())
	assert.Nil(t, list(&handoffv1.ListQuarantineRequest{})[0].GetRequest(), "nobody asked for it")
	assert.Empty(t, list(&handoffv1.ListQuarantineRequest{AgentId: "bank"}))

	_, err := s.admin.ops.ReplayInbound(t.Context(), &handoffv1.ReplayInboundRequest{Id: kept[0].GetId()})
	requireCode(t, connect.CodeFailedPrecondition, err)
	assert.Contains(t, err.Error(), "conversation_id", "it makes no more sense than before")
	assert.Len(t, list(&handoffv1.ListQuarantineRequest{}), 1, "it stays")
	_, err = s.admin.ops.ReplayInbound(t.Context(), &handoffv1.ReplayInboundRequest{Id: "4711"})
	requireCode(t, connect.CodeNotFound, err)
	_, err = s.agentClient("shop").ops.ListQuarantine(t.Context(), &handoffv1.ListQuarantineRequest{})
	requireCode(t, connect.CodePermissionDenied, err)
}
