package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/human-handoff/handoff/internal/handoff"
)

// The statements that every message needs are written by hand and prepared
// once. Through ent each took 20 to 40 µs of the one writer's time, most of it
// for building and parsing the same SQL again; prepared they take 3 to 9 µs
// (docs/performance.md). All else is ent's.
const (
	claimKeySQL    = "INSERT INTO idempotency_keys (session_num, key, sequence) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
	moveKeySQL     = "UPDATE idempotency_keys SET sequence = ? WHERE session_num = ? AND key = ?"
	unclaimSQL     = "DELETE FROM idempotency_keys WHERE session_num = ? AND key = ?"
	addEventSQL    = "INSERT INTO events (id, time, kind, payload) VALUES (?, ?, ?, ?)"
	addDeliverySQL = "INSERT INTO deliveries (session_num, kind, sequence, message_id, payload, state, attempts, next_attempt, create_time) " +
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
	settleSQL = "UPDATE deliveries SET state = ?, attempts = ?, last_attempt = ?, next_attempt = ?, last_error = ?, vendor_id = ?, degraded = ?, settle_time = ? " +
		"WHERE id = ? AND session_num = ? AND state = 'pending'"
	addFailureSQL  = "INSERT INTO delivery_attempts (delivery_id, number, time, class, detail) VALUES (?, ?, ?, ?, ?)"
	dropFailureSQL = "DELETE FROM delivery_attempts WHERE delivery_id = ? AND number = ?"
	sequenceSQL    = "UPDATE sessions SET last_sequence = ? WHERE num = ?"
	timersSQL      = "UPDATE sessions SET last_sequence = ?, wait_due = ?, idle_due = ?, silence_due = ?, expiry_due = ?, due = ?, prompted = ? WHERE num = ?"
	// How far an event webhook got with a session, unless it is gone or got further.
	setCursorSQL = "INSERT INTO event_cursors (agent_id, session_num, delivered, pending, attempts, next_attempt, failing_since, last_error) " +
		"SELECT s.agent_id, s.num, ?1, s.last_sequence > ?1, ?2, ?3, ?4, ?5 FROM sessions s JOIN event_webhooks w ON w.id = s.agent_id WHERE s.id = ?6 " +
		"ON CONFLICT (session_num) DO UPDATE SET delivered = excluded.delivered, pending = excluded.pending, attempts = excluded.attempts, " +
		"next_attempt = excluded.next_attempt, failing_since = excluded.failing_since, last_error = excluded.last_error " +
		"WHERE excluded.delivered >= event_cursors.delivered RETURNING pending"
	notePendingSQL = "UPDATE event_cursors SET pending = (SELECT last_sequence FROM sessions WHERE num = session_num) > delivered " +
		"WHERE session_num = (SELECT num FROM sessions WHERE id = ?)"
	addPendingSQL = "INSERT INTO event_cursors (agent_id, session_num, delivered, pending, attempts, next_attempt, failing_since, last_error) " +
		"SELECT s.agent_id, s.num, 0, true, 0, 0, 0, '' FROM sessions s JOIN event_webhooks w ON w.id = s.agent_id WHERE s.id = ? AND s.num > w.first_num"
	// Where a new event webhook begins with the sessions that are open.
	beginCursorsSQL = "INSERT INTO event_cursors (agent_id, session_num, delivered, pending, attempts, next_attempt, failing_since, last_error) " +
		"SELECT agent_id, num, CASE WHEN ?1 THEN 0 ELSE last_sequence END, ?1, 0, 0, 0, '' FROM sessions WHERE agent_id = ?2 AND state <> 'closed'"
	// A session's place in the order of changes: not with each message, for that would
	// move an entry of an index each time, a third of all that is written.
	placeSQL         = "UPDATE sessions SET change = ? WHERE num = ? AND change < ?"
	replacePlacesSQL = "UPDATE sessions SET change = ? + num WHERE state IN ('requested', 'waiting', 'active')"
	// The index of changes is by state, so that each has a last one.
	lastChangeSQL = "SELECT max(coalesce((SELECT max(change) FROM sessions WHERE state = 'requested'), 0), " +
		"coalesce((SELECT max(change) FROM sessions WHERE state = 'waiting'), 0), " +
		"coalesce((SELECT max(change) FROM sessions WHERE state = 'active'), 0), " +
		"coalesce((SELECT max(change) FROM sessions WHERE state = 'closed'), 0))"
)

// hotStatements are prepared on the writer's connection.
type hotStatements struct {
	begin, commit, rollback *sql.Stmt
	dataVersion, lastChange *sql.Stmt
	setPlace, replacePlaces *sql.Stmt

	claimKey, moveKey, unclaimKey *sql.Stmt
	addEvent, addDelivery, settle *sql.Stmt
	addFailure, dropFailure       *sql.Stmt
	setSequence, setTimers        *sql.Stmt

	setCursor, notePending, addPending, beginCursors *sql.Stmt

	all []*sql.Stmt
}

