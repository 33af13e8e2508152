package switchboard

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// maxHistory bounds what a human is told of a session at once, in characters: what
// was said last counts.
const maxHistory = 12_000

// maxHistoryFiles bounds how many of a customer's files a human is shown who takes a
// session: of those before only the address is told.
const maxHistoryFiles = 10

// story is what a human is told of a session that they take.
type story struct {
	text  string               // empty if their chat app showed enough
	files []handoff.Attachment // of the customer's, in their order
}

// history returns who the customer is and what was said in a session so far, for a
// human whose chat app showed too little of it.
func (svc *Service) history(ctx context.Context, connectionID string, seat *Seat) (story, error) {
	m, err := svc.connections.Messenger(ctx, connectionID)
	if err != nil || m == nil || !m.BriefStart() {
		return story{}, err
	}
	start, err := svc.sessions.Start(ctx, seat.SessionID)
	if err != nil {
		return story{}, err
	}
	messages, err := svc.messages(ctx, seat.SessionID)
	if err != nil {
		return story{}, err
	}
	files := svc.shown(messages, seat.Provider)
	said := startLines(start)
	for i := range messages {
		said = append(said, messageLine(&messages[i])...)
	}
	parts := []string{strings.Join(provider.Facts(start), "\n"), lastRunes(strings.Join(said, "\n"), maxHistory)}
	text := strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "\n\n")
	return story{text, files}, nil
}

// messages returns all that was said in a session since its start.
func (svc *Service) messages(ctx context.Context, sessionID string) (all []handoff.Message, err error) {
	for after := uint64(0); ; {
		log, err := svc.sessions.Log(ctx, sessionID, after, handoff.MaxPageSize)
		if err != nil {
			return nil, err
		}
		for _, e := range log.Events {
			after = e.Sequence
			if m, ok := e.Body.(handoff.MessageLogged); ok {
				all = append(all, m.Message)
			}
		}
		if len(log.Events) < handoff.MaxPageSize {
			return all, nil
		}
	}
}

// shown returns the customer's last files, as many as a human is shown and the
// provider can carry. The messages get an address of each of the others.
func (svc *Service) shown(messages []handoff.Message, kind string) (files []handoff.Attachment) {
	for i := range slices.Backward(messages) {
		m := &messages[i]
		if m.Author != handoff.AuthorCustomer || len(m.Attachments) == 0 {
			continue
		}
		carried, _ := handoff.Degrade(*m, svc.caps(kind), svc.link)
		over := max(0, len(files)+len(carried.Attachments)-maxHistoryFiles)
		*m, _ = handoff.Degrade(handoff.Message{Author: m.Author, Text: carried.Text, Attachments: carried.Attachments[:over]}, handoff.Capabilities{}, svc.link)
		m.Attachments = carried.Attachments[over:]
		files = slices.Concat(m.Attachments, files)
	}
	return files
}

// Who said a line of a history.
const (
	byCustomer = "< "
	byUs       = "> "
)

func startLines(start handoff.Start) []string {
	var lines []string
	for _, turn := range start.Transcript {
		who := byCustomer
		if turn.Role == handoff.RoleAssistant {
			who = byUs
		}
		lines = append(lines, who+turn.Text)
	}
	if start.Question != "" {
		lines = append(lines, byCustomer+start.Question)
	}
	return lines
}

// words is what a message says; a file is named.
func words(m *handoff.Message) string {
	lines := []string{m.Text}
	for _, file := range m.Attachments {
		lines = append(lines, "["+cmp.Or(file.Name, "file")+"]")
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

func messageLine(m *handoff.Message) []string {
	switch m.Author {
	case handoff.AuthorCustomer:
		return []string{byCustomer + words(m)}
	case handoff.AuthorHuman:
		return []string{byUs + strings.TrimPrefix(m.AuthorName+": ", ": ") + words(m)}
	default:
		return nil
	}
}

// lastRunes returns the last n characters of a text.
func lastRunes(text string, n int) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return "…" + string(runes[len(runes)-n+1:])
}
