package livechat

import (
	"cmp"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
)

// told returns what an event of a person at the desk tells the customer; nothing
// of what is not for the customer. The names of agents are not in events, and their
// ids are e-mail addresses, which are no customer's business.
func told(chatID string, e event) (body handoff.InboundBody, key, vendorID string) {
	// Internal notes must never get out: whatever is not plainly for all is one.
	if cmp.Or(e.Visibility, toAll) != toAll || cmp.Or(e.Recipients, toAll) != toAll || e.ID == "" {
		return nil, "", ""
	}
	var m handoff.HumanMessage
	switch e.Type {
	case typeMessage:
		m.Text = e.Text
	case typeFile:
		if e.URL != "" {
			m.Text = e.AlternativeText
			m.Files = []handoff.RemoteFile{{Name: e.Name, MIMEType: e.ContentType, URL: e.URL}}
		}
	case typeRich:
		m.Text = richText(e.Elements)
	}
	if m.Text == "" && len(m.Files) == 0 {
		return nil, "", ""
	}
	return m, "event:" + chatID + ":" + e.ID, e.ID
}

// richText is a rich message as text.
func richText(elements []element) string {
	var lines []string
	add := func(line string) {
		if line != "" {
			lines = append(lines, line)
		}
	}
	for _, e := range elements {
		add(e.Title)
		add(e.Subtitle)
		if e.Image != nil {
			add(e.Image.URL)
		}
		for _, b := range e.Buttons {
			line := "- " + b.Text
			if b.Value != "" && b.Type != typeMessage {
				line += " (" + b.Value + ")"
			}
			add(line)
		}
	}
	return strings.Join(lines, "\n")
}

// nameOf is what customers see of an agent: never an address.
func nameOf(u user) string {
	if u.Name != "" && !isPerson(u.Name) {
		return u.Name
	}
	return "Agent"
}
