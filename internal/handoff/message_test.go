package handoff_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
)

func TestLastRounds(t *testing.T) {
	t.Parallel()
	u := func(text string) handoff.Turn { return handoff.Turn{Role: handoff.RoleUser, Text: text} }
	a := func(text string) handoff.Turn { return handoff.Turn{Role: handoff.RoleAssistant, Text: text} }
	turns := []handoff.Turn{a("welcome"), u("1"), a("1a"), a("1b"), u("2"), u("3"), a("3a")}
	for _, test := range []struct {
		desc     string
		turns    []handoff.Turn
		n        int
		question string
		want     []handoff.Turn
	}{
		{"none", turns, 0, "", nil},
		{"one round with its answer", turns, 1, "", turns[5:]},
		{"a round without an answer counts", turns, 2, "", turns[4:]},
		{"several answers belong to one round", turns, 3, "", turns[1:]},
		{"more than there are: a greeting before the first user turn is in no round", turns, 9, "", turns[1:]},
		{"no turns", nil, 3, "q", nil},
		{"only the assistant spoke", turns[:1], 3, "", nil},
		{"the question is not repeated", append(turns[:6:6], u("q")), 1, "q", turns[5:6]},
		{"an answered question stays", append(turns[:6:6], u("q"), a("?")), 1, "q", []handoff.Turn{u("q"), a("?")}},
		{"only the question", []handoff.Turn{u("q")}, 5, "q", []handoff.Turn{}},
	} {
		t.Run(test.desc, func(t *testing.T) {
			t.Parallel()
			got := handoff.LastRounds(test.turns, test.n, test.question)
			require.Len(t, got, len(test.want))
			for i := range got {
				require.Equal(t, test.want[i], got[i])
			}
		})
	}
}
