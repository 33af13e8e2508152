package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/ent/event"
	"github.com/human-handoff/handoff/ent/eventcursor"
	"github.com/human-handoff/handoff/ent/eventwebhook"
	"github.com/human-handoff/handoff/ent/predicate"
	"github.com/human-handoff/handoff/ent/session"
	"github.com/human-handoff/handoff/internal/feed"
	"github.com/human-handoff/handoff/internal/handoff"
)

// Feeds implements feed.Store.
func (s *Store) Feeds(ctx context.Context) ([]feed.Feed, error) {
	rows, err := s.read.EventWebhook.Query().Order(eventwebhook.ByID()).All(ctx)
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	list := make([]feed.Feed, len(rows))
	for i, row := range rows {
		f, err := toFeed(row)
		if err != nil {
			return nil, err
		}
		list[i] = *f
	}
	return list, nil
}

// Feed implements feed.Store.
func (s *Store) Feed(ctx context.Context, agentID string) (*feed.Feed, error) {
	row, err := s.read.EventWebhook.Get(ctx, agentID)
	if err != nil {
		return nil, s.readError(ctx, notFound(err, feed.ErrNotFound))
	}
	return toFeed(row)
}

// UpdateFeed implements feed.Store.
func (s *Store) UpdateFeed(ctx context.Context, agentID string, fromStart bool, fn func(*feed.Feed) error) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		f := &feed.Feed{AgentID: agentID}
		row, err := tx.EventWebhook.Get(ctx, agentID)
		if err != nil && !ent.IsNotFound(err) {
			return err
		}
		if row != nil {
			if f, err = toFeed(row); err != nil {
				return refuse(err)
			}
		}
		version := f.Version
		if err := call(func() error { return fn(f) }); err != nil {
			return err
		}
		f.AgentID, f.Version = agentID, version
		if version > 0 {
			return writeFeed(ctx, tx, f)
		}
		return addFeed(ctx, tx, f, fromStart)
	})
}

// addFeed makes a feed, which begins with what changes from now on.
func addFeed(ctx context.Context, tx *transaction, f *feed.Feed, fromStart bool) error {
	kinds, err := encodeJSON(f.Kinds)
	if err != nil {
		return err
	}
	newest, err := tx.Session.Query().Order(session.ByID(entsql.OrderDesc())).FirstID(ctx)
	if err != nil && !ent.IsNotFound(err) {
		return err
	}
	err = tx.EventWebhook.Create().SetID(f.AgentID).SetCreateTime(fromTime(f.CreateTime)).SetURL(f.URL).SetSecret(f.Secret).SetKinds(kinds).
		SetDisabled(f.Disabled).SetDisableTime(fromTime(f.DisableTime)).SetFailingSince(fromTime(f.FailingSince)).SetLastError(f.LastError).
		SetVersion(1).SetFirstNum(newest).SetCheckpoint(tx.change).Exec(ctx)
	if err != nil {
		return err
	}
	_, err = tx.hot.beginCursors.ExecContext(ctx, fromStart, f.AgentID)
	return err
}

func writeFeed(ctx context.Context, tx *transaction, f *feed.Feed) error {
	kinds, err := encodeJSON(f.Kinds)
	if err != nil {
		return err
	}
	return tx.EventWebhook.Update().Where(eventwebhook.ID(f.AgentID)).SetURL(f.URL).SetSecret(f.Secret).SetKinds(kinds).
		SetDisabled(f.Disabled).SetDisableTime(fromTime(f.DisableTime)).SetFailingSince(fromTime(f.FailingSince)).SetLastError(f.LastError).
		SetVersion(f.Version + 1).Exec(ctx)
}

// DeleteFeed implements feed.Store.
func (s *Store) DeleteFeed(ctx context.Context, agentID string) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		n, err := tx.EventWebhook.Delete().Where(eventwebhook.ID(agentID)).Exec(ctx)
		if err != nil {
			return err
		}
		if n == 0 {
			return refuse(feed.ErrNotFound)
		}
		_, err = tx.EventCursor.Delete().Where(eventcursor.AgentID(agentID)).Exec(ctx)
		return err
	})
}

