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
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		num, ses, err := tx.session(ctx, sessionID)
		if err != nil {
			return err
		}
		claimed, err := tx.claim(ctx, num, key, ses)
		if err != nil {
			return err
		}
		mine := key // to take back
		if !claimed {
			mine = ""
		}
		before := fromProgress(ses)
		if err := call(func() error { return fn(ses) }); err != nil {
			return tx.unclaimFor(ctx, num, mine, err)
		}
		if ses.Changes().Rekey {
			mine = key
		}
		return tx.update(ctx, num, ses, mine, before)
	})
}

// session loads a session for an update, from memory if it can.
func (tx *transaction) session(ctx context.Context, id string) (num int64, ses *handoff.Session, err error) {
	if num, ses, ok := tx.cache.get(id); ok {
		return num, ses, nil
	}
	row, err := tx.Session.Query().Where(session.PublicID(id)).Only(ctx)
	if ent.IsNotFound(err) {
		return 0, nil, refuse(handoff.ErrSessionNotFound)
	}
	if err != nil {
		return 0, nil, err
	}
	ses, err = toSession(row)
	return row.ID, ses, refuse(err)
}

// claim notes a key for the event that is logged next, before it is known
// whether there will be one: mostly there is, and then nothing had to be read.
// It reports false when there is no key, or when it was used before.
func (tx *transaction) claim(ctx context.Context, num int64, key string, ses *handoff.Session) (bool, error) {
	if key == "" {
		return false, nil
	}
	fresh, err := tx.hot.claim(ctx, num, key, ses.LastSequence+1)
	if err != nil || fresh {
		return fresh, err
	}
	ses.Repeat, err = repeat(ctx, tx.Client, num, key)
	return false, err
}

// unclaimFor takes a claimed key back, for nothing was recorded, and returns why.
// An empty key was not claimed.
func (tx *transaction) unclaimFor(ctx context.Context, num int64, key string, why error) error {
	if key != "" {
		if err := tx.hot.unclaim(ctx, num, key); err != nil {
			return err
		}
	}
	return why
}

