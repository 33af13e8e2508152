package chaos_test

import (
	"fmt"
	"net/http"
	"time"
)

const (
	// giveUpAfter is a little less than the server gives a call.
	giveUpAfter = 14 * time.Second
	// stopGrace is a little less than a server that was asked to stop gives it.
	stopGrace = 9 * time.Second
	// refusalLimit is how soon a caller has to hear that the disk is full.
	refusalLimit = 8 * time.Second
)

// verdict is what the checker found, and what it counted on the way.
type verdict struct {
	Findings []string

	Sessions, Messages, Failed int
	Events, StreamEvents       int
	Replies, LateReplies       int
	Calls                      int
	AfterDeath                 int // repeats of calls that were under way when the process ended
	PerDeath                   map[int]int
	Withheld                   int // repeats of calls that the vendor did not answer
	Asked                      int // retries that the vendor asked for: 429, 503

	Pushed           int // calls of the event webhook
	PushedAfterDeath int // of them repeats, as AfterDeath
}

// check compares what everybody was told. It needs nothing but the record.
func check(r *record) *verdict {
	v := &verdict{Calls: len(r.Calls), Pushed: len(r.Pushed), PerDeath: map[int]int{}}
	calls, pushed := bySession(r.Calls), bySession(r.Pushed)
	for _, s := range r.Sessions {
		c := checker{verdict: v, record: r, session: s, calls: calls[s.id()], pushed: pushed[s.id()]}
		c.check()
		delete(calls, s.id())
		delete(pushed, s.id())
	}
	for id, calls := range calls {
		v.findf("vendor: %d calls for session %q, of which nobody was told", len(calls), id)
	}
	for id, calls := range pushed {
		v.findf("webhook: %d events of session %q, of which nobody was told", len(calls), id)
	}
	for _, answer := range r.Unexpected {
		v.findf("answer: %s", answer)
	}
	for _, took := range r.Refusals {
		if took > refusalLimit {
			v.findf("full disk: a caller waited %s for a refusal", took)
		}
	}
	return v
}

func bySession(calls []*call) map[string][]*call {
	sorted := map[string][]*call{}
	for _, c := range calls {
		sorted[c.Session] = append(sorted[c.Session], c)
	}
	return sorted
}

// maxFindings bounds the report; what goes wrong once mostly goes wrong often.
const maxFindings = 50

func (v *verdict) findf(format string, args ...any) {
	if len(v.Findings) < maxFindings {
		v.Findings = append(v.Findings, fmt.Sprintf(format, args...))
	}
}

// checker checks one session.
type checker struct {
	*verdict

	record  *record
	session *session
	calls   []*call
	pushed  []*call

	messages map[string]logged    // customers', by id
	statuses map[string][]logged  // of messages, by id
	settled  map[string]time.Time // when a stream first told a message's status
}

func (c *checker) findf(format string, args ...any) {
	c.verdict.findf("%s (%s): %s", c.session.Conversation, c.session.id(), fmt.Sprintf(format, args...))
}

func (c *checker) check() {
	c.Sessions++
	for _, id := range c.session.IDs {
		if id != c.session.id() {
			c.findf("handoff: two sessions for one request: %s", id)
		}
	}
	if c.session.id() == "" {
		c.findf("handoff: never acknowledged")
		return
	}
	c.index()
	c.checkLog()
	c.checkSent()
	c.checkReplies()
	c.checkStreams()
	c.checkLedger()
	c.checkVendor()
	c.checkPushed()
}

func (c *checker) index() {
	c.messages, c.statuses, c.settled = map[string]logged{}, map[string][]logged{}, map[string]time.Time{}
	for _, e := range c.session.Log {
		switch {
		case e.Status != "":
			c.statuses[e.MessageID] = append(c.statuses[e.MessageID], e)
		case e.isMessage() && !e.Human:
			c.messages[e.MessageID] = e
		}
	}
	for _, stream := range c.session.Streams {
		for _, s := range stream {
			if s.Sequence == 0 || s.Sequence > uint64(len(c.session.Log)) {
				continue // the check of the streams tells
			}
			e := c.session.Log[s.Sequence-1]
			if at, known := c.settled[e.MessageID]; e.Status != "" && (!known || s.Time.Before(at)) {
				c.settled[e.MessageID] = s.Time
			}
		}
	}
}

