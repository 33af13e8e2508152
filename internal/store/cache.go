package store

import (
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/human-handoff/handoff/internal/handoff"
)

const (
	// maxCached bounds how many open sessions are kept, and maxCachedDetails how
	// much of the caller's words each of them holds, so that the cache stays
	// under 64 MiB whatever callers send.
	maxCached        = 4096
	maxCachedDetails = 16 << 10
)

// sessionCache holds open sessions as their rows are. It belongs to the writer's
// goroutine, saves it a read for each update, and is dropped whenever the
// database may know better: when a transaction was undone, and when another
// connection has written to the file.
type sessionCache struct {
	sessions *simplelru.LRU[string, cachedSession]
	version  int64 // of the database's content, as SQLite counts other connections' commits
}

type cachedSession struct {
	num     int64
	session handoff.Session
}

func newSessionCache() *sessionCache {
	lru, err := simplelru.NewLRU[string, cachedSession](maxCached, nil)
	if err != nil {
		panic(err) // only for a size of 0
	}
	return &sessionCache{sessions: lru}
}

// follow drops what is known of an older version of the database. It reports
// whether this is another one.
func (c *sessionCache) follow(version int64) bool {
	if version == c.version {
		return false
	}
	c.version = version
	c.drop()
	return true
}

func (c *sessionCache) drop() { c.sessions.Purge() }

// get returns a session that the caller may change.
func (c *sessionCache) get(id string) (num int64, s *handoff.Session, ok bool) {
	cached, ok := c.sessions.Get(id)
	if !ok {
		return 0, nil, false
	}
	copied := cached.session.Snapshot()
	return cached.num, &copied, true
}

// put keeps a session as it was just written, as long as it is open.
func (c *sessionCache) put(num int64, s *handoff.Session) {
	if s.State == handoff.StateClosed || detailsSize(s) > maxCachedDetails {
		c.sessions.Remove(s.ID)
		return
	}
	c.sessions.Add(s.ID, cachedSession{num, s.Snapshot()})
}

// detailsSize estimates how much of a session the caller has made.
func detailsSize(s *handoff.Session) int {
	n := len(s.Question) + len(s.Reason) + len(s.Ref.Data) + len(s.Limits.WaitPrompt) + len(s.Limits.SilencePrompt)
	for _, tag := range s.Tags {
		n += len(tag)
	}
	for _, m := range []map[string]string{s.Metadata, s.Customer.Attributes} {
		for k, v := range m {
			n += len(k) + len(v)
		}
	}
	return n
}
