package whatsapp

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
	"github.com/human-handoff/handoff/internal/provider/pieces"
)

// WhatsApp's limits, in characters.
const (
	maxText        = 4096
	maxCard        = 1024 // of a text with buttons or a list, and of a template
	maxHeader      = 60
	maxButton      = 20
	maxRow         = 24
	maxDetail      = 72
	maxRows        = 10
	maxButtons     = 3
	maxPlaceholder = 700 // of a template's text, of which the rest needs room, too
)

const kindInteractive = "interactive"

// header is the first line of each message about a session.
func header(tag, customer string) string {
	return strings.TrimSpace("#" + tag + " " + oneLine(customer))
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// headed puts a header before a text; into each part when one message cannot hold it.
func headed(head, text string) []string {
	if whole := head + "\n" + text; pieces.Size(whole, pieces.UTF16) <= maxText {
		return []string{whole}
	}
	head = pieces.First(head, maxHeader, pieces.UTF16)
	parts := pieces.Of(text, maxText-pieces.Size(head, pieces.UTF16)-len(" (99/99)\n"), pieces.UTF16)
	for i := range parts {
		parts[i] = fmt.Sprintf("%s (%d/%d)\n%s", head, i+1, len(parts), parts[i])
	}
	return parts
}

// notices is what a human is told, as messages; a text of several begins each of
// them with the session's tag, if it begins with one itself.
func notices(text string) []string {
	if pieces.Size(text, pieces.UTF16) <= maxText {
		return []string{text}
	}
	tag := ""
	if first, _, _ := strings.Cut(text, " "); strings.HasPrefix(first, "#") && len(first) < maxHeader {
		tag = first
	}
	parts := pieces.Of(text, maxText-maxHeader, pieces.UTF16)
	for i := range parts[1:] {
		parts[i+1] = strings.TrimSpace(fmt.Sprintf("%s (%d/%d)", tag, i+2, len(parts))) + "\n" + parts[i+1]
	}
	return parts
}

func textBody(text string) map[string]any {
	return map[string]any{"preview_url": false, "body": text}
}

// card offers a session to a human whom we may write to as we like.
func (a *Adapter) card(tag, customer, words string) (kind string, body any) {
	return kindInteractive, map[string]any{
		"type":   "button",
		"header": map[string]any{"type": "text", "text": pieces.First(header(tag, customer), maxHeader, pieces.UTF16)},
		"body":   map[string]any{"text": pieces.First(words, maxCard, pieces.UTF16)},
		"action": map[string]any{"buttons": []any{replyButton(messenger.Button(messenger.TakeIt, tag), a.label(messenger.LabelTake))}},
	}
}

func replyButton(id, title string) map[string]any {
	return map[string]any{"type": "reply", "reply": map[string]any{"id": id, "title": pieces.First(oneLine(title), maxButton, pieces.UTF16)}}
}

// offer offers a session to a human who has not written for a day: by the template.
// Its placeholders take no line breaks, and none may be empty.
func (a *Adapter) offer(tag, customer, words, button string) (kind string, body any) {
	parameters := []any{}
	for _, text := range []string{tag, pieces.First(oneLine(customer), maxHeader, pieces.UTF16), pieces.First(oneLine(words), maxPlaceholder, pieces.UTF16)} {
		parameters = append(parameters, map[string]any{"type": "text", "text": cmp.Or(text, "…")})
	}
	return "template", map[string]any{
		"name": a.template, "language": map[string]any{"code": a.language},
		"components": []any{
			map[string]any{"type": "body", "parameters": parameters},
			map[string]any{
				"type": "button", "sub_type": "quick_reply", "index": "0",
				"parameters": []any{map[string]any{"type": "payload", "payload": button}},
			},
		},
	}
}

// choices lets a human choose: by buttons if they are few and need no explanation,
// else from a list.
func (a *Adapter) choices(text string, list []provider.Choice) map[string]any {
	explained := slices.ContainsFunc(list, func(c provider.Choice) bool { return c.Detail != "" })
	if len(list) <= maxButtons && (!explained || len(list) == 1) {
		buttons := make([]any, len(list))
		for i, c := range list {
			buttons[i] = replyButton(c.Button, c.Label)
		}
		return map[string]any{
			"type": "button", "body": map[string]any{"text": text}, "action": map[string]any{"buttons": buttons},
		}
	}
	list = list[:min(len(list), maxRows)]
	rows := make([]any, len(list))
	for i, c := range list {
		row := map[string]any{"id": c.Button, "title": pieces.First(c.Label, maxRow, pieces.UTF16)}
		if c.Detail != "" {
			row["description"] = pieces.First(c.Detail, maxDetail, pieces.UTF16)
		}
		rows[i] = row
	}
	return map[string]any{
		"type": "list", "body": map[string]any{"text": text},
		"action": map[string]any{"button": a.label(messenger.LabelChoose), "sections": []any{map[string]any{"rows": rows}}},
	}
}

func (a *Adapter) label(n messenger.Notice) string { return n.Text(a.language, "", "") }

// words are what a session is about, in few of them.
func words(start handoff.Start) string {
	text := start.Question
	for _, turn := range slices.Backward(start.Transcript) {
		if text == "" && turn.Role == handoff.RoleUser {
			text = turn.Text
		}
	}
	if strings.TrimSpace(text) == "" {
		return "…"
	}
	return text
}
