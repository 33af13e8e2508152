package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/ent/delivery"
	"github.com/human-handoff/handoff/ent/idempotencykey"
	"github.com/human-handoff/handoff/ent/session"
	"github.com/human-handoff/handoff/internal/handoff"
)

// Update implements handoff.Store. It writes what fn has recorded and nothing
// else; when fn settles a delivery that was settled before, all that fn has
// recorded counts as done already and nothing is written.
func (s *Store) Update(ctx context.Context, sessionID, key string, fn func(*handoff.Session) error) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *ent.Client) error {
		row, err := tx.Session.Query().Where(session.PublicID(sessionID)).Only(ctx)
		if ent.IsNotFound(err) {
			return refuse(handoff.ErrSessionNotFound)
		}
		if err != nil {
			return err
		}
		ses, err := toSession(row)
		if err != nil {
			return refuse(err)
		}
		if ses.Repeat, err = repeat(ctx, tx, row.ID, key); err != nil {
			return err
		}
		if ses.Repeat != nil {
			key = "" // remembered already
		}
		before := fromProgress(ses)
		if err := call(func() error { return fn(ses) }); err != nil {
			return err
		}
		return writeUpdate(ctx, tx, row.ID, ses, key, before)
	})
}

// Create implements handoff.Store.
func (s *Store) Create(
	ctx context.Context, c handoff.ConversationKey, requestID string, fn func(epoch uint64) (*handoff.Session, error),
) (ses *handoff.Session, created bool, err error) {
	err = s.writer.do(ctx, func(ctx context.Context, tx *ent.Client) error {
		ses, created = nil, false
		row, err := findSession(ctx, tx, c, requestID)
		if err == nil {
			ses, err = toSession(row)
			return refuse(err)
		}
		if !ent.IsNotFound(err) {
			return err
		}
		epoch, err := latestEpoch(ctx, tx, c)
		if err != nil {
			return err
		}
		err = call(func() error {
			if ses, err = fn(epoch); err == nil && ses == nil {
				err = errors.New("no session was made and no error given")
			}
			return err
		})
		if err != nil {
			return err
		}
		created = true
		return writeSession(ctx, tx, ses)
	})
	if err != nil {
		return nil, false, err
	}
	return ses, created, nil
}

// latestEpoch returns the epoch of a conversation; 0 if it never had a session.
func latestEpoch(ctx context.Context, tx *ent.Client, c handoff.ConversationKey) (uint64, error) {
	row, err := newest(ctx, tx, session.AgentID(c.AgentID), session.ConversationID(c.ConversationID))
	if ent.IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return uint64(row.Epoch), nil //nolint:gosec // not negative
}

// repeat returns what an earlier update under a key led to; nil for a new key.
func repeat(ctx context.Context, tx *ent.Client, num int64, key string) (*handoff.Repeat, error) {
	if key == "" {
		return nil, nil //nolint:nilnil // no key, no repeat
	}
	known, err := tx.IdempotencyKey.Query().Where(idempotencykey.SessionNum(num), idempotencykey.Key(key)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil //nolint:nilnil // a new key is no repeat
	}
	if err != nil {
		return nil, err
	}
	if known.Sequence == 0 {
		return &handoff.Repeat{}, nil
	}
	message, ok, err := messageAt(ctx, tx, num, known.Sequence)
	if err != nil || !ok {
		return &handoff.Repeat{}, err
	}
	sent, err := tx.Delivery.Query().Where(delivery.SessionNum(num), delivery.Sequence(known.Sequence)).
		Select(delivery.FieldState).First(ctx)
	switch {
	case err == nil:
		message.Status = statusOf(handoff.DeliveryState(sent.State))
	case !ent.IsNotFound(err): // a human's message has no delivery
		return nil, err
	}
	return &handoff.Repeat{Message: &message}, nil
}

// writeSession inserts a new session with all that it has recorded.
func writeSession(ctx context.Context, tx *ent.Client, s *handoff.Session) error {
	text, err := fromDetails(s)
	if err != nil {
		return refuse(err)
	}
	p := fromProgress(s)
	row, err := tx.Session.Create().
		SetPublicID(s.ID).SetAgentID(s.AgentID).SetConversationID(s.ConversationID).SetRequestID(s.RequestID).
		SetUserID(s.Customer.UserID).SetConnectionID(s.ConnectionID).SetProvider(s.Provider).SetDetails(text).SetCreateTime(fromTime(s.CreateTime)).
		SetState(string(p.State)).SetCloseReason(string(p.CloseReason)).
		SetOutcomeDisposition(p.Outcome.Disposition).SetOutcomeNote(p.Outcome.Note).
		SetRefID(p.Ref.ID).SetRefData(p.Ref.Data).
		SetWaitDue(p.Timers.Wait).SetExpiryDue(p.Timers.Expiry).SetDue(p.Timers.Next).
		SetActivateTime(p.Activate).SetCloseTime(p.Close).SetLastSequence(p.Last).SetEpoch(p.Epoch).
		Save(ctx)
	if err != nil {
		return fmt.Errorf("new session %s: %w", s.ID, err)
	}
	c := s.Changes()
	if err := writeEvents(ctx, tx, row.ID, c.Events); err != nil {
		return err
	}
	return writeDeliveries(ctx, tx, row.ID, c)
}

