package store

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/feed"
	"github.com/human-handoff/handoff/internal/handoff"
)

// statements collects what goes to a database.
type statements struct {
	mu   sync.Mutex
	list []string
}

func (s *statements) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.list
	s.list = nil
	return list
}

func (s *statements) spy(db dialect.Driver) *ent.Client {
	return ent.NewClient(ent.Driver(dialect.DebugWithContext(db, func(_ context.Context, v ...any) {
		_, query, ok := strings.Cut(fmt.Sprint(v...), "query=")
		if ok {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.list = append(s.list, query[:strings.LastIndex(query, " args=")])
		}
	})))
}

var smallScan = regexp.MustCompile("INDEX (delivery_lane|delivery_failed|session_open)|CONSTANT ROW")

// What is done for every message, webhook or stream finds its rows by a key or
// an index, however large the tables become.
func TestFrequentStatementsUseIndexes(t *testing.T) {
	t.Parallel()
	s := openTest(t, defaultQueue)
	var seen statements
	s.read = seen.spy(entsql.OpenDB(dialect.SQLite, s.dbs[0]))
	s.writer.db.tx.Client = seen.spy(ongoing{entsql.NewDriver(dialect.SQLite, entsql.Conn{ExecQuerier: s.writeDB()})})
	ctx, c := t.Context(), handoff.ConversationKey{AgentID: "a", ConversationID: "s1"}
	unknown := handoff.ConversationKey{AgentID: "a", ConversationID: "unknown"}
	newSession(t, s, "s1")
	require.NoError(t, s.UpdateAgent(ctx, "a", func(rec *agents.Record) error {
		rec.Agent.Connection = &handoff.Connection{ID: "c"}
		return nil
	}))
	require.NoError(t, s.UpdateFeed(ctx, "a", true, func(f *feed.Feed) error { f.Secret = []byte("x"); return nil }))
	seen.take()
	failed := []handoff.DeliveryState{handoff.DeliveryFailed}
	list := func(f handoff.DeliveryFilter) error { _, _, err := s.Deliveries(ctx, f, handoff.Page{}); return err }
	partial := map[string][]string{ // whose conditions the statements have to repeat
		"FindSession": {"session_open", "session_request"}, "SessionByRef": {"session_ref"},
		"Head": {"delivery_lane"}, "Lanes": {"delivery_lane"}, "UpdateAgent": {"session_open"}, "OpenSessions": {"session_open"}, "Due": {"session_due"}, "Changes": {"session_change"},
		"Behind":           {"event_cursor_pending", "session_change"},
		"FailedDeliveries": {"delivery_failed"}, "OpenDeliveries": {"delivery_failed", "delivery_lane"}, "DeliveryOfMessage": {"delivery_message_id"},
		"CreateFile": {"file_session"}, "PendingFiles": {"file_pending"}, "Doom": {"file_age", "file_session"}, "OldestFile": {"file_age"},
	}
	for name, fn := range map[string]func() error{
		"Update":  func() error { return send(ctx, s, "m1") },
		"Repeat":  func() error { return send(ctx, s, "m1") },
		"Create":  func() error { newSession(t, s, "s2"); return nil },
		"Session": func() error { _, err := s.Session(ctx, "s1"); return err },
		"Log":     func() error { _, err := s.Log(ctx, "s1", 0, 10); return err },
		"Head":    func() error { _, _, err := s.Head(ctx, "s1"); return err },
		"Due":     func() error { _, _, err := s.Due(ctx, time.Unix(9, 0), 10); return err },
		"Lanes":   func() error { _, err := s.Lanes(ctx); return err },
		"Settle": func() error {
			job, _, err := s.Head(ctx, "s1")
			if err != nil {
				return err
			}
			return s.Update(ctx, "s1", "", func(ses *handoff.Session) error {
				ses.Settle(job.Delivery, handoff.Attempt{State: handoff.DeliveryPending}, ses.CreateTime)
				return nil
			})
		},
		"Changes": func() error {
			_, err := s.Changes(ctx, handoff.SessionFilter{}, 0, 9, 10)
			return err
		},
		"FeedHead": func() error { _, _, err := s.FeedHead(ctx, "s1", 1); return err },
		"Behind":   func() error { _, err := s.Behind(ctx, "a"); return err },
		"EventDeliveries": func() error {
			_, _, err := s.EventDeliveries(ctx, feed.DeliveryFilter{AgentID: "a"}, handoff.Page{})
			return err
		},
		"LatestSession": func() error { _, err := s.LatestSession(ctx, c); return err },
		"FindSession":   func() error { s.FindSession(ctx, c, ""); s.FindSession(ctx, unknown, "r"); return nil },
		"OpenSessions":  func() error { _, err := s.OpenSessions(ctx, []string{"webhook"}); return err },
		"SessionByRef":  func() error { s.SessionByRef(ctx, "c", "r"); return nil },
		"Sessions": func() error {
			_, _, err := s.Sessions(ctx, handoff.SessionFilter{AgentID: "a"}, handoff.Page{})
			return err
		},
		"FailedDeliveries":   func() error { return list(handoff.DeliveryFilter{States: failed}) },
		"OpenDeliveries":     func() error { return list(handoff.DeliveryFilter{States: append(failed, handoff.DeliveryPending)}) },
		"DeliveryOfMessage":  func() error { return list(handoff.DeliveryFilter{MessageID: "m1"}) },
		"UpdateAgent":        func() error { return s.UpdateAgent(ctx, "a", func(*agents.Record) error { return nil }) },
		"Agent":              func() error { s.Agent(ctx, "a"); return nil },
		"ConnectionsByToken": func() error { _, err := s.ConnectionsByToken(ctx, "webhook", "t"); return err },
		"KeyByHash":          func() error { s.KeyByHash(ctx, []byte("h")); return nil },
		"Meta":               func() error { _, err := s.Meta(ctx, "k"); return err },
		"CreateFile":         func() error { return s.CreateFile(ctx, handoff.File{ID: "f", SessionID: "s1"}, 9) },
		"FinishUpload":       func() error { _, err := s.FinishUpload(ctx, "f", "", 1); return err },
		"File":               func() error { s.File(ctx, "f"); return nil },
		"PendingFiles":       func() error { _, err := s.PendingFiles(ctx, "", 10); return err },
		"Doom":               func() error { _, err := s.Doom(ctx, time.Unix(9, 0), time.Unix(9, 0), 10); return err },
		"OldestFile":         func() error { _, err := s.OldestFile(ctx, true); return err },
		"hot": func() error {
			seen.list = []string{
				claimKeySQL, moveKeySQL, unclaimSQL, addEventSQL, addDeliverySQL, settleSQL, addFailureSQL, dropFailureSQL,
				sequenceSQL, timersSQL, placeSQL, replacePlacesSQL, lastChangeSQL, setCursorSQL, notePendingSQL, addPendingSQL,
			}
			return nil
		},
	} {
		s.writer.db.tx.cache.drop()
		require.NoError(t, fn(), name)
		ran := seen.take()
		require.True(t, len(ran) > 0 || name == "Settle", name)
		var plans strings.Builder
		for _, query := range ran {
			for _, step := range queryPlan(t, s, query) {
				plans.WriteString(step + "\n")
				// These indexes hold no more than what waits, failed or is open. An
				// agent's connections are few enough to be sorted.
				scan := strings.HasPrefix(step, "SCAN") && !smallScan.MatchString(step)
				sort := strings.Contains(step, "TEMP B-TREE") && !strings.Contains(query, "FROM `connections`")
				require.False(t, scan || sort, "%s: %s\n%s", name, step, query)
			}
		}
		for _, index := range partial[name] {
			require.Contains(t, plans.String(), "INDEX "+index, name)
		}
	}
}

func queryPlan(t *testing.T, s *Store, query string) (steps []string) {
	t.Helper()
	rows, err := s.writeDB().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, make([]any, strings.Count(query, "?"))...)
	require.NoError(t, err, query)
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &step))
		steps = append(steps, step)
	}
	require.NoError(t, rows.Err())
	return steps
}
