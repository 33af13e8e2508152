package slack

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

const (
	methodReact = "reactions.add"
	methodTell  = "chat.postEphemeral"

	// relayedMark stands on a human's message that went to the customer.
	relayedMark    = "white_check_mark"
	alreadyReacted = "already_reacted"

	messageKey  = "message" // what the keys of messages begin with
	takenPrefix = blockButtons + "_taken_"

	isOver     = "The conversation is over."
	notRelayed = "The conversation is over: this did not go to the customer."
)

// Confirm implements provider.Confirmer. What went to the customer gets a mark; who
// takes a session stands in its card from then on, and somebody who comes too late
// is told so, where nobody else sees it.
func (a *Adapter) Confirm(ctx context.Context, c provider.Call, in handoff.Inbound, late bool) error {
	channel, thread, err := threadOf(c)
	if err != nil {
		return err
	}
	switch body := in.Body.(type) {
	case handoff.HumanMessage:
		if late {
			return a.client.tell(ctx, channel, thread, in.Person, notRelayed)
		}
		return a.client.tick(ctx, channel, strings.TrimPrefix(in.Key, messageKey+":"+channel+":"))
	case handoff.HumanJoined:
		if late {
			return a.tooLate(ctx, channel, thread, in.Person)
		}
		return unlessGone(a.take(ctx, channel, thread, in.Person, body.Name))
	case handoff.HumanClosed:
		if late {
			return a.tooLate(ctx, channel, thread, in.Person)
		}
	}
	return nil
}

// take shows in the card who took the session. Who took it first has it.
func (a *Adapter) take(ctx context.Context, channel, thread, person, name string) error {
	card, err := a.client.card(ctx, channel, thread)
	if err != nil {
		return err
	}
	blocks, owner, open := takenBlocks(card, person, name)
	switch {
	case !open || owner == person:
		return nil
	case owner != "":
		return a.client.tell(ctx, channel, thread, person, "<@"+owner+"> took this conversation before you.")
	}
	return a.client.update(ctx, outgoing{Channel: channel, TS: thread, Text: card.Text, Blocks: blocks})
}

// tooLate answers a button of a session that is over, which should have been gone.
func (a *Adapter) tooLate(ctx context.Context, channel, thread, person string) error {
	card, err := a.client.card(ctx, channel, thread)
	if err != nil {
		return unlessGone(err)
	}
	if blocks, open := closedBlocks(card, isOver); open {
		if err := a.client.update(ctx, outgoing{Channel: channel, TS: thread, Text: card.Text, Blocks: blocks}); err != nil {
			return unlessGone(err)
		}
	}
	return a.client.tell(ctx, channel, thread, person, isOver)
}

// takenBlocks returns a card's blocks with who took the session in the place of the
// button for that. owner is who did before, open whether the card has buttons.
func takenBlocks(card message, person, name string) (blocks []any, owner string, open bool) {
	for _, raw := range rawBlocks(card) {
		var block struct {
			Type     string            `json:"type"`
			BlockID  string            `json:"block_id"`
			Elements []json.RawMessage `json:"elements"`
		}
		_ = json.Unmarshal(raw, &block) // it is kept as it is
		if taker, found := strings.CutPrefix(block.BlockID, takenPrefix); found {
			owner = taker
		}
		if block.Type != "actions" || block.BlockID != blockButtons {
			blocks = append(blocks, raw)
			continue
		}
		open = true
		who := note(literal(cut("Taken by "+name, maxName)))
		if name == "" {
			who = note(marked("Taken by <@" + person + ">"))
		}
		who["block_id"] = takenPrefix + person
		blocks = append(blocks, who, object{"type": block.Type, "block_id": block.BlockID, "elements": withoutTake(block.Elements)})
	}
	return blocks, owner, open
}

func withoutTake(buttons []json.RawMessage) []any {
	var left []any
	for _, raw := range buttons {
		var button struct {
			ActionID string `json:"action_id"`
		}
		if json.Unmarshal(raw, &button) != nil || button.ActionID != actionTake {
			left = append(left, raw)
		}
	}
	return left
}

// tick marks a message as relayed.
func (c *client) tick(ctx context.Context, channel, ts string) error {
	body := struct {
		Channel   string `json:"channel"`
		Timestamp string `json:"timestamp"`
		Name      string `json:"name"`
	}{channel, ts, relayedMark}
	var into struct{}
	err := c.do(ctx, methodReact, nil, body, &into)
	if codeOf(err) == alreadyReacted {
		return nil
	}
	return unlessGone(err)
}

// tell says something in a thread that one person alone sees.
func (c *client) tell(ctx context.Context, channel, thread, person, text string) error {
	if person == "" {
		return nil
	}
	body := struct {
		Channel  string `json:"channel"`
		ThreadTS string `json:"thread_ts"`
		User     string `json:"user"`
		Text     string `json:"text"`
	}{channel, thread, person, text}
	var into struct{}
	return c.do(ctx, methodTell, nil, body, &into)
}
