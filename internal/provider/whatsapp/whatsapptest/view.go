package whatsapptest

import (
	"cmp"
	"strings"

	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// read notes which session a message is of, as a human sees it.
func read(it *item) *item {
	if it.from == "list" {
		return it // it is of several
	}
	for _, text := range []string{it.name, it.text} {
		it.tag = cmp.Or(it.tag, emulator.TagOf(text))
	}
	if len(it.buttons) == 1 {
		if tag := emulator.TakenBy(it.buttons[0].id); tag != "" {
			it.offer, it.tag = true, tag
		}
	}
	return it
}

// Sessions implements emulator.Emulator: what a human reads in the chats.
func (e *Emulator) Sessions() []emulator.Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	var chats emulator.Chats
	for _, p := range e.phones {
		for _, it := range p.items {
			if it.tag != "" {
				show(chats.Of(it.tag), p, it)
			}
		}
	}
	return chats.Sessions()
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
		emulator.ReadFacts(&s.Customer, s.Context)
		note(it.text)
	case about(": "):
		s.Closed = strings.TrimPrefix(it.text, "#"+it.tag+": ")
	case about(" is "), about(" was "):
	case it.file == nil || strings.Contains(it.text, "\n"):
		s.Hear(it.text)
	}
	if it.file != nil && !it.mine {
		s.Files = append(s.Files, *it.file)
	}
}
