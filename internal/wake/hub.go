// Package wake passes wake-ups between the parts of one process.
//
// A wake-up carries no data: it says "look", and whoever looks reads the
// database. One that is lost or doubled therefore does no harm.
package wake

import "sync"

// Hub is the handoff.Waker of a process.
type Hub struct {
	mu        sync.Mutex
	followers map[string]map[chan struct{}]struct{} // by session
	lanes     func(sessionID string)
}

// NewHub returns a hub without followers.
func NewHub() *Hub {
	return &Hub{followers: map[string]map[chan struct{}]struct{}{}, lanes: func(string) {}}
}

// OnDeliveries sets who is told that a session's lane has work. fn must not
// block. It is called once, before the hub is used.
func (h *Hub) OnDeliveries(fn func(sessionID string)) { h.lanes = fn }

// Deliveries wakes the session's lane.
func (h *Hub) Deliveries(sessionID string) { h.lanes(sessionID) }

// Events wakes those who follow the session's log. It never blocks: a follower
// that has not looked since the last wake-up will look anyway.
func (h *Hub) Events(sessionID string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.followers[sessionID] {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// Follow returns a channel that is ready after each Events of the session,
// until stop is called.
func (h *Hub) Follow(sessionID string) (wake <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.followers[sessionID] == nil {
		h.followers[sessionID] = map[chan struct{}]struct{}{}
	}
	h.followers[sessionID][ch] = struct{}{}
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.followers[sessionID], ch)
		if len(h.followers[sessionID]) == 0 {
			delete(h.followers, sessionID)
		}
	}
}
