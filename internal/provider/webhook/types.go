package webhook

import "encoding/json"

// The bodies of the calls. The fields down to a blank line are GPTBots'; those
// below are ours and left out when there is nothing to tell. Servers written for
// GPTBots ignore what they do not know.

type establishBody struct {
	ConversationID string     `json:"conversation_id"`
	Timestamp      int64      `json:"timestamp"` // milliseconds, in all bodies
	Email          string     `json:"email"`
	BotID          string     `json:"bot_id"`
	Body           []turnBody `json:"body"` // oldest first, the question last
	UserInfo       userInfo   `json:"user_info"`
	IsTest         bool       `json:"istest,omitempty"` // a probe: keep nothing

	Reason        string            `json:"reason,omitempty"`
	Priority      string            `json:"priority,omitempty"` // low, normal, high, urgent
	Team          string            `json:"team,omitempty"`
	Tags          []string          `json:"tags,omitempty"`
	Metadata      map[string]string `json:"metadata,omitempty"`
	ProviderExtra json.RawMessage   `json:"provider_extra,omitempty"`
}

type turnBody struct {
	MessageType string `json:"message_type"`
	Text        string `json:"text"`
}

// The message types: who spoke.
const (
	question = "QUESTION" // the customer
	answer   = "ANSWER"   // the AI agent
)

type userInfo struct {
	Phone       *string `json:"phone"` // null when it is not known
	Email       *string `json:"email"` // the customer's own only; null when it is not known
	UserID      string  `json:"user_id"`
	AnonymousID string  `json:"anonymous_id"`

	UserName   string            `json:"user_name,omitempty"`
	Locale     string            `json:"locale,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

type chatBody struct {
	ConversationID string `json:"conversation_id"`
	Timestamp      int64  `json:"timestamp"`
	Body           string `json:"body"`
}

type closeBody struct {
	ConversationID string `json:"conversation_id"`
	Timestamp      int64  `json:"timestamp"`
	Type           string `json:"type"`
}

// The types of a close; GPTBots knows no third.
const (
	closedByUser    = "USER_CLOSED"
	closedByTimeout = "TIMEOUT"
)
