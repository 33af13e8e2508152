package store

import (
	"context"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/human-handoff/handoff/ent/predicate"
	"github.com/human-handoff/handoff/ent/session"
)

func hasTimer() predicate.Session { return literally(session.FieldDue, " > 0") }

// Due implements timer.Store.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) (sessionIDs []string, next time.Time, err error) {
	rows, err := s.read.Session.Query().Where(hasTimer(), session.DueLTE(fromTime(now))).
		Order(session.ByDue()).Limit(limit).Select(session.FieldPublicID).All(ctx)
	if err != nil {
		return nil, time.Time{}, s.readError(ctx, err)
	}
	for _, row := range rows {
		sessionIDs = append(sessionIDs, row.PublicID)
	}
	first, err := s.read.Session.Query().Where(hasTimer(), session.DueGT(fromTime(now))).
		Order(session.ByDue(sql.OrderAsc())).Select(session.FieldDue).Limit(1).All(ctx)
	if err != nil {
		return nil, time.Time{}, s.readError(ctx, err)
	}
	if len(first) > 0 {
		next = toTime(first[0].Due)
	}
	return sessionIDs, next, nil
}
