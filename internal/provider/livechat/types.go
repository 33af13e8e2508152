package livechat

import (
	"encoding/json"
	"strings"
	"time"
)

// The bodies of LiveChat's answers and webhooks, as far as we look at them. What
// is not known is ignored.

// event is something in a thread. The types differ in their fields.
type event struct {
	ID         string    `json:"id"`
	CustomID   string    `json:"custom_id"`
	CreatedAt  time.Time `json:"created_at"`
	Type       string    `json:"type"`
	Text       string    `json:"text"`
	AuthorID   string    `json:"author_id"`
	Visibility string    `json:"visibility"` // empty = all
	Recipients string    `json:"recipients"` // the same by its older name; empty = all

	SystemMessageType string `json:"system_message_type"`

	// Of a file.
	Name            string `json:"name"`
	URL             string `json:"url"`
	ContentType     string `json:"content_type"`
	AlternativeText string `json:"alternative_text"`

	// Of a rich message.
	Elements []element `json:"elements"`
}

type element struct {
	Title    string `json:"title"`
	Subtitle string `json:"subtitle"`
	Image    *struct {
		URL string `json:"url"`
	} `json:"image"`
	Buttons []struct {
		Text  string `json:"text"`
		Type  string `json:"type"`
		Value string `json:"value"`
	} `json:"buttons"`
}

// The types of events that are looked at.
const (
	typeMessage = "message"
	typeFile    = "file"
	typeRich    = "rich_message"
	typeSystem  = "system_message"
	toAll       = "all"
)

// thread is one stretch of a chat, from its start to its end.
type thread struct {
	ID     string  `json:"id"`
	Active bool    `json:"active"`
	Events []event `json:"events"`
}

type threadList struct {
	Threads []thread `json:"threads"`
}

type chatList struct {
	Chats []struct {
		ID           string `json:"id"`
		LastThreadID string `json:"last_thread_id"`
	} `json:"chats_summary"`
}

// user is somebody in a chat.
type user struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Name string `json:"name"`
}

const typeAgent = "agent"

// envelope is a chat webhook.
type envelope struct {
	Action         string          `json:"action"`
	OrganizationID string          `json:"organization_id"`
	SecretKey      string          `json:"secret_key"`
	Payload        json.RawMessage `json:"payload"`
	Additional     struct {
		Chat struct {
			Source struct {
				ClientID string `json:"client_id"`
			} `json:"source"`
		} `json:"chat_properties"`
	} `json:"additional_data"`
}

// payload is that of every action that is looked at.
type payload struct {
	ChatID    string `json:"chat_id"`
	ThreadID  string `json:"thread_id"`
	UserID    string `json:"user_id"` // empty in a close = LiveChat itself
	UserType  string `json:"user_type"`
	User      user   `json:"user"`
	Event     *event `json:"event"`
	SeenUpTo  string `json:"seen_up_to"`
	Queue     *queue `json:"queue"`
	RequestID string `json:"request_id"`
}

type queue struct {
	Position int32 `json:"position"`
	WaitTime int64 `json:"wait_time"` // seconds
}

// appEvent is a webhook about the app. Nothing proves it.
type appEvent struct {
	ClientID       string `json:"clientID"`
	OrganizationID string `json:"organizationID"`
	Event          string `json:"event"`
}

// isPerson tells by an id, as webhooks and the Agent Chat API have them, whether
// somebody is a person at the desk: those are e-mail addresses, bots 32 hexadecimal
// digits, and customers UUIDs.
func isPerson(id string) bool { return strings.Contains(id, "@") }
