package switchboard_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
)

// TestAGroup has all humans read the same chat: what one of them is told all know,
// and whom it is for is said.
func TestAGroup(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.group, b.noteAll = "group", []string{"group"}
	tag := b.session("s1", "Ann")

	b.says(handoff.PersonSaid{Person: "bob", Name: "Bob", Quotes: true, QuotedIDs: []string{"s1-start at group"}, Text: "Hello Ann"})
	require.Equal(t, []string{"Bob joined: true", "Bob: Hello Ann"}, b.heard("s1"))
	require.Equal(t, "Bob", b.told[0].Name)
	require.Equal(t, []string{"bob: " + messenger.NoticeTookInGroup.Text("", tag, "Bob")}, b.lastTold(), "and nobody else is told again")

	b.says(handoff.PersonSaid{Person: "eve", Name: "Eve", Text: "#" + tag + " Me too"})
	require.Equal(t, []string{"eve: " + messenger.NoticeTaken.Text("", tag, "Bob")}, b.lastTold())

	b.says(bob("/pass"))
	require.Len(t, b.told, 2)
	offer := b.told[slices.IndexFunc(b.told, func(n provider.Notice) bool { return n.Person == "group" })]
	require.Empty(t, offer.Name, "it is offered to all")
	require.Equal(t, "#"+tag, messenger.Typed(offer.Choices[0].Button))
	b.told = nil

	b.says(handoff.PersonSaid{Person: "eve", Name: "Eve", Quotes: true, QuotedText: "#" + tag + " Ann: Where is my parcel?", Text: "Hi"})
	b.says(handoff.PersonSaid{Person: "eve", Name: "Eve", Quotes: true, QuotedText: "#" + tag + " Ann, #ABC2 Carl", Text: "Who?"})
	require.Equal(t, []string{"Bob joined: true", "Bob: Hello Ann", "Bob joined: false", "Eve joined: true", "Eve: Hi"}, b.heard("s1"),
		"and what quotes two sessions goes to none")
}
