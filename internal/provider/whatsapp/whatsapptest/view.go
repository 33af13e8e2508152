package whatsapptest

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

// read notes which session a message is of, as a human sees it.
func read(it *item) *item {
	if it.from == "list" {
		return it // it is of several
	}
	for _, text := range []string{it.name, it.text} {
		if match := leadingTag.FindStringSubmatch(text); match != nil && it.tag == "" {
			it.tag = match[1]
		}
	}
	if len(it.buttons) > 0 {
		if match := takeButton.FindStringSubmatch(it.buttons[0].id); match != nil && len(it.buttons) == 1 {
			it.offer, it.tag = true, match[1]
		}
	}
	return it
}

// Sessions implements emulator.Emulator: what a human reads in the chats.
func (e *Emulator) Sessions() []emulator.Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []*emulator.Session
	byTag := map[string]*emulator.Session{}
	for _, p := range e.phones {
		for _, it := range p.items {
			if it.tag == "" {
				continue
			}
			s := byTag[it.tag]
			if s == nil {
				s = &emulator.Session{ID: it.tag}
				byTag[it.tag] = s
				list = append(list, s)
			}
			show(s, p, it)
		}
	}
	sessions := make([]emulator.Session, len(list))
	for i, s := range list {
		sessions[i] = *s
	}
	return sessions
}

// show adds a message to what is seen of a session.
func show(s *emulator.Session, p *phone, it *item) {
	about := func(how string) bool { return strings.HasPrefix(it.text, "#"+it.tag+how) }
	note := func(text string) {
		s.Lines = append(s.Lines, emulator.Line{From: emulator.FromNote, Name: p.name, Text: text})
	}
	switch {
	case it.mine:
		if it.text != "" {
			s.Lines = append(s.Lines, emulator.Line{From: emulator.FromHuman, Name: p.name, Text: it.text})
		}
	case it.offer:
		s.Customer.Name = strings.TrimSpace(strings.TrimPrefix(it.name, "#"+it.tag))
		if s.Context == "" {
			s.Context = it.text
		}
		note("offer: " + it.text)
	case about(" is yours"):
		s.Context = it.text
		facts(s)
		note(it.text)
	case about(": "):
		s.Closed = strings.TrimPrefix(it.text, "#"+it.tag+": ")
	case about(" is "), about(" was "):
	default:
		hear(s, it)
	}
	if it.file != nil && !it.mine {
		s.Files = append(s.Files, *it.file)
	}
}

// hear adds what the customer said, which may come in several messages.
func hear(s *emulator.Session, it *item) {
	first, rest, _ := strings.Cut(it.text, "\n")
	if it.file != nil && rest == "" {
		return
	}
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
