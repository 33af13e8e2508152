package zendesk

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/richtext"
)

// metaAgent is set in messages of agents; those of bots and triggers lack it.
const metaAgent = "__zendesk_msg.agent.id"

// ends are the activities that end a session.
var ends = []string{"ticket:closed", "ticket:transfer:email", "conversation:endedByUser"}

// told returns what an event tells us.
func (a *Adapter) told(e *event) []handoff.Inbound {
	in := e.Payload.Conversation
	switch {
	case in.ID == "":
		return nil
	case e.Type == eventMessage && e.Payload.Message != nil:
		m := e.Payload.Message
		if m.Activity != nil && slices.Contains(ends, m.Activity.Type) {
			return []handoff.Inbound{ended(in.ID)}
		}
		return a.said(in.ID, m)
	case e.Type == eventTyping:
		return typed(in.ID, e.Payload.Activity)
	case e.Type == eventRelease, e.Type == eventPass && in.Active != nil && !a.isWorkspace(*in.Active):
		return []handoff.Inbound{ended(in.ID)}
	default:
		return nil
	}
}

// said returns what a message tells us: nothing unless an agent has written it. The
// company's bots, and what we write ourselves, have no mark of an agent. A webhook
// and a later look give the same, with the same key.
func (a *Adapter) said(conversationID string, m *message) []handoff.Inbound {
	byAgent := len(m.Metadata[metaAgent]) > 0 || slices.Contains(m.Author.Subtypes, "agent")
	text := m.Content.words()
	files := a.filesOf(&m.Content)
	if m.Author.Type != byBusiness || !byAgent || m.Deleted || m.ID == "" || text == "" && len(files) == 0 {
		return nil
	}
	return []handoff.Inbound{{
		Ref: conversationID, Key: "message:" + m.ID, VendorID: m.ID,
		Body: handoff.HumanMessage{AuthorName: m.Author.DisplayName, Text: provider.Cut(text), Files: files},
	}}
}

// typed tells that an agent types, or does no longer. Customers come by the same event.
func typed(conversationID string, what activity) []handoff.Inbound {
	if what.Author.Type != byBusiness || what.Type != typingStart && what.Type != typingStop {
		return nil
	}
	return []handoff.Inbound{{
		Ref: conversationID, Key: what.Type + ":" + conversationID, Body: handoff.HumanTyping{Active: what.Type == typingStart},
	}}
}

// words returns a content as text.
func (c *content) words() string {
	text := c.Text
	if c.HTML != "" {
		text = cmp.Or(richtext.FromHTML(c.HTML), text)
	}
	if strings.TrimSpace(text) == "" {
		text = ""
	}
	return text
}

// ended tells that the agents have given a conversation away. Several events tell of
// it, and it counts once.
func ended(conversationID string) handoff.Inbound {
	return handoff.Inbound{Ref: conversationID, Key: "ended:" + conversationID, Body: handoff.HumanClosed{}}
}

// Since implements provider.Reconciler. Who is in control is read first: an end comes
// after all that was said before it.
func (a *Adapter) Since(ctx context.Context, c provider.Call, since time.Time) ([]handoff.Inbound, error) {
	now, err := a.client.conversation(ctx, c.Ref.ID)
	if isGone(err) {
		return []handoff.Inbound{ended(c.Ref.ID)}, nil
	}
	if err != nil {
		return nil, err
	}
	messages, err := a.client.messages(ctx, c.Ref.ID, since)
	if err != nil {
		return nil, err
	}
	var all []handoff.Inbound
	for i := range messages {
		all = append(all, a.said(c.Ref.ID, &messages[i])...)
	}
	if now.Active != nil && !a.isWorkspace(*now.Active) {
		all = append(all, ended(c.Ref.ID))
	}
	return all, nil
}
