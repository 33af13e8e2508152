package messenger

import (
	"slices"
	"time"
)

const (
	// settling is how long after one of a human's sessions began or ended what they
	// write may still be meant for it: they may not have seen it.
	settling = time.Minute
	// pinned is how long what a human chose last holds.
	pinned = 10 * time.Minute
)

// Said is what a human wrote or pressed in a chat app, with whatever hint it
// came with.
type Said struct {
	Button     string // id of our button that was pressed; empty = none
	Quotes     bool   // another message is quoted
	Quoted     string // tag of the session that the quoted message is known to be of; empty = unknown
	QuotedText string // what was quoted, from vendors that give no id of it
	Text       string
	Files      bool // it has attachments
}

// Session is a session as a human in a chat app may know it.
type Session struct {
	Tag    string
	Person string // who took it; empty = offered to everybody

	OpenTime  time.Time // when it came to this human: was offered, or taken
	CloseTime time.Time // zero = it is open
	ShowTime  time.Time // when this human was last shown something of it
}

func (s *Session) open() bool { return s.CloseTime.IsZero() }

// Desk is what is known when a human says something.
type Desk struct {
	Now      time.Time
	Person   string    // who says it
	Sessions []Session // of this desk: all that are open, and those that were closed of late
	Pin      string    // tag of the session that this human chose last
	PinTime  time.Time
}

// Do is what is to be done with what a human said.
type Do string

// What can be done.
const (
	Ignore Do = ""      // it says nothing
	Relay  Do = "relay" // to the customer of the session
	Order  Do = "order" // carry out the command
	Pin    Do = "pin"   // what comes next without a hint is for the session
	Ask    Do = "ask"   // hold it, and ask which session it is for
	Tell   Do = "tell"  // tell the human why nothing was done
)

// Decision is what Route decided.
type Decision struct {
	Do      Do
	Tag     string   // of the session
	Take    bool     // the session becomes this human's, for nobody had it
	Text    string   // to relay: what was said, without tag and command
	Command Command  // to carry out
	Notice  Notice   // to tell
	Among   []string // tags to choose from, the likeliest first
}

// Route decides which session a human means. The first hint counts that is there:
// a button, a quoted message, a tag, that the human has one session alone, and
// what they chose last. Hints that contradict each other are no hint.
func Route(said Said, d Desk) Decision {
	if said.Button != "" {
		return d.button(said)
	}
	tag, text, named := d.named(said)
	command := parseCommand(text, named == byTag)
	if command != NoCommand && said.Files {
		return Decision{Do: Tell, Notice: NoticeFileOrder} // either may be what they meant
	}
	if command == ListThem || command == ShowHelp {
		return Decision{Do: Order, Command: command}
	}
	if text == "" && !said.Files && named != byTag {
		return Decision{}
	}
	switch named {
	case byNothing:
		return d.unnamed(said, text, command)
	case byTwo:
		return d.ask(text, command)
	default:
		return d.explicit(tag, text, command, said.Files)
	}
}

// naming is how a human named a session.
type naming int

const (
	byNothing naming = iota
	byTag
	byQuote
	byTwo // which are not the same
)

// named returns the session that the human names, and what they said without that.
func (d *Desk) named(said Said) (tag, text string, by naming) {
	typed, rest, isTag := d.typedTag(said.Text)
	quoted := said.Quoted
	if quoted == "" {
		quoted, _ = findTag(said.QuotedText)
	}
	switch {
	case isTag && quoted != "" && quoted != typed:
		return "", said.Text, byTwo
	case isTag:
		return typed, rest, byTag
	case quoted != "":
		return quoted, said.Text, byQuote
	case said.Quotes:
		return "", said.Text, byTwo // of something that is not known any more
	default:
		return "", said.Text, byNothing
	}
}

// typedTag returns the tag with which a text begins, and the rest. Without its #
// it is one only if the human has, or could take, an open session with it; else it
// is a word.
func (d *Desk) typedTag(text string) (tag, rest string, ok bool) {
	tag, rest, marked, ok := cutTag(text)
	if ok && !marked {
		s := d.find(tag)
		ok = s != nil && s.open() && d.may(s)
	}
	return tag, rest, ok
}