func prepare(ctx context.Context, conn *sql.Conn) (_ *hotStatements, err error) {
	h := &hotStatements{}
	for _, s := range []struct {
		to  **sql.Stmt
		sql string
	}{
		{&h.begin, "BEGIN IMMEDIATE"},
		{&h.commit, "COMMIT"},
		{&h.rollback, "ROLLBACK"},
		{&h.dataVersion, "PRAGMA data_version"},
		{&h.lastChange, lastChangeSQL},
		{&h.setPlace, placeSQL},
		{&h.replacePlaces, replacePlacesSQL},
		{&h.claimKey, claimKeySQL},
		{&h.moveKey, moveKeySQL},
		{&h.unclaimKey, unclaimSQL},
		{&h.addEvent, addEventSQL},
		{&h.addDelivery, addDeliverySQL},
		{&h.settle, settleSQL},
		{&h.addFailure, addFailureSQL},
		{&h.dropFailure, dropFailureSQL},
		{&h.setSequence, sequenceSQL},
		{&h.setTimers, timersSQL},
		{&h.setCursor, setCursorSQL},
		{&h.notePending, notePendingSQL},
		{&h.addPending, addPendingSQL},
		{&h.beginCursors, beginCursorsSQL},
	} {
		*s.to, err = conn.PrepareContext(ctx, s.sql) //nolint:sqlclosecheck // close does
		if err != nil {
			return nil, errors.Join(fmt.Errorf("prepare %q: %w", s.sql, err), h.close())
		}
		h.all = append(h.all, *s.to)
	}
	return h, nil
}

func (h *hotStatements) close() error {
	var errs []error
	for _, s := range h.all {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// claim notes a key for the event at a sequence. It reports false when the key
// was used before.
func (h *hotStatements) claim(ctx context.Context, num int64, key string, sequence uint64) (bool, error) {
	n, err := affected(h.claimKey.ExecContext(ctx, num, key, int64(sequence))) //nolint:gosec // checkSequence sees it
	if err != nil {
		return false, fmt.Errorf("idempotency key: %w", err)
	}
	return n == 1, nil
}

// move notes that a claimed key stands for another event.
func (h *hotStatements) move(ctx context.Context, num int64, key string, sequence uint64) error {
	if _, err := h.moveKey.ExecContext(ctx, int64(sequence), num, key); err != nil { //nolint:gosec // checkSequence saw it
		return fmt.Errorf("idempotency key: %w", err)
	}
	return nil
}

// unclaim forgets a key that was claimed for nothing.
func (h *hotStatements) unclaim(ctx context.Context, num int64, key string) error {
	if _, err := h.unclaimKey.ExecContext(ctx, num, key); err != nil {
		return fmt.Errorf("idempotency key: %w", err)
	}
	return nil
}

func (h *hotStatements) events(ctx context.Context, num int64, events []handoff.Event) error {
	for _, e := range events {
		kind, payload, err := encodeBody(e.Body)
		if err != nil {
			return err
		}
		if _, err := h.addEvent.ExecContext(ctx, eventKey(num, e.Sequence), fromTime(e.Time), kind, payload); err != nil {
			return fmt.Errorf("event: %w", err)
		}
	}
	return nil
}

// deliveries inserts new deliveries in their order, which is the lane's, and
// tells them their ids.
func (h *hotStatements) deliveries(ctx context.Context, num int64, c *handoff.Changes) error {
	for i := range c.Deliveries {
		d := &c.Deliveries[i]
		payload := ""
		if d.Kind == handoff.DeliverStart && c.Start != nil {
			var err error
			if payload, err = encodeJSON(c.Start); err != nil {
				return fmt.Errorf("start: %w", err)
			}
		}
		result, err := h.addDelivery.ExecContext(ctx, num, string(d.Kind), int64(d.Sequence), d.MessageID, payload, //nolint:gosec // checkSequence saw it
			string(d.State), d.Attempts, fromTime(d.NextAttempt), fromTime(d.CreateTime))
		if err == nil {
			d.ID, err = result.LastInsertId()
		}
		if err != nil {
			return fmt.Errorf("delivery: %w", err)
		}
	}
	return nil
}

// settleAll stores the outcome of attempts. It reports false, having written
// nothing, when a delivery is not pending any more: then somebody else has
// settled it and recorded what follows.
func (h *hotStatements) settleAll(ctx context.Context, num int64, settled []handoff.Delivery) (bool, error) {
	for i, d := range settled {
		n, err := affected(h.settle.ExecContext(ctx, string(d.State), d.Attempts, fromTime(d.LastAttempt), fromTime(d.NextAttempt), d.LastError,
			d.VendorID, d.Degraded, fromTime(d.SettleTime), d.ID, num))
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

// failures adds to the logs of deliveries. An outage makes most of them, when there
// is work enough without; each log keeps its first and its last entries.
func (h *hotStatements) failures(ctx context.Context, failures []handoff.FailedAttempt) error {
	for _, f := range failures {
		_, err := h.addFailure.ExecContext(ctx, f.DeliveryID, f.Number, fromTime(f.Time), f.Class, f.Detail)
		if dropped := handoff.DroppedFailure(f.Number); err == nil && dropped > 0 {
			_, err = h.dropFailure.ExecContext(ctx, f.DeliveryID, dropped)
		}
		if err != nil {
			return fmt.Errorf("attempt %d of delivery %d: %w", f.Number, f.DeliveryID, err)
		}
	}
	return nil
}

// advance brings the session's row from before to after, when no more than its
// log and its timers have moved on, as with most messages. It reports false,
// having written nothing, when there is more to write. The place in the order of
// changes is left to [places].
func (h *hotStatements) advance(ctx context.Context, num int64, before, after progress) (bool, error) {
	before.Last, before.Change = after.Last, after.Change
	var err error
	if before == after {
		_, err = h.setSequence.ExecContext(ctx, after.Last, num)
	} else {
		before.Timers, before.Prompted = after.Timers, after.Prompted
		if before != after {
			return false, nil
		}
		t := after.Timers
		_, err = h.setTimers.ExecContext(ctx, after.Last, t.Wait, t.Idle, t.Silence, t.Expiry, t.Next, after.Prompted, num)
	}
	if err != nil {
		return false, fmt.Errorf("session row: %w", err)
	}
	return true, nil
}

func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}
