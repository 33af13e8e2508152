package slacktest

import (
	"regexp"
	"strings"
)

var (
	escaper   = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	unescaper = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")

	address = regexp.MustCompile(`https?://[^\s<>|"'\x00-\x1f]+`)
	angled  = regexp.MustCompile(`<([^<>]*)>`)
	bold    = regexp.MustCompile(`\*([^*\n]+)\*`)
)

// typed is what Slack makes of what a member types: addresses become links.
func typed(text string) string {
	var b strings.Builder
	last := 0
	for _, at := range address.FindAllStringIndex(text, -1) {
		b.WriteString(escaper.Replace(text[last:at[0]]) + "<" + escaper.Replace(text[at[0]:at[1]]) + ">")
		last = at[1]
	}
	return b.String() + escaper.Replace(text[last:])
}

// seen is what a member sees of a text.
func seen(text string, marks bool) string {
	text = angled.ReplaceAllStringFunc(text, func(match string) string {
		target, label, _ := strings.Cut(match[1:len(match)-1], "|")
		switch {
		case label != "":
			return label
		case strings.HasPrefix(target, "!"):
			return "@" + target[1:] + " (everybody was called)"
		case strings.HasPrefix(target, "@"):
			return "@" + memberOf(target[1:]).shown()
		}
		return target
	})
	if marks {
		text = bold.ReplaceAllString(text, "$1")
	}
	return unescaper.Replace(text)
}
