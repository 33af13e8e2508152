package intercom

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/briefing"
)

// Intercom knows no idempotency keys. Before a call is repeated we look for what
// the earlier attempt may have left.

// skew is how far Intercom's clock may be behind ours.
const skew = 2 * time.Minute

// leftover is how far an earlier attempt to start a session has come.
type leftover struct {
	conversationID string
	noted          bool
	assigned       bool
}

// leftover looks for a conversation of the contact that an earlier attempt began:
// one with the same first message and with this session's note, or none of ours.
// A search lags a little, so in rare cases what is there is not found yet.
func (a *Adapter) leftover(ctx context.Context, c provider.Call, contactID, first string) (leftover, error) {
	var list conversationList
	since := c.Time.Add(-skew).Unix()
	err := a.client.post(ctx, "/conversations/search", map[string]any{"query": filter("contact_ids", contactID)}, &list)
	if err != nil {
		return leftover{}, err
	}
	for i := range list.Conversations {
		if list.Conversations[i].CreatedAt < since {
			continue
		}
		found, err := a.client.conversation(ctx, string(list.Conversations[i].ID))
		if isGone(err) {
			continue
		}
		if err != nil {
			return leftover{}, err
		}
		if l, ok := leftoverIn(found, c.SessionID, first); ok {
			return l, nil
		}
	}
	return leftover{}, nil
}

// leftoverIn tells how far the attempt came that began a conversation; ok is false
// if it is another session's.
func leftoverIn(found conversation, sessionID, first string) (l leftover, ok bool) {
	if !sameText(found.Source.Body, first) {
		return leftover{}, false
	}
	l.conversationID = string(found.ID)
	others := false
	for _, p := range found.Parts.Parts {
		l.noted = l.noted || strings.Contains(p.Body, briefing.Mark(sessionID))
		others = others || strings.Contains(p.Body, briefing.Mark(""))
		l.assigned = l.assigned || p.PartType == typeAssignment
	}
	return l, l.noted || !others
}

// delivered looks for a message that an earlier attempt has brought to Intercom
// and returns its id there; empty if there is none. One that is known by its id is
// an earlier message with the same text.
func (a *Adapter) delivered(ctx context.Context, c provider.Call, text string) (string, error) {
	now, err := a.client.conversation(ctx, c.Ref.ID)
	if err != nil {
		return "", err
	}
	since := c.Time.Add(-skew).Unix()
	for _, p := range now.Parts.Parts {
		ours := p.Author.Type == byUser || p.Author.Type == byLead
		if !ours || p.CreatedAt < since || !sameText(p.Body, text) {
			continue
		}
		if a.sent != nil {
			if known, err := a.sent(ctx, string(p.ID)); err != nil {
				return "", provider.Errorf(provider.ClassTransient, "look up what was sent: %w", err)
			} else if known {
				continue
			}
		}
		return string(p.ID), nil
	}
	return "", nil
}

// sameText compares what was sent with what came of it: spaces may have been changed.
func sameText(a, b string) bool {
	return a == b || slices.Equal(strings.Fields(a), strings.Fields(b))
}
