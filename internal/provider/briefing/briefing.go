// Package briefing puts into words what humans at a desk have to know of a
// session, for vendors whose API has no better place for it.
package briefing

import (
	"maps"
	"slices"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Nothing stands for the question of a customer who has said nothing yet.
const Nothing = "(asks for a human)"

// First returns what a session begins with: the question, else the customer's
// last words, else [Nothing].
func First(start handoff.Start) string {
	if start.Question != "" {
		return start.Question
	}
	for _, turn := range slices.Backward(start.Transcript) {
		if turn.Role == handoff.RoleUser && turn.Text != "" {
			return turn.Text
		}
	}
	return Nothing
}

// Mark is how the note of a session begins, by which it can be found again.
// Without an id it is what all of them have in common.
func Mark(sessionID string) string { return "Handoff session " + sessionID }

// Speaker names who has said a turn.
func Speaker(turn handoff.Turn) string {
	if turn.Role == handoff.RoleAssistant {
		return "Assistant"
	}
	return "Customer"
}

// Facts returns a line for each thing that is known about a start and is no turn
// of it. Of the customer it has only what is no identity.
func Facts(start handoff.Start) []string {
	var lines []string
	add := func(name, value string) {
		if value != "" {
			lines = append(lines, name+": "+value)
		}
	}
	add("Reason", start.Reason)
	add("Priority", string(start.Priority))
	add("Team", start.Team)
	add("Tags", strings.Join(start.Tags, ", "))
	if start.Customer.Unverified {
		add("E-mail, as the customer says", start.Customer.Email)
		add("User id, as the customer says", start.Customer.UserID)
	}
	add("Language", start.Customer.Locale)
	for _, of := range []map[string]string{start.Customer.Attributes, start.Metadata} {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			add(name, of[name])
		}
	}
	add("More", string(start.ProviderExtra))
	return lines
}

var ends = map[handoff.CloseReason]string{
	handoff.ClosedByCustomer:       "The customer has ended the conversation.",
	handoff.ClosedByOperator:       "The conversation was ended by the operator.",
	handoff.ClosedByWaitTimeout:    "The conversation ended because nobody answered in time.",
	handoff.ClosedBySessionTimeout: "The conversation ended because the customer was silent.",
	handoff.ClosedByExpiry:         "The conversation ended because it lasted too long.",
}

// End says why a session ended; empty for reasons that the desk knows itself.
func End(reason handoff.CloseReason) string { return ends[reason] }
