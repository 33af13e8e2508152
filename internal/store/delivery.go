package store

import (
	"context"
	"fmt"

	"entgo.io/ent/dialect/sql"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/ent/delivery"
	"github.com/human-handoff/handoff/ent/predicate"
	"github.com/human-handoff/handoff/ent/session"
	"github.com/human-handoff/handoff/internal/handoff"
)

// isPending is the condition of the lanes' partial index, word for word.
func isPending() predicate.Delivery { return literally(delivery.FieldState, " = 'pending'") }

// hasPending starts from the index of the lanes, which is small. ent's own edge
// predicate would ask each session that there ever was.
func hasPending(s *sql.Selector) {
	waiting := sql.Dialect(s.Dialect()).Select(delivery.FieldSessionNum).From(sql.Table(delivery.Table))
	isPending()(waiting)
	s.Where(sql.In(s.C(session.FieldID), waiting))
}

// Lanes implements dispatch.Store; the oldest sessions come first.
func (s *Store) Lanes(ctx context.Context) ([]string, error) {
	rows, err := s.read.Session.Query().Where(hasPending).
		Order(session.ByID()).Select(session.FieldPublicID).All(ctx)
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	lanes := make([]string, len(rows))
	for i, row := range rows {
		lanes[i] = row.PublicID
	}
	return lanes, nil
}

// Head implements dispatch.Store. A session that does not exist has an empty lane.
func (s *Store) Head(ctx context.Context, sessionID string) (job handoff.Job, ok bool, err error) {
	num, err := s.sessionNum(ctx, sessionID)
	if err != nil {
		return handoff.Job{}, false, ignoreNotFound(err)
	}
	// The session is read after the delivery: it may then know more than the
	// delivery needs, but never less.
	row, err := s.read.Delivery.Query().Where(delivery.SessionNum(num), isPending()).
		Order(delivery.ByID()).WithSession().First(ctx)
	if ent.IsNotFound(err) {
		return handoff.Job{}, false, nil
	}
	if err != nil {
		return handoff.Job{}, false, s.readError(ctx, err)
	}
	job, err = s.job(ctx, row)
	return job, err == nil, err
}

// job adds to a delivery what is needed to send it.
func (s *Store) job(ctx context.Context, row *ent.Delivery) (handoff.Job, error) {
	ses, err := toSession(row.Edges.Session)
	if err != nil {
		return handoff.Job{}, err
	}
	job := handoff.Job{Delivery: toDelivery(row, ses.ID), Session: *ses}
	switch job.Delivery.Kind {
	case handoff.DeliverStart:
		if job.Start, err = decodeJSON[handoff.Start](row.Payload); err != nil {
			return handoff.Job{}, fmt.Errorf("start of session %s: %w", ses.ID, err)
		}
	case handoff.DeliverMessage:
		message, ok, err := messageAt(ctx, s.read, row.SessionNum, row.Sequence)
		if err != nil {
			return handoff.Job{}, s.readError(ctx, err)
		}
		if !ok {
			return handoff.Job{}, fmt.Errorf("event %d of session %s is no message, but a delivery says so", row.Sequence, ses.ID)
		}
		job.Message = message
	case handoff.DeliverClose:
	}
	return job, nil
}

// messageAt returns the message of an event as it was logged; ok is false when
// the event is of another kind.
func messageAt(ctx context.Context, c *ent.Client, num, sequence int64) (m handoff.Message, ok bool, err error) {
	row, err := c.Event.Get(ctx, num<<sequenceBits|sequence)
	if err != nil {
		return handoff.Message{}, false, err
	}
	e, err := toEvent(row)
	if err != nil {
		return handoff.Message{}, false, err
	}
	logged, ok := e.Body.(handoff.MessageLogged)
	return logged.Message, ok, nil
}
