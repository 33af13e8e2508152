package handoff

import (
	"encoding/json"
	"time"
)

// Limits on what a caller may hand over.
const (
	MaxTextBytes       = 64 << 10
	MaxTranscriptTurns = 1000
	MaxIDBytes         = 128
)

// Author says who wrote a message.
type Author string

// The authors of messages.
const (
	AuthorCustomer Author = "customer"
	AuthorHuman    Author = "human"
	AuthorSystem   Author = "system"
)

// MessageStatus is how far a message got. It only moves forward. FAILED is an
// end: the provider refused the message, or took it and could not bring it to
// anybody, before a human read it.
type MessageStatus string

// The statuses of a message.
const (
	MessageAccepted  MessageStatus = "accepted"
	MessageDelivered MessageStatus = "delivered"
	MessageRead      MessageStatus = "read"
	MessageFailed    MessageStatus = "failed"
)

// Message is one utterance within a session.
type Message struct {
	ID              string        `json:"id"`
	ClientMessageID string        `json:"client_message_id,omitempty"`
	Author          Author        `json:"author"`
	AuthorName      string        `json:"author_name,omitempty"`
	Text            string        `json:"text,omitempty"`
	Attachments     []Attachment  `json:"attachments,omitempty"`
	Status          MessageStatus `json:"status"`
	Time            time.Time     `json:"time"`
}

// Attachment is a file that belongs to a message.
type Attachment struct {
	ID       string `json:"id"`
	Name     string `json:"name,omitempty"`
	MIMEType string `json:"mime_type,omitempty"`
	Size     int64  `json:"size,omitempty"` // 0 = not known

	State FileState `json:"state,omitempty"` // when it was logged; empty = ready
}

// Customer is who talks to the agent.
type Customer struct {
	Email       string            `json:"email,omitempty"`
	Name        string            `json:"name,omitempty"`
	Phone       string            `json:"phone,omitempty"`
	UserID      string            `json:"user_id,omitempty"`
	AnonymousID string            `json:"anonymous_id,omitempty"`
	Locale      string            `json:"locale,omitempty"`
	Attributes  map[string]string `json:"attributes,omitempty"`

	// Unverified tells that a browser said all this of itself, without a backend
	// that knows who it is: it must not be matched to anybody known at the desk.
	Unverified bool `json:"unverified,omitempty"`
}

// Priority is how urgent the caller holds a handoff.
type Priority string

// The priorities.
const (
	PriorityUnspecified Priority = ""
	PriorityLow         Priority = "low"
	PriorityNormal      Priority = "normal"
	PriorityHigh        Priority = "high"
	PriorityUrgent      Priority = "urgent"
)

// Start is what a provider is given to begin a session: who the customer is,
// what was said so far and what is asked. It is written with the session and
// not read again but by the start's delivery.
type Start struct {
	Customer      Customer          `json:"customer"`
	DefaultEmail  string            `json:"default_email,omitempty"` // for desks that insist on an address; no identity
	Transcript    []Turn            `json:"transcript,omitempty"`
	Question      string            `json:"question,omitempty"`
	Reason        string            `json:"reason,omitempty"`
	Priority      Priority          `json:"priority,omitempty"`
	Team          string            `json:"team,omitempty"`
	Tags          []string          `json:"tags,omitempty"`
	Metadata      map[string]string `json:"metadata,omitempty"`
	ProviderExtra json.RawMessage   `json:"provider_extra,omitempty"` // a JSON object for the provider alone
}
