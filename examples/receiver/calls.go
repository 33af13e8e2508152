package main

import (
	"encoding/json"
	"net/http"
)

// earliest is a time in milliseconds before which no call can have been made; one
// in seconds lies far below it.
const earliest = 1_000_000_000_000

// parse reads what all calls have.
func parse(raw []byte) (call, *refusal) {
	var c call
	if !json.Valid(raw) {
		return c, &refusal{http.StatusBadRequest, "malformed JSON"}
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, &refusal{http.StatusUnprocessableEntity, err.Error()}
	}
	if c.ConversationID == "" || c.Timestamp < earliest {
		return c, &refusal{http.StatusUnprocessableEntity, "give conversation_id, and timestamp in milliseconds"}
	}
	return c, nil
}

// establish begins a conversation, unless it is only a probe.
func (d *desk) establish(c call) *refusal {
	var turns []turn
	if err := json.Unmarshal(c.Body, &turns); err != nil || turns == nil {
		return &refusal{http.StatusUnprocessableEntity, "body must be a list of turns"}
	}
	for _, t := range turns {
		if (t.MessageType != "QUESTION" && t.MessageType != "ANSWER") || t.Text == nil {
			return &refusal{http.StatusUnprocessableEntity, "a turn needs a text, and message_type QUESTION or ANSWER"}
		}
	}
	if c.BotID == "" {
		return &refusal{http.StatusUnprocessableEntity, "give bot_id"}
	}
	if !c.IsTest {
		d.conversations[c.ConversationID] = true
	}
	return nil
}

// chat takes a message of the customer.
func (d *desk) chat(c call) *refusal {
	var text string
	if err := json.Unmarshal(c.Body, &text); err != nil {
		return &refusal{http.StatusUnprocessableEntity, "body must be a text"}
	}
	if c.IsTest {
		return nil
	}
	return d.known(c)
}

// close ends a conversation. The desk's own close is not echoed, so there are two
// types only.
func (d *desk) close(c call) *refusal {
	if c.Type != "TIMEOUT" && c.Type != "USER_CLOSED" {
		return &refusal{http.StatusUnprocessableEntity, "type must be TIMEOUT or USER_CLOSED"}
	}
	refused := d.known(c)
	if refused == nil {
		d.conversations[c.ConversationID] = false
	}
	return refused
}

func (d *desk) known(c call) *refusal {
	if d.conversations[c.ConversationID] || d.lenient {
		return nil
	}
	return &refusal{http.StatusNotFound, "no such conversation is open"}
}
