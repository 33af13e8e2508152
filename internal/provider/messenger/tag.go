package messenger

import (
	"bytes"
	"crypto/rand"
	"strings"
)

// Tags have four characters that are hard to take for one another: no 0 and O,
// no 1, I and L, and no U, with which words happen. At least one is a digit, so
// that hardly any word is a tag.
const (
	tagLength  = 4
	tagDigits  = "23456789"
	tagLetters = "ABCDEFGHJKMNPQRSTVWXYZ"
)

// NewTag returns a random tag, without its #. There are some 550,000; whoever
// keeps sessions makes sure that no two of them have the same.
func NewTag() string {
	var random [tagLength + 1]byte
	_, _ = rand.Read(random[:]) // never fails, says its documentation
	const all = tagDigits + tagLetters
	tag := make([]byte, tagLength)
	for i := range tag {
		tag[i] = all[int(random[i])%len(all)]
	}
	if !bytes.ContainsAny(tag, tagDigits) {
		last := random[tagLength]
		tag[int(last)%tagLength] = tagDigits[int(last/tagLength)%len(tagDigits)]
	}
	return string(tag)
}

// normalTag returns a word as the tag that it is written like, whatever its case;
// false when it is none.
func normalTag(word string) (string, bool) {
	if len(word) != tagLength {
		return "", false
	}
	tag := strings.ToUpper(word)
	for _, r := range tag {
		if !strings.ContainsRune(tagDigits+tagLetters, r) {
			return "", false
		}
	}
	return tag, strings.ContainsAny(tag, tagDigits)
}

// cutTag splits a text that begins with a tag into the tag and the rest. Marked
// tells whether the tag had its #: without it, it may be a word.
func cutTag(text string) (tag, rest string, marked, ok bool) {
	text = strings.TrimSpace(text)
	word, rest, _ := cutSpace(text)
	word = strings.Trim(word, "[]()【】（）")
	for _, mark := range []string{"#", "＃"} {
		if after, found := strings.CutPrefix(word, mark); found {
			word, marked = after, true
		}
	}
	word = strings.TrimRight(word, ":,;：，；")
	tag, ok = normalTag(word)
	return tag, rest, marked, ok
}

// findTag returns the first marked tag anywhere in a text: what a quote of our own
// words holds.
func findTag(text string) (string, bool) {
	for word := range strings.FieldsSeq(text) {
		if tag, _, marked, ok := cutTag(word); ok && marked {
			return tag, true
		}
	}
	return "", false
}

// cutSpace splits a text at its first white space.
func cutSpace(text string) (before, after string, found bool) {
	i := strings.IndexFunc(text, isSpace)
	if i < 0 {
		return text, "", false
	}
	return text[:i], strings.TrimSpace(text[i:]), true
}

func isSpace(r rune) bool {
	return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\u3000' || r == '\u00a0'
}
