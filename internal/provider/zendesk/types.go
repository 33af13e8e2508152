package zendesk

import (
	"encoding/json"
	"time"
)

// The bodies of Zendesk's answers and webhooks, as far as we look at them. What is
// not known is ignored.

// The types of authors.
const (
	byUser     = "user"
	byBusiness = "business"
)

type metadata map[string]json.RawMessage

// text returns an entry that is a text; empty if it is none.
func (m metadata) text(name string) string {
	var text string
	_ = json.Unmarshal(m[name], &text) // else it is none of ours
	return text
}

type userAnswer struct {
	User struct {
		ID string `json:"id"`
	} `json:"user"`
}

type switchboardList struct {
	Switchboards []struct {
		ID string `json:"id"`
	} `json:"switchboards"`
}

type integrationList struct {
	Integrations []integration `json:"switchboardIntegrations"`
}

// integration is one that can be in control of a conversation.
type integration struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"integrationType"`
}

type conversation struct {
	ID       string       `json:"id"`
	Metadata metadata     `json:"metadata"`
	Active   *integration `json:"activeSwitchboardIntegration"`
}

type conversationAnswer struct {
	Conversation conversation `json:"conversation"`
}

type conversationList struct {
	Conversations []conversation `json:"conversations"`
	Meta          cursors        `json:"meta"`
}

type cursors struct {
	HasMore bool   `json:"hasMore"`
	Before  string `json:"beforeCursor"`
	After   string `json:"afterCursor"`
}

type message struct {
	ID       string    `json:"id"`
	Received time.Time `json:"received"`
	Author   author    `json:"author"`
	Content  content   `json:"content"`
	Metadata metadata  `json:"metadata"`
	Deleted  bool      `json:"deleted"`
	Activity *struct {
		Type string `json:"type"`
	} `json:"activity"`
}

// activity is that somebody types, or has read.
type activity struct {
	Type   string `json:"type"`
	Author author `json:"author"`
}

type author struct {
	Type        string   `json:"type"`
	UserID      string   `json:"userId"`
	DisplayName string   `json:"displayName"`
	Subtypes    []string `json:"subtypes"`
}

type content struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	HTML     string `json:"htmlText"`
	MediaURL string `json:"mediaUrl"`
	AltText  string `json:"altText"`
	Media    string `json:"mediaType"`
	Size     number `json:"mediaSize"`
}

type attachmentAnswer struct {
	Attachment struct {
		MediaURL string `json:"mediaUrl"`
	} `json:"attachment"`
}

// connected is an integration of the app: a channel, or a receiver of webhooks.
type connected struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	DisplayName string `json:"displayName"`
}

type connectedAnswer struct {
	Integration struct {
		Webhooks []webhook `json:"webhooks"`
	} `json:"integration"`
}

type connectedList struct {
	Integrations []connected `json:"integrations"`
	Meta         cursors     `json:"meta"`
}

type webhook struct {
	ID       string   `json:"id"`
	Target   string   `json:"target"`
	Triggers []string `json:"triggers"`
	Secret   string   `json:"secret"`
}

type webhookList struct {
	Webhooks []webhook `json:"webhooks"`
}

type messageList struct {
	Messages []message `json:"messages"`
	Meta     cursors   `json:"meta"`
}

// refusalBody is the body of an answer that says no.
type refusalBody struct {
	Errors []struct {
		Code  string `json:"code"`
		Title string `json:"title"`
	} `json:"errors"`
}

// notification is a webhook.
type notification struct {
	App struct {
		ID string `json:"id"`
	} `json:"app"`
	Events []event `json:"events"`
}

type event struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Payload struct {
		Conversation conversation `json:"conversation"`
		Message      *message     `json:"message"`
		Activity     activity     `json:"activity"`
	} `json:"payload"`
}

// number is how large something is; 0 when it is not told in whole numbers.
type number int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(data []byte) error {
	var whole int64
	if json.Unmarshal(data, &whole) == nil && whole > 0 {
		*n = number(whole)
	}
	return nil
}
