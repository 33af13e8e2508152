package intercom

import (
	"encoding/json"

	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// The bodies of Intercom's answers and webhooks, as far as we look at them. What
// is not known is ignored, and ids are taken as strings or numbers: both were seen.

// id is an identifier. 0, which stands for nobody since 2.16, is the empty one.
type id = restapi.ID

// me is the teammate that the access token belongs to.
type me struct {
	ID  id `json:"id"`
	App *struct {
		IDCode string `json:"id_code"`
		Region string `json:"region"`
	} `json:"app"`
}

type contact struct {
	ID         id     `json:"id"`
	Role       string `json:"role"`
	ExternalID string `json:"external_id"`
	Email      string `json:"email"`
	CreatedAt  int64  `json:"created_at"`
	Archived   bool   `json:"archived"`
}

type contactList struct {
	Data []contact `json:"data"`
}

// newMessage is the answer to a conversation that was made: the id is not the
// conversation's.
type newMessage struct {
	ConversationID id `json:"conversation_id"`
}

type conversation struct {
	ID        id     `json:"id"`
	CreatedAt int64  `json:"created_at"`
	State     string `json:"state"`
	Source    source `json:"source"`
	Teammates *struct {
		Admins []author `json:"admins"`
	} `json:"teammates"`
	Statistics json.RawMessage `json:"statistics"`
	Parts      struct {
		Parts []part `json:"conversation_parts"`
	} `json:"conversation_parts"`
}

type conversationList struct {
	Conversations []conversation `json:"conversations"`
}

// source is the first message of a conversation, which is none of its parts.
type source struct {
	Body   string `json:"body"`
	Author author `json:"author"`
}

type part struct {
	ID          id           `json:"id"`
	PartType    string       `json:"part_type"`
	Body        string       `json:"body"` // null is empty
	CreatedAt   int64        `json:"created_at"`
	Author      author       `json:"author"`
	AssignedTo  *author      `json:"assigned_to"`
	Attachments []attachment `json:"attachments"`
}

type author struct {
	ID          id     `json:"id"`
	Type        string `json:"type"`
	Name        string `json:"name"`
	FromAIAgent bool   `json:"from_ai_agent"`
}

type attachment struct {
	Name        string `json:"name"`
	URL         string `json:"url"`
	ContentType string `json:"content_type"`
}

// errorList is the body of an answer that says no.
type errorList struct {
	RequestID string `json:"request_id"`
	Errors    []struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"errors"`
}

// notification is a webhook.
type notification struct {
	Type  string `json:"type"`
	ID    string `json:"id"` // null in a ping
	Topic string `json:"topic"`
	Data  struct {
		Item json.RawMessage `json:"item"`
	} `json:"data"`
}

// deleted is the item of a webhook that tells of a conversation that is gone.
type deleted struct {
	ConversationID id `json:"conversation_id"`
	ID             id `json:"id"`
}