// Create implements handoff.Store.
func (s *Store) Create(
	ctx context.Context, c handoff.ConversationKey, requestID string, fn func(epoch uint64) (*handoff.Session, error),
) (ses *handoff.Session, created bool, err error) {
	err = s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		ses, created = nil, false
		row, err := findSession(ctx, tx.Client, c, requestID)
		if err == nil {
			ses, err = toSession(row)
			return refuse(err)
		}
		if !ent.IsNotFound(err) {
			return err
		}
		epoch, err := latestEpoch(ctx, tx.Client, c)
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
		return tx.create(ctx, ses)
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

// repeat returns what an earlier update under a key led to.
func repeat(ctx context.Context, tx *ent.Client, num int64, key string) (*handoff.Repeat, error) {
	known, err := tx.IdempotencyKey.Query().Where(idempotencykey.SessionNum(num), idempotencykey.Key(key)).Only(ctx)
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

// create inserts a new session with all that it has recorded.
func (tx *transaction) create(ctx context.Context, s *handoff.Session) error {
	text, err := fromDetails(s)
	if err != nil {
		return refuse(err)
	}
	tx.place(s)
	p := fromProgress(s)
	row, err := tx.Session.Create().
		SetPublicID(s.ID).SetAgentID(s.AgentID).SetConversationID(s.ConversationID).SetRequestID(s.RequestID).
		SetUserID(s.Customer.UserID).SetConnectionID(s.ConnectionID).SetProvider(s.Provider).SetDetails(text).
		SetCreateTime(fromTime(s.CreateTime)).
		SetState(string(p.State)).SetCloseReason(string(p.CloseReason)).
		SetOutcomeDisposition(p.Outcome.Disposition).SetOutcomeNote(p.Outcome.Note).
		SetRefID(p.Ref.ID).SetRefData(p.Ref.Data).
		SetWaitDue(p.Timers.Wait).SetExpiryDue(p.Timers.Expiry).SetDue(p.Timers.Next).
		SetActivateTime(p.Activate).SetCloseTime(p.Close).SetLastSequence(p.Last).SetChange(p.Change).SetEpoch(p.Epoch).
		Save(ctx)
	if err != nil {
		return fmt.Errorf("new session %s: %w", s.ID, err)
	}
	if err := tx.changes(ctx, row.ID, s.Changes()); err != nil {
		return err
	}
	tx.placed = append(tx.placed, placed{row.ID, s.Change, true})
	tx.cache.put(row.ID, s)
	return nil
}

// update writes what a loaded session has recorded. A key that is not empty
// stands for it from now on.
func (tx *transaction) update(ctx context.Context, num int64, s *handoff.Session, key string, before progress) error {
	if !s.Changed() {
		return tx.unclaimFor(ctx, num, key, nil)
	}
	if err := tx.check(ctx, num, s); err != nil {
		return tx.unclaimFor(ctx, num, key, err)
	}
	if err := tx.retryAll(ctx, num, s.Changes().Retried); err != nil {
		return tx.unclaimFor(ctx, num, key, err)
	}
	settled, err := tx.hot.settleAll(ctx, num, s.Changes().Settled)
	if err != nil {
		return err
	}
	if !settled {
		return tx.unclaimFor(ctx, num, key, nil)
	}
	if err := tx.changes(ctx, num, s.Changes()); err != nil {
		return err
	}
	// Without an event, as for a late message, the key is remembered all the
	// same: its repeat must not be kept twice.
	if c := s.Changes(); key != "" && (c.KeySeq != before.next() || c.Rekey) {
		if err := tx.hot.move(ctx, num, key, c.KeySeq); err != nil {
			return err
		}
	}
	return tx.advance(ctx, num, s, before)
}

// advance brings the session's row to what the session is now.
func (tx *transaction) advance(ctx context.Context, num int64, s *handoff.Session, before progress) error {
	changed := seenToChange(s, before)
	if changed {
		tx.place(s)
	}
	whole, err := tx.progress(ctx, num, before, fromProgress(s))
	if err == nil && changed {
		err = tx.notePlace(ctx, placed{num, s.Change, whole})
	}
	if err != nil {
		return err
	}
	tx.cache.put(num, s)
	return nil
}

// seenToChange reports whether those who watch sessions have something new to see.
func seenToChange(s *handoff.Session, before progress) bool {
	return s.LastSequence >= before.next() || s.AssignNote != before.AssignNote
}

// place gives a session that changed the last place in the order of all changes.
// Transactions follow one another, so the order is that of the commits. Places
// are no lower than the time of the event, so that none is given twice even when
// the sessions that had the last ones are gone.
func (tx *transaction) place(s *handoff.Session) {
	tx.change++
	if events := s.Changes().Events; len(events) > 0 {
		tx.change = max(tx.change, fromTime(events[len(events)-1].Time))
	}
	s.Change = uint64(tx.change) //nolint:gosec // not negative
}

// check makes sure, before anything is written, that what a session has recorded
// can be.
func (tx *transaction) check(ctx context.Context, num int64, s *handoff.Session) error {
	if err := checkSequence(s.LastSequence); err != nil {
		return refuse(err)
	}
	return tx.checkFiles(ctx, num, s.Changes())
}

// changes writes what is new beside the session's row.
func (tx *transaction) changes(ctx context.Context, num int64, c *handoff.Changes) error {
	if err := tx.hot.events(ctx, num, c.Events); err != nil {
		return err
	}
	if err := tx.hot.deliveries(ctx, num, c); err != nil {
		return err
	}
	if err := tx.hot.failures(ctx, c.Failures); err != nil {
		return err
	}
	if err := tx.reportAll(ctx, num, c.Reported); err != nil {
		return err
	}
	if err := tx.files(ctx, num, c); err != nil {
		return err
	}
	return tx.late(ctx, num, c.Late)
}

// reportAll stores what providers told of deliveries that are settled.
func (tx *transaction) reportAll(ctx context.Context, num int64, reported []handoff.Delivery) error {
	for _, d := range reported {
		err := tx.Delivery.Update().Where(delivery.ID(d.ID), delivery.SessionNum(num)).
			SetState(string(d.State)).SetLastError(d.LastError).SetReadTime(fromTime(d.ReadTime)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("delivery %d: %w", d.ID, err)
		}
	}
	return nil
}

// retryAll puts failed deliveries back into their lane. It is the first to write,
// and refuses what has not failed, or not any more: somebody else was quicker.
func (tx *transaction) retryAll(ctx context.Context, num int64, retried []handoff.Delivery) error {
	for _, d := range retried {
		n, err := tx.Delivery.Update().Where(delivery.ID(d.ID), delivery.SessionNum(num), delivery.State(string(handoff.DeliveryFailed))).
			SetState(string(d.State)).SetNextAttempt(fromTime(d.NextAttempt)).SetSettleTime(fromTime(d.SettleTime)).
			SetRetryTime(fromTime(d.RetryTime)).Save(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("delivery %d: %w", d.ID, err)
		case n == 0:
			return refuse(handoff.ErrDeliveryNotFailed)
		}
	}
	return nil
}

func (tx *transaction) late(ctx context.Context, num int64, late []handoff.LateMessage) error {
	for _, m := range late {
		err := tx.LateMessage.Create().SetSessionNum(num).SetTime(fromTime(m.Time)).
			SetAuthorName(m.AuthorName).SetText(m.Text).Exec(ctx)
		if err != nil {
			return fmt.Errorf("late message: %w", err)
		}
	}
	return nil
}

// progress brings the session's row from before to after. It reports whether it
// wrote the whole row: else the place in the order of changes is not in it yet.
func (tx *transaction) progress(ctx context.Context, num int64, before, after progress) (whole bool, err error) {
	if after == before {
		return false, nil
	}
	if done, err := tx.hot.advance(ctx, num, before, after); err != nil || done {
		return false, err
	}
	err = tx.Session.Update().Where(session.ID(num)).SetLastSequence(after.Last).SetChange(after.Change).
		SetState(string(after.State)).SetCloseReason(string(after.CloseReason)).
		SetOutcomeDisposition(after.Outcome.Disposition).SetOutcomeNote(after.Outcome.Note).
		SetRefID(after.Ref.ID).SetRefData(after.Ref.Data).
		SetAssignee(after.Assignee).SetAssignNote(after.AssignNote).
		SetWaitDue(after.Timers.Wait).SetIdleDue(after.Timers.Idle).SetSilenceDue(after.Timers.Silence).
		SetExpiryDue(after.Timers.Expiry).SetDue(after.Timers.Next).SetPrompted(after.Prompted).
		SetActivateTime(after.Activate).SetCloseTime(after.Close).SetEpoch(after.Epoch).
		Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("session row: %w", err)
	}
	return true, nil
}
