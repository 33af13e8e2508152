package messenger

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"
)

func TestNewTag(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 10_000 {
		tag := NewTag()
		normal, ok := normalTag(strings.ToLower(tag))
		require.True(t, ok, tag)
		require.Equal(t, tag, normal)
		require.False(t, strings.ContainsAny(tag, "01OILU"), tag)
		seen[tag] = true
	}
	require.Greater(t, len(seen), 9_000, "they are spread")
}

func TestCutTag(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		tag, rest  string
		marked, ok bool
	}{
		"#H7K3 Hello Ann":      {"H7K3", "Hello Ann", true, true},
		" #h7k3  Hello\nAnn ":  {"H7K3", "Hello\nAnn", true, true},
		"＃H7K3　您好":             {"H7K3", "您好", true, true},
		"[H7K3] hi":            {"H7K3", "hi", false, true},
		"#H7K3: hi":            {"H7K3", "hi", true, true},
		"h7k3 hi":              {"H7K3", "hi", false, true},
		"#H7K3":                {"H7K3", "", true, true},
		"#H7K3您好":              {"H7K3", "您好", true, true},
		"＃h7k3：您好":             {"H7K3", "您好", true, true},
		"h7k3：您好":              {"H7K3", "您好", false, true},
		"【#H7K3】您好":            {"H7K3", "您好", true, true},
		"H7K3您好":               {},
		"#H7K":                 {},
		"#H7K你":                {},
		"#H7K33 hi":            {},
		"#HOUR hi":             {},
		"#H0K3 hi":             {},
		"Hello #H7K3":          {},
		"":                     {},
		"the number is #H7K3.": {},
	} {
		tag, rest, marked, ok := cutTag(text)
		require.Equal(t, want.ok, ok, text)
		if ok {
			require.Equal(t, want, struct {
				tag, rest  string
				marked, ok bool
			}{tag, rest, marked, ok}, text)
		}
	}
	tag, ok := findTag("Ann Lee #H7K3: where is my parcel? #Tell #H7K3")
	require.True(t, ok)
	require.Equal(t, "H7K3", tag)
	_, ok = findTag("Who is this for? #H7K3 Ann, #ABC2 Carl")
	require.False(t, ok, "nobody knows which of them is meant")
}

func TestTyped(t *testing.T) {
	t.Parallel()
	for button, want := range map[string]string{
		Button(TakeIt, "H7K3"): "#H7K3", Button(PickIt, "H7K3"): "#H7K3", Button(CloseIt, "H7K3"): "#H7K3 close",
		Button(PassIt, "H7K3"): "#H7K3 pass", Button(ListThem, ""): "/sessions", "another's": "",
	} {
		require.Equal(t, want, Typed(button), button)
	}
}

func TestParseCommand(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Command{
		"/take": TakeIt, " /TAKE ": TakeIt, "/接入": TakeIt, "／结束": CloseIt, "/close": CloseIt, "/sessions": ListThem,
		"/help": ShowHelp, "/帮助": ShowHelp, "/pass": PassIt,
		"take": NoCommand, "/take it": NoCommand, "please /close": NoCommand, "/unknown": NoCommand, "": NoCommand,
	} {
		require.Equal(t, want, parseCommand(text, false), text)
	}
	require.Equal(t, CloseIt, parseCommand("close", true))
	require.Equal(t, NoCommand, parseCommand("close the door", true))
}

func TestButtons(t *testing.T) {
	t.Parallel()
	for _, c := range []Command{TakeIt, PassIt, CloseIt, PickIt} {
		command, tag, ok := parseButton(Button(c, "H7K3"))
		require.True(t, ok)
		require.Equal(t, c, command)
		require.Equal(t, "H7K3", tag)
	}
	_, _, ok := parseButton(Button(ListThem, ""))
	require.True(t, ok)
	for _, id := range []string{"", "take:H7K3", "handoff:take:", "handoff:explode:H7K3", "handoff:take:zz"} {
		_, _, ok := parseButton(id)
		require.False(t, ok, id)
	}
}

func TestNoticesAreComplete(t *testing.T) {
	t.Parallel()
	for n, english := range notices[0].texts {
		for _, other := range notices {
			text := other.texts[n]
			require.NotEmpty(t, text, "%s in %v", n, other.language)
			for _, part := range []string{"{tag}", "{person}"} {
				require.Equal(t, strings.Contains(english, part), strings.Contains(text, part), "%s in %v", n, other.language)
			}
		}
	}
	require.Equal(t, "#ABC2 was taken by Bob, so nothing was done.", NoticeTaken.Text("fr", "ABC2", "Bob"))
	for _, locale := range []string{"zh", "zh-CN", "zh-Hans"} {
		require.True(t, strings.ContainsFunc(NoticeTook.Text(locale, "ABC2", ""), func(r rune) bool { return unicode.Is(unicode.Han, r) }), locale)
	}
}

var now = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// session returns one that began an hour ago.
func session(tag, person string) Session {
	return Session{Tag: tag, Person: person, OpenTime: ago(time.Hour), ShowTime: ago(30 * time.Minute)}
}

