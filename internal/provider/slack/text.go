package slack

import (
	"cmp"
	"strings"
	"unicode/utf8"

	"github.com/human-handoff/handoff/internal/provider/pieces"
)

// Slack reserves three characters for its markup, and they are the only ones that
// are escaped (https://docs.slack.dev/messaging/formatting-message-text).
var (
	escaper   = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	unescaper = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")
)

// escape returns text as Slack shows it literally: nobody is called by it, and no
// link hides behind another.
func escape(text string) string { return escaper.Replace(text) }

// escaped counts characters as Slack does, once they are escaped.
func escaped(r rune) int { return utf8.RuneCountInString(escape(string(r))) }

// cut returns a text that would be too long as its beginning.
func cut(text string, most int) string { return pieces.First(text, most, escaped) }

// sections cuts a text into pieces; of no text there are none.
func sections(text string, most int) []string {
	if text == "" {
		return nil
	}
	return pieces.Of(text, most, escaped)
}

// plain returns what a human wrote in Slack as text: marks such as *bold* stay as
// they were typed, and what stands for a person, a channel or a link becomes what
// is seen in its place. names has the people's names by their ids.
func plain(markup string, names map[string]string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(markup, "<")
		b.WriteString(unescaper.Replace(before))
		if !found {
			return b.String()
		}
		inner, after, closed := strings.Cut(rest, ">")
		if !closed {
			b.WriteString("<" + unescaper.Replace(rest))
			return b.String()
		}
		b.WriteString(reference(inner, names))
		markup = after
	}
}

// reference returns what is seen of what stands between < and >.
func reference(inner string, names map[string]string) string {
	target, label, _ := strings.Cut(inner, "|")
	label = unescaper.Replace(label)
	switch {
	case strings.HasPrefix(target, "@"):
		return "@" + cmp.Or(names[target[1:]], strings.TrimPrefix(label, "@"), target[1:])
	case strings.HasPrefix(target, "#"):
		return "#" + cmp.Or(strings.TrimPrefix(label, "#"), target[1:])
	case strings.HasPrefix(target, "!"):
		word, _, _ := strings.Cut(target[1:], "^")
		return cmp.Or(label, "@"+word)
	}
	target = unescaper.Replace(target)
	if label == "" || sameAddress(label, target) {
		return cmp.Or(label, target)
	}
	return label + " (" + target + ")"
}

// sameAddress reports whether a link shows its own address.
func sameAddress(label, target string) bool {
	bare := func(s string) string {
		for _, prefix := range []string{"mailto:", "tel:", "https://", "http://"} {
			s = strings.TrimPrefix(s, prefix)
		}
		return strings.TrimSuffix(s, "/")
	}
	return bare(label) == bare(target)
}

// people returns the ids of those whom a text mentions.
func people(markup string) []string {
	var ids []string
	for {
		_, rest, found := strings.Cut(markup, "<@")
		if !found {
			return ids
		}
		inner, after, closed := strings.Cut(rest, ">")
		if !closed {
			return ids
		}
		id, label, _ := strings.Cut(inner, "|")
		if label == "" {
			ids = append(ids, id)
		}
		markup = after
	}
}
