// Package pieces cuts texts into such as a vendor takes in one message.
package pieces

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Unit tells what a character takes of a vendor's limit.
type Unit func(r rune) int

// Characters counts each character once.
func Characters(rune) int { return 1 }

// UTF16 counts as JavaScript and Java do: a character beyond the basic plane twice.
func UTF16(r rune) int { return max(1, utf16.RuneLen(r)) }

// Bytes counts the bytes of UTF-8.
func Bytes(r rune) int { return max(1, utf8.RuneLen(r)) }

// Size is how much a text takes.
func Size(text string, unit Unit) int {
	size := 0
	for _, r := range text {
		size += unit(r)
	}
	return size
}

// First returns a text that takes too much as its beginning with an ellipsis.
func First(text string, most int, unit Unit) string {
	if fit(text, most, unit) == len(text) {
		return text
	}
	return text[:fit(text, most-unit('…'), unit)] + "…"
}

// Of cuts a text into pieces that each take no more than most, after the last line
// or word of a piece's second half if there is one. Together they are the text.
func Of(text string, most int, unit Unit) []string {
	var all []string
	for {
		end := fit(text, most, unit)
		if end == len(text) {
			return append(all, text)
		}
		end = seam(text[:end])
		all = append(all, text[:end])
		text = text[end:]
	}
}

// fit returns how many bytes of a text one piece holds.
func fit(text string, most int, unit Unit) int {
	size := 0
	for i, r := range text {
		if size += unit(r); size > most {
			return i
		}
	}
	return len(text)
}

func seam(text string) int {
	for _, end := range []string{"\n", " "} {
		if i := strings.LastIndex(text, end); i > len(text)/2 {
			return i + len(end)
		}
	}
	return len(text)
}
