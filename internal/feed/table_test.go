package feed_test

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/feed"
	"github.com/human-handoff/handoff/internal/handoff"
)

// table is a store in memory, as the ports' comments have it.
type table struct {
	mu          sync.Mutex
	change      uint64
	sessions    map[string]*session
	feeds       map[string]feed.Feed
	checkpoints map[string]uint64
	first       map[string]int // number of the newest session when the feed was made
	cursors     map[string]cursor
	calls       int   // of any method
	err         error // of what is written
	took        time.Duration
}

type session struct {
	number        int
	agentID, open string // open = "" once it is closed
	events        []handoff.Event
	change        uint64
}

type cursor struct {
	feed.Cursor

	pending bool
}

func newTable() *table {
	return &table{
		sessions: map[string]*session{}, feeds: map[string]feed.Feed{}, checkpoints: map[string]uint64{},
		first: map[string]int{}, cursors: map[string]cursor{},
	}
}

// log adds an event to a session, which is made if there is none.
func (s *table) log(agentID, sessionID string, body handoff.EventBody) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ses := s.sessions[sessionID]
	if ses == nil {
		ses = &session{number: len(s.sessions) + 1, agentID: agentID, open: "yes"}
		s.sessions[sessionID] = ses
	}
	s.change++
	ses.change = s.change
	ses.events = append(ses.events, handoff.Event{Sequence: uint64(len(ses.events) + 1), Time: now(), Body: body})
}

// crash is what a process that starts now would find.
func (s *table) crash() *table {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := &table{
		change: s.change, sessions: map[string]*session{}, feeds: maps.Clone(s.feeds), checkpoints: maps.Clone(s.checkpoints),
		first: maps.Clone(s.first), cursors: maps.Clone(s.cursors), took: s.took,
	}
	for id, ses := range s.sessions {
		copied := *ses
		copied.events = slices.Clone(ses.events)
		found.sessions[id] = &copied
	}
	return found
}

// fail makes all that is written fail with err, or no more.
func (s *table) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *table) used() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func (s *table) lock() func() {
	s.mu.Lock()
	s.calls++
	return s.mu.Unlock
}

// disk lets what is written take a while before it counts, and before its caller
// hears of that. Only cursors do: who holds a mutex meanwhile stops a bubble's time.
func (s *table) disk() (after func()) {
	time.Sleep(s.took)
	return func() { time.Sleep(s.took) }
}

// Agent implements feed.Store.
func (s *table) Agent(_ context.Context, id string) (*handoff.Agent, error) {
	if id == "unknown" {
		return nil, handoff.ErrAgentNotFound
	}
	return &handoff.Agent{ID: id}, nil
}

// LastChange implements feed.Store.
func (s *table) LastChange(context.Context) (uint64, error) {
	defer s.lock()()
	return s.change, nil
}

// Feeds implements feed.Store.
func (s *table) Feeds(context.Context) ([]feed.Feed, error) {
	defer s.lock()()
	return slices.Collect(maps.Values(s.feeds)), nil
}

// Feed implements feed.Store.
func (s *table) Feed(_ context.Context, agentID string) (*feed.Feed, error) {
	defer s.lock()()
	f, ok := s.feeds[agentID]
	if !ok {
		return nil, feed.ErrNotFound
	}
	return &f, nil
}

// UpdateFeed implements feed.Store.
func (s *table) UpdateFeed(_ context.Context, agentID string, fromStart bool, fn func(*feed.Feed) error) error {
	defer s.lock()()
	f, ok := s.feeds[agentID]
	f.AgentID = agentID
	if s.err != nil {
		return s.err
	}
	if err := fn(&f); err != nil {
		return err
	}
	f.Version++
	s.feeds[agentID] = f
	if ok {
		return nil
	}
	s.checkpoints[agentID], s.first[agentID] = s.change, len(s.sessions)
	for id, ses := range s.sessions {
		if ses.agentID == agentID && ses.open != "" {
			c := cursor{pending: fromStart}
			c.SessionKey = feed.SessionKey{SessionID: id, AgentID: agentID}
			if !fromStart {
				c.Delivered = uint64(len(ses.events))
			}
			s.cursors[id] = c
		}
	}
	return nil
}

