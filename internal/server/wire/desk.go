package wire

import (
	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
)

// ToDeskSession returns a session as the built-in desk shows it.
func ToDeskSession(s *handoff.Session, start handoff.Start) *handoffv1.DeskSession {
	m := &handoffv1.DeskSession{Session: ToSession(s), Assignee: s.Assignee, Note: s.AssignNote}
	for _, t := range start.Transcript {
		m.Transcript = append(m.Transcript, &handoffv1.Turn{Role: roles.to[t.Role], Text: t.Text, Time: ToTime(t.Time)})
	}
	return m
}
