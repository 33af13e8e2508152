package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// Adapter talks to one channel.
type Adapter struct {
	client     client
	files      provider.Files
	now        handoff.Clock
	secret     string
	appToken   string
	channel    string
	mention    string
	closeWord  string
	notePrefix string
}

var (
	_ provider.Adapter    = (*Adapter)(nil)
	_ provider.Reconciler = (*Adapter)(nil)
	_ provider.Stripper   = (*Adapter)(nil)
	_ provider.Confirmer  = (*Adapter)(nil)
)

// Check implements provider.Adapter: the token has to be good and to have all
// scopes, and the app has to be in the channel.
func (a *Adapter) Check(ctx context.Context) error {
	scopes, err := a.client.scopes(ctx)
	if err != nil {
		return err
	}
	if missing := missingScopes(scopes); len(missing) > 0 {
		return provider.Errorf(provider.ClassCredentials, "the app lacks the scopes %s; add them under OAuth & Permissions and install it again", strings.Join(missing, ", "))
	}
	c, err := a.client.channel(ctx, a.channel)
	switch {
	case err != nil:
		return err
	case c.IsArchived:
		return provider.Errorf(provider.ClassIncomplete, "the channel is archived; restore it or choose another")
	case c.IsMember != nil && !*c.IsMember:
		return provider.Errorf(provider.ClassIncomplete, "the app is not in the channel; type /invite @Handoff there")
	}
	return nil
}

// missingScopes returns which of the manifest's scopes a token lacks.
func missingScopes(granted []string) []string {
	if granted == nil {
		return nil
	}
	var missing []string
	for _, scope := range Scopes {
		if !slices.Contains(granted, scope) {
			missing = append(missing, scope)
		}
	}
	return missing
}

// Open implements provider.Adapter. What a start needs is the card, and replies
// for what does not fit into it.
func (a *Adapter) Open(ctx context.Context, c provider.Call, start handoff.Start) (handoff.Ref, error) {
	card, replies := a.card(c, start)
	thread, err := a.begin(ctx, c, card)
	if err != nil {
		return handoff.Ref{}, err
	}
	var there map[string]string
	if c.Repeat && len(replies) > 0 {
		if there, err = a.client.sent(ctx, a.channel, thread, c.SessionID, c.Time); err != nil {
			return handoff.Ref{}, err
		}
	}
	for i, text := range replies {
		key := part(c.IdempotencyKey, i)
		if there[key] != "" {
			continue
		}
		if _, err := a.client.post(ctx, reply(c, a.channel, thread, key, text)); err != nil {
			return handoff.Ref{}, err
		}
	}
	return handoff.Ref{ID: refOf(a.channel, thread), Data: card.Username}, nil
}

// begin posts the card, unless it is there already, and returns its thread.
func (a *Adapter) begin(ctx context.Context, c provider.Call, card outgoing) (thread string, err error) {
	if c.Repeat {
		there, err := a.client.sent(ctx, a.channel, "", c.SessionID, c.Time)
		if err != nil || there[c.IdempotencyKey] != "" {
			return there[c.IdempotencyKey], err
		}
	}
	thread, err = a.client.post(ctx, card)
	return thread, untouched(err)
}

// Send implements provider.Adapter.
func (a *Adapter) Send(ctx context.Context, c provider.Call, m handoff.Message) (string, error) {
	channel, thread, err := threadOf(c)
	if err != nil {
		return "", err
	}
	if err := tooLong(m.Text); err != nil {
		return "", err
	}
	out := reply(c, channel, thread, c.IdempotencyKey, m.Text)
	out.Username, out.IconEmoji = cmp.Or(c.Ref.Data, anonymous), icon
	if len(m.Attachments) > 0 {
		return a.sendFiles(ctx, c, m, out)
	}
	if c.Repeat {
		there, err := a.client.sent(ctx, channel, thread, c.SessionID, c.Time)
		if err != nil || there[c.IdempotencyKey] != "" {
			return there[c.IdempotencyKey], err
		}
	}
	ts, err := a.client.post(ctx, out)
	return ts, untouched(err)
}

// reply is a message in a session's thread that shows a text literally.
func reply(c provider.Call, channel, thread, key, text string) outgoing {
	return outgoing{Channel: channel, ThreadTS: thread, Text: escape(text), Mrkdwn: new(false), Metadata: mark(c, key)}
}

func mark(c provider.Call, key string) *metadata {
	return &metadata{EventType: eventType, Payload: payload{Session: c.SessionID, Message: key}}
}

// Close implements provider.Adapter. The thread is told why, and the card loses
// its buttons. A card without buttons has been closed before; one that is gone
// cannot be.
func (a *Adapter) Close(ctx context.Context, c provider.Call, reason handoff.CloseReason) error {
	channel, thread, err := threadOf(c)
	if err != nil {
		return err
	}
	card, err := a.client.card(ctx, channel, thread)
	if err != nil {
		return unlessGone(err)
	}
	how := endings[reason]
	blocks, open := closedBlocks(card, how)
	if !open {
		return nil
	}
	if reason != handoff.ClosedByHuman { // who knows
		if err := a.announce(ctx, c, channel, thread, how); err != nil {
			return unlessGone(err)
		}
	}
	return unlessGone(a.client.update(ctx, outgoing{Channel: channel, TS: thread, Text: card.Text, Blocks: blocks}))
}

// announce tells the thread how the session ended, unless it has been told.
func (a *Adapter) announce(ctx context.Context, c provider.Call, channel, thread, how string) error {
	if c.Repeat {
		there, err := a.client.sent(ctx, channel, thread, c.SessionID, c.Time)
		if err != nil || there[c.IdempotencyKey] != "" {
			return err
		}
	}
	_, err := a.client.post(ctx, reply(c, channel, thread, c.IdempotencyKey, how))
	return err
}

// endings tell humans why a session ended.
var endings = map[handoff.CloseReason]string{
	handoff.ClosedByCustomer:       "The customer has ended the conversation.",
	handoff.ClosedByOperator:       "The conversation was ended by the operator.",
	handoff.ClosedByHuman:          "Closed.",
	handoff.ClosedByWaitTimeout:    "The conversation ended because nobody answered in time.",
	handoff.ClosedBySessionTimeout: "The conversation ended because the customer was silent.",
	handoff.ClosedByProvider:       "The conversation ended because it could not be delivered.",
	handoff.ClosedByExpiry:         "The conversation ended because it lasted too long.",
}

// unlessGone drops the error of a close of what is not there any more.
func unlessGone(err error) error {
	switch codeOf(err) {
	case threadNotFound, messageNotFound, cantUpdate:
		return nil
	default:
		return err
	}
}

// untouched tells that a call did nothing at all, so that the next attempt need not
// look for what it left. It is for the only call that creates something.
func untouched(err error) error {
	if e, ok := errors.AsType[*provider.Error](err); ok && e.Class == provider.ClassRateLimited {
		e.Undone = true
	}
	return err
}

// refOf is what a thread is called outside of its channel.
func refOf(channel, thread string) string { return channel + "/" + thread }

func threadOf(c provider.Call) (channel, thread string, err error) {
	channel, thread, ok := strings.Cut(c.Ref.ID, "/")
	if !ok || thread == "" {
		return "", "", provider.Errorf(provider.ClassRejected, "the session has no thread: %q", fmt.Sprintf("%.40s", c.Ref.ID))
	}
	return channel, thread, nil
}
