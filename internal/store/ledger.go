package store

import (
	"cmp"
	"context"
	"slices"

	"entgo.io/ent/dialect/sql"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/ent/delivery"
	"github.com/human-handoff/handoff/ent/deliveryattempt"
	"github.com/human-handoff/handoff/ent/predicate"
	"github.com/human-handoff/handoff/ent/session"
	"github.com/human-handoff/handoff/internal/handoff"
)

// rareStates are those in which few deliveries of a large table are, each with
// the condition that finds them by its partial index.
var rareStates = map[handoff.DeliveryState]predicate.Delivery{
	handoff.DeliveryPending: inLane,
	handoff.DeliveryFailed:  literally(delivery.FieldState, " = 'failed'"),
}

// inLane starts from the index of the lanes. That is not in the order of the list,
// and asked directly SQLite would rather go through the whole table, which is.
func inLane(s *sql.Selector) {
	waiting := sql.Dialect(s.Dialect()).Select(delivery.FieldID).From(sql.Table(delivery.Table))
	isPending()(waiting)
	s.Where(sql.In(s.C(delivery.FieldID), waiting))
}

// Deliveries implements handoff.Store; filters that nothing fits give an empty list.
func (s *Store) Deliveries(ctx context.Context, f handoff.DeliveryFilter, p handoff.Page) ([]handoff.AgentDelivery, string, error) {
	below, err := listDeliveries.below(p)
	if err != nil {
		return nil, "", err
	}
	where, err := s.deliveryFilter(ctx, f)
	if err != nil {
		return nil, "", ignoreNotFound(err)
	}
	if below > 0 {
		where = append(where, delivery.IDLT(below))
	}
	var rows []*ent.Delivery
	for _, states := range stateFilters(f) {
		more, err := s.listDeliveries(ctx, append(slices.Clone(where), states...), f.Detailed(), pageSize(p)+1)
		if err != nil {
			return nil, "", err
		}
		rows = append(rows, more...)
	}
	slices.SortFunc(rows, func(a, b *ent.Delivery) int { return cmp.Compare(b.ID, a.ID) })
	rows, next := cut(listDeliveries, rows, pageSize(p), func(row *ent.Delivery) string { return number(row.ID) })
	deliveries := make([]handoff.AgentDelivery, len(rows))
	for i, row := range rows {
		deliveries[i] = toAgentDelivery(row)
	}
	return deliveries, next, nil
}

// deliveryFilter is all of a filter but the states; handoff.ErrSessionNotFound if
// it asks for an unknown session.
func (s *Store) deliveryFilter(ctx context.Context, f handoff.DeliveryFilter) (where []predicate.Delivery, err error) {
	if f.SessionID != "" {
		num, err := s.sessionNum(ctx, f.SessionID)
		if err != nil {
			return nil, err
		}
		where = append(where, delivery.SessionNum(num))
	}
	if f.MessageID != "" {
		where = append(where, literally(delivery.FieldMessageID, " <> ''"), delivery.MessageID(f.MessageID))
	}
	var of []predicate.Session
	if f.AgentID != "" {
		of = append(of, session.AgentID(f.AgentID))
	}
	if f.Provider != "" {
		of = append(of, session.Provider(f.Provider))
	}
	if len(of) > 0 {
		where = append(where, delivery.HasSessionWith(of...))
	}
	if len(f.Kinds) > 0 {
		where = append(where, delivery.KindIn(texts(f.Kinds)...))
	}
	return where, nil
}

// stateFilters returns the conditions on the state, of which each is to be asked
// for by itself: only what is written as a rare state's index has it finds it.
func stateFilters(f handoff.DeliveryFilter) (filters [][]predicate.Delivery) {
	states := slices.Compact(slices.Sorted(slices.Values(f.States)))
	for _, state := range states {
		condition, rare := rareStates[state]
		if !rare {
			return [][]predicate.Delivery{{delivery.StateIn(texts(states)...)}}
		}
		filters = append(filters, []predicate.Delivery{condition})
	}
	if len(filters) == 0 {
		return [][]predicate.Delivery{nil}
	}
	return filters
}

// listedColumns is all but the content of starts, which may be large.
var listedColumns = slices.DeleteFunc(slices.Clone(delivery.Columns), func(column string) bool {
	return column == delivery.FieldPayload
})

func (s *Store) listDeliveries(ctx context.Context, where []predicate.Delivery, detailed bool, limit int) ([]*ent.Delivery, error) {
	q := s.read.Delivery.Query().Where(where...).Order(delivery.ByID(sql.OrderDesc())).Limit(limit).
		WithSession(func(q *ent.SessionQuery) {
			q.Select(session.FieldPublicID, session.FieldAgentID, session.FieldProvider)
		})
	q.Select(listedColumns...)
	if detailed {
		q.WithFailures(func(q *ent.DeliveryAttemptQuery) { q.Order(deliveryattempt.ByNumber()) })
	}
	rows, err := q.All(ctx)
	return rows, s.readError(ctx, err)
}

func toAgentDelivery(row *ent.Delivery) handoff.AgentDelivery {
	ses := row.Edges.Session
	d := handoff.AgentDelivery{Delivery: toDelivery(row, ses.PublicID), AgentID: ses.AgentID, Provider: ses.Provider}
	for _, f := range row.Edges.Failures {
		d.Log = append(d.Log, handoff.FailedAttempt{
			DeliveryID: f.DeliveryID, Number: f.Number, Time: toTime(f.Time), Class: f.Class, Detail: f.Detail,
		})
	}
	return d
}