func (d *Desk) button(said Said) Decision {
	command, tag, ok := parseButton(said.Button)
	if !ok {
		return Decision{Do: Tell, Notice: NoticeOldButton}
	}
	if tag == "" {
		return Decision{Do: Order, Command: command}
	}
	return d.explicit(tag, "", command, false)
}

// explicit is for a session that the human named.
func (d *Desk) explicit(tag, text string, command Command, files bool) Decision {
	s := d.find(tag)
	switch {
	case s == nil:
		return Decision{Do: Tell, Tag: tag, Notice: NoticeUnknown}
	case !s.open():
		return Decision{Do: Tell, Tag: tag, Notice: NoticeClosed}
	case !d.may(s):
		return Decision{Do: Tell, Tag: tag, Notice: NoticeTaken}
	}
	decision := Decision{Tag: tag, Take: s.Person == "" && command != PassIt}
	switch {
	case command != NoCommand:
		decision.Do, decision.Command = Order, command
	case text == "" && !files:
		decision.Do = Pin
	default:
		decision.Do, decision.Text = Relay, text
	}
	return decision
}

// unnamed is for what came without any hint.
func (d *Desk) unnamed(said Said, text string, command Command) Decision {
	among := d.candidates(command == TakeIt)
	switch {
	case len(among) == 0:
		return Decision{Do: Tell, Notice: d.nothing(command)}
	case len(among) == 1 && (command == TakeIt || d.settled(among[0])):
		return d.explicit(among[0], text, command, said.Files)
	case command == NoCommand && slices.Contains(among, d.Pin) && d.pinHolds():
		return d.explicit(d.Pin, text, command, said.Files)
	default:
		return d.ask(text, command)
	}
}

// nothing tells why there is no session for what the human said.
func (d *Desk) nothing(command Command) Notice {
	switch {
	case command == TakeIt:
		return NoticeNothingToTake
	case len(d.candidates(true)) > 0:
		return NoticeTakeFirst
	default:
		return NoticeNoSession
	}
}

// ask asks which session is meant. A command is not kept for the answer: the
// buttons of what is asked carry it.
func (d *Desk) ask(text string, command Command) Decision {
	among := d.candidates(command == TakeIt)
	if len(among) == 0 {
		among = d.candidates(true)
	}
	if len(among) == 0 {
		return Decision{Do: Tell, Notice: NoticeNoSession}
	}
	if command != NoCommand {
		text = ""
	}
	return Decision{Do: Ask, Text: text, Command: command, Among: among}
}

// candidates returns the open sessions that the human has or, for one to take,
// that nobody has; the one that showed something last first.
func (d *Desk) candidates(offered bool) (tags []string) {
	of := d.Person
	if offered {
		of = ""
	}
	list := slices.DeleteFunc(slices.Clone(d.Sessions), func(s Session) bool { return !s.open() || s.Person != of })
	slices.SortStableFunc(list, func(a, b Session) int { return b.ShowTime.Compare(a.ShowTime) })
	for _, s := range list {
		tags = append(tags, s.Tag)
	}
	return tags
}

// settled reports whether no other session of this human's began or ended just now.
func (d *Desk) settled(tag string) bool {
	return !slices.ContainsFunc(d.Sessions, func(s Session) bool {
		return s.Tag != tag && s.Person == d.Person && d.Now.Sub(latest(s.OpenTime, s.CloseTime)) < settling
	})
}

// pinHolds reports whether the human chose a session not long ago, and has not
// been shown anything of another one since.
func (d *Desk) pinHolds() bool {
	return d.Now.Sub(d.PinTime) < pinned && !slices.ContainsFunc(d.Sessions, func(s Session) bool {
		return s.Tag != d.Pin && s.Person == d.Person && latest(s.ShowTime, latest(s.OpenTime, s.CloseTime)).After(d.PinTime)
	})
}

// may reports whether the human has a session, or nobody has.
func (d *Desk) may(s *Session) bool { return s.Person == d.Person || s.Person == "" }

func (d *Desk) find(tag string) *Session {
	if i := slices.IndexFunc(d.Sessions, func(s Session) bool { return s.Tag == tag }); i >= 0 {
		return &d.Sessions[i]
	}
	return nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
