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

// history returns who the customer is and what was said in a session so far, for a
// human whose chat app showed too little of it; empty if it showed enough.
func (svc *Service) history(ctx context.Context, connectionID string, seat *Seat) (string, error) {
	m, err := svc.connections.Messenger(ctx, connectionID)
	if err != nil || m == nil || !m.BriefStart() {
		return "", err
	}
	start, err := svc.sessions.Start(ctx, seat.SessionID)
	if err != nil {
		return "", err
	}
	said := startLines(start)
	for after := uint64(0); ; {
		log, err := svc.sessions.Log(ctx, seat.SessionID, after, handoff.MaxPageSize)
		if err != nil {
			return "", err
		}
		for _, e := range log.Events {
			after = e.Sequence
			if m, ok := e.Body.(handoff.MessageLogged); ok {
				said = append(said, messageLine(&m.Message)...)
			}
		}
		if len(log.Events) < handoff.MaxPageSize {
			break
		}
	}
	parts := []string{strings.Join(provider.Facts(start), "\n"), lastRunes(strings.Join(said, "\n"), maxHistory)}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "\n\n"), nil
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
