package intercom

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

const headerSignature = "X-Hub-Signature"

// The topics that tell us something. All others are ignored: an app may be
// subscribed to more for other reasons.
const (
	topicReplied      = "conversation.admin.replied"
	topicClosed       = "conversation.admin.closed"
	topicAssigned     = "conversation.admin.assigned"
	topicOpenAssigned = "conversation.admin.open.assigned"
	topicSnoozed      = "conversation.admin.snoozed"
	topicOpened       = "conversation.admin.opened"
	topicDeleted      = "conversation.deleted"
)

// Verify implements provider.Adapter. HEAD, which is sent when the endpoint is
// saved, is not signed and tells nothing. Nothing in a signature says when it was
// made; the keys of what a webhook tells make a repeat count for nothing.
func (a *Adapter) Verify(r provider.Request) error {
	if r.Method == http.MethodHead {
		return nil
	}
	if !scheme.Verify(r.Header.Get(headerSignature), []string{a.secret}, r.Body) {
		return errors.New("X-Hub-Signature does not match; is client_secret that of the app that sends this?")
	}
	return nil
}

// Parse implements provider.Adapter. Intercom tells of all conversations of the
// workspace, and pauses after too many refusals, so the answer is always 200.
func (a *Adapter) Parse(r provider.Request) (provider.Reply, []handoff.Inbound, error) {
	reply := provider.Reply{Status: http.StatusOK, Always: true}
	if r.Method == http.MethodHead {
		return reply, nil, nil
	}
	var n notification
	if trimmed := bytes.TrimLeft(r.Body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' || json.Unmarshal(r.Body, &n) != nil {
		return provider.Reply{}, nil, invalid("the body has to be the JSON object of a notification")
	}
	if n.Topic == "" {
		return provider.Reply{}, nil, invalid("the notification has no topic")
	}
	switch n.Topic {
	case topicReplied, topicClosed, topicAssigned, topicOpenAssigned, topicSnoozed, topicOpened:
		inbound, err := conversationTold(n)
		return reply, inbound, err
	case topicDeleted:
		var item deleted
		if json.Unmarshal(n.Data.Item, &item) != nil || cmp.Or(item.ConversationID, item.ID) == "" {
			return provider.Reply{}, nil, invalid("the item of %s has no conversation", n.Topic)
		}
		return reply, []handoff.Inbound{gone(string(cmp.Or(item.ConversationID, item.ID)))}, nil
	default:
		return reply, nil, nil
	}
}

// conversationTold reads a webhook that has the conversation with the parts that it
// is about.
func conversationTold(n notification) ([]handoff.Inbound, error) {
	var item conversation
	if json.Unmarshal(n.Data.Item, &item) != nil || item.ID == "" {
		return nil, invalid("the item of %s is no conversation", n.Topic)
	}
	all := told(string(item.ID), teammatesOf(item), item.Parts.Parts, hasHTML(item.Statistics))
	if n.Topic != topicClosed {
		return all, nil
	}
	for _, in := range all {
		if _, ok := in.Body.(handoff.HumanClosed); ok {
			return all, nil
		}
	}
	return append(all, handoff.Inbound{Ref: string(item.ID), Key: "closed:" + cmp.Or(n.ID, string(item.ID)), Body: handoff.HumanClosed{}}), nil
}

func invalid(format string, args ...any) error {
	return handoff.Errorf(handoff.CodeInvalid, "INVALID_BODY", format, args...)
}
