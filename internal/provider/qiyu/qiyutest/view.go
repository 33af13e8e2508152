package qiyutest

import (
	"regexp"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

var (
	heading = regexp.MustCompile(`^【Handoff [^】]+】(\(\d+/\d+\))?\n`)
	endMark = "【会话结束】"
)

// Sessions implements emulator.Emulator: what staff read.
func (e *Emulator) Sessions() []emulator.Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]emulator.Session, 0, len(e.talks))
	for _, t := range e.talks {
		all = append(all, t.session())
	}
	return all
}

func (t *talk) session() emulator.Session {
	first := func(names ...string) string {
		for _, name := range names {
			if t.info[name] != "" {
				return t.info[name]
			}
		}
		return ""
	}
	s := emulator.Session{ID: t.uid, Closed: t.ended, Customer: handoff.Customer{
		Name: t.info["real_name"], Email: first("email", "claimed_email"), Phone: first("mobile_phone", "claimed_mobile_phone"),
		UserID: first("user_id", "claimed_user_id"),
	}}
	for _, it := range t.items {
		switch {
		case it.from == emulator.FromCustomer && it.file != nil:
			s.Files = append(s.Files, *it.file)
		case it.from == emulator.FromCustomer && heading.MatchString(it.text):
			s.Context += heading.ReplaceAllString(it.text, "")
		case it.from == emulator.FromCustomer && strings.HasPrefix(it.text, endMark):
			s.Closed = strings.TrimPrefix(it.text, endMark)
		default:
			s.Lines = append(s.Lines, emulator.Line{From: it.from, Name: it.name, Text: it.text})
		}
	}
	return s
}
