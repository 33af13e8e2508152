package handoff_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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

func TestCutTranscript(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 200)
	turns := []handoff.Turn{
		{Role: handoff.RoleUser, Text: long, Time: t0}, {Role: handoff.RoleAssistant, Text: "b", Time: t0}, {Role: handoff.RoleUser, Text: "c", Time: t0},
	}
	for _, test := range []struct {
		desc  string
		turns []handoff.Turn
		limit int
		want  []string
	}{
		{"no limit", turns, 0, []string{long, "b", "c"}},
		{"no turns", nil, 100, nil},
		{"just fits", turns, 202, []string{long, "b", "c"}},
		{"the oldest goes", turns, 201, []string{"[1 earlier messages were left out.]\nb", "c"}},
		{"one that is too long keeps its end", turns[:1], 70, []string{"[What was said before was left out.]\naaaaaa"}},
		{"characters stay whole", []handoff.Turn{{Text: strings.Repeat("包裹", 100)}}, 69, []string{"[What was said before was left out.]\n裹"}},
	} {
		t.Run(test.desc, func(t *testing.T) {
			t.Parallel()
			got := handoff.CutTranscript(test.turns, test.limit)
			require.Len(t, got, len(test.want))
			for i, text := range test.want {
				require.Equal(t, text, got[i].Text)
			}
			require.Equal(t, long, turns[0].Text, "what was given stays as it is")
			require.Equal(t, "b", turns[1].Text)
		})
	}
}

func TestCutTranscriptFitsWhateverWasSaid(t *testing.T) {
	t.Parallel()
	turn := rapid.Custom(func(t *rapid.T) handoff.Turn {
		return handoff.Turn{
			Role: rapid.SampledFrom([]handoff.Role{handoff.RoleUser, handoff.RoleAssistant}).Draw(t, "role"),
			Text: rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune("aé包🙂")), 0, 400, -1)).Draw(t, "text"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		turns := rapid.SliceOfN(turn, 0, 12).Draw(t, "turns")
		limit := rapid.IntRange(65, 2000).Draw(t, "limit")
		got := handoff.CutTranscript(turns, limit)
		size := 0
		for _, g := range got {
			size += len(g.Text)
			require.True(t, utf8.ValidString(g.Text))
		}
		require.LessOrEqual(t, size, limit)
		require.LessOrEqual(t, len(got), len(turns))
		left := len(turns) - len(got)
		kept := turns[left:]
		for i := range got {
			require.Equal(t, kept[i].Role, got[i].Role)
			if i > 0 {
				require.Equal(t, kept[i], got[i], "only the first that is left bears the mark")
			}
		}
		if len(got) == 0 {
			require.Empty(t, turns, "something is always left")
			return
		}
		text, whole := strings.CutPrefix(got[0].Text, fmt.Sprintf("[%d earlier messages were left out.]\n", left))
		text, cut := strings.CutPrefix(text, "[What was said before was left out.]\n")
		switch {
		case cut:
			require.Len(t, got, 1)
			require.True(t, strings.HasSuffix(kept[0].Text, text))
			require.Less(t, len(text), len(kept[0].Text))
		case whole:
			require.Positive(t, left)
			require.Equal(t, kept[0].Text, text)
		default:
			require.Equal(t, turns, got, "what fits is left alone")
		}
	})
}

// The question goes out with the transcript, so both have to fit.
func TestARequestFitsTheProvider(t *testing.T) {
	t.Parallel()
	c := &counter{agent: agentWith(handoff.ServiceAvailable, handoff.Settings{EmailPolicy: handoff.EmailOptional})}
	question := strings.Repeat("?", 50)
	request := handoff.Request{
		Conversation: handoff.ConversationKey{AgentID: "shop", ConversationID: "chat"},
		Start: handoff.Start{Question: question, Transcript: []handoff.Turn{
			{Role: handoff.RoleUser, Text: strings.Repeat("a", 100)}, {Role: handoff.RoleAssistant, Text: "b"},
		}},
	}
	for limit, want := range map[int][]string{
		0:   {strings.Repeat("a", 100), "b"},
		151: {strings.Repeat("a", 100), "b"},
		150: {"[1 earlier messages were left out.]\nb"},
		50:  {"[What was said before was left out.]\n"}, // no room is left but for the mark
	} {
		s, d, err := c.service(noon, handoff.Capabilities{MaxTranscriptBytes: limit}).RequestHandoff(t.Context(), request)
		require.NoError(t, err)
		require.Nil(t, d)
		var got []string
		for _, turn := range s.Changes().Start.Transcript {
			got = append(got, turn.Text)
		}
		require.Equal(t, want, got, "a limit of %d", limit)
		require.Equal(t, question, s.Changes().Start.Question)
	}
}
