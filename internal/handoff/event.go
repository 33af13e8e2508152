package handoff

import "time"

// Event is one entry of a session's log. It never changes once it is logged.
type Event struct {
	Sequence uint64 // from 1, without gaps
	Time     time.Time
	Body     EventBody
}

// EventBody is what happened: one of the types of this file.
type EventBody interface{ eventBody() }

type (
	// MessageLogged is a customer's accepted message or a human's message.
	MessageLogged struct{ Message Message }

	// StateChanged is a step of the state machine.
	StateChanged struct {
		State       State       `json:"state"`
		CloseReason CloseReason `json:"close_reason,omitempty"`
		Outcome     Outcome     `json:"outcome,omitzero"`
	}

	// WaitPrompted asks the customer whether to go on waiting.
	WaitPrompted struct {
		Deadline time.Time `json:"deadline"`       // when the session closes if nobody answers; zero = it does not
		Text     string    `json:"text,omitempty"` // the question, in the customer's locale
	}

	// MessageStatusChanged tells how far an earlier message got.
	MessageStatusChanged struct {
		MessageID string        `json:"message_id"`
		Status    MessageStatus `json:"status"`
		Detail    string        `json:"detail,omitempty"`
	}

	// ParticipantChanged tells that a human joined or left.
	ParticipantChanged struct {
		Name   string `json:"name,omitempty"`
		Joined bool   `json:"joined"`
	}

	// QueueChanged tells the customer's place in the provider's queue.
	QueueChanged struct {
		Position int32         `json:"position,omitempty"`
		Wait     time.Duration `json:"wait,omitempty"` // the provider's estimate
	}

	// AttachmentChanged tells what became of a file that was pending.
	AttachmentChanged struct {
		MessageID  string     `json:"message_id"`
		Attachment Attachment `json:"attachment"`
	}
)

// EventKind names what happened, as the API does.
type EventKind string

// The kinds of events.
const (
	KindMessage            EventKind = "message"
	KindStateChanged       EventKind = "state_changed"
	KindWaitPrompt         EventKind = "wait_prompt"
	KindMessageStatus      EventKind = "message_status"
	KindParticipantChanged EventKind = "participant_changed"
	KindQueueChanged       EventKind = "queue_changed"
	KindAttachmentChanged  EventKind = "attachment_changed"
)

// Kind returns the kind of the event.
func (e *Event) Kind() EventKind {
	switch e.Body.(type) {
	case MessageLogged:
		return KindMessage
	case StateChanged:
		return KindStateChanged
	case WaitPrompted:
		return KindWaitPrompt
	case MessageStatusChanged:
		return KindMessageStatus
	case ParticipantChanged:
		return KindParticipantChanged
	case QueueChanged:
		return KindQueueChanged
	case AttachmentChanged:
		return KindAttachmentChanged
	default:
		return ""
	}
}

func (MessageLogged) eventBody()        {}
func (StateChanged) eventBody()         {}
func (WaitPrompted) eventBody()         {}
func (MessageStatusChanged) eventBody() {}
func (ParticipantChanged) eventBody()   {}
func (QueueChanged) eventBody()         {}
func (AttachmentChanged) eventBody()    {}
