package store

import (
	"context"
	"fmt"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/ent/delivery"
	"github.com/human-handoff/handoff/ent/heldstatus"
	"github.com/human-handoff/handoff/ent/session"
	"github.com/human-handoff/handoff/internal/handoff"
)

// heldFor is how long a status waits for its message's id.
const heldFor = 24 * time.Hour

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
