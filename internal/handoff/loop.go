package handoff

import (
	"strings"
	"sync"
	"time"
)

// A provider that answers each message with that very message would make two
// machines talk for ever. What counts are human messages that equal one that the
// customer sent a moment ago: people do that once, machines do nothing else.
const (
	loopMemory   = 8               // of a session's latest messages to the provider
	loopWindow   = time.Minute     // in which equal messages are counted
	loopLimit    = 3               // of them
	maxLoopGuard = 10_000          // sessions that are remembered; beyond that all start afresh
	loopRecent   = 5 * time.Minute // how long a message to the provider is remembered
)

// ErrLoop is the answer to a message that seems to be our own, sent back again and again.
var ErrLoop = &Error{Code: CodePrecondition, Reason: "MESSAGE_LOOP", Message: "this repeats what the customer has just sent, for the fourth time within a minute; make sure that only what humans write is sent back"}

// loops notices providers that send back what they get. It lives in memory
// alone: after a restart it takes a loop no longer to be noticed than before.
type loops struct {
	mu       sync.Mutex
	sessions map[string]*loopGuard
}

type loopGuard struct {
	sent   []said      // to the provider, the latest at the end
	equals []time.Time // when something equal came back
}

type said struct {
	text string
	time time.Time
}

// sent remembers what goes to the provider.
func (l *loops) sent(sessionID, text string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.sessions[sessionID]
	if g == nil {
		if l.sessions == nil || len(l.sessions) >= maxLoopGuard {
			l.sessions = map[string]*loopGuard{}
		}
		g = &loopGuard{}
		l.sessions[sessionID] = g
	}
	g.sent = append(g.sent[max(0, len(g.sent)-loopMemory+1):], said{loopText(text), now})
}

// repeats reports whether a message is one too many that only repeats ours.
func (l *loops) repeats(sessionID, text string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.sessions[sessionID]
	if g == nil || !g.knows(loopText(text), now) {
		return false
	}
	for len(g.equals) > 0 && now.Sub(g.equals[0]) > loopWindow {
		g.equals = g.equals[1:]
	}
	if len(g.equals) >= loopLimit {
		return true
	}
	g.equals = append(g.equals, now)
	return false
}

func (g *loopGuard) knows(text string, now time.Time) bool {
	for _, s := range g.sent {
		if s.text == text && now.Sub(s.time) <= loopRecent {
			return true
		}
	}
	return false
}

// loopText is what two texts have in common that are the same for a machine; of a
// long one its beginning does.
func loopText(text string) string {
	text = strings.TrimSpace(text)
	return strings.Clone(text[:min(len(text), 256)])
}
