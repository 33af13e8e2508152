package wire

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/handoff"
)

// FromDeliveryFilter reads which deliveries to list.
func FromDeliveryFilter(r *handoffv1.ListDeliveriesRequest) handoff.DeliveryFilter {
	f := handoff.DeliveryFilter{
		AgentID: r.GetAgentId(), SessionID: r.GetSessionId(), MessageID: r.GetMessageId(), Provider: r.GetProvider(),
	}
	for _, k := range r.GetKinds() {
		f.Kinds = append(f.Kinds, deliveryKinds.from[k])
	}
	for _, s := range r.GetStates() {
		f.States = append(f.States, deliveryStates.from[s])
	}
	return f
}

// ToDelivery returns a delivery as operators see it.
func ToDelivery(d handoff.AgentDelivery) *handoffv1.Delivery {
	to := &handoffv1.Delivery{
		Id: d.IdempotencyKey(), SessionId: d.SessionID, AgentId: d.AgentID, Kind: deliveryKinds.to[d.Kind],
		MessageId: d.MessageID, State: deliveryStates.to[d.State], Attempts: toInt32(d.Attempts),
		CreateTime: ToTime(d.CreateTime), NextAttemptTime: ToTime(d.NextAttempt), SettleTime: ToTime(d.SettleTime),
		LastError: d.LastError, Provider: d.Provider, LastAttemptTime: ToTime(d.LastAttempt), VendorId: d.VendorID,
		Degraded: d.Degraded, ReadTime: ToTime(d.ReadTime), RetryTime: ToTime(d.RetryTime),
	}
	if d.Log != nil {
		to.FailedAttemptsLeftOut = toInt32(d.LeftOut())
	}
	for _, f := range d.Log {
		to.FailedAttempts = append(to.FailedAttempts, &handoffv1.Delivery_FailedAttempt{
			Number: toInt32(f.Number), Time: ToTime(f.Time), Reason: f.Class, Detail: f.Detail,
		})
	}
	return to
}

// FromQuarantineFilter reads which webhooks to list.
func FromQuarantineFilter(r *handoffv1.ListQuarantineRequest) agents.QuarantineFilter {
	return agents.QuarantineFilter{AgentID: r.GetAgentId(), Provider: r.GetProvider(), Requests: r.GetIncludeRequests()}
}

// ToQuarantined returns a webhook that could not be taken.
func ToQuarantined(q agents.Quarantined) *handoffv1.QuarantinedWebhook {
	to := &handoffv1.QuarantinedWebhook{
		Id: strconv.FormatInt(q.ID, 10), AgentId: q.AgentID, Provider: q.Provider, Reason: q.Reason,
		Count: toInt32(q.Count), Time: ToTime(q.Time), ExpireTime: ToTime(q.ExpireTime()),
	}
	if r := q.Opened; r != nil {
		to.Request = &handoffv1.QuarantinedWebhook_Request{Method: r.Method, Path: r.Path, Query: r.Query, Body: r.Body}
		for _, name := range slices.Sorted(maps.Keys(r.Header)) {
			for _, value := range r.Header[name] {
				to.Request.Headers = append(to.Request.Headers, name+": "+value)
			}
		}
	}
	return to
}

// FromQuarantineID reads the id of a webhook in the quarantine.
func FromQuarantineID(id string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n < 1 {
		return 0, agents.ErrNotQuarantined
	}
	return n, nil
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
		Reason: fmt.Sprintf("the session was closed at %s (%s)", m.CloseTime.UTC().Format(time.RFC3339), closeReasons.to[m.CloseReason]),
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
