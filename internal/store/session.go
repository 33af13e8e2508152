package store

import (
	"context"

	"entgo.io/ent/dialect/sql"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/ent/delivery"
	"github.com/human-handoff/handoff/ent/event"
	"github.com/human-handoff/handoff/ent/latemessage"
	"github.com/human-handoff/handoff/ent/predicate"
	"github.com/human-handoff/handoff/ent/session"
	"github.com/human-handoff/handoff/internal/handoff"
)

// The conditions of the partial indexes, word for word: a database uses such an
// index only for a query that it can see to keep to the condition, which it
// cannot when a value is a parameter.
func isOpen() predicate.Session       { return literally(session.FieldState, " <> 'closed'") }
func hasRef() predicate.Session       { return literally(session.FieldRefID, " <> ''") }
func hasUserID() predicate.Session    { return literally(session.FieldUserID, " <> ''") }
func hasRequestID() predicate.Session { return literally(session.FieldRequestID, " <> ''") }

func literally(column, condition string) func(*sql.Selector) {
	return func(s *sql.Selector) {
		s.Where(sql.P(func(b *sql.Builder) { b.Ident(s.C(column)).WriteString(condition) }))
	}
}

// Session implements handoff.Store.
func (s *Store) Session(ctx context.Context, id string) (*handoff.Session, error) {
	return s.one(ctx, session.PublicID(id))
}

// maxIdentities bounds how many sessions' identities are kept in memory.
const maxIdentities = 16_384

// Identity implements handoff.Store. It is read once and kept, for it is asked for
// with every reply and never changes.
func (s *Store) Identity(ctx context.Context, id string) (handoff.Identity, error) {
	if known, ok := s.identities.Get(id); ok {
		return known, nil
	}
	row, err := s.read.Session.Query().Where(session.PublicID(id)).
		Select(session.FieldAgentID, session.FieldConnectionID, session.FieldProvider).Only(ctx)
	if err != nil {
		return handoff.Identity{}, s.readError(ctx, notFound(err, handoff.ErrSessionNotFound))
	}
	identity := handoff.Identity{AgentID: row.AgentID, ConnectionID: row.ConnectionID, Provider: row.Provider}
	s.identities.Add(id, identity)
	return identity, nil
}

// SessionByRef implements handoff.Store. Of several sessions that the provider
// calls by one name, it finds the newest.
func (s *Store) SessionByRef(ctx context.Context, connectionID, ref string) (*handoff.Session, error) {
	return s.one(ctx, session.ConnectionID(connectionID), session.RefID(ref), hasRef())
}

// LatestSession implements handoff.Store.
func (s *Store) LatestSession(ctx context.Context, c handoff.ConversationKey) (*handoff.Session, error) {
	return s.one(ctx, session.AgentID(c.AgentID), session.ConversationID(c.ConversationID))
}

// KnownEmail implements handoff.Store. The newest session knows what those before
// it told: whoever makes one asks here first.
func (s *Store) KnownEmail(ctx context.Context, agentID, userID string) (string, error) {
	latest, err := s.one(ctx, session.AgentID(agentID), session.UserID(userID), hasUserID())
	if err != nil {
		return "", ignoreNotFound(err)
	}
	return latest.Customer.Email, nil
}

// FindSession implements handoff.Store.
func (s *Store) FindSession(ctx context.Context, c handoff.ConversationKey, requestID string) (*handoff.Session, error) {
	row, err := findSession(ctx, s.read, c, requestID)
	if err != nil {
		return nil, s.readError(ctx, notFound(err, handoff.ErrSessionNotFound))
	}
	return toSession(row)
}

// one returns the newest session that all conditions hold for.
func (s *Store) one(ctx context.Context, where ...predicate.Session) (*handoff.Session, error) {
	row, err := newest(ctx, s.read, where...)
	if err != nil {
		return nil, s.readError(ctx, notFound(err, handoff.ErrSessionNotFound))
	}
	return toSession(row)
}

func newest(ctx context.Context, c *ent.Client, where ...predicate.Session) (*ent.Session, error) {
	return c.Session.Query().Where(where...).Order(session.ByID(sql.OrderDesc())).First(ctx)
}

// findSession returns the row of the conversation's open session, else of the
// one with the request id; ent's error when there is neither.
func findSession(ctx context.Context, c *ent.Client, key handoff.ConversationKey, requestID string) (*ent.Session, error) {
	row, err := newest(ctx, c, session.AgentID(key.AgentID), session.ConversationID(key.ConversationID), isOpen())
	if ent.IsNotFound(err) && requestID != "" {
		return newest(ctx, c, session.AgentID(key.AgentID), session.RequestID(requestID), hasRequestID())
	}
	return row, err
}

