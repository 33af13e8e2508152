// Package pieces cuts texts into such as a vendor takes in one message.
package pieces

import (
	"strings"
	"unicode/utf16"
)

// Of cuts a text into pieces of at most so many characters, as JavaScript and Java
// count them, where it can at the end of a line. Together they are the text.
func Of(text string, most int) []string {
	var all []string
	for {
		end := fit(text, most)
		if end == len(text) {
			return append(all, text)
		}
		if line := strings.LastIndexByte(text[:end], '\n'); line > end/2 {
			end = line + 1
		}
		all = append(all, text[:end])
		text = text[end:]
	}
}

// fit returns how many bytes of a text one piece holds.
func fit(text string, most int) int {
	units := 0
	for i, r := range text {
		if units += max(1, utf16.RuneLen(r)); units > most {
			return i
		}
	}
	return len(text)
}