// FeedHead implements feed.Store. What is logged while it reads stays for the next
// call.
func (s *Store) FeedHead(ctx context.Context, sessionID string, limit int) (h feed.Head, ok bool, err error) {
	row, err := s.read.Session.Query().Where(session.PublicID(sessionID)).
		Select(session.FieldID, session.FieldAgentID, session.FieldConversationID, session.FieldLastSequence).Only(ctx)
	if ent.IsNotFound(err) {
		return h, false, nil
	}
	if err != nil {
		return h, false, s.readError(ctx, err)
	}
	h.SessionID, h.AgentID, h.ConversationID = sessionID, row.AgentID, row.ConversationID
	cursor, err := s.read.EventCursor.Query().Where(eventcursor.SessionNum(row.ID)).Only(ctx)
	switch {
	case err == nil:
		h.Cursor = toCursor(cursor, h.SessionKey)
	case !ent.IsNotFound(err):
		return h, false, s.readError(ctx, err)
	default:
		began, err := s.read.EventWebhook.Query().
			Where(eventwebhook.ID(row.AgentID), eventwebhook.FirstNumLT(row.ID)).Exist(ctx)
		if err != nil || !began {
			return h, false, s.readError(ctx, err)
		}
	}
	last := uint64(row.LastSequence) //nolint:gosec // not negative
	if h.Delivered >= last {
		return h, true, nil
	}
	events, err := s.read.Event.Query().
		Where(event.IDGT(eventKey(row.ID, h.Delivered)), event.IDLTE(eventKey(row.ID, last))).
		Order(event.ByID()).Limit(limit).All(ctx)
	if err != nil {
		return h, false, s.readError(ctx, err)
	}
	h.Events = make([]handoff.Event, len(events))
	for i, e := range events {
		if h.Events[i], err = toEvent(e); err != nil {
			return h, false, err
		}
	}
	return h, true, nil
}

// SetCursor implements feed.Store. What is left is decided where all commits stand
// in one order, so that no event falls between two looks.
func (s *Store) SetCursor(ctx context.Context, c feed.Cursor) (more bool, err error) {
	err = s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		err := tx.hot.setCursor.QueryRowContext(ctx, int64(c.Delivered), c.Attempts, fromTime(c.NextAttempt), //nolint:gosec // a sequence of a log
			fromTime(c.FailingSince), c.LastError, c.SessionID).Scan(&more)
		if errors.Is(err, sql.ErrNoRows) {
			more = false
			return nil
		}
		return err
	})
	return more, err
}

// maxPending bounds how many cursors one transaction notes, for callers wait for it.
const maxPending = 256

// Checkpoint implements feed.Store.
func (s *Store) Checkpoint(ctx context.Context, pending []feed.SessionKey, place uint64) error {
	for part := range slices.Chunk(pending, maxPending) {
		err := s.writer.do(ctx, func(ctx context.Context, tx *transaction) error { return notePending(ctx, tx, part) })
		if err != nil {
			return err
		}
	}
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		at := int64(place) //nolint:gosec // places are from this database
		return tx.EventWebhook.Update().Where(eventwebhook.Disabled(""), eventwebhook.CheckpointLT(at)).SetCheckpoint(at).Exec(ctx)
	})
}

func notePending(ctx context.Context, tx *transaction, pending []feed.SessionKey) error {
	for _, key := range pending {
		n, err := affected(tx.hot.notePending.ExecContext(ctx, key.SessionID))
		if err == nil && n == 0 {
			_, err = tx.hot.addPending.ExecContext(ctx, key.SessionID)
		}
		if err != nil {
			return fmt.Errorf("event cursor: %w", err)
		}
	}
	return nil
}

func isBehind() predicate.EventCursor { return literally(eventcursor.FieldPending, "") }

// Behind implements feed.Store.
func (s *Store) Behind(ctx context.Context, agentID string) ([]feed.SessionKey, error) {
	q := s.read.EventWebhook.Query()
	if agentID != "" {
		q.Where(eventwebhook.ID(agentID))
	} else {
		q.Where(eventwebhook.Disabled(""))
	}
	feeds, err := q.Select(eventwebhook.FieldID, eventwebhook.FieldCheckpoint).All(ctx)
	if err != nil || len(feeds) == 0 {
		return nil, s.readError(ctx, err)
	}
	checkpoints := map[string]int64{}
	for _, f := range feeds {
		checkpoints[f.ID] = f.Checkpoint
	}
	behind := map[feed.SessionKey]struct{}{}
	if err := s.addPending(ctx, checkpoints, behind); err != nil {
		return nil, s.readError(ctx, err)
	}
	if err := s.addChanged(ctx, checkpoints, behind); err != nil {
		return nil, s.readError(ctx, err)
	}
	return slices.Collect(maps.Keys(behind)), nil
}

