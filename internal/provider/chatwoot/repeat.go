package chatwoot

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/briefing"
)

// Chatwoot knows no idempotency keys, but keeps the id that a message had at its
// source. Before a call is repeated we look for what the earlier attempt may have
// left. Versions that drop the id leave the text to go by.

// skew is how far Chatwoot's clock may be behind ours.
const skew = 2 * time.Minute

// leftover is how far an earlier attempt to start a session has come.
type leftover struct {
	conversationID string
	noted          bool
	asked          bool
}

// leftover looks for the conversation of a session.
func (a *Adapter) leftover(ctx context.Context, c provider.Call, contactID, first string) (leftover, error) {
	list, err := a.client.conversationsOf(ctx, contactID)
	if err != nil {
		return leftover{}, err
	}
	i := slices.IndexFunc(list, func(found conversation) bool { return found.session() == c.SessionID })
	if i < 0 {
		return leftover{}, nil
	}
	l := leftover{conversationID: string(list[i].ID)}
	all, err := a.client.messages(ctx, l.conversationID, c.Time.Add(-skew))
	if err != nil {
		return leftover{}, err
	}
	l.noted = hasNote(all, c.IdempotencyKey+keyNote, briefing.Mark(c.SessionID))
	l.asked = slices.ContainsFunc(all, func(m message) bool {
		return m.Direction == incoming && sameMessage(m, c.IdempotencyKey+keyQuestion, first)
	})
	return l, nil
}

// sameMessage reports whether a message is the one with a key, or has its text and
// no key at all.
func sameMessage(m message, key, text string) bool {
	return m.SourceID == key || m.SourceID == "" && strings.TrimSpace(m.Content) == strings.TrimSpace(text)
}

// hasNote reports whether a note with a key, or with a text in it, is there.
func hasNote(all []message, key, text string) bool {
	return slices.ContainsFunc(all, func(m message) bool {
		return m.Private && (m.SourceID == key || m.SourceID == "" && strings.Contains(m.Content, text))
	})
}

// delivered looks among messages for one that an earlier attempt has brought to
// Chatwoot and returns its id there; empty if there is none. One without a key that is
// known by its id is an earlier message with the same text.
func (a *Adapter) delivered(ctx context.Context, all []message, p piece) (string, error) {
	for _, m := range all {
		if m.Direction != incoming || !sameMessage(m, p.key, p.text) || len(m.Attachments) != len(p.files) {
			continue
		}
		if m.SourceID == "" && a.sent != nil {
			known, err := a.sent(ctx, string(m.ID))
			if err != nil {
				return "", provider.Errorf(provider.ClassTransient, "look up what was sent: %w", err)
			}
			if known {
				continue
			}
		}
		return string(m.ID), nil
	}
	return "", nil
}
