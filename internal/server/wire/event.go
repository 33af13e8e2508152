package wire

import (
	"google.golang.org/protobuf/encoding/protojson"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
)

// Links returns where an attachment can be read, for a while. A nil one has no addresses.
type Links func(a handoff.Attachment) string

// EventJSON returns an event in protobuf's JSON mapping, on one line.
func EventJSON(e handoff.Event, links Links) ([]byte, error) {
	return protojson.Marshal(ToEvent(e, links))
}

// SignalJSON returns a signal in protobuf's JSON mapping, on one line.
func SignalJSON(s handoff.Signal) ([]byte, error) {
	return protojson.Marshal(ToSignal(s))
}

// ToSignals returns the messages of signals.
func ToSignals(signals []handoff.Signal) []*handoffv1.Signal {
	var messages []*handoffv1.Signal
	for _, s := range signals {
		messages = append(messages, ToSignal(s))
	}
	return messages
}

// ToSignal returns the message of a signal.
func ToSignal(s handoff.Signal) *handoffv1.Signal {
	if s.Kind == handoff.SignalRead {
		return &handoffv1.Signal{Signal: &handoffv1.Signal_Read{Read: &handoffv1.Read{Author: authors.to[s.Author], UpToSequence: s.UpTo}}}
	}
	return &handoffv1.Signal{Signal: &handoffv1.Signal_Typing{Typing: &handoffv1.Typing{Author: authors.to[s.Author], Active: s.Active}}}
}

// ToEvents returns the messages of events.
func ToEvents(events []handoff.Event, links Links) []*handoffv1.Event {
	messages := make([]*handoffv1.Event, 0, len(events))
	for _, e := range events {
		messages = append(messages, ToEvent(e, links))
	}
	return messages
}

// ToEvent returns the message of an event.
func ToEvent(e handoff.Event, links Links) *handoffv1.Event {
	m := &handoffv1.Event{Sequence: e.Sequence, Time: ToTime(e.Time)}
	switch b := e.Body.(type) {
	case handoff.MessageLogged:
		m.Body = &handoffv1.Event_Message{Message: ToMessage(b.Message, links)}
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
	case handoff.AttachmentChanged:
		m.Body = &handoffv1.Event_AttachmentChanged{AttachmentChanged: &handoffv1.AttachmentChanged{
			MessageId: b.MessageID, Attachment: toAttachment(b.Attachment, links),
		}}
	}
	return m
}

// ToMessage returns the message of a message.
func ToMessage(m handoff.Message, links Links) *handoffv1.Message {
	out := &handoffv1.Message{
		Id: m.ID, ClientMessageId: m.ClientMessageID, Author: authors.to[m.Author], AuthorName: m.AuthorName,
		Text: m.Text, Status: messageStatuses.to[m.Status], Time: ToTime(m.Time),
	}
	for _, a := range m.Attachments {
		out.Attachments = append(out.Attachments, toAttachment(a, links))
	}
	return out
}

func toAttachment(a handoff.Attachment, links Links) *handoffv1.Attachment {
	out := &handoffv1.Attachment{Id: a.ID, Name: a.Name, MimeType: a.MIMEType, Size: a.Size, Status: attachmentStatuses.to[a.State]}
	if links != nil {
		out.Url = links(a)
	}
	return out
}

// FromAttachments reads which files a new message has.
func FromAttachments(inputs []*handoffv1.AttachmentInput) []handoff.AttachmentInput {
	var list []handoff.AttachmentInput
	for _, in := range inputs {
		list = append(list, handoff.AttachmentInput{UploadID: in.GetUploadId(), URL: in.GetUrl(), Name: in.GetName()})
	}
	return list
}