// Sessions implements handoff.Store.
func (s *Store) Sessions(ctx context.Context, f handoff.SessionFilter, p handoff.Page) ([]handoff.Session, string, error) {
	end, err := listSessions.below(p)
	if err != nil {
		return nil, "", err
	}
	q := s.read.Session.Query()
	if f.AgentID != "" {
		q.Where(session.AgentID(f.AgentID))
	}
	if f.ConversationID != "" {
		q.Where(session.ConversationID(f.ConversationID))
	}
	if f.Provider != "" {
		q.Where(session.Provider(f.Provider))
	}
	if len(f.States) > 0 {
		q.Where(session.StateIn(texts(f.States)...))
	}
	order, beyond := sql.OrderDesc(), session.IDLT
	if f.OldestFirst {
		order, beyond = sql.OrderAsc(), session.IDGT
	}
	if end > 0 {
		q.Where(beyond(end))
	}
	rows, err := q.Order(session.ByID(order)).Limit(pageSize(p) + 1).All(ctx)
	if err != nil {
		return nil, "", s.readError(ctx, err)
	}
	rows, next := cut(listSessions, rows, pageSize(p), func(row *ent.Session) string { return number(row.ID) })
	sessions := make([]handoff.Session, len(rows))
	for i, row := range rows {
		ses, err := toSession(row)
		if err != nil {
			return nil, "", err
		}
		sessions[i] = *ses
	}
	return sessions, next, nil
}

// Log implements handoff.Store.
func (s *Store) Log(ctx context.Context, sessionID string, after uint64, limit int) (handoff.Log, error) {
	row, err := s.read.Session.Query().Where(session.PublicID(sessionID)).
		Select(session.FieldState, session.FieldLastSequence).Only(ctx)
	if err != nil {
		return handoff.Log{}, s.readError(ctx, notFound(err, handoff.ErrSessionNotFound))
	}
	log := handoff.Log{
		Last:   uint64(row.LastSequence), //nolint:gosec // not negative
		Closed: row.State == string(handoff.StateClosed),
	}
	if after >= log.Last || limit < 1 {
		return log, nil
	}
	// What was logged since the row was read stays for the next call, so that
	// events, Last and Closed tell of one moment.
	rows, err := s.read.Event.Query().
		Where(event.IDGT(eventKey(row.ID, after)), event.IDLTE(eventKey(row.ID, log.Last))).
		Order(event.ByID()).Limit(limit).All(ctx)
	if err != nil {
		return handoff.Log{}, s.readError(ctx, err)
	}
	log.Events = make([]handoff.Event, len(rows))
	for i, row := range rows {
		if log.Events[i], err = toEvent(row); err != nil {
			return handoff.Log{}, err
		}
	}
	return log, nil
}

// Start implements handoff.Store.
func (s *Store) Start(ctx context.Context, sessionID string) (handoff.Start, error) {
	num, err := s.sessionNum(ctx, sessionID)
	if err != nil {
		return handoff.Start{}, err
	}
	row, err := s.read.Delivery.Query().
		Where(delivery.SessionNum(num), delivery.Kind(string(handoff.DeliverStart))).Select(delivery.FieldPayload).First(ctx)
	if err != nil {
		return handoff.Start{}, s.readError(ctx, err)
	}
	return decodeJSON[handoff.Start](row.Payload)
}

// LateMessages implements handoff.Store; without a session id it lists those of
// all sessions, and none for an unknown one.
func (s *Store) LateMessages(ctx context.Context, sessionID string, p handoff.Page) ([]handoff.LateMessage, string, error) {
	below, err := listLate.below(p)
	if err != nil {
		return nil, "", err
	}
	q := s.read.LateMessage.Query().
		WithSession(func(q *ent.SessionQuery) {
			q.Select(session.FieldPublicID, session.FieldCloseReason, session.FieldCloseTime)
		})
	if sessionID != "" {
		num, err := s.sessionNum(ctx, sessionID)
		if err != nil {
			return nil, "", ignoreNotFound(err)
		}
		q.Where(latemessage.SessionNum(num))
	}
	if below > 0 {
		q.Where(latemessage.IDLT(below))
	}
	rows, err := q.Order(latemessage.ByID(sql.OrderDesc())).Limit(pageSize(p) + 1).All(ctx)
	if err != nil {
		return nil, "", s.readError(ctx, err)
	}
	rows, next := cut(listLate, rows, pageSize(p), func(row *ent.LateMessage) string { return number(row.ID) })
	late := make([]handoff.LateMessage, len(rows))
	for i, row := range rows {
		ses := row.Edges.Session
		late[i] = handoff.LateMessage{
			SessionID: ses.PublicID, AuthorName: row.AuthorName, Text: row.Text, Time: toTime(row.Time),
			CloseReason: handoff.CloseReason(ses.CloseReason), CloseTime: toTime(ses.CloseTime),
		}
	}
	return late, next, nil
}

// sessionNum returns the number of a session; handoff.ErrSessionNotFound if there is none.
func (s *Store) sessionNum(ctx context.Context, id string) (int64, error) {
	num, err := s.read.Session.Query().Where(session.PublicID(id)).OnlyID(ctx)
	return num, s.readError(ctx, notFound(err, handoff.ErrSessionNotFound))
}

func texts[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}
