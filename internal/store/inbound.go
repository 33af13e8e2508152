package store

import (
	"context"
	"fmt"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/ent/delivery"
	"github.com/human-handoff/handoff/ent/heldstatus"
	"github.com/human-handoff/handoff/ent/quarantined"
	"github.com/human-handoff/handoff/ent/session"
	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
)

const (
	// heldFor is how long a status waits for its message's id.
	heldFor = 24 * time.Hour
	// quarantineFor and maxQuarantined bound what is kept of webhooks that nobody understood.
	quarantineFor  = 30 * 24 * time.Hour
	maxQuarantined = 10_000
)

// Sent implements handoff.Store. Should a vendor have used an id twice, it is the
// newest that counts.
func (s *Store) Sent(ctx context.Context, connectionID, vendorID string) (handoff.Delivery, error) {
	row, err := s.read.Delivery.Query().
		Where(literallyDelivery(" <> ''"), delivery.VendorID(vendorID), delivery.HasSessionWith(session.ConnectionID(connectionID))).
		WithSession(func(q *ent.SessionQuery) { q.Select(session.FieldPublicID) }).
		Order(delivery.ByID(sql.OrderDesc())).First(ctx)
	if err != nil {
		return handoff.Delivery{}, s.readError(ctx, notFound(err, handoff.ErrNotSent))
	}
	return toDelivery(row, row.Edges.Session.PublicID), nil
}

// literallyDelivery repeats the condition of the index on vendors' ids, word for word.
func literallyDelivery(condition string) func(*sql.Selector) {
	return literally(delivery.FieldVendorID, condition)
}

// Hold implements handoff.Store.
func (s *Store) Hold(ctx context.Context, h handoff.HeldStatus, now time.Time) error {
	payload, err := encodeJSON(h.Status)
	if err != nil {
		return err
	}
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		if _, err := tx.HeldStatus.Delete().Where(heldstatus.TimeLT(fromTime(now.Add(-heldFor)))).Exec(ctx); err != nil {
			return fmt.Errorf("old held statuses: %w", err)
		}
		return tx.HeldStatus.Create().SetConnectionID(h.ConnectionID).SetVendorID(h.VendorID).
			SetPayload(payload).SetTime(fromTime(now)).Exec(ctx)
	})
}

// Held implements handoff.Store.
func (s *Store) Held(ctx context.Context, connectionID, vendorID string) ([]handoff.HeldStatus, error) {
	rows, err := s.read.HeldStatus.Query().
		Where(heldstatus.ConnectionID(connectionID), heldstatus.VendorID(vendorID)).Order(heldstatus.ByID()).All(ctx)
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	list := make([]handoff.HeldStatus, len(rows))
	for i, row := range rows {
		status, err := decodeJSON[handoff.StatusReported](row.Payload)
		if err != nil {
			return nil, fmt.Errorf("held status %d: %w", row.ID, err)
		}
		list[i] = handoff.HeldStatus{ID: row.ID, ConnectionID: row.ConnectionID, VendorID: row.VendorID, Status: status}
	}
	return list, nil
}

// Unhold implements handoff.Store.
func (s *Store) Unhold(ctx context.Context, id int64) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		_, err := tx.HeldStatus.Delete().Where(heldstatus.ID(id)).Exec(ctx)
		return err
	})
}

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
	if _, err := tx.Quarantined.Delete().Where(quarantined.TimeLT(fromTime(now.Add(-quarantineFor)))).Exec(ctx); err != nil {
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
func (s *Store) Quarantined(ctx context.Context, connectionID string, p handoff.Page) ([]agents.Quarantined, string, error) {
	below, err := listQuarantine.below(p)
	if err != nil {
		return nil, "", err
	}
	q := s.read.Quarantined.Query()
	if connectionID != "" {
		q.Where(quarantined.ConnectionID(connectionID))
	}
	if below > 0 {
		q.Where(quarantined.IDLT(below))
	}
	rows, err := q.Order(quarantined.ByID(sql.OrderDesc())).Limit(pageSize(p) + 1).All(ctx)
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
