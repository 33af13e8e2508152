package store

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/internal/handoff"
)

// An event's key holds its session's number and its sequence, so that a log is a
// range of keys. It has room for two billion sessions of four billion events.
const sequenceBits = 32

func eventKey(num int64, sequence uint64) int64 {
	return num<<sequenceBits | int64(sequence) //nolint:gosec // checkSequence saw it
}

func eventSequence(key int64) uint64 { return uint64(key & math.MaxUint32) }

// checkSequence refuses what would run into the keys of the next session.
func checkSequence(last uint64) error {
	if last > math.MaxUint32 {
		return handoff.Errorf(handoff.CodeExhausted, "LOG_FULL", "the session's log is full; close it and request a new handoff")
	}
	return nil
}

// The names of what an event can hold, as the table has them. They never change.
const (
	kindMessage            = "message"
	kindStateChanged       = "state_changed"
	kindWaitPrompted       = "wait_prompt"
	kindMessageStatus      = "message_status"
	kindParticipantChanged = "participant_changed"
	kindQueueChanged       = "queue_changed"
	kindAttachmentChanged  = "attachment_changed"
)

func encodeBody(body handoff.EventBody) (kind, payload string, err error) {
	var content any = body
	switch body := body.(type) {
	case handoff.MessageLogged:
		kind, content = kindMessage, body.Message
	case handoff.StateChanged:
		kind = kindStateChanged
	case handoff.WaitPrompted:
		kind = kindWaitPrompted
	case handoff.MessageStatusChanged:
		kind = kindMessageStatus
	case handoff.ParticipantChanged:
		kind = kindParticipantChanged
	case handoff.QueueChanged:
		kind = kindQueueChanged
	case handoff.AttachmentChanged:
		kind = kindAttachmentChanged
	default:
		return "", "", fmt.Errorf("an event of type %T cannot be stored: give it a kind in package store", body)
	}
	payload, err = encodeJSON(content)
	return kind, payload, err
}

func decodeBody(kind, payload string) (handoff.EventBody, error) {
	switch kind {
	case kindMessage:
		m, err := decodeJSON[handoff.Message](payload)
		return handoff.MessageLogged{Message: m}, err
	case kindStateChanged:
		return decodeAs[handoff.StateChanged](payload)
	case kindWaitPrompted:
		return decodeAs[handoff.WaitPrompted](payload)
	case kindMessageStatus:
		return decodeAs[handoff.MessageStatusChanged](payload)
	case kindParticipantChanged:
		return decodeAs[handoff.ParticipantChanged](payload)
	case kindQueueChanged:
		return decodeAs[handoff.QueueChanged](payload)
	case kindAttachmentChanged:
		return decodeAs[handoff.AttachmentChanged](payload)
	default:
		return nil, fmt.Errorf("the log holds an event of the unknown kind %q; a newer program has written it", kind)
	}
}

func decodeAs[T handoff.EventBody](payload string) (handoff.EventBody, error) {
	return decodeJSON[T](payload)
}

func toEvent(row *ent.Event) (handoff.Event, error) {
	body, err := decodeBody(row.Kind, row.Payload)
	if err != nil {
		return handoff.Event{}, fmt.Errorf("event %d of session number %d: %w", eventSequence(row.ID), row.ID>>sequenceBits, err)
	}
	return handoff.Event{Sequence: eventSequence(row.ID), Time: toTime(row.Time), Body: body}, nil
}

func encodeJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

func decodeJSON[T any](text string) (v T, err error) {
	err = json.Unmarshal([]byte(text), &v)
	return v, err
}
