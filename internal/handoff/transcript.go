package handoff

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// Role says who spoke a turn of the transcript.
type Role string

// The roles of a transcript.
const (
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
)

// Turn is one utterance of the conversation before the handoff.
type Turn struct {
	Role Role      `json:"role"`
	Text string    `json:"text"`
	Time time.Time `json:"time,omitzero"`
}

// LastRounds returns what a human gets to read: the last n rounds of the
// transcript, a round being a user's turn with the assistant's turns after it.
// Assistant turns before the first user turn belong to no round. A last user
// turn that equals the question is left out, for the question follows.
func LastRounds(turns []Turn, n int, question string) []Turn {
	if last := len(turns) - 1; last >= 0 && question != "" && turns[last].Role == RoleUser && turns[last].Text == question {
		turns = turns[:last]
	}
	for i := len(turns) - 1; i >= 0 && n > 0; i-- {
		if turns[i].Role == RoleUser {
			n--
		}
		if n == 0 {
			return turns[i:]
		}
	}
	if n == 0 {
		return nil
	}
	for i, turn := range turns {
		if turn.Role == RoleUser {
			return turns[i:]
		}
	}
	return nil
}

// maxCutMark is the room for the mark that [CutTranscript] leaves.
const maxCutMark = 64

// CutTranscript makes a transcript fit a provider that takes no more than limit
// bytes of text: it leaves out the oldest turns, cuts the last one from its
// beginning if even that is too long, and says so at the top of what is left. A
// limit of 0 is none.
func CutTranscript(turns []Turn, limit int) []Turn {
	if limit == 0 || textBytes(turns) <= limit || len(turns) == 0 {
		return turns
	}
	room := max(0, limit-maxCutMark)
	first := len(turns)
	for first > 0 && len(turns[first-1].Text) <= room {
		first--
		room -= len(turns[first].Text)
	}
	kept := slices.Clone(turns[first:])
	mark := fmt.Sprintf("[%d earlier messages were left out.]\n", first)
	if len(kept) == 0 {
		last := turns[first-1]
		last.Text = tail(last.Text, room)
		kept = append(kept, last)
		mark = "[What was said before was left out.]\n"
	}
	kept[0].Text = mark + kept[0].Text
	return kept
}

func textBytes(turns []Turn) int {
	n := 0
	for _, t := range turns {
		n += len(t.Text)
	}
	return n
}

// tail returns the last n bytes of a text, less if a character began before.
func tail(text string, n int) string {
	text = text[max(0, len(text)-n):]
	for text != "" && !utf8.RuneStart(text[0]) {
		text = text[1:]
	}
	return text
}
