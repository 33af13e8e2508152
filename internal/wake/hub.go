// Package wake passes wake-ups between the parts of one process.
//
// A wake-up says "look", and whoever looks reads the database. One that is lost
// or doubled therefore does no harm. The lanes alone are given what was committed
// for them, because they would read it at once.
package wake

import (
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Hub is the handoff.Waker of a process.
type Hub struct {
	mu        sync.Mutex
	followers map[topic]map[chan struct{}]struct{}
	lanes     Lanes
	feeds     func(sessionID, agentID string)
	timers    func(due time.Time)
}

// Lanes takes over what was committed for lanes, as in handoff.Waker. Its methods
// must not block.
type Lanes interface {
	Committing(sessionID string)
	Deliver(h handoff.Handover)
}

// topic is a session, all sessions of an agent, or all that there are.
type topic struct{ sessionID, agentID string }

// NewHub returns a hub without followers.
func NewHub() *Hub {
	return &Hub{followers: map[topic]map[chan struct{}]struct{}{}, timers: func(time.Time) {}, feeds: func(string, string) {}}
}

// OnDeliveries sets who is given what was committed for lanes; without it nobody
// is. It is called once, before the hub is used.
func (h *Hub) OnDeliveries(lanes Lanes) { h.lanes = lanes }

// OnChanged sets who else is told of every change. fn must not block. It is called
// once, before the hub is used.
func (h *Hub) OnChanged(fn func(sessionID, agentID string)) { h.feeds = fn }

// OnTimer sets who is told of new timers. fn must not block. It is called once,
// before the hub is used.
func (h *Hub) OnTimer(fn func(due time.Time)) { h.timers = fn }

// Timer tells that a session is due at a time.
func (h *Hub) Timer(due time.Time) { h.timers(due) }

// Committing tells that something may be committed for the session's lane.
func (h *Hub) Committing(sessionID string) {
	if h.lanes != nil {
		h.lanes.Committing(sessionID)
	}
}

// Deliveries gives the session's lane what was committed for it.
func (h *Hub) Deliveries(committed handoff.Handover) {
	if h.lanes != nil {
		h.lanes.Deliver(committed)
	}
}

// Changed wakes those who follow the session, or all sessions of its agent. It
// never blocks: a follower that has not looked since the last wake-up will look
// anyway.
func (h *Hub) Changed(sessionID, agentID string) {
	h.feeds(sessionID, agentID)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range []topic{{sessionID: sessionID}, {agentID: agentID}, {}} {
		for ch := range h.followers[t] {
			select {
			case ch <- struct{}{}:
			default:
			}
		}
	}
}

// Follow returns a channel that is ready after each change of the session, until
// stop is called.
func (h *Hub) Follow(sessionID string) (wake <-chan struct{}, stop func()) {
	return h.follow(topic{sessionID: sessionID})
}

// FollowAgent is Follow for all sessions of an agent; of all agents, if the id is
// empty.
func (h *Hub) FollowAgent(agentID string) (wake <-chan struct{}, stop func()) {
	return h.follow(topic{agentID: agentID})
}

func (h *Hub) follow(t topic) (wake <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.followers[t] == nil {
		h.followers[t] = map[chan struct{}]struct{}{}
	}
	h.followers[t][ch] = struct{}{}
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.followers[t], ch)
		if len(h.followers[t]) == 0 {
			delete(h.followers, t)
		}
	}
}
