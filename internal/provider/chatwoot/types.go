package chatwoot

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// The bodies of Chatwoot's answers and webhooks, as far as we look at them. What is
// not known is ignored; numbers and texts stand for one another where both were seen.

type id = restapi.ID

// direction is the type of a message: a number in answers, a word in webhooks.
type direction string

// The directions that we know. The others are activities and templates, which no
// human has written.
const (
	incoming direction = "incoming"
	outgoing direction = "outgoing"
)

// UnmarshalJSON implements json.Unmarshaler.
func (d *direction) UnmarshalJSON(data []byte) error {
	switch text := strings.Trim(string(bytes.TrimSpace(data)), `"`); text {
	case "0":
		*d = incoming
	case "1":
		*d = outgoing
	default:
		*d = direction(text)
	}
	return nil
}

// moment is a time: seconds in answers, with a fraction in some places; text in
// webhooks, where we do not need it and leave it out.
type moment struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (m *moment) UnmarshalJSON(data []byte) error {
	seconds, err := strconv.ParseFloat(string(bytes.TrimSpace(data)), 64)
	if err == nil && seconds > 0 && seconds < 1<<40 {
		m.Time = time.Unix(int64(seconds), 0)
	}
	return nil
}

type profile struct {
	Accounts []struct {
		ID id `json:"id"`
	} `json:"accounts"`
}

type inbox struct {
	Name        string `json:"name"`
	ChannelType string `json:"channel_type"`
	Identifier  string `json:"inbox_identifier"` // under which customers find it
	Secret      string `json:"secret"`           // for administrators alone, and not in older versions
}

type agentList struct {
	Agents []struct {
		ID id `json:"id"`
	} `json:"payload"`
}

type contact struct {
	ID         id     `json:"id"`
	Identifier string `json:"identifier"`
	Email      string `json:"email"`
}

type contactList struct {
	Contacts []contact `json:"payload"`
}

type newContact struct {
	Payload struct {
		Contact contact `json:"contact"`
	} `json:"payload"`
}

type conversation struct {
	ID               id                         `json:"id"`
	InboxID          id                         `json:"inbox_id"`
	Status           string                     `json:"status"`
	LastActivityAt   moment                     `json:"last_activity_at"`
	CustomAttributes map[string]json.RawMessage `json:"custom_attributes"`
}

// session returns the session that a conversation was begun for.
func (c *conversation) session() string {
	var sessionID string
	_ = json.Unmarshal(c.CustomAttributes[attributeSession], &sessionID) // else it is none of ours
	return sessionID
}

type conversationList struct {
	Conversations []conversation `json:"payload"`
}

type message struct {
	ID                id           `json:"id"`
	Content           string       `json:"content"` // null is empty
	Direction         direction    `json:"message_type"`
	Private           bool         `json:"private"`
	SourceID          string       `json:"source_id"`
	CreatedAt         moment       `json:"created_at"`
	Sender            *person      `json:"sender"`
	Attachments       []attachment `json:"attachments"`
	ContentAttributes struct {
		Deleted bool `json:"deleted"`
	} `json:"content_attributes"`
}

type messageList struct {
	Messages []message `json:"payload"`
}

// person is who wrote a message or has a conversation. Bots have types of their own.
type person struct {
	ID   id     `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

type attachment struct {
	FileType string `json:"file_type"`
	DataURL  string `json:"data_url"`
	FileSize int64  `json:"file_size"`      // 0 = it has no content of its own
	Title    string `json:"fallback_title"` // of what is no file: a place, a contact
}

// refusalBody is the body of an answer that says no.
type refusalBody struct {
	Message    string   `json:"message"`
	Error      string   `json:"error"`
	Errors     []string `json:"errors"`
	Attributes []string `json:"attributes"` // what a new contact was refused for
}

// notification is what all webhooks begin with.
type notification struct {
	Event   string `json:"event"`
	Account struct {
		ID id `json:"id"`
	} `json:"account"`
}

// messageEvent is a webhook about a message.
type messageEvent struct {
	message

	Conversation struct {
		ID        id `json:"id"`
		DisplayID id `json:"display_id"` // in the vendor's samples; it is what ID is today
	} `json:"conversation"`
}

func (e *messageEvent) conversationID() string {
	return string(cmp.Or(e.Conversation.DisplayID, e.Conversation.ID))
}

// typingEvent is a webhook about somebody who types.
type typingEvent struct {
	User         person       `json:"user"`
	Conversation conversation `json:"conversation"`
	Private      bool         `json:"is_private"` // it will be a note
}

// conversationEvent is a webhook about a conversation, whose fields are not in an
// object of their own.
type conversationEvent struct {
	ID        id              `json:"id"`
	Status    string          `json:"status"`
	UpdatedAt json.RawMessage `json:"updated_at"`
	Changed   json.RawMessage `json:"changed_attributes"`
	Meta      struct {
		Assignee     *person `json:"assignee"`
		AssigneeType string  `json:"assignee_type"`
	} `json:"meta"`
}
