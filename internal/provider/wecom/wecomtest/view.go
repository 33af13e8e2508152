package wecomtest

import (
	"strings"

	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// read notes which session a message is of, as a member sees it.
func read(it *item) *item {
	head := it.title
	if it.task == "" {
		head = it.text
	}
	it.tag = emulator.TagOf(head)
	if len(it.buttons) == 1 {
		if tag := emulator.TakenBy(it.buttons[0].id); tag != "" {
			it.offer, it.tag = true, tag
		}
	}
	return it
}

// Sessions implements emulator.Emulator: what a member reads in the chats.
func (e *Emulator) Sessions() []emulator.Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	var chats emulator.Chats
	for _, m := range e.members {
		for _, it := range m.items {
			if it.tag != "" {
				show(chats.Of(it.tag), m, it)
			}
		}
	}
	return chats.Sessions()
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
		emulator.ReadFacts(&s.Customer, s.Context)
		line(emulator.FromNote, it.text)
	case about(": "):
		s.Closed = strings.TrimPrefix(it.text, "#"+it.tag+": ")
	case about(" is "), about(" was "):
	default:
		s.Hear(it.text)
	}
}
