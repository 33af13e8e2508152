package whatsapp

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
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
	if whole := head + "\n" + text; size(whole) <= maxText {
		return []string{whole}
	}
	head = cut(head, maxHeader)
	parts := split(text, maxText-size(head)-len(" (99/99)\n"))
	for i := range parts {
		parts[i] = fmt.Sprintf("%s (%d/%d)\n%s", head, i+1, len(parts), parts[i])
	}
	return parts
}

// notices is what a human is told, as messages; a text of several begins each of
// them with the session's tag, if it begins with one itself.
func notices(text string) []string {
	if size(text) <= maxText {
		return []string{text}
	}
	tag := ""
	if first, _, _ := strings.Cut(text, " "); strings.HasPrefix(first, "#") && len(first) < maxHeader {
		tag = first
	}
	parts := split(text, maxText-maxHeader)
	for i := range parts[1:] {
		parts[i+1] = strings.TrimSpace(fmt.Sprintf("%s (%d/%d)", tag, i+2, len(parts))) + "\n" + parts[i+1]
	}
	return parts
}

// size is the length of a text as it is counted for limits: JavaScript's, to be safe.
func size(text string) int {
	n := 0
	for _, r := range text {
		n += width(r)
	}
	return n
}

func width(r rune) int {
	if r >= 0x10000 {
		return 2
	}
	return 1
}

// cut shortens a text to n characters.
func cut(text string, n int) string {
	if size(text) <= n {
		return text
	}
	at := 0
	for i, r := range text {
		if at += width(r); at > n-1 {
			return text[:i] + "…"
		}
	}
	return text
}

// split cuts a text into parts of at most n characters, at white space if there is
// some near the end. Put together they are the text.
func split(text string, n int) []string {
	const near = 200
	var parts []string
	for size(text) > n {
		end, space, at := 0, 0, 0
		for i, r := range text {
			if at += width(r); at > n {
				break
			}
			end = i + len(string(r))
			if unicode.IsSpace(r) && at > n-near {
				space = end
			}
		}
		end = cmp.Or(space, end)
		parts, text = append(parts, text[:end]), text[end:]
	}
	return append(parts, text)
}

func textBody(text string) map[string]any {
	return map[string]any{"preview_url": false, "body": text}
}

// card offers a session to a human whom we may write to as we like.
func (a *Adapter) card(tag, customer, words string) (kind string, body any) {
	return kindInteractive, map[string]any{
		"type":   "button",
		"header": map[string]any{"type": "text", "text": cut(header(tag, customer), maxHeader)},
		"body":   map[string]any{"text": cut(words, maxCard)},
		"action": map[string]any{"buttons": []any{replyButton(messenger.Button(messenger.TakeIt, tag), a.label(messenger.LabelTake))}},
	}
}

func replyButton(id, title string) map[string]any {
	return map[string]any{"type": "reply", "reply": map[string]any{"id": id, "title": cut(oneLine(title), maxButton)}}
}

// offer offers a session to a human who has not written for a day: by the template.
// Its placeholders take no line breaks, and none may be empty.
func (a *Adapter) offer(tag, customer, words, button string) (kind string, body any) {
	parameters := []any{}
	for _, text := range []string{tag, cut(oneLine(customer), maxHeader), cut(oneLine(words), maxPlaceholder)} {
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
		row := map[string]any{"id": c.Button, "title": cut(c.Label, maxRow)}
		if c.Detail != "" {
			row["description"] = cut(c.Detail, maxDetail)
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
