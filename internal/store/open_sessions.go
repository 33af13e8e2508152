package store

import (
	"context"

	"github.com/human-handoff/handoff/ent/session"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/reconcile"
)

// OpenSessions implements reconcile.Store. Only the index of open sessions is read.
func (s *Store) OpenSessions(ctx context.Context, kinds []string) ([]reconcile.Session, error) {
	rows, err := s.read.Session.Query().Where(isOpen(), session.ProviderIn(kinds...)).
		Select(session.FieldPublicID, session.FieldAgentID, session.FieldConnectionID, session.FieldState, session.FieldRefID, session.FieldRefData, session.FieldCreateTime).
		All(ctx)
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	list := make([]reconcile.Session, 0, len(rows))
	for _, row := range rows {
		if row.RefID == "" {
			continue // not taken yet
		}
		list = append(list, reconcile.Session{
			ID: row.PublicID, AgentID: row.AgentID, ConnectionID: row.ConnectionID, State: handoff.State(row.State),
			Ref: handoff.Ref{ID: row.RefID, Data: row.RefData}, CreateTime: toTime(row.CreateTime),
		})
	}
	return list, nil
}
