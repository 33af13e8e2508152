package wecomtest

import (
	"regexp"
	"strings"

	"github.com/human-handoff/handoff/internal/provider/emulator"
)

var (
	leadingTag = regexp.MustCompile(`^#([2-9A-Z]{4})\b`)
	partMark   = regexp.MustCompile(`\((\d+)/\d+\)$`)
	takeButton = regexp.MustCompile(`take:([2-9A-Z]{4})$`)
)

// read notes which session a message is of, as a member sees it.
func read(it *item) *item {
	head := it.title
	if it.task == "" {
		head = it.text
	}
	if match := leadingTag.FindStringSubmatch(head); match != nil {
		it.tag = match[1]
	}
	if len(it.buttons) == 1 {
		if match := takeButton.FindStringSubmatch(it.buttons[0].id); match != nil {
			it.offer, it.tag = true, match[1]
		}
	}
	return it
}

// Sessions implements emulator.Emulator: what a member reads in the chats.
func (e *Emulator) Sessions() []emulator.Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []*emulator.Session
	byTag := map[string]*emulator.Session{}
	for _, m := range e.members {
		for _, it := range m.items {
			if it.tag == "" {
				continue
			}
			s := byTag[it.tag]
			if s == nil {
				s = &emulator.Session{ID: it.tag}
				byTag[it.tag] = s
				list = append(list, s)
			}
			show(s, m, it)
		}
	}
	sessions := make([]emulator.Session, len(list))
	for i, s := range list {
		sessions[i] = *s
	}
	return sessions
}

// show adds a message to what is seen of a session.
func show(s *emulator.Session, m *member, it *item) {
	about := func(how string) bool { return strings.HasPrefix(it.text, "#"+it.tag+how) }
	line := func(from emulator.From, text string) {
		s.Lines = append(s.Lines, emulator.Line{From: from, Name: m.name, Text: text})
	}
	switch {
	case it.mine:
		line(emulator.FromHuman, it.text)
	case it.offer:
		s.Customer.Name = strings.TrimSpace(strings.TrimPrefix(it.title, "#"+it.tag))
		if s.Context == "" {
			s.Context = it.text
		}
		if closed, ok := strings.CutPrefix(it.replaced, "#"+it.tag+": "); ok {
			s.Closed = closed
		}
		line(emulator.FromNote, "offer: "+it.text)
	case it.task != "": // a card of orders
	case about(" is yours"):
		s.Context = it.text
		facts(s)
		line(emulator.FromNote, it.text)
	case about(": "):
		s.Closed = strings.TrimPrefix(it.text, "#"+it.tag+": ")
	case about(" is "), about(" was "):
	default:
		hear(s, it)
	}
}

// hear adds what the customer said, which may come in several messages.
func hear(s *emulator.Session, it *item) {
	first, rest, _ := strings.Cut(it.text, "\n")
	number := partMark.FindStringSubmatch(first)
	if number == nil || number[1] == "1" {
		s.Lines = append(s.Lines, emulator.Line{From: emulator.FromCustomer, Text: rest})
		return
	}
	if last := &s.Lines[len(s.Lines)-1]; last.From == emulator.FromCustomer {
		last.Text += rest
	} else {
		s.Context += rest // of what was told when the session was taken
	}
}

// facts reads who the customer is.
func facts(s *emulator.Session) {
	for line := range strings.SplitSeq(s.Context, "\n") {
		name, value, _ := strings.Cut(line, ": ")
		switch strings.TrimSuffix(name, ", as the customer says") {
		case "E-mail":
			s.Customer.Email = value
		case "Phone":
			s.Customer.Phone = value
		case "User id":
			s.Customer.UserID = value
		}
	}
}
