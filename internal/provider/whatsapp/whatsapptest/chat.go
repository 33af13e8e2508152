package whatsapptest

import (
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// Chat is what a human sees of the chat on their phone.
type Chat struct {
	Phone    string // digits, as it is configured
	Name     string
	Messages []Message
}

// Message is a message in a chat, of the number's or of the human's own.
type Message struct {
	ID      string
	Mine    bool
	Tag     string // of the session that it names; empty = none, or several
	Text    string
	Buttons []Button
	File    *emulator.File // with it; nil = none
}

// Button is a button, or a line of a list.
type Button struct{ ID, Title string }

// Chat returns the chat on a phone; the first one is 0.
func (e *Emulator) Chat(phone int) Chat {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.phones[phone]
	c := Chat{Phone: p.entered[1:], Name: p.name}
	for _, it := range p.items {
		m := Message{ID: it.id, Mine: it.mine, Tag: it.tag, Text: it.text, File: it.file}
		for _, b := range it.buttons {
			m.Buttons = append(m.Buttons, Button{b.id, b.title})
		}
		c.Messages = append(c.Messages, m)
	}
	return c
}

// Type has a human write a text without any hint.
func (e *Emulator) Type(phone int, text string) provider.Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.write(phone, "", text, "")
}

// Swipe has a human answer a message; it fails if there is none with the id.
func (e *Emulator) Swipe(phone int, wamid, text string) (provider.Request, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.phones[phone].knows(wamid) {
		return provider.Request{}, emulator.ErrNoSession
	}
	return e.write(phone, "", text, wamid), nil
}

// Send has a human send a file, as an answer to a message if quote is its id.
func (e *Emulator) Send(phone int, caption string, file emulator.File, quote string) provider.Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sends(phone, "", caption, &file, quote)
}

// Press has a human press a button, or choose a line of a list.
func (e *Emulator) Press(phone int, wamid, buttonID string) (provider.Request, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, it := range e.phones[phone].items {
		for _, b := range it.buttons {
			if it.id == wamid && b.id == buttonID {
				return e.pressed(phone, it, b), nil
			}
		}
	}
	return provider.Request{}, emulator.ErrNoSession
}
