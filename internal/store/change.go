package store

import (
	"cmp"
	"context"
	"slices"

	"entgo.io/ent/dialect/sql"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/ent/session"
	"github.com/human-handoff/handoff/internal/handoff"
)

var allStates = []handoff.State{handoff.StateRequested, handoff.StateWaiting, handoff.StateActive, handoff.StateClosed}

// LastChange implements handoff.Store.
func (s *Store) LastChange(ctx context.Context) (uint64, error) {
	var last int64
	for _, state := range allStates {
		row, err := s.read.Session.Query().Where(session.State(string(state))).
			Order(session.ByChange(sql.OrderDesc())).Select(session.FieldChange).First(ctx)
		if ent.IsNotFound(err) {
			continue
		}
		if err != nil {
			return 0, s.readError(ctx, err)
		}
		last = max(last, row.Change)
	}
	return uint64(last), nil
}

// Changes implements handoff.Store. The index of changes is by state, so each
// state is asked for its part: a session that goes on to another one meanwhile has
// a later place then, and what is asked for ends before.
func (s *Store) Changes(ctx context.Context, f handoff.SessionFilter, after, upTo uint64, limit int) ([]handoff.Session, error) {
	states := f.States
	if len(states) == 0 {
		states = allStates
	}
	var rows []*ent.Session
	for _, state := range states {
		q := s.read.Session.Query().Where(session.State(string(state)),
			session.ChangeGT(int64(after)), session.ChangeLTE(int64(upTo))) //nolint:gosec // places are from this database
		if f.AgentID != "" {
			q.Where(session.AgentID(f.AgentID))
		}
		if f.Provider != "" {
			q.Where(session.Provider(f.Provider))
		}
		part, err := q.Order(session.ByChange()).Limit(limit).All(ctx)
		if err != nil {
			return nil, s.readError(ctx, err)
		}
		rows = append(rows, part...)
	}
	slices.SortFunc(rows, func(a, b *ent.Session) int { return cmp.Compare(a.Change, b.Change) })
	rows = rows[:min(len(rows), limit)]
	sessions := make([]handoff.Session, len(rows))
	for i, row := range rows {
		ses, err := toSession(row)
		if err != nil {
			return nil, err
		}
		sessions[i] = *ses
	}
	return sessions, nil
}
