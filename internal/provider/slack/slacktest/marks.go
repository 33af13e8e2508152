package slacktest

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// Whisper is what the app told one member alone.
type Whisper struct{ To, Text string }

// Card is what a session's first message shows below what it began with.
type Card struct {
	Buttons []string // what is on them
	Notes   []string // small print, from the top
}

// Whispers returns what the app told members in a session's thread.
func (e *Emulator) Whispers(session string) []Whisper {
	e.mu.Lock()
	defer e.mu.Unlock()
	if card := e.cardOf(session); card != nil {
		return slices.Clone(card.whispers)
	}
	return nil
}

// Marks returns the app's reactions to humans' messages in a session's thread, by
// what those say.
func (e *Emulator) Marks(session string) map[string][]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	marks := map[string][]string{}
	if card := e.cardOf(session); card != nil {
		for _, p := range e.replies(card.ts) {
			if p.bot == "" {
				marks[seen(p.text, true)] = slices.Clone(p.marks)
			}
		}
	}
	return marks
}

// Card returns what a session's card shows now.
func (e *Emulator) Card(session string) (c Card) {
	e.mu.Lock()
	defer e.mu.Unlock()
	card := e.cardOf(session)
	if card == nil {
		return c
	}
	for _, b := range card.blocks {
		switch b.Type {
		case "context":
			c.Notes = append(c.Notes, b.contextText())
		case "actions":
			for _, element := range b.Elements {
				var label text
				_ = json.Unmarshal(element.Text, &label) // it was checked
				c.Buttons = append(c.Buttons, label.Text)
			}
		}
	}
	return c
}

func (e *Emulator) cardOf(session string) *post {
	_, ts, _ := strings.Cut(session, "/")
	return e.find(ts)
}

// strict reads the arguments of a call that takes no others.
func (c call) strict(into any, allowed ...string) string {
	for name := range c.body {
		if !slices.Contains(allowed, name) {
			return "invalid_arg_name"
		}
	}
	data, err := json.Marshal(c.body)
	if err != nil || json.Unmarshal(data, into) != nil {
		return "invalid_arguments"
	}
	return ""
}

var emoji = regexp.MustCompile(`^[a-z0-9_+'-]{1,100}$`)

func (e *Emulator) react(c call) (object, string) {
	var a struct{ Channel, Timestamp, Name string }
	if word := c.strict(&a, "channel", "timestamp", "name"); word != "" {
		return nil, word
	}
	p := e.find(a.Timestamp)
	switch {
	case a.Channel != Channel:
		return nil, "channel_not_found"
	case !emoji.MatchString(a.Name):
		return nil, "invalid_name"
	case p == nil:
		return nil, "message_not_found"
	case slices.Contains(p.marks, a.Name):
		return nil, "already_reacted"
	}
	p.marks = append(p.marks, a.Name)
	return object{}, ""
}

func (e *Emulator) postEphemeral(c call) (object, string) {
	var a struct {
		Channel, User, Text string
		ThreadTS            string `json:"thread_ts"`
	}
	if word := c.strict(&a, "channel", "user", "text", "thread_ts"); word != "" {
		return nil, word
	}
	card := e.find(a.ThreadTS)
	switch {
	case a.Channel != Channel:
		return nil, "channel_not_found"
	case memberOf(a.User).name == "":
		return nil, "user_not_in_channel"
	case a.Text == "":
		return nil, "no_text"
	case card == nil || card.thread != "":
		return nil, "thread_not_found"
	}
	card.whispers = append(card.whispers, Whisper{memberOf(a.User).shown(), seen(a.Text, true)})
	return object{"message_ts": e.stamp()}, ""
}
