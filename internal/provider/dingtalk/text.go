package dingtalk

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"unicode"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
	"github.com/human-handoff/handoff/internal/provider/pieces"
)

const (
	// maxText is how many characters go into a message. DingTalk publishes no limit;
	// this is what is known to work.
	maxText = 3800
	maxHead = 60

	chinese = "zh-CN"
	english = "en"

	// again marks what may have been sent before: DingTalk knows no idempotency keys,
	// and nobody can ask it whether a message got through.
	again = "（可能重复 · maybe sent before）"
)

// header is the first line of each message about a session.
func header(tag, customer string) string {
	return pieces.First(strings.TrimSpace("#"+tag+" "+oneLine(customer)), maxHead, pieces.Characters)
}

// numbered puts a short word of a message's own behind its header: of two messages
// that say the same, one of them marked with [again], it tells whether they are one.
func numbered(head, key string) string {
	sum := sha256.Sum256([]byte(key))
	return head + " ·" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:3])
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// headed puts a header before a text; into each part when one message cannot hold it.
func headed(head, text string) []string {
	if len([]rune(head))+1+len([]rune(text))+len([]rune(again)) <= maxText {
		return []string{head + "\n" + text}
	}
	parts := pieces.Of(text, maxText-len([]rune(head))-len([]rune(again))-len(" (99/99)\n"), pieces.Characters)
	for i := range parts {
		parts[i] = fmt.Sprintf("%s (%d/%d)\n%s", head, i+1, len(parts), parts[i])
	}
	return parts
}

// marked tells of a message that it may have been sent before.
func marked(text string) string {
	first, rest, more := strings.Cut(text, "\n")
	if !more {
		return first + again
	}
	return first + again + "\n" + rest
}

// Who said a line of what went before.
const (
	byCustomer  = "👤 "
	byAssistant = "🤖 "
)

// brief is all that the group is told of a new session.
func brief(tag string, start handoff.Start) string {
	lines := provider.Facts(start)
	if len(lines) > 0 {
		lines = append(lines, "")
	}
	for _, turn := range start.Transcript {
		who := byCustomer
		if turn.Role == handoff.RoleAssistant {
			who = byAssistant
		}
		lines = append(lines, who+turn.Text)
	}
	if start.Question != "" {
		lines = append(lines, byCustomer+start.Question)
	}
	return strings.Join(append(lines, "",
		"@我并引用本条消息，或以 #"+tag+" 开头，即可接待并回复客户；“#"+tag+" 结束”结束会话。",
		"To answer, mention me and quote this or begin with #"+tag+"; “#"+tag+" close” ends it."), "\n")
}

// both is a notice to all, of whom some read the one language and some the other.
func both(n messenger.Notice, tag string) string {
	return n.Text(chinese, tag, "") + "\n" + n.Text(english, tag, "")
}

// localeOf is the language in which to answer somebody who wrote a text: DingTalk
// does not tell which one they use.
func localeOf(text string) string {
	letters := false
	for word := range strings.FieldsSeq(text) {
		if strings.HasPrefix(word, "#") {
			continue // a tag is of no language
		}
		for _, r := range word {
			if unicode.Is(unicode.Han, r) {
				return chinese
			}
			letters = letters || unicode.IsLetter(r)
		}
	}
	if letters {
		return english
	}
	return chinese
}

// offered is what can be chosen, for somebody who has no buttons and types it.
func offered(text, locale string, choices []provider.Choice) string {
	if len(choices) == 0 {
		return text
	}
	lines := []string{text}
	for _, c := range choices {
		if !strings.Contains(text, c.Label) { // a list has its lines already
			lines = append(lines, strings.TrimSpace(c.Label+" "+c.Detail))
		}
	}
	typed := messenger.Typed(choices[0].Button)
	hint := "Mention me with the one that you mean, as in “" + typed + "”."
	if strings.HasPrefix(locale, "zh") {
		hint = "请@我并发送您要选的编号，例如“" + typed + "”。"
	}
	return strings.Join(append(lines, hint), "\n")
}
