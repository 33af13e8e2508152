package wire

import (
	"google.golang.org/protobuf/encoding/protojson"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
)

// EventJSON returns an event in protobuf's JSON mapping, on one line.
func EventJSON(e handoff.Event) ([]byte, error) {
	return protojson.Marshal(ToEvent(e))
}

// ToEvents returns the messages of events.
func ToEvents(events []handoff.Event) []*handoffv1.Event {
	messages := make([]*handoffv1.Event, 0, len(events))
	for _, e := range events {
		messages = append(messages, ToEvent(e))
	}
	return messages
}

// ToEvent returns the message of an event.
func ToEvent(e handoff.Event) *handoffv1.Event {
	m := &handoffv1.Event{Sequence: e.Sequence, Time: ToTime(e.Time)}
	switch b := e.Body.(type) {
	case handoff.MessageLogged:
		m.Body = &handoffv1.Event_Message{Message: ToMessage(b.Message)}
	case handoff.StateChanged:
		m.Body = &handoffv1.Event_StateChanged{StateChanged: &handoffv1.StateChanged{
			State: states.to[b.State], CloseReason: closeReasons.to[b.CloseReason], Outcome: toOutcome(b.Outcome),
		}}
	case handoff.WaitPrompted:
		m.Body = &handoffv1.Event_WaitPrompt{WaitPrompt: &handoffv1.WaitPrompt{Deadline: ToTime(b.Deadline), Text: b.Text}}
	case handoff.MessageStatusChanged:
		m.Body = &handoffv1.Event_MessageStatus{MessageStatus: &handoffv1.MessageStatusChanged{
			MessageId: b.MessageID, Status: messageStatuses.to[b.Status], Detail: b.Detail,
		}}
	case handoff.ParticipantChanged:
		change := handoffv1.ParticipantChanged_CHANGE_LEFT
		if b.Joined {
			change = handoffv1.ParticipantChanged_CHANGE_JOINED
		}
		m.Body = &handoffv1.Event_ParticipantChanged{ParticipantChanged: &handoffv1.ParticipantChanged{Name: b.Name, Change: change}}
	case handoff.QueueChanged:
		m.Body = &handoffv1.Event_QueueChanged{QueueChanged: &handoffv1.QueueChanged{Position: b.Position, Wait: toDuration(b.Wait)}}
	}
	return m
}

// ToMessage returns the message of a message.
func ToMessage(m handoff.Message) *handoffv1.Message {
	out := &handoffv1.Message{
		Id: m.ID, ClientMessageId: m.ClientMessageID, Author: authors.to[m.Author], AuthorName: m.AuthorName,
		Text: m.Text, Status: messageStatuses.to[m.Status], Time: ToTime(m.Time),
	}
	for _, a := range m.Attachments {
		out.Attachments = append(out.Attachments, &handoffv1.Attachment{Id: a.ID, Name: a.Name, MimeType: a.MIMEType, Size: a.Size})
	}
	return out
}
