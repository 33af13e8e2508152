package briefing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider/briefing"
)

func TestFirst(t *testing.T) {
	t.Parallel()
	turns := []handoff.Turn{{Role: handoff.RoleUser, Text: "a"}, {Role: handoff.RoleUser, Text: "b"}, {Role: handoff.RoleAssistant, Text: "c"}}
	assert.Equal(t, "q", briefing.First(handoff.Start{Question: "q", Transcript: turns}))
	assert.Equal(t, "b", briefing.First(handoff.Start{Transcript: turns}))
	assert.Equal(t, briefing.Nothing, briefing.First(handoff.Start{Transcript: turns[2:]}))
}

func TestWhatWasOnlyClaimedSaysSo(t *testing.T) {
	t.Parallel()
	start := handoff.Start{Customer: handoff.Customer{Email: "bob@example.com", UserID: "u-1"}, Reason: "angry"}
	assert.Equal(t, []string{"Reason: angry"}, briefing.Facts(start))
	start.Customer.Unverified = true
	assert.Equal(t, []string{"Reason: angry", "E-mail, as the customer says: bob@example.com", "User id, as the customer says: u-1"}, briefing.Facts(start))
}
