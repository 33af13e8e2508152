package wire

import (
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/feed"
	"github.com/human-handoff/handoff/internal/handoff"
)

var (
	eventKinds = pair(map[handoff.EventKind]handoffv1.EventKind{
		handoff.KindMessage:            handoffv1.EventKind_EVENT_KIND_MESSAGE,
		handoff.KindStateChanged:       handoffv1.EventKind_EVENT_KIND_STATE_CHANGED,
		handoff.KindWaitPrompt:         handoffv1.EventKind_EVENT_KIND_WAIT_PROMPT,
		handoff.KindMessageStatus:      handoffv1.EventKind_EVENT_KIND_MESSAGE_STATUS,
		handoff.KindParticipantChanged: handoffv1.EventKind_EVENT_KIND_PARTICIPANT_CHANGED,
		handoff.KindQueueChanged:       handoffv1.EventKind_EVENT_KIND_QUEUE_CHANGED,
		handoff.KindAttachmentChanged:  handoffv1.EventKind_EVENT_KIND_ATTACHMENT_CHANGED,
	})
	feedStates = pair(map[handoff.FeedState]handoffv1.EventWebhookState{
		handoff.FeedActive:   handoffv1.EventWebhookState_EVENT_WEBHOOK_STATE_ACTIVE,
		handoff.FeedFailing:  handoffv1.EventWebhookState_EVENT_WEBHOOK_STATE_FAILING,
		handoff.FeedDisabled: handoffv1.EventWebhookState_EVENT_WEBHOOK_STATE_DISABLED,
	})
)

// NotificationJSON returns the body of a call to an event webhook, with addresses
// as good as they are when it is called.
func NotificationJSON(n feed.Notification, links Links) ([]byte, error) {
	data := &handoffv1.EventNotificationData{AgentId: n.AgentID, SessionId: n.SessionID, ConversationId: n.ConversationID}
	if n.Event != nil {
		data.Event = ToEvent(*n.Event, links)
	}
	return protojson.Marshal(&handoffv1.EventNotification{Type: n.Type, Timestamp: ToTime(n.Time), Data: data})
}

// FromEventWebhook reads what an operator wants of an event webhook.
func FromEventWebhook(r *handoffv1.SetEventWebhookRequest) feed.Change {
	c := feed.Change{
		AgentID: r.GetAgentId(), URL: r.GetUrl(), Secret: r.GetSigningSecret(), ReplaceSecret: r.GetReplaceSecret(),
		Disabled: r.GetDisabled(), FromStart: r.GetFromStart(),
	}
	for _, k := range r.GetKinds() {
		c.Kinds = append(c.Kinds, eventKinds.from[k])
	}
	return c
}

// ToEventWebhook returns an event webhook without its secret.
func ToEventWebhook(v *feed.View) *handoffv1.EventWebhook {
	w := &handoffv1.EventWebhook{
		AgentId: v.AgentID, Url: v.URL, SecretSet: len(v.Secret) > 0, PreviousSecretUntil: ToTime(v.PreviousUntil),
		State: feedStates.to[v.State], FailingSince: ToTime(v.FailingSince), LastError: v.LastError,
		DisabledReason: v.Disabled, DisableTime: ToTime(v.DisableTime), CreateTime: ToTime(v.CreateTime),
		PendingSessions: int64(v.Pending),
	}
	for _, k := range v.Kinds {
		w.Kinds = append(w.Kinds, eventKinds.to[k])
	}
	return w
}

// ToEventWebhookTest returns what became of a test call.
func ToEventWebhookTest(t feed.Tested) *handoffv1.TestEventWebhookResponse {
	r := &handoffv1.TestEventWebhookResponse{
		Success: t.Err == nil, HttpStatus: int32(t.Status), Duration: durationpb.New(t.Took), //nolint:gosec // three digits
	}
	if t.Err != nil {
		r.Error = t.Err.Error()
	}
	return r
}

// FromEventDeliveryFilter reads which sessions to list.
func FromEventDeliveryFilter(r *handoffv1.ListEventDeliveriesRequest) feed.DeliveryFilter {
	return feed.DeliveryFilter{AgentID: r.GetAgentId(), SessionID: r.GetSessionId(), Failing: r.GetFailing()}
}

// ToEventDelivery returns how far an event webhook got with a session.
func ToEventDelivery(d feed.Delivery) *handoffv1.EventDelivery {
	return &handoffv1.EventDelivery{
		SessionId: d.SessionID, AgentId: d.AgentID, DeliveredSequence: d.Delivered, Lag: d.Last - min(d.Delivered, d.Last),
		Attempts: toInt32(d.Attempts), LastError: d.LastError, NextAttemptTime: ToTime(d.NextAttempt), FailingSince: ToTime(d.FailingSince),
	}
}
