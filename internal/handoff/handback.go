package handoff

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// DefaultHandbackTurns is how many turns a handback has when nobody says.
const DefaultHandbackTurns = 100

// ErrSessionOpen is the answer to a handback that comes too soon.
var ErrSessionOpen = &Error{Code: CodePrecondition, Reason: "SESSION_OPEN", Message: "the session is still open and the human may go on speaking; wait for its CLOSED event"}

// Handback is what the bot needs to go on after a session.
type Handback struct {
	Session Session
	Turns   []HandbackTurn // oldest first
	Omitted int            // older ones that were left out
	Note    string         // for the model
	Reply   string         // for the customer; may be empty
}

// HandbackTurn is what one side said in a session.
type HandbackTurn struct {
	Role       Role // RoleAssistant is the human
	AuthorName string
	Text       string
	Time       time.Time
}

// Handback returns what the bot needs to go on: how a closed session ended and
// the last turns of it, at most a number. ErrSessionOpen while it is open.
func (svc *Service) Handback(ctx context.Context, sessionID string, most int) (Handback, error) {
	s, err := svc.store.Session(ctx, sessionID)
	if err != nil {
		return Handback{}, err
	}
	if s.State != StateClosed {
		return Handback{}, ErrSessionOpen
	}
	h := Handback{Session: *s}
	for after := uint64(0); after < s.LastSequence; {
		log, err := svc.store.Log(ctx, sessionID, after, MaxPageSize)
		if err != nil {
			return Handback{}, err
		}
		for _, e := range log.Events {
			h.add(e.Body, most)
			after = e.Sequence
		}
	}
	agent, _, err := svc.agent(ctx, s.AgentID)
	if err != nil {
		return Handback{}, err
	}
	h.Note = h.note()
	if s.CloseReason != ClosedByCustomer {
		h.Reply = agent.Settings.TextsFor(s.Customer.Locale).Ended(s.CloseReason)
	}
	return h, nil
}

func (h *Handback) add(body EventBody, most int) {
	logged, ok := body.(MessageLogged)
	m := logged.Message
	if !ok || m.Author == AuthorSystem {
		return
	}
	turn := HandbackTurn{Role: RoleUser, Text: withFiles(m), Time: m.Time}
	if m.Author == AuthorHuman {
		turn.Role, turn.AuthorName = RoleAssistant, m.AuthorName
	}
	h.Turns = append(h.Turns, turn)
	if over := len(h.Turns) - most; over > 0 {
		h.Turns = h.Turns[over:]
		h.Omitted += over
	}
}

// withFiles adds the names of a message's files to its text.
func withFiles(m Message) string {
	lines := []string{}
	if m.Text != "" {
		lines = append(lines, m.Text)
	}
	for _, f := range m.Attachments {
		lines = append(lines, "["+f.Name+"]")
	}
	return strings.Join(lines, "\n")
}

// note says what happened, and who speaks from now on.
func (h *Handback) note() string {
	s := &h.Session
	var b strings.Builder
	if s.ActivateTime.IsZero() {
		b.WriteString("The customer waited for a human, and none answered")
	} else {
		fmt.Fprintf(&b, "The customer talked with a human%s", named(h.humans()))
	}
	b.WriteString(map[CloseReason]string{
		ClosedByCustomer:       "; then the customer ended it.",
		ClosedByOperator:       "; then an operator ended it.",
		ClosedByHuman:          "; then the human ended it.",
		ClosedByWaitTimeout:    " in time.",
		ClosedBySessionTimeout: "; then the customer said nothing for a while.",
		ClosedByProvider:       "; the humans' system failed.",
		ClosedByExpiry:         "; it lasted as long as it may.",
	}[s.CloseReason])
	if s.Outcome.Disposition != "" {
		fmt.Fprintf(&b, " Outcome: %s.", s.Outcome.Disposition)
	}
	if s.Outcome.Note != "" {
		fmt.Fprintf(&b, " Note: %s", quote(s.Outcome.Note))
	}
	b.WriteString(" The human has left: what the assistant said in that time was the human's, and you speak for yourself again.")
	return b.String()
}

// humans returns the names of those who spoke, each once, in their order.
func (h *Handback) humans() (names []string) {
	seen := map[string]bool{"": true}
	for _, turn := range h.Turns {
		if !seen[turn.AuthorName] {
			seen[turn.AuthorName] = true
			names = append(names, turn.AuthorName)
		}
	}
	return names
}

func named(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}
