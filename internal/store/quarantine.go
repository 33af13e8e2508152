package store

import (
	"context"
	"fmt"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/ent/quarantined"
	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
)

// maxQuarantined bounds what is kept of webhooks that could not be taken.
const maxQuarantined = 10_000

// Quarantine implements agents.Store. A repeat is counted, not kept twice; what is
// old, or too much, makes room.
func (s *Store) Quarantine(ctx context.Context, q agents.Quarantined) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		n, err := tx.Quarantined.Update().Where(quarantined.ConnectionID(q.ConnectionID), quarantined.Digest(q.Digest)).
			AddCount(1).SetTime(fromTime(q.Time)).SetReason(q.Reason).Save(ctx)
		if err != nil || n > 0 {
			return err
		}
		err = tx.Quarantined.Create().SetConnectionID(q.ConnectionID).SetAgentID(q.AgentID).SetProvider(q.Provider).
			SetReason(q.Reason).SetRequest(q.Request).SetDigest(q.Digest).SetTime(fromTime(q.Time)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("quarantine: %w", err)
		}
		return trimQuarantine(ctx, tx.Client, q.Time)
	})
}

func trimQuarantine(ctx context.Context, tx *ent.Client, now time.Time) error {
	if _, err := tx.Quarantined.Delete().Where(quarantined.TimeLT(fromTime(now.Add(-agents.QuarantineFor)))).Exec(ctx); err != nil {
		return fmt.Errorf("old quarantine: %w", err)
	}
	oldest, err := tx.Quarantined.Query().Order(quarantined.ByID(sql.OrderDesc())).Offset(maxQuarantined).FirstID(ctx)
	if ent.IsNotFound(err) {
		return nil
	}
	if err == nil {
		_, err = tx.Quarantined.Delete().Where(quarantined.IDLTE(oldest)).Exec(ctx)
	}
	return err
}

// Quarantined implements agents.Store.
func (s *Store) Quarantined(ctx context.Context, f agents.QuarantineFilter, now time.Time, p handoff.Page) ([]agents.Quarantined, string, error) {
	below, err := listQuarantine.below(p)
	if err != nil {
		return nil, "", err
	}
	q := s.read.Quarantined.Query().Where(quarantined.TimeGTE(fromTime(now.Add(-agents.QuarantineFor))))
	if f.ID > 0 {
		q.Where(quarantined.ID(f.ID))
	}
	if f.AgentID != "" {
		q.Where(quarantined.AgentID(f.AgentID))
	}
	if f.Provider != "" {
		q.Where(quarantined.Provider(f.Provider))
	}
	if below > 0 {
		q.Where(quarantined.IDLT(below))
	}
	q.Order(quarantined.ByID(sql.OrderDesc())).Limit(pageSize(p) + 1)
	if !f.Requests {
		q.Select(quarantined.FieldConnectionID, quarantined.FieldAgentID, quarantined.FieldProvider,
			quarantined.FieldReason, quarantined.FieldCount, quarantined.FieldTime)
	}
	rows, err := q.All(ctx)
	if err != nil {
		return nil, "", s.readError(ctx, err)
	}
	rows, next := cut(listQuarantine, rows, pageSize(p), func(row *ent.Quarantined) string { return number(row.ID) })
	list := make([]agents.Quarantined, len(rows))
	for i, row := range rows {
		list[i] = agents.Quarantined{
			ID: row.ID, ConnectionID: row.ConnectionID, AgentID: row.AgentID, Provider: row.Provider, Reason: row.Reason,
			Request: row.Request, Digest: row.Digest, Count: row.Count, Time: toTime(row.Time),
		}
	}
	return list, next, nil
}

// SetQuarantineReason implements agents.Store.
func (s *Store) SetQuarantineReason(ctx context.Context, id int64, reason string) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		return tx.Quarantined.Update().Where(quarantined.ID(id)).SetReason(reason).Exec(ctx)
	})
}

// Unquarantine implements agents.Store.
func (s *Store) Unquarantine(ctx context.Context, id int64) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		_, err := tx.Quarantined.Delete().Where(quarantined.ID(id)).Exec(ctx)
		return err
	})
}