// checkLog checks the log by itself: no gap, REQUESTED first, CLOSED last,
// states that only move forward, nothing twice.
func (c *checker) checkLog() {
	log := c.session.Log
	c.Events += len(log)
	if len(log) == 0 || log[0].State != "REQUESTED" {
		c.findf("log: does not begin with REQUESTED")
	}
	order := map[string]int{"REQUESTED": 1, "WAITING": 2, "ACTIVE": 3, "CLOSED": 4}
	state, clients, texts := 0, map[string]bool{}, map[string]bool{}
	for i, e := range log {
		if e.Sequence != uint64(i+1) {
			c.findf("log: sequence %d at place %d", e.Sequence, i+1)
		}
		if e.State != "" {
			if order[e.State] <= state {
				c.findf("log: %s at %d is a step back", e.State, e.Sequence)
			}
			state = order[e.State]
		}
		if e.State == "CLOSED" && i != len(log)-1 {
			c.findf("log: %d events after CLOSED", len(log)-1-i)
		}
		if !e.isMessage() {
			continue
		}
		if texts[e.Text] || e.ClientID != "" && clients[e.ClientID] {
			c.findf("log: %q is there twice, again at %d", e.Text, e.Sequence)
		}
		texts[e.Text], clients[e.ClientID] = true, true
	}
	if (c.session.Closed > 0 || c.session.HumanClosed > 0) && state != order["CLOSED"] {
		c.findf("log: the close was acknowledged, and the session is open")
	}
}

// checkSent checks that what was acknowledged is in the log, in each writer's
// order, and that nothing else is.
func (c *checker) checkSent() {
	byText := map[string]logged{}
	for _, m := range c.messages {
		byText[m.Text] = m
	}
	last := map[int]uint64{} // by writer
	for _, s := range c.session.Sent {
		m, there := byText[s.Text]
		delete(byText, s.Text)
		for _, id := range s.IDs {
			if id != s.IDs[0] {
				c.findf("accepted: %q was acknowledged as %s and as %s", s.Text, s.IDs[0], id)
			}
		}
		if len(s.IDs) > 0 {
			c.Messages++
		}
		switch {
		case !there && len(s.IDs) > 0:
			c.findf("accepted: %q was acknowledged and is lost", s.Text)
		case !there:
		case s.ClientID != m.ClientID || len(s.IDs) > 0 && s.IDs[0] != m.MessageID:
			c.findf("accepted: %q (%s) is in the log as %s (%s)", s.Text, s.ClientID, m.MessageID, m.ClientID)
		case s.Denied:
			c.findf("accepted: %q is in the log, where its sender was told that nothing was stored", s.Text)
		case s.Closed:
			c.findf("accepted: %q was refused, since the session was closed, and is in the log", s.Text)
		case m.Sequence < last[s.Writer]:
			c.findf("accepted: %q stands before one that was acknowledged before it", s.Text)
		}
		if there {
			last[s.Writer] = m.Sequence
		}
	}
	for _, m := range byText {
		c.findf("log: nobody sent %q", m.Text)
	}
}

// checkReplies checks that each human's message made one event, or was kept once
// as late, as its sender was told.
func (c *checker) checkReplies() {
	inLog, late := map[string]int{}, map[string]int{}
	for _, e := range c.session.Log {
		if e.isMessage() && e.Human {
			inLog[e.Text]++
		}
	}
	for _, text := range c.session.Late {
		late[text]++
	}
	for _, r := range c.session.Human {
		events, kept := inLog[r.Text], late[r.Text]
		delete(inLog, r.Text)
		delete(late, r.Text)
		c.Replies += events
		c.LateReplies += kept
		switch {
		case r.Taken > 0 && r.Late > 0:
			c.findf("human: %q was taken and was too late", r.Text)
		case r.Taken > 0 && (events != 1 || kept != 0):
			c.findf("human: %q was taken, and is %d times in the log and %d times among the late", r.Text, events, kept)
		case r.Late > 0 && (events != 0 || kept != 1):
			c.findf("human: %q was too late, and is %d times in the log and %d times among the late", r.Text, events, kept)
		case events+kept > 1:
			c.findf("human: %q is %d times in the log and %d times among the late", r.Text, events, kept)
		}
	}
	for text := range inLog {
		c.findf("log: no human said %q", text)
	}
	for text := range late {
		c.findf("late: no human said %q", text)
	}
}

// checkStreams checks that each stream, over all cuts, was the log.
func (c *checker) checkStreams() {
	for n, stream := range c.session.Streams {
		c.StreamEvents += len(stream)
		for i, s := range stream {
			if s.Sequence != uint64(i+1) {
				c.findf("stream %d: sequence %d came at place %d", n, s.Sequence, i+1)
				break
			}
			if i >= len(c.session.Log) || s.Content != c.session.Log[i].Content {
				c.findf("stream %d: event %d is not the one in the log", n, s.Sequence)
				break
			}
		}
		if len(stream) < len(c.session.Log) {
			c.findf("stream %d: ended at %d of %d", n, len(stream), len(c.session.Log))
		}
	}
}

// isRefusal tells a definitive answer that says no.
func isRefusal(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 300 && status < 500
}

func isSuccess(status int) bool { return status >= 200 && status < 300 }
