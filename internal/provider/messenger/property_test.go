package messenger

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var tags = []string{ann, carl, dora, "EVA5", "FAY6"}

func drawTime(t *rapid.T, name string) time.Time {
	return ago(time.Duration(rapid.IntRange(0, 1200).Draw(t, name)) * time.Second)
}

func drawSessions(t *rapid.T) []Session {
	var list []Session
	for _, tag := range tags[:rapid.IntRange(0, 4).Draw(t, "sessions")] {
		s := Session{
			Tag: tag, Person: rapid.SampledFrom([]string{bob, bob, eve, ""}).Draw(t, "person"),
			OpenTime: drawTime(t, "opened"), ShowTime: drawTime(t, "shown"),
		}
		if rapid.Bool().Draw(t, "closed") {
			s.CloseTime = drawTime(t, "closed at")
		}
		list = append(list, s)
	}
	return list
}

func drawSaid(t *rapid.T) Said {
	tag := rapid.SampledFrom(append(slices.Clone(tags), "ZZZ9"))
	said := Said{Files: rapid.Bool().Draw(t, "files")}
	said.Text = rapid.SampledFrom([]string{"", "Hello", "/take", "/close", "/pass", "close", "/help"}).Draw(t, "text")
	if rapid.Bool().Draw(t, "tagged") {
		said.Text = rapid.SampledFrom([]string{"", "#"}).Draw(t, "mark") + tag.Draw(t, "tag") + " " + said.Text
	}
	if rapid.Bool().Draw(t, "quotes") {
		said.Quotes = true
		if rapid.Bool().Draw(t, "known") {
			said.Quoted = tag.Draw(t, "quoted")
		}
	}
	if rapid.IntRange(0, 4).Draw(t, "pressed") == 0 {
		said.Button = Button(rapid.SampledFrom([]Command{TakeIt, PassIt, CloseIt, PickIt}).Draw(t, "button"), tag.Draw(t, "of"))
	}
	return said
}

func drawDesk(t *rapid.T) Desk {
	d := Desk{Now: now, Person: bob, Sessions: drawSessions(t)}
	if rapid.Bool().Draw(t, "pin") {
		d.Pin, d.PinTime = rapid.SampledFrom(tags).Draw(t, "pinned"), drawTime(t, "pinned at")
	}
	return d
}

// TestNothingGoesAstray: whatever is said, it reaches an open session alone, of the
// human who says it or of nobody; and what is asked offers no other.
func TestNothingGoesAstray(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d, said := drawDesk(t), drawSaid(t)
		got := Route(said, d)
		reached := got.Among
		if got.Do == Relay || got.Do == Pin || got.Do == Order && got.Tag != "" {
			reached = []string{got.Tag}
		}
		for _, tag := range reached {
			s := d.find(tag)
			if s == nil || !s.open() || s.Person == eve {
				t.Fatalf("%+v reached %s", got, tag)
			}
		}
		if got.Do == Ask && len(got.Among) == 0 {
			t.Fatal("asked without a choice")
		}
		if said.Files && said.Button == "" && (got.Do == Ignore || got.Do == Pin || got.Do == Order) {
			t.Fatalf("%+v, and the file is nowhere", got)
		}
		if got.Do == Relay && got.Text == "" && !said.Files {
			t.Fatal("relayed nothing")
		}
	})
}

// TestNeverAGuess: without a hint, and with two sessions that it could be for,
// something is relayed only to what the human chose, when nothing came between.
func TestNeverAGuess(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawDesk(t)
		got := Route(Said{Text: "Hello"}, d)
		if got.Do != Relay {
			return
		}
		recent := 0
		for _, s := range d.Sessions {
			if s.Person == bob && (s.open() || now.Sub(s.CloseTime) < settling) {
				recent++
			}
		}
		if recent == 1 {
			return
		}
		if got.Tag != d.Pin || now.Sub(d.PinTime) >= pinned {
			t.Fatalf("%+v was a guess", got)
		}
		for _, s := range d.Sessions {
			if s.Person == bob && s.Tag != d.Pin && (s.ShowTime.After(d.PinTime) || s.OpenTime.After(d.PinTime)) {
				t.Fatalf("%s came between, and it went to %s", s.Tag, d.Pin)
			}
		}
	})
}

// TestOthersDoNotMatter: what another human has changes nothing, unless it is named.
func TestOthersDoNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d, said := drawDesk(t), drawSaid(t)
		before := Route(said, d)
		d.Sessions = append(d.Sessions, Session{Tag: "GUS7", Person: eve, OpenTime: drawTime(t, "theirs"), ShowTime: now})
		if after := Route(said, d); !sameDecision(before, after) {
			t.Fatalf("%+v became %+v", before, after)
		}
	})
}

func sameDecision(a, b Decision) bool {
	amongA, amongB := a.Among, b.Among
	a.Among, b.Among = nil, nil
	return a.Do == b.Do && a.Tag == b.Tag && a.Take == b.Take && a.Text == b.Text && a.Command == b.Command && a.Notice == b.Notice && slices.Equal(amongA, amongB)
}
