package messenger

import (
	"bytes"
	"crypto/rand"
	"strings"
	"unicode"
	"unicode/utf8"
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

// What may stand around a tag.
const (
	openers  = "[(【（"
	closers  = "])】）"
	dividers = ":,;：，；、"
)

// cutTag splits a text that begins with a tag into the tag and the rest. Marked
// tells whether the tag had its #: without it, it may be a word. Chinese has no
// spaces, so that a marked tag ends where no letter of a tag can follow.
func cutTag(text string) (tag, rest string, marked, ok bool) {
	rest = strings.TrimLeft(strings.TrimSpace(text), openers)
	for _, mark := range []string{"#", "＃"} {
		if after, found := strings.CutPrefix(rest, mark); found {
			rest, marked = after, true
		}
	}
	if len(rest) < tagLength {
		return "", rest, marked, false
	}
	tag, ok = normalTag(rest[:tagLength])
	rest = rest[tagLength:]
	next, _ := utf8.DecodeRuneInString(rest)
	switch {
	case rest == "", isSpace(next), strings.ContainsRune(closers+dividers, next):
	case !marked, next < utf8.RuneSelf && (unicode.IsLetter(next) || unicode.IsDigit(next)):
		return "", rest, marked, false
	}
	rest = strings.TrimLeft(strings.TrimLeft(rest, closers), dividers)
	return tag, strings.TrimSpace(rest), marked, ok
}

// findTag returns the marked tag that stands in a text: what a quote of our own
// words holds. Of a text with two nobody knows which is meant.
func findTag(text string) (found string, ok bool) {
	for word := range strings.FieldsSeq(text) {
		tag, _, marked, ok := cutTag(word)
		if !ok || !marked || tag == found {
			continue
		}
		if found != "" {
			return "", false
		}
		found = tag
	}
	return found, found != ""
}

func isSpace(r rune) bool {
	return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\u3000' || r == '\u00a0'
}