// addPending adds the sessions that are noted to have something left. It reads
// them in pages, for their sessions' ids are asked for by a list.
func (s *Store) addPending(ctx context.Context, agents map[string]int64, behind map[feed.SessionKey]struct{}) error {
	for after := int64(0); ; {
		page, err := s.read.EventCursor.Query().Where(isBehind(), entsql.FieldGT(eventcursor.FieldSessionNum, after)).
			Order(eventcursor.BySessionNum()).Limit(handoff.MaxPageSize).
			WithSession(func(q *ent.SessionQuery) { q.Select(session.FieldPublicID) }).All(ctx)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, c := range page {
			after = c.SessionNum
			if _, wanted := agents[c.AgentID]; wanted {
				behind[feed.SessionKey{SessionID: c.Edges.Session.PublicID, AgentID: c.AgentID}] = struct{}{}
			}
		}
	}
}

// addChanged adds the sessions that changed since the checkpoints of their agents.
func (s *Store) addChanged(ctx context.Context, checkpoints map[string]int64, behind map[feed.SessionKey]struct{}) error {
	after := uint64(slices.Min(slices.Collect(maps.Values(checkpoints)))) //nolint:gosec // not negative
	last, err := s.LastChange(ctx)
	if err != nil {
		return err
	}
	for {
		page, err := s.Changes(ctx, handoff.SessionFilter{}, after, last, handoff.MaxPageSize)
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			after = page[i].Change
			if checkpoint, wanted := checkpoints[page[i].AgentID]; wanted && after > uint64(checkpoint) { //nolint:gosec // not negative
				behind[feed.SessionKey{SessionID: page[i].ID, AgentID: page[i].AgentID}] = struct{}{}
			}
		}
	}
}

// EventDeliveries implements feed.Store.
func (s *Store) EventDeliveries(ctx context.Context, f feed.DeliveryFilter, p handoff.Page) ([]feed.Delivery, string, error) {
	below, err := listFeeds.below(p)
	if err != nil {
		return nil, "", err
	}
	q := s.read.EventCursor.Query().WithSession(func(q *ent.SessionQuery) {
		q.Select(session.FieldPublicID, session.FieldLastSequence)
	})
	if f.AgentID != "" {
		q.Where(eventcursor.AgentID(f.AgentID))
	}
	if f.SessionID != "" {
		num, err := s.sessionNum(ctx, f.SessionID)
		if err != nil {
			return nil, "", ignoreNotFound(err)
		}
		q.Where(eventcursor.SessionNum(num))
	}
	if f.Failing {
		q.Where(isBehind(), eventcursor.AttemptsGT(0))
	}
	if below > 0 {
		q.Where(entsql.FieldLT(eventcursor.FieldSessionNum, below))
	}
	rows, err := q.Order(eventcursor.BySessionNum(entsql.OrderDesc())).Limit(pageSize(p) + 1).All(ctx)
	if err != nil {
		return nil, "", s.readError(ctx, err)
	}
	rows, next := cut(listFeeds, rows, pageSize(p), func(row *ent.EventCursor) string { return number(row.SessionNum) })
	list := make([]feed.Delivery, len(rows))
	for i, row := range rows {
		ses := row.Edges.Session
		list[i] = feed.Delivery{
			Cursor: toCursor(row, feed.SessionKey{SessionID: ses.PublicID, AgentID: row.AgentID}),
			Last:   uint64(ses.LastSequence), //nolint:gosec // not negative
		}
	}
	return list, next, nil
}

func toFeed(row *ent.EventWebhook) (*feed.Feed, error) {
	kinds, err := decodeJSON[[]handoff.EventKind](row.Kinds)
	if err != nil {
		return nil, err
	}
	return &feed.Feed{
		AgentID: row.ID, URL: row.URL, Secret: row.Secret, Kinds: kinds, Disabled: row.Disabled, DisableTime: toTime(row.DisableTime),
		FailingSince: toTime(row.FailingSince), LastError: row.LastError, Version: row.Version, CreateTime: toTime(row.CreateTime),
	}, nil
}

func toCursor(row *ent.EventCursor, key feed.SessionKey) feed.Cursor {
	return feed.Cursor{
		SessionKey: key, Delivered: uint64(row.Delivered), Attempts: row.Attempts, NextAttempt: toTime(row.NextAttempt), //nolint:gosec // not negative
		FailingSince: toTime(row.FailingSince), LastError: row.LastError,
	}
}
