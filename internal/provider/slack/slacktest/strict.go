package slacktest

import (
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// block is a block of a message, as far as it is looked at.
type block struct {
	Type     string    `json:"type"`
	BlockID  string    `json:"block_id"`
	Text     *text     `json:"text"`
	Fields   []text    `json:"fields"`
	Elements []element `json:"elements"`
}

type text struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// element is one of a block of actions, or of a context.
type element struct {
	Type     string          `json:"type"`
	ActionID string          `json:"action_id"`
	Value    string          `json:"value"`
	Text     json.RawMessage `json:"text"` // of a button an object, of a text a string
}

func (t *text) seen() string { return seen(t.Text, t.Type == "mrkdwn") }

func (b block) contextText() string {
	if len(b.Elements) == 0 {
		return ""
	}
	var s string
	_ = json.Unmarshal(b.Elements[0].Text, &s)
	return seen(s, b.Elements[0].Type == "mrkdwn")
}

// Slack's limits on blocks (https://docs.slack.dev/reference/block-kit/blocks); the
// last is what was seen of the sum of all.
const (
	mostText    = 40_000
	mostBlocks  = 50
	mostSection = 3_000
	mostFields  = 10
	mostField   = 2_000
	mostHeader  = 150
	mostButton  = 75
	mostValue   = 2_000
	mostOfAll   = 13_200
)

// readBlocks returns blocks, or Slack's word for what is wrong with them.
func readBlocks(raw json.RawMessage) ([]block, string) {
	if len(raw) == 0 {
		return nil, ""
	}
	var blocks []block
	if json.Unmarshal(raw, &blocks) != nil {
		return nil, "invalid_blocks_format"
	}
	sum := 0
	for _, b := range blocks {
		n, ok := b.check()
		if !ok {
			return nil, "invalid_blocks"
		}
		sum += n
	}
	switch {
	case len(blocks) > mostBlocks:
		return nil, "invalid_blocks"
	case sum > mostOfAll:
		return nil, "msg_blocks_too_long"
	}
	return blocks, ""
}

// check returns how much text a block has, and whether Slack takes it.
func (b block) check() (size int, ok bool) {
	switch b.Type {
	case "header":
		return b.Text.check(mostHeader, "plain_text")
	case "section":
		return b.checkSection()
	case "divider":
		return 0, true
	case "actions":
		return b.checkButtons()
	case "context":
		return b.checkContext()
	default:
		return 0, false
	}
}

func (b block) checkContext() (size int, ok bool) {
	for _, e := range b.Elements {
		var s string
		if json.Unmarshal(e.Text, &s) != nil || s == "" || e.Type != "mrkdwn" && e.Type != "plain_text" {
			return 0, false
		}
		size += utf8.RuneCountInString(s)
	}
	return size, len(b.Elements) > 0 && len(b.Elements) <= mostFields
}

func (b block) checkSection() (size int, ok bool) {
	if b.Text == nil && len(b.Fields) == 0 || len(b.Fields) > mostFields {
		return 0, false
	}
	if b.Text != nil {
		if size, ok = b.Text.check(mostSection, "plain_text", "mrkdwn"); !ok {
			return 0, false
		}
	}
	for _, f := range b.Fields {
		n, ok := f.check(mostField, "plain_text", "mrkdwn")
		if !ok {
			return 0, false
		}
		size += n
	}
	return size, true
}

func (b block) checkButtons() (size int, ok bool) {
	for _, e := range b.Elements {
		var label text
		if e.Type != "button" || e.ActionID == "" || len(e.Value) > mostValue || json.Unmarshal(e.Text, &label) != nil {
			return 0, false
		}
		n, ok := label.check(mostButton, "plain_text")
		if !ok {
			return 0, false
		}
		size += n
	}
	return size, len(b.Elements) > 0
}

func (t *text) check(most int, types ...string) (size int, ok bool) {
	if t == nil || t.Text == "" || !slices.Contains(types, t.Type) {
		return 0, false
	}
	size = utf8.RuneCountInString(t.Text)
	return size, size <= most
}

// checkMetadata returns Slack's word for what is wrong with metadata.
func checkMetadata(raw json.RawMessage) string {
	var m struct {
		EventType string         `json:"event_type"`
		Payload   map[string]any `json:"event_payload"`
	}
	switch {
	case len(raw) == 0:
		return ""
	case json.Unmarshal(raw, &m) != nil || m.EventType == "" || m.Payload == nil:
		return "invalid_metadata_format"
	}
	return ""
}
