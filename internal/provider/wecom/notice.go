package wecom

import (
	"context"
	"fmt"
	"strings"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
	"github.com/human-handoff/handoff/internal/provider/pieces"
)

// maxParts is how many messages a notice may be. Of longer ones, which hold what was
// said in a session, the middle is left out.
const maxParts = 10

// Tell implements provider.Messenger. Who pressed a button sees on the card what came
// of it, too.
func (a *Adapter) Tell(ctx context.Context, n provider.Notice) ([]string, error) {
	key := n.IdempotencyKey + " " + n.SessionID + " " + n.Person + " " + n.Quote
	code, pressed := strings.CutPrefix(n.Quote, cardPrefix)
	if n.Person == provider.Everybody {
		return a.tellAll(ctx, n, key, code, pressed)
	}
	person, ok := a.desk.find(n.Person)
	if !ok {
		return nil, provider.Errorf(provider.ClassRejected, "the human is not of the desk any more")
	}
	messages := a.compose(key, n)
	if wait := a.meter.Take(ration, len(messages), person); wait > 0 {
		return nil, &provider.Error{Class: provider.ClassTransient, RetryAfter: wait, Err: errTooMany}
	}
	if pressed {
		if err := a.update(ctx, code, person, label(n.Text)); err != nil {
			return nil, err
		}
	}
	var ids []string
	_, err := a.write(ctx, person, messages, func(int) error { return nil }, func(id string) { ids = append(ids, id) })
	return ids, err
}

// tellAll offers a session again, or writes on the card of an offer what became of it.
func (a *Adapter) tellAll(ctx context.Context, n provider.Notice, key, code string, offered bool) ([]string, error) {
	if len(n.Choices) == 0 {
		if !offered {
			return nil, nil
		}
		return nil, a.update(ctx, code, "", label(n.Text))
	}
	title, detail, found := strings.Cut(n.Text, ": ")
	if !found {
		title, detail = n.Choices[0].Label, n.Choices[0].Detail
	}
	c := card{title: title, text: detail, buttons: []provider.Choice{{Label: messenger.LabelTake.Text(a.language, "", ""), Button: n.Choices[0].Button}}}
	id, err := a.offerToAll(ctx, c.message(key), false)
	if err != nil {
		return nil, err
	}
	return []string{id}, nil
}

// compose puts a notice into messages: a card where there are buttons, and before it
// what a card cannot hold.
func (a *Adapter) compose(key string, n provider.Notice) []message {
	if len(n.Choices) > 0 {
		if !strings.Contains(n.Text, "\n") && len([]rune(n.Text)) <= maxDetail {
			return choices(key, n.Text, n.Choices)
		}
		return choices(key, messenger.LabelChoose.Text(a.language, "", ""), n.Choices) // the card shows what the text lists
	}
	if len(n.Orders) == 0 {
		return texts(key, n.Text)
	}
	first, rest, _ := strings.Cut(n.Text, "\n")
	title, detail, ok := strings.Cut(first, ": ")
	if !ok {
		title, detail, _ = strings.Cut(first, "：")
	}
	c := card{title: title, text: detail, buttons: n.Orders}
	if rest = strings.TrimSpace(rest); rest == "" {
		return []message{c.message(key)}
	}
	return append(texts(key, n.Text), c.message(key))
}

// texts is a text as messages; one of several begins each of them with the session's
// tag, if it begins with one itself.
func texts(key, text string) []message {
	if len(text) <= maxText {
		return []message{textMessage(key, 0, text)}
	}
	tag := ""
	if first, _, _ := strings.Cut(text, " "); strings.HasPrefix(first, "#") && len(first) < maxHeader {
		tag = strings.TrimRight(first, ":：")
	}
	parts := pieces.Of(text, maxText-maxHeader, pieces.Bytes)
	if len(parts) > maxParts {
		parts = append(parts[:1:1], parts[len(parts)-maxParts+1:]...)
		parts[1] = "…\n" + parts[1]
	}
	messages := make([]message, len(parts))
	for i, part := range parts {
		if i > 0 {
			part = strings.TrimSpace(fmt.Sprintf("%s (%d/%d)", tag, i+1, len(parts))) + "\n" + part
		}
		messages[i] = textMessage(key, i, part)
	}
	return messages
}
