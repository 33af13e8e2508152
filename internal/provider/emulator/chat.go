package emulator

import (
	"regexp"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
)

var (
	leadingTag = regexp.MustCompile(`^#([2-9A-Z]{4})\b`)
	takeButton = regexp.MustCompile(`take:([2-9A-Z]{4})$`)
	partMark   = regexp.MustCompile(`\((\d+)/\d+\)$`)
)

// TagOf returns the tag that a text of a chat app begins with; empty = none.
func TagOf(text string) string { return firstGroup(leadingTag, text) }

// TakenBy returns the tag of the session that a button takes; empty = it takes none.
func TakenBy(button string) string { return firstGroup(takeButton, button) }

func firstGroup(pattern *regexp.Regexp, text string) string {
	if match := pattern.FindStringSubmatch(text); match != nil {
		return match[1]
	}
	return ""
}

// Chats are the sessions that humans make out in a chat app, by their tags.
type Chats struct {
	list  []*Session
	byTag map[string]*Session
}

// Of returns the session of a tag, a new one where it is seen for the first time.
func (c *Chats) Of(tag string) *Session {
	if s := c.byTag[tag]; s != nil {
		return s
	}
	if c.byTag == nil {
		c.byTag = map[string]*Session{}
	}
	s := &Session{ID: tag}
	c.byTag[tag], c.list = s, append(c.list, s)
	return s
}

// Sessions returns all, in the order in which they were seen first.
func (c *Chats) Sessions() []Session {
	sessions := make([]Session, len(c.list))
	for i, s := range c.list {
		sessions[i] = *s
	}
	return sessions
}

// Hear adds what the customer said below a header, which may come in several messages.
func (s *Session) Hear(text string) {
	header, said, _ := strings.Cut(text, "\n")
	if part := firstGroup(partMark, header); part == "" || part == "1" {
		s.Lines = append(s.Lines, Line{From: FromCustomer, Text: said})
		return
	}
	if last := len(s.Lines) - 1; last >= 0 && s.Lines[last].From == FromCustomer {
		s.Lines[last].Text += said
	} else {
		s.Context += said // of what was told when the session was taken
	}
}

// ReadFacts reads who a customer is from lines such as provider.Facts writes.
func ReadFacts(c *handoff.Customer, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		name, value, _ := strings.Cut(line, ": ")
		switch strings.TrimSuffix(name, ", as the customer says") {
		case "E-mail":
			c.Email = value
		case "Phone":
			c.Phone = value
		case "User id":
			c.UserID = value
		}
	}
}
