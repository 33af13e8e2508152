package wecomtest

import (
	"strings"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// Chat is what a member sees of the chat with the app.
type Chat struct {
	ID, Name string
	Messages []Message
}

// Message is a message in a chat, of the app's or of the member's own.
type Message struct {
	ID       string
	Mine     bool
	Tag      string // of the session that it names; empty = none, or several
	Title    string // of a card
	Text     string
	Buttons  []Button
	Replaced string // what stands in the place of the buttons
}

// Button is a button of a card.
type Button struct{ ID, Title string }

// Chat returns a member's chat; the first one is 0.
func (e *Emulator) Chat(who int) Chat {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.members[who]
	c := Chat{ID: m.id, Name: m.name}
	for _, it := range m.items {
		one := Message{ID: it.id, Mine: it.mine, Tag: it.tag, Title: it.title, Text: it.text, Replaced: it.replaced}
		for _, b := range it.buttons {
			one.Buttons = append(one.Buttons, Button{b.id, b.title})
		}
		c.Messages = append(c.Messages, one)
	}
	return c
}

// Type has a member write a text.
func (e *Emulator) Type(who int, text string) provider.Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.write(who, "", text)
}

// Inner seals what a member did, as WeCom writes it: a kind of message and what is
// particular to it.
func (e *Emulator) Inner(who int, kind, rest string) provider.Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.callback(e.fields(who, kind, rest))
}

// Press has a member press a button by the beginning of what it orders, as long as it
// is there.
func (e *Emulator) Press(who int, id, order string) (provider.Request, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, it := range e.members[who].items {
		for _, b := range it.buttons {
			if it.id == id && it.replaced == "" && strings.Contains(b.id, order) {
				return e.pressed(who, it, b), nil
			}
		}
	}
	return provider.Request{}, emulator.ErrNoSession
}