// writeUpdate writes what a loaded session has recorded.
func writeUpdate(ctx context.Context, tx *ent.Client, num int64, s *handoff.Session, key string, before progress) error {
	if !s.Changed() {
		return nil
	}
	if err := checkSequence(s.LastSequence); err != nil {
		return refuse(err)
	}
	c := s.Changes()
	settled, err := writeSettled(ctx, tx, num, c.Settled)
	if err != nil || !settled {
		return err
	}
	if err := writeEvents(ctx, tx, num, c.Events); err != nil {
		return err
	}
	if err := writeDeliveries(ctx, tx, num, c); err != nil {
		return err
	}
	if err := writeLate(ctx, tx, num, c.Late); err != nil {
		return err
	}
	if key != "" {
		// Without an event, as for a late message, the key is remembered all the
		// same: its repeat must not be kept twice.
		err := tx.IdempotencyKey.Create().SetSessionNum(num).SetKey(key).
			SetSequence(int64(c.KeySeq)). //nolint:gosec // checkSequence saw it
			Exec(ctx)
		if err != nil {
			return fmt.Errorf("idempotency key: %w", err)
		}
	}
	return writeProgress(ctx, tx, num, before, fromProgress(s))
}

// writeSettled stores the outcome of attempts. It reports false, having written
// nothing, when a delivery is not pending any more: then somebody else has
// settled it and recorded what follows.
func writeSettled(ctx context.Context, tx *ent.Client, num int64, settled []handoff.Delivery) (bool, error) {
	for i, d := range settled {
		n, err := tx.Delivery.Update().
			Where(delivery.ID(d.ID), delivery.SessionNum(num), delivery.State(string(handoff.DeliveryPending))).
			SetState(string(d.State)).SetAttempts(d.Attempts).SetNextAttempt(fromTime(d.NextAttempt)).
			SetLastError(d.LastError).SetVendorID(d.VendorID).SetSettleTime(fromTime(d.SettleTime)).
			Save(ctx)
		if err != nil {
			return false, fmt.Errorf("delivery %d: %w", d.ID, err)
		}
		if n == 0 && i > 0 {
			return false, handoff.Errorf(handoff.CodeAborted, "DELIVERY_SETTLED", "delivery %d was settled by somebody else; nothing was stored", d.ID)
		}
		if n == 0 {
			return false, nil
		}
	}
	return true, nil
}

func writeEvents(ctx context.Context, tx *ent.Client, num int64, events []handoff.Event) error {
	rows := make([]*ent.EventCreate, len(events))
	for i, e := range events {
		kind, payload, err := encodeBody(e.Body)
		if err != nil {
			return err
		}
		rows[i] = tx.Event.Create().SetID(eventKey(num, e.Sequence)).SetTime(fromTime(e.Time)).SetKind(kind).SetPayload(payload)
	}
	if err := tx.Event.CreateBulk(rows...).Exec(ctx); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	return nil
}

// writeDeliveries inserts new deliveries in their order, which is the lane's,
// and tells them their ids.
func writeDeliveries(ctx context.Context, tx *ent.Client, num int64, c *handoff.Changes) error {
	for i := range c.Deliveries {
		d := &c.Deliveries[i]
		create := tx.Delivery.Create().SetSessionNum(num).SetKind(string(d.Kind)).
			SetSequence(int64(d.Sequence)). //nolint:gosec // checkSequence saw it
			SetMessageID(d.MessageID).SetState(string(d.State)).SetAttempts(d.Attempts).
			SetNextAttempt(fromTime(d.NextAttempt)).SetCreateTime(fromTime(d.CreateTime))
		if d.Kind == handoff.DeliverStart && c.Start != nil {
			payload, err := encodeJSON(c.Start)
			if err != nil {
				return fmt.Errorf("start: %w", err)
			}
			create.SetPayload(payload)
		}
		row, err := create.Save(ctx)
		if err != nil {
			return fmt.Errorf("delivery: %w", err)
		}
		d.ID = row.ID
	}
	return nil
}

func writeLate(ctx context.Context, tx *ent.Client, num int64, late []handoff.LateMessage) error {
	for _, m := range late {
		err := tx.LateMessage.Create().SetSessionNum(num).SetTime(fromTime(m.Time)).
			SetAuthorName(m.AuthorName).SetText(m.Text).Exec(ctx)
		if err != nil {
			return fmt.Errorf("late message: %w", err)
		}
	}
	return nil
}

// writeProgress brings the session's row from before to after.
func writeProgress(ctx context.Context, tx *ent.Client, num int64, before, after progress) error {
	if after == before {
		return nil
	}
	u := tx.Session.Update().Where(session.ID(num)).SetLastSequence(after.Last)
	before.Last = after.Last
	if after != before { // mostly nothing but the sequence has moved
		u.SetState(string(after.State)).SetCloseReason(string(after.CloseReason)).
			SetOutcomeDisposition(after.Outcome.Disposition).SetOutcomeNote(after.Outcome.Note).
			SetRefID(after.Ref.ID).SetRefData(after.Ref.Data).
			SetAssignee(after.Assignee).SetAssignNote(after.AssignNote).
			SetWaitDue(after.Timers.Wait).SetIdleDue(after.Timers.Idle).SetSilenceDue(after.Timers.Silence).
			SetExpiryDue(after.Timers.Expiry).SetDue(after.Timers.Next).SetPrompted(after.Prompted).
			SetActivateTime(after.Activate).SetCloseTime(after.Close).SetEpoch(after.Epoch)
	}
	if err := u.Exec(ctx); err != nil {
		return fmt.Errorf("session row: %w", err)
	}
	return nil
}
