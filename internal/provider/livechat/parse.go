package livechat

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// The actions of chat webhooks that are looked at.
const (
	actionEvent       = "incoming_event"
	actionDeactivated = "chat_deactivated"
	actionAdded       = "user_added_to_chat"
	actionRemoved     = "user_removed_from_chat"
	actionTransferred = "chat_transferred"
	actionSeen        = "events_marked_as_seen"
)

// Parse implements provider.Adapter. LiveChat may tell of all chats of the
// organization, and takes anything but 200 for an outage, so that is the answer.
// Only what is of a chat that this app began, and that is not known yet, is to come
// again: the answer to its start is still on the way.
func (a *Adapter) Parse(r provider.Request) (provider.Reply, []handoff.Inbound, error) {
	reply := provider.Reply{Status: http.StatusOK, Always: true}
	if r.Path == appPath {
		return reply, nil, nil // it proves nothing; the next call finds out
	}
	var e envelope
	if trimmed := bytes.TrimLeft(r.Body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' || json.Unmarshal(r.Body, &e) != nil {
		return provider.Reply{}, nil, invalid("the body has to be the JSON object of a chat webhook")
	}
	if e.Action == "" {
		return provider.Reply{}, nil, invalid("the webhook has no action")
	}
	reply.Ours = e.Additional.Chat.Source.ClientID == a.config.GetClientId()
	read, known := readers[e.Action]
	if !known {
		return reply, nil, nil
	}
	var p payload
	if err := json.Unmarshal(e.Payload, &p); err != nil || p.ChatID == "" {
		return provider.Reply{}, nil, invalid("the payload of %s has no chat_id, or is not what it should be", e.Action)
	}
	body, key, vendorID := read(p)
	if body == nil {
		return reply, nil, nil
	}
	if key == "" {
		digest := sha256.Sum256(e.Payload)
		key = e.Action + ":" + hex.EncodeToString(digest[:])
	}
	return reply, []handoff.Inbound{{Ref: p.ChatID, Key: key, VendorID: vendorID, Body: body}}, nil
}

// readers read the payload of each action. Without a body there is nothing to tell,
// and without a key it is made of the payload.
var readers = map[string]func(p payload) (body handoff.InboundBody, key, vendorID string){
	actionEvent: func(p payload) (handoff.InboundBody, string, string) {
		if p.Event == nil || !isPerson(p.Event.AuthorID) {
			return nil, "", ""
		}
		return told(p.ChatID, *p.Event)
	},
	actionDeactivated: func(p payload) (handoff.InboundBody, string, string) {
		switch {
		case p.UserID == "":
			return closedByItself(), closeKey(p.ChatID, p.ThreadID), ""
		case isPerson(p.UserID):
			return handoff.HumanClosed{}, closeKey(p.ChatID, p.ThreadID), ""
		default:
			return nil, "", "" // the customer, which is us
		}
	},
	actionAdded: func(p payload) (handoff.InboundBody, string, string) {
		if p.UserType != typeAgent && p.User.Type != typeAgent || !isPerson(p.User.ID) {
			return nil, "", ""
		}
		return handoff.HumanJoined{Name: nameOf(p.User)}, "", ""
	},
	actionRemoved: func(p payload) (handoff.InboundBody, string, string) {
		if p.UserType != typeAgent || !isPerson(p.UserID) {
			return nil, "", ""
		}
		return handoff.HumanLeft{Name: nameOf(user{ID: p.UserID})}, "", ""
	},
	actionTransferred: func(p payload) (handoff.InboundBody, string, string) {
		if p.Queue == nil || p.Queue.Position < 1 {
			return nil, "", ""
		}
		return handoff.QueueMoved{Position: p.Queue.Position, Wait: time.Duration(max(0, min(p.Queue.WaitTime, maxWait))) * time.Second}, "", ""
	},
	actionSeen: func(payload) (handoff.InboundBody, string, string) { return nil, "", "" },
}

// maxWait bounds a wait that LiveChat foresees, in seconds.
const maxWait = 7 * 24 * 60 * 60

func closeKey(chatID, threadID string) string { return "closed:" + chatID + ":" + threadID }

// closedByItself is an end that nobody at the desk has made.
func closedByItself() handoff.HumanClosed {
	return handoff.HumanClosed{Outcome: handoff.Outcome{Note: "LiveChat closed the chat by itself, as it does with silent ones."}}
}

func invalid(format string, args ...any) error {
	return handoff.Errorf(handoff.CodeInvalid, "INVALID_BODY", format, args...)
}
