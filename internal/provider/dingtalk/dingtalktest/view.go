package dingtalktest

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// again is how the robot says that a message may be there twice.
const again = "（可能重复 · maybe sent before）"

var partMark = regexp.MustCompile(` \((\d+)/(\d+)\)$`)

// reader is a human who reads what stands in the group of one session.
type reader struct {
	session *emulator.Session
	began   bool   // all of the start has been read
	last    string // the robot's last message, without its mark
}

// Sessions implements emulator.Emulator: what a human reads in the group.
func (e *Emulator) Sessions() []emulator.Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []*reader
	byTag := map[string]*reader{}
	for _, it := range e.items {
		if it.tag == "" {
			continue
		}
		r := byTag[it.tag]
		if r == nil {
			r = &reader{session: &emulator.Session{ID: it.tag}}
			byTag[it.tag] = r
			list = append(list, r)
		}
		r.read(it)
	}
	sessions := make([]emulator.Session, len(list))
	for i, r := range list {
		emulator.ReadFacts(&r.session.Customer, r.session.Context)
		sessions[i] = *r.session
	}
	return sessions
}

func (r *reader) read(it *item) {
	s := r.session
	if it.who >= 0 {
		s.Lines = append(s.Lines, emulator.Line{From: emulator.FromHuman, Name: Humans[it.who].Nick, Text: it.text})
		return
	}
	first, rest, _ := strings.Cut(it.text, "\n")
	head, marked := strings.CutSuffix(first, again)
	double := marked && r.last == head+"\n"+rest
	r.last = head + "\n" + rest
	if strings.HasPrefix(head, "#"+it.tag+"：") {
		s.Closed = strings.TrimPrefix(rest, "#"+it.tag+": ")
		if double {
			s.Lines = append(s.Lines, emulator.Line{From: emulator.FromNote, Text: rest, Again: true})
		}
		return
	}
	if isOffer(rest) {
		return
	}
	if !r.began {
		r.start(head, rest, it.tag, double)
		return
	}
	_, at, _ := part(head)
	if double && len(s.Lines) == 0 && strings.Contains(s.Context, rest) {
		return // the end of the start, once more
	}
	r.hear(rest, at, double)
}

// isOffer reports whether a session is offered to the others again.
func isOffer(text string) bool {
	return strings.Contains(text, "Mention me with the one") || strings.Contains(text, "请@我并发送")
}

// start reads the next part of a session's start.
func (r *reader) start(head, text, tag string, double bool) {
	name, at, of := part(head)
	r.session.Customer.Name = strings.TrimPrefix(strings.TrimPrefix(name, "#"+tag), " ")
	if !double {
		r.session.Context += text
	}
	r.began = at == of
}

// hear adds what the customer said, which may come in several messages.
func (r *reader) hear(text string, at int, double bool) {
	s := r.session
	if at == 1 {
		s.Lines = append(s.Lines, emulator.Line{From: emulator.FromCustomer, Text: text, Again: double})
		return
	}
	if last := &s.Lines[len(s.Lines)-1]; !double {
		last.Text += text
	}
}

// part reads which of how many parts a message is.
func part(head string) (name string, at, of int) {
	match := partMark.FindStringSubmatchIndex(head)
	if match == nil {
		return head, 1, 1
	}
	at, _ = strconv.Atoi(head[match[2]:match[3]])
	of, _ = strconv.Atoi(head[match[4]:match[5]])
	return head[:match[0]], at, of
}