// DeleteFeed implements feed.Store.
func (s *table) DeleteFeed(_ context.Context, agentID string) error {
	defer s.lock()()
	if _, ok := s.feeds[agentID]; !ok {
		return feed.ErrNotFound
	}
	delete(s.feeds, agentID)
	maps.DeleteFunc(s.cursors, func(_ string, c cursor) bool { return c.AgentID == agentID })
	return nil
}

// FeedHead implements feed.Store.
func (s *table) FeedHead(_ context.Context, sessionID string, limit int) (h feed.Head, ok bool, err error) {
	defer s.lock()()
	ses := s.sessions[sessionID]
	if ses == nil {
		return h, false, nil
	}
	c, ok := s.cursors[sessionID]
	if _, set := s.feeds[ses.agentID]; !set || !ok && ses.number <= s.first[ses.agentID] {
		return h, false, nil
	}
	h.Cursor = c.Cursor
	h.SessionKey = feed.SessionKey{SessionID: sessionID, AgentID: ses.agentID}
	h.ConversationID = "of " + sessionID
	rest := ses.events[h.Delivered:]
	h.Events = slices.Clone(rest[:min(limit, len(rest))])
	return h, true, nil
}

// SetCursor implements feed.Store.
func (s *table) SetCursor(_ context.Context, c feed.Cursor) (more bool, err error) {
	defer s.disk()()
	defer s.lock()()
	if s.err != nil {
		return false, s.err
	}
	ses := s.sessions[c.SessionID]
	if _, set := s.feeds[ses.agentID]; !set || s.cursors[c.SessionID].Delivered > c.Delivered {
		return false, nil
	}
	more = c.Delivered < uint64(len(ses.events))
	s.cursors[c.SessionID] = cursor{c, more}
	return more, nil
}

// Checkpoint implements feed.Store.
func (s *table) Checkpoint(_ context.Context, pending []feed.SessionKey, place uint64) error {
	defer s.lock()()
	if s.err != nil {
		return s.err
	}
	for _, key := range pending {
		ses := s.sessions[key.SessionID]
		c, ok := s.cursors[key.SessionID]
		if ok || ses.number > s.first[key.AgentID] {
			c.SessionKey = key
			c.pending = c.Delivered < uint64(len(ses.events))
			s.cursors[key.SessionID] = c
		}
	}
	for id, f := range s.feeds {
		if f.Disabled == "" {
			s.checkpoints[id] = max(s.checkpoints[id], place)
		}
	}
	return nil
}

// Behind implements feed.Store.
func (s *table) Behind(_ context.Context, agentID string) (keys []feed.SessionKey, err error) {
	defer s.lock()()
	for id, ses := range s.sessions {
		f, set := s.feeds[ses.agentID]
		wanted := set && (f.AgentID == agentID || agentID == "" && f.Disabled == "")
		if wanted && (s.cursors[id].pending || ses.change > s.checkpoints[ses.agentID]) {
			keys = append(keys, feed.SessionKey{SessionID: id, AgentID: ses.agentID})
		}
	}
	return keys, nil
}

// EventDeliveries implements feed.Store.
func (s *table) EventDeliveries(_ context.Context, f feed.DeliveryFilter, _ handoff.Page) (list []feed.Delivery, next string, err error) {
	defer s.lock()()
	for id, c := range s.cursors {
		if (f.SessionID == "" || f.SessionID == id) && (!f.Failing || c.Attempts > 0) {
			list = append(list, feed.Delivery{Cursor: c.Cursor, Last: uint64(len(s.sessions[id].events))})
		}
	}
	slices.SortFunc(list, func(a, b feed.Delivery) int { return cmp.Compare(a.SessionID, b.SessionID) })
	return list, "", nil
}

// ids returns what the calls of a session's first n events are called.
func ids(sessionID string, n int) (all []string) {
	for i := range n {
		all = append(all, sessionID+"_"+strconv.Itoa(i+1))
	}
	return all
}
