package wire

import (
	"math"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/handoff"
)

// FromDeliveryFilter reads which deliveries to list.
func FromDeliveryFilter(r *handoffv1.ListDeliveriesRequest) handoff.DeliveryFilter {
	f := handoff.DeliveryFilter{AgentID: r.GetAgentId(), SessionID: r.GetSessionId()}
	for _, s := range r.GetStates() {
		f.States = append(f.States, deliveryStates.from[s])
	}
	return f
}

// ToDelivery returns a delivery as operators see it.
func ToDelivery(d handoff.AgentDelivery) *handoffv1.Delivery {
	return &handoffv1.Delivery{
		Id: d.IdempotencyKey(), SessionId: d.SessionID, AgentId: d.AgentID, Kind: deliveryKinds.to[d.Kind],
		MessageId: d.MessageID, State: deliveryStates.to[d.State], Attempts: toInt32(d.Attempts),
		CreateTime: ToTime(d.CreateTime), NextAttemptTime: ToTime(d.NextAttempt), SettleTime: ToTime(d.SettleTime),
		LastError: d.LastError,
	}
}

func toInt32(n int) int32 {
	if n > math.MaxInt32 {
		return math.MaxInt32
	}
	return int32(n) //nolint:gosec // bounded above, and counts are not negative
}

// ToLate returns a human's message that came after the close.
func ToLate(m handoff.LateMessage) *handoffv1.LateMessage {
	return &handoffv1.LateMessage{
		SessionId: m.SessionID, AuthorName: m.AuthorName, Text: m.Text, Time: ToTime(m.Time),
		Reason: handoff.ErrSessionClosed.Reason,
	}
}

// ToKey returns a key without its secret.
func ToKey(k auth.Key) *handoffv1.Key {
	return &handoffv1.Key{
		Id: k.ID, Scope: scopes.to[k.Scope], AgentId: k.AgentID, Name: k.Name,
		CreateTime: ToTime(k.CreateTime), LastUsedTime: ToTime(k.LastUsedTime), RevokeTime: ToTime(k.RevokeTime),
	}
}

// FromScope reads the scope of a key.
func FromScope(s handoffv1.Key_Scope) auth.Scope { return scopes.from[s] }
