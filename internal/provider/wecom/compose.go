package wecom

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
	"github.com/human-handoff/handoff/internal/provider/pieces"
)

// WeCom's limits: of a text in bytes, of cards in characters.
const (
	maxText    = 2048
	maxHeader  = 120 // bytes, of the line before each part
	maxTitle   = 36
	maxDetail  = 150
	maxRow     = 26
	maxKey     = 10
	maxButtons = 6
	maxLabel   = 20
	maxReplace = 60 // of what stands in the place of buttons
)

// message is a message on its way to members.
type message struct {
	id   string // stands for the vendor's where it tells none
	kind string // of content, as WeCom calls it
	body any
	once bool // WeCom drops it if it has had the same before; cards are told by their ids
}

// mark tells a message from another with the same text, which WeCom would take for
// a repeat; a real repeat has the same.
func mark(key string) string {
	sum := sha256.Sum256([]byte(key))
	return base32.StdEncoding.EncodeToString(sum[:])[:3]
}

// unique returns an id that is the same for each attempt.
func unique(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return "ho_" + hex.EncodeToString(sum[:16])
}

func textMessage(key string, part int, text string) message {
	return message{id: unique(key, fmt.Sprint(part)), kind: "text", body: map[string]any{"content": text}}
}

func onceMessage(key string, part int, text string) message {
	m := textMessage(key, part, text)
	m.once = true
	return m
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// headed puts a header before a text; into each part when one message cannot hold it.
func headed(key, head, text string) []message {
	head = strings.TrimSpace(pieces.First(oneLine(head), maxHeader, pieces.Bytes)) + " ·" + mark(key)
	if whole := head + "\n" + text; len(whole) <= maxText {
		return []message{onceMessage(key, 0, whole)}
	}
	parts := pieces.Of(text, maxText-len(head)-len(" (99/99)\n"), pieces.Bytes)
	messages := make([]message, len(parts))
	for i, part := range parts {
		messages[i] = onceMessage(key, i, fmt.Sprintf("%s (%d/%d)\n%s", head, i+1, len(parts), part))
	}
	return messages
}

// card is a message with buttons.
type card struct {
	title, text string
	rows        []provider.Choice // label and detail
	buttons     []provider.Choice
}

// message returns the card as WeCom takes it; the key makes its id.
func (c *card) message(key string) message {
	body := map[string]any{
		"card_type": "button_interaction", "source": map[string]any{"desc": "Handoff"},
		"main_title": map[string]any{"title": pieces.First(oneLine(c.title), maxTitle, pieces.Characters)},
	}
	if c.text != "" {
		body["sub_title_text"] = pieces.First(c.text, maxDetail, pieces.Characters)
	}
	var rows []any
	for _, row := range c.rows {
		if row.Detail != "" {
			rows = append(rows, map[string]any{"keyname": pieces.First(oneLine(row.Label), maxKey, pieces.Characters), "value": pieces.First(oneLine(row.Detail), maxRow, pieces.Characters)})
		}
	}
	if rows != nil {
		body["horizontal_content_list"] = rows
	}
	buttons := make([]any, len(c.buttons))
	for i, b := range c.buttons {
		buttons[i] = map[string]any{"text": pieces.First(oneLine(b.Label), maxLabel, pieces.Characters), "style": 1 + min(i, 1), "key": b.Button}
	}
	body["button_list"] = buttons
	id := unique(key, fmt.Sprint(body))
	body["task_id"] = id
	return message{id: id, kind: "template_card", body: body}
}

// offer is the card by which a session is offered.
func (a *Adapter) offer(key, tag, customer, words string) message {
	c := card{title: "#" + tag + " " + customer, text: words, buttons: []provider.Choice{
		{Label: messenger.LabelTake.Text(a.language, "", ""), Button: messenger.Button(messenger.TakeIt, tag)},
	}}
	return c.message(key)
}

// choices are the cards by which a member chooses: as many as the buttons need.
func choices(key, text string, list []provider.Choice) []message {
	var messages []message
	for rest := list; len(rest) > 0; {
		some := rest[:min(len(rest), maxButtons)]
		rest = rest[len(some):]
		title, body, _ := strings.Cut(text, "\n")
		if len([]rune(title)) > maxTitle {
			title, body = "Handoff", text
		}
		c := card{title: title, text: body, buttons: some, rows: some}
		messages = append(messages, c.message(fmt.Sprint(key, " ", len(messages))))
	}
	return messages
}

// label is what stands in the place of a card's buttons after a notice: its beginning.
func label(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if i := strings.IndexAny(text, ":,：，。"); i > 0 {
		text = text[:i]
	}
	return pieces.First(strings.TrimRight(oneLine(text), "."), maxReplace, pieces.Characters)
}

// words are what a session is about, in few of them.
func words(start handoff.Start) string {
	text := start.Question
	for i := len(start.Transcript) - 1; i >= 0 && text == ""; i-- {
		if turn := start.Transcript[i]; turn.Role == handoff.RoleUser {
			text = turn.Text
		}
	}
	if strings.TrimSpace(text) == "" {
		return "…"
	}
	return text
}
