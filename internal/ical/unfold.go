package ical

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	maxHead  = 1024 // bytes of a line's name and parameters
	maxDepth = 8    // components within one another
)

// unfold joins the lines that were folded and refuses what would cost the parser
// much: it goes over a line once for each parameter and calls itself for each
// component. It also wants the end of the calendar, which the parser does not miss.
func unfold(data []byte) (string, error) {
	if len(data) > MaxBytes {
		return "", fmt.Errorf("the calendar is larger than %d bytes; export fewer events", MaxBytes)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		return "", errors.New("the calendar is not in UTF-8; save it in that encoding")
	}
	var lines []string
	depth := 0
	for i, line := range logicalLines(string(data)) {
		if head(line) > maxHead {
			return "", fmt.Errorf("property %d of the calendar has parameters of more than %d bytes", i+1, maxHead)
		}
		switch {
		case strings.HasPrefix(line, "BEGIN:"):
			depth++
		case strings.HasPrefix(line, "END:"):
			depth--
		}
		if depth > maxDepth {
			return "", fmt.Errorf("property %d of the calendar is the start of a component within more than %d others", i+1, maxDepth)
		}
		lines = append(lines, line)
	}
	switch {
	case len(lines) == 0 || lines[0] != "BEGIN:VCALENDAR":
		return "", errors.New("this is not an iCalendar file: it does not start with BEGIN:VCALENDAR")
	case lines[len(lines)-1] != "END:VCALENDAR":
		return "", errors.New("the calendar is cut off: it does not end with END:VCALENDAR")
	}
	return strings.Join(lines, "\r\n") + "\r\n", nil
}

// logicalLines returns the lines without folds, empty ones left out. None starts
// with a space, which the parser would take for a fold.
func logicalLines(text string) []string {
	var folded [][]string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if rest := strings.TrimLeft(line, " \t"); len(rest) < len(line) && len(folded) > 0 {
			last := len(folded) - 1
			folded[last] = append(folded[last], line[1:])
			continue
		}
		folded = append(folded, []string{line})
	}
	var out []string
	for _, parts := range folded {
		line := strings.TrimSpace(strings.Join(parts, ""))
		if line == "" {
			continue
		}
		// The parser knows names in capitals only.
		if name := strings.IndexAny(line, ";:"); name > 0 && name <= maxHead {
			line = strings.ToUpper(line[:name]) + line[name:]
		}
		out = append(out, line)
	}
	return out
}

// head returns the length of a line up to the colon before its value.
func head(line string) int {
	quoted := false
	for i := range len(line) {
		switch line[i] {
		case '"':
			quoted = !quoted
		case ':':
			if !quoted {
				return i
			}
		}
	}
	return len(line)
}