func closed(tag, person string, since time.Duration) Session {
	s := session(tag, person)
	s.CloseTime = ago(since)
	return s
}

const (
	ann  = "ANN2" // sessions
	carl = "CAR3"
	dora = "DRA4"
	bob  = "bob" // humans
	eve  = "eve"
)

// TestRoute is the table of the rules.
func TestRoute(t *testing.T) {
	t.Parallel()
	fresh := session(carl, bob)
	fresh.OpenTime = ago(30 * time.Second)
	shown := session(carl, bob)
	shown.ShowTime = ago(time.Minute)
	two := []Session{session(ann, bob), session(carl, bob)}
	relay := func(tag, text string) Decision { return Decision{Do: Relay, Tag: tag, Text: text} }
	for name, c := range map[string]struct {
		sessions []Session
		said     Said
		pin      string
		pinned   time.Duration // ago
		want     Decision
	}{
		"the only one":            {sessions: two[:1], said: Said{Text: "Hello"}, want: relay(ann, "Hello")},
		"the only one of theirs":  {sessions: []Session{two[0], session(carl, eve), session(dora, "")}, said: Said{Text: "Hello"}, want: relay(ann, "Hello")},
		"a file alone":            {sessions: two[:1], said: Said{Files: true}, want: relay(ann, "")},
		"a file for two":          {sessions: two, said: Said{Files: true}, want: Decision{Do: Ask, Among: []string{ann, carl}}},
		"a tag as caption":        {sessions: two, said: Said{Files: true, Text: "#CAR3"}, want: relay(carl, "")},
		"a tag in a caption":      {sessions: two, said: Said{Files: true, Text: "#car3 see this"}, want: relay(carl, "see this")},
		"a file as an answer":     {sessions: two, said: Said{Files: true, Quotes: true, Quoted: ann}, want: relay(ann, "")},
		"a file and a command":    {sessions: two[:1], said: Said{Files: true, Text: "/close"}, want: Decision{Do: Tell, Notice: NoticeFileOrder}},
		"a file, a tag and close": {sessions: two, said: Said{Files: true, Text: "#CAR3 close"}, want: Decision{Do: Tell, Notice: NoticeFileOrder}},
		"nothing":                 {sessions: two[:1], said: Said{Text: ""}, want: Decision{}},
		"two":                     {sessions: two, said: Said{Text: "Hello"}, want: Decision{Do: Ask, Text: "Hello", Among: []string{ann, carl}}},
		"the other ended now":     {sessions: []Session{two[0], closed(carl, bob, 30*time.Second)}, said: Said{Text: "Bye"}, want: Decision{Do: Ask, Text: "Bye", Among: []string{ann}}},
		"the other ended earlier": {sessions: []Session{two[0], closed(carl, bob, 2*time.Minute)}, said: Said{Text: "Bye"}, want: relay(ann, "Bye")},
		"another's ended now":     {sessions: []Session{two[0], closed(carl, eve, 30*time.Second)}, said: Said{Text: "Bye"}, want: relay(ann, "Bye")},
		"none":                    {said: Said{Text: "Hello"}, want: Decision{Do: Tell, Notice: NoticeNoSession}},
		"none taken":              {sessions: []Session{session(ann, "")}, said: Said{Text: "Hello"}, want: Decision{Do: Tell, Notice: NoticeTakeFirst}},

		"quote":                    {sessions: two, said: Said{Quotes: true, Quoted: carl, Text: "Hello"}, want: relay(carl, "Hello")},
		"quote by its text":        {sessions: two, said: Said{Quotes: true, QuotedText: "#CAR3 Carl: hi", Text: "Hello"}, want: relay(carl, "Hello")},
		"quote takes":              {sessions: []Session{session(ann, "")}, said: Said{Quotes: true, Quoted: ann, Text: "Hello"}, want: Decision{Do: Relay, Tag: ann, Take: true, Text: "Hello"}},
		"quote of a closed one":    {sessions: []Session{two[0], closed(carl, bob, time.Hour)}, said: Said{Quotes: true, Quoted: carl, Text: "Hello"}, want: Decision{Do: Tell, Tag: carl, Notice: NoticeClosed}},
		"quote of another's":       {sessions: []Session{session(ann, eve)}, said: Said{Quotes: true, Quoted: ann, Text: "Hello"}, want: Decision{Do: Tell, Tag: ann, Notice: NoticeTaken}},
		"quote of who knows what":  {sessions: two[:1], said: Said{Quotes: true, Text: "Hello"}, want: Decision{Do: Ask, Text: "Hello", Among: []string{ann}}},
		"quote and its tag":        {sessions: two, said: Said{Quotes: true, Quoted: carl, Text: "#car3 Hello"}, want: relay(carl, "Hello")},
		"quote and another's tag":  {sessions: two, said: Said{Quotes: true, Quoted: carl, Text: "#ANN2 Hello"}, want: Decision{Do: Ask, Text: "#ANN2 Hello", Among: []string{ann, carl}}},
		"tag":                      {sessions: two, said: Said{Text: "#CAR3 Hello"}, want: relay(carl, "Hello")},
		"tag without its mark":     {sessions: two, said: Said{Text: "car3 Hello"}, want: relay(carl, "Hello")},
		"a word like a tag":        {sessions: two[:1], said: Said{Text: "car3 is a bus"}, want: relay(ann, "car3 is a bus")},
		"unknown tag":              {sessions: two[:1], said: Said{Text: "#ZZZ9 Hello"}, want: Decision{Do: Tell, Tag: "ZZZ9", Notice: NoticeUnknown}},
		"tag of a closed one":      {sessions: []Session{two[0], closed(carl, bob, time.Hour)}, said: Said{Text: "#CAR3 Hello"}, want: Decision{Do: Tell, Tag: carl, Notice: NoticeClosed}},
		"tag alone":                {sessions: two, said: Said{Text: "#CAR3"}, want: Decision{Do: Pin, Tag: carl}},
		"tag with a file":          {sessions: two, said: Said{Text: "#CAR3", Files: true}, want: relay(carl, "")},
		"pin":                      {sessions: two, said: Said{Text: "Hello"}, pin: carl, pinned: time.Minute, want: relay(carl, "Hello")},
		"pin of long ago":          {sessions: two, said: Said{Text: "Hello"}, pin: carl, pinned: 11 * time.Minute, want: Decision{Do: Ask, Text: "Hello", Among: []string{ann, carl}}},
		"pin, then the other came": {sessions: []Session{two[0], shown}, said: Said{Text: "Hello"}, pin: ann, pinned: 2 * time.Minute, want: Decision{Do: Ask, Text: "Hello", Among: []string{carl, ann}}},
		"pin, then a new one":      {sessions: []Session{two[0], fresh}, said: Said{Text: "Hello"}, pin: ann, pinned: 2 * time.Minute, want: Decision{Do: Ask, Text: "Hello", Among: []string{ann, carl}}},
		"pin on a closed one":      {sessions: []Session{two[0], session(dora, bob), closed(carl, bob, time.Hour)}, said: Said{Text: "Hello"}, pin: carl, pinned: time.Minute, want: Decision{Do: Ask, Text: "Hello", Among: []string{ann, dora}}},

		"take":                 {sessions: []Session{session(ann, ""), two[1]}, said: Said{Text: "/take"}, want: Decision{Do: Order, Tag: ann, Take: true, Command: TakeIt}},
		"take which?":          {sessions: []Session{session(ann, ""), session(dora, "")}, said: Said{Text: "/take"}, want: Decision{Do: Ask, Command: TakeIt, Among: []string{ann, dora}}},
		"take nothing":         {sessions: two, said: Said{Text: "/take"}, want: Decision{Do: Tell, Notice: NoticeNothingToTake}},
		"close":                {sessions: two[:1], said: Said{Text: "/close"}, want: Decision{Do: Order, Tag: ann, Command: CloseIt}},
		"close which?":         {sessions: two, said: Said{Text: "/close"}, pin: carl, pinned: time.Second, want: Decision{Do: Ask, Command: CloseIt, Among: []string{ann, carl}}},
		"close by tag":         {sessions: two, said: Said{Text: "#CAR3 close"}, want: Decision{Do: Order, Tag: carl, Command: CloseIt}},
		"close by quote":       {sessions: two, said: Said{Quotes: true, Quoted: carl, Text: "/结束"}, want: Decision{Do: Order, Tag: carl, Command: CloseIt}},
		"list":                 {said: Said{Text: "/sessions"}, want: Decision{Do: Order, Command: ListThem}},
		"take button":          {sessions: []Session{session(ann, "")}, said: Said{Button: Button(TakeIt, ann)}, want: Decision{Do: Order, Tag: ann, Take: true, Command: TakeIt}},
		"take button too late": {sessions: []Session{session(ann, eve)}, said: Said{Button: Button(TakeIt, ann)}, want: Decision{Do: Tell, Tag: ann, Notice: NoticeTaken}},
		"pass button":          {sessions: []Session{session(ann, "")}, said: Said{Button: Button(PassIt, ann)}, want: Decision{Do: Order, Tag: ann, Command: PassIt}},
		"pick button":          {sessions: two, said: Said{Button: Button(PickIt, carl)}, want: Decision{Do: Order, Tag: carl, Command: PickIt}},
		"button of a closed":   {sessions: []Session{closed(ann, bob, time.Hour)}, said: Said{Button: Button(CloseIt, ann)}, want: Decision{Do: Tell, Tag: ann, Notice: NoticeClosed}},
		"foreign button":       {sessions: two, said: Said{Button: "yes"}, want: Decision{Do: Tell, Notice: NoticeOldButton}},
	} {
		got := Route(c.said, Desk{Now: now, Person: bob, Sessions: c.sessions, Pin: c.pin, PinTime: ago(c.pinned)})
		require.Equal(t, c.want, got, name)
	}
}
