package messenger

import "strings"

// Command is what a human orders instead of answering.
type Command string

// The commands.
const (
	NoCommand Command = ""
	TakeIt    Command = "take"     // I answer this session
	PassIt    Command = "pass"     // somebody else may have it
	CloseIt   Command = "close"    // this session is over
	PickIt    Command = "pick"     // what I wrote was for this session
	ListThem  Command = "sessions" // which are there?
	ShowHelp  Command = "help"     // how does this work?
)

// words are what humans may type for a command, after a slash.
var words = map[string]Command{
	"take": TakeIt, "claim": TakeIt, "接入": TakeIt, "接单": TakeIt,
	"pass": PassIt, "release": PassIt, "放弃": PassIt, "转出": PassIt,
	"close": CloseIt, "end": CloseIt, "done": CloseIt, "结束": CloseIt, "关闭": CloseIt,
	"sessions": ListThem, "list": ListThem, "会话": ListThem, "列表": ListThem,
	"help": ShowHelp, "帮助": ShowHelp,
}

// parseCommand reads a text that is a command and nothing else. Without its slash
// a word is a command only where bare allows it: right after a tag.
func parseCommand(text string, bare bool) Command {
	word := strings.ToLower(strings.TrimSpace(text))
	for _, slash := range []string{"/", "／"} {
		if after, found := strings.CutPrefix(word, slash); found {
			word, bare = after, true
		}
	}
	if !bare {
		return NoCommand
	}
	return words[word]
}

// Button returns the id of a button that orders a command for a session.
func Button(c Command, tag string) string { return buttonPrefix + string(c) + ":" + tag }

// Typed returns what can be typed instead of pressing a button, for chats without
// any; empty if there is nothing.
func Typed(button string) string {
	command, tag, ok := parseButton(button)
	switch {
	case !ok:
		return ""
	case tag == "":
		return "/" + string(command)
	case command == PickIt || command == TakeIt:
		return "#" + tag
	default:
		return "#" + tag + " " + string(command)
	}
}

const buttonPrefix = "handoff:"

// parseButton is the reverse of Button.
func parseButton(id string) (c Command, tag string, ok bool) {
	rest, found := strings.CutPrefix(id, buttonPrefix)
	if !found {
		return NoCommand, "", false
	}
	word, tag, _ := strings.Cut(rest, ":")
	switch c := Command(word); c {
	case TakeIt, PassIt, CloseIt, PickIt:
		tag, ok := normalTag(tag)
		return c, tag, ok
	case ListThem, ShowHelp:
		return c, "", true
	default:
		return NoCommand, "", false
	}
}
