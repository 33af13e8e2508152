package store

import (
	"context"
	"fmt"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/ent/chathuman"
	"github.com/human-handoff/handoff/ent/chatinput"
	"github.com/human-handoff/handoff/ent/chatnotice"
	"github.com/human-handoff/handoff/ent/predicate"
	"github.com/human-handoff/handoff/ent/seat"
	"github.com/human-handoff/handoff/ent/seatmessage"
	"github.com/human-handoff/handoff/ent/session"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider/messenger"
	"github.com/human-handoff/handoff/internal/switchboard"
)

const (
	// tagRests is how long a closed session's tag is not given to another one.
	tagRests = 30 * 24 * time.Hour
	// inputFor is how long what humans said is known, to tell repeats: longer than
	// any chat app is known to repeat itself.
	inputFor = 8 * 24 * time.Hour
	// maxSeats bounds how many seats are looked at when a human says something.
	maxSeats = 2000
	maxTags  = 100 // tries for a new one
)

var _ switchboard.Store = (*Store)(nil)

// Seat implements switchboard.Store.
func (s *Store) Seat(ctx context.Context, connectionID, sessionID string, newTag func() string, now time.Time) (switchboard.Seat, error) {
	row, err := s.read.Seat.Query().Where(seat.HasSessionWith(session.PublicID(sessionID))).WithSession().Only(ctx)
	if err == nil {
		return toSeat(row)
	}
	if !ent.IsNotFound(err) {
		return switchboard.Seat{}, s.readError(ctx, err)
	}
	err = s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		num, err := tx.Session.Query().Where(session.PublicID(sessionID)).OnlyID(ctx)
		if err != nil {
			return refuse(notFound(err, handoff.ErrSessionNotFound))
		}
		if row, err = tx.Seat.Query().Where(seat.SessionNum(num)).WithSession().Only(ctx); !ent.IsNotFound(err) {
			return err
		}
		tag, err := unusedTag(ctx, tx.Client, connectionID, newTag, now)
		if err != nil {
			return err
		}
		err = tx.Client.Seat.Create().SetSessionNum(num).SetConnectionID(connectionID).SetTag(tag).SetCreateTime(fromTime(now)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("seat: %w", err)
		}
		row, err = tx.Client.Seat.Query().Where(seat.SessionNum(num)).WithSession().Only(ctx)
		return err
	})
	if err != nil {
		return switchboard.Seat{}, err
	}
	return toSeat(row)
}

// unusedTag returns a tag that no session has, and none had of late.
func unusedTag(ctx context.Context, tx *ent.Client, connectionID string, newTag func() string, now time.Time) (string, error) {
	for range maxTags {
		tag := newTag()
		used, err := tx.Seat.Query().Where(
			seat.ConnectionID(connectionID), seat.Tag(tag), seat.HasSessionWith(openOrClosedAfter(now.Add(-tagRests))),
		).Exist(ctx)
		if err != nil || !used {
			return tag, err
		}
	}
	return "", refuse(handoff.Errorf(handoff.CodeExhausted, "NO_TAG", "all tags of this connection are in use"))
}

// openOrClosedAfter selects sessions.
func openOrClosedAfter(t time.Time) func(*sql.Selector) {
	return session.Or(session.StateNEQ(string(handoff.StateClosed)), session.CloseTimeGT(fromTime(t)))
}

// Seats implements switchboard.Store. Open sessions come first.
func (s *Store) Seats(ctx context.Context, connectionID string, closedAfter time.Time) ([]switchboard.Seat, error) {
	rows, err := s.read.Seat.Query().
		Where(seat.ConnectionID(connectionID), seat.HasSessionWith(openOrClosedAfter(closedAfter))).
		WithSession().Order(seat.ByID(sql.OrderDesc())).Limit(maxSeats).All(ctx)
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	var open, closed []switchboard.Seat
	for _, row := range rows {
		st, err := toSeat(row)
		if err != nil {
			return nil, err
		}
		if st.CloseTime.IsZero() {
			open = append(open, st)
		} else {
			closed = append(closed, st)
		}
	}
	return append(open, closed...), nil
}

func toSeat(row *ent.Seat) (switchboard.Seat, error) {
	ses, err := toSession(row.Edges.Session)
	if err != nil {
		return switchboard.Seat{}, err
	}
	words := row.Words
	if words == "" {
		words = ses.Question
	}
	return switchboard.Seat{
		Session: messenger.Session{
			Tag: row.Tag, Person: row.Person, OpenTime: toTime(max(row.CreateTime, row.TakeTime)),
			CloseTime: ses.CloseTime, ShowTime: toTime(row.ShowTime),
		},
		SessionID: ses.ID, Provider: ses.Provider, PersonName: row.PersonName, Customer: ses.Customer.Name, Words: words,
	}, nil
}

// SeatOfMessage implements switchboard.Store.
func (s *Store) SeatOfMessage(ctx context.Context, connectionID string, vendorIDs []string) (string, error) {
	if len(vendorIDs) == 0 {
		return "", nil
	}
	row, err := s.read.SeatMessage.Query().
		Where(seatmessage.ConnectionID(connectionID), seatmessage.VendorIDIn(vendorIDs...)).
		WithSession(func(q *ent.SessionQuery) { q.WithSeats() }).First(ctx)
	if ent.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", s.readError(ctx, err)
	}
	for _, st := range row.Edges.Session.Edges.Seats {
		return st.Tag, nil
	}
	return "", nil
}

// Take implements switchboard.Store.
func (s *Store) Take(ctx context.Context, sessionID, person, name string, now time.Time) (taken bool, err error) {
	err = s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		n, err := tx.Client.Seat.Update().
			Where(seat.HasSessionWith(session.PublicID(sessionID)), seat.PersonIn("", person)).
			SetPerson(person).SetPersonName(name).SetTakeTime(fromTime(now)).Save(ctx)
		taken = n > 0
		return err
	})
	return taken, err
}

// Leave implements switchboard.Store.
func (s *Store) Leave(ctx context.Context, sessionID, person string) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		return tx.Client.Seat.Update().
			Where(seat.HasSessionWith(session.PublicID(sessionID)), seat.Person(person)).
			SetPerson("").SetPersonName("").Exec(ctx)
	})
}

// Shown implements switchboard.Store.
func (s *Store) Shown(ctx context.Context, sessionID, delivery, words string, messages []switchboard.Message, now time.Time) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		row, err := tx.Client.Seat.Query().Where(seat.HasSessionWith(session.PublicID(sessionID))).Only(ctx)
		if err != nil {
			return refuse(notFound(err, handoff.ErrSessionNotFound))
		}
		change := row.Update().SetShowTime(fromTime(now))
		if words != "" {
			change.SetWords(words)
		}
		if err := change.Exec(ctx); err != nil {
			return fmt.Errorf("seat: %w", err)
		}
		for _, m := range messages {
			if err := addSeatMessage(ctx, tx.Client, row.SessionNum, row.ConnectionID, delivery, m); err != nil {
				return err
			}
		}
		return nil
	})
}

// Note implements switchboard.Store.
func (s *Store) Note(ctx context.Context, connectionID, sessionID, delivery string, m switchboard.Message, now time.Time) error {
	known, err := s.read.SeatMessage.Query().Where(seatmessage.ConnectionID(connectionID), seatmessage.VendorID(m.VendorID)).Exist(ctx)
	if err != nil || known {
		return s.readError(ctx, err)
	}
	return s.Shown(ctx, sessionID, delivery, "", []switchboard.Message{m}, now)
}

// addSeatMessage notes whose a message is, unless that is known.
func addSeatMessage(ctx context.Context, tx *ent.Client, num int64, connectionID, delivery string, m switchboard.Message) error {
	known, err := tx.SeatMessage.Query().Where(seatmessage.ConnectionID(connectionID), seatmessage.VendorID(m.VendorID)).Exist(ctx)
	if err != nil || known {
		return err
	}
	err = tx.SeatMessage.Create().SetSessionNum(num).SetConnectionID(connectionID).SetVendorID(m.VendorID).
		SetPerson(m.Person).SetDelivery(delivery).Exec(ctx)
	if err != nil {
		return fmt.Errorf("message %s: %w", m.VendorID, err)
	}
	return nil
}

// ShownTo implements switchboard.Store.
func (s *Store) ShownTo(ctx context.Context, sessionID, delivery string) ([]switchboard.Message, error) {
	q := s.read.SeatMessage.Query().Where(seatmessage.HasSessionWith(session.PublicID(sessionID)))
	if delivery != "" {
		q.Where(seatmessage.Delivery(delivery))
	} else {
		q.Where(seatmessage.DeliveryNEQ(""))
	}
	rows, err := q.Order(seatmessage.ByID()).All(ctx)
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	messages := make([]switchboard.Message, len(rows))
	for i, row := range rows {
		messages[i] = switchboard.Message{Person: row.Person, VendorID: row.VendorID}
	}
	return messages, nil
}

// Human implements switchboard.Store.
func (s *Store) Human(ctx context.Context, connectionID, person string) (switchboard.Human, error) {
	h := switchboard.Human{ConnectionID: connectionID, Person: person}
	row, err := s.read.ChatHuman.Query().Where(chathuman.ConnectionID(connectionID), chathuman.Person(person)).Only(ctx)
	switch {
	case err == nil:
		h.Pin, h.PinTime = row.Pin, toTime(row.PinTime)
	case !ent.IsNotFound(err):
		return h, s.readError(ctx, err)
	}
	rows, err := s.read.ChatInput.Query().
		Where(isHeld, chatinput.ConnectionID(connectionID), chatinput.Person(person)).Order(chatinput.ByID()).All(ctx)
	if err != nil {
		return h, s.readError(ctx, err)
	}
	for _, row := range rows {
		said, err := decodeJSON[switchboard.Said](row.Payload)
		if err != nil {
			return h, fmt.Errorf("held input %d: %w", row.ID, err)
		}
		h.Held = append(h.Held, switchboard.Held{ID: row.ID, Key: row.Key, Said: said, Time: toTime(row.Time)})
	}
	return h, nil
}

// Heard implements switchboard.Store. What nobody said is of nobody.
func (s *Store) Heard(ctx context.Context, connectionID string, since time.Time) (map[string]time.Time, error) {
	var rows []struct {
		Person string `json:"person"`
		Max    int64  `json:"max"`
	}
	err := s.read.ChatInput.Query().
		Where(chatinput.ConnectionID(connectionID), chatinput.PersonNEQ(""), chatinput.TimeGTE(fromTime(since))).
		GroupBy(chatinput.FieldPerson).Aggregate(ent.Max(chatinput.FieldTime)).Scan(ctx, &rows)
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	heard := make(map[string]time.Time, len(rows))
	for _, row := range rows {
		heard[row.Person] = toTime(row.Max)
	}
	return heard, nil
}

// isHeld is the condition of the index of what is held, word for word.
func isHeld(s *sql.Selector) { s.Where(sql.ExprP("held")) }

// Handled implements switchboard.Store.
func (s *Store) Handled(ctx context.Context, connectionID, key string) (bool, error) {
	if key == "" {
		return false, nil
	}
	known, err := s.read.ChatInput.Query().Where(chatinput.ConnectionID(connectionID), chatinput.Key(key)).Exist(ctx)
	return known, s.readError(ctx, err)
}

// Record implements switchboard.Store.
func (s *Store) Record(ctx context.Context, r switchboard.Record) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		if r.Key != "" {
			known, err := tx.ChatInput.Query().Where(chatinput.ConnectionID(r.ConnectionID), chatinput.Key(r.Key)).Exist(ctx)
			if err != nil || known {
				return err
			}
		}
		for _, write := range []func(context.Context, *ent.Client, switchboard.Record) error{addInput, release, pin, addSaid, addNotices} {
			if err := write(ctx, tx.Client, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func release(ctx context.Context, tx *ent.Client, r switchboard.Record) error {
	if len(r.Release) == 0 {
		return nil
	}
	return tx.ChatInput.Update().Where(chatinput.IDIn(r.Release...)).SetHeld(false).SetPayload("").Exec(ctx)
}

// addSaid notes the session that something went to: people quote themselves, too.
func addSaid(ctx context.Context, tx *ent.Client, r switchboard.Record) error {
	if r.SessionID == "" || r.VendorID == "" {
		return nil
	}
	num, err := tx.Session.Query().Where(session.PublicID(r.SessionID)).OnlyID(ctx)
	if err != nil {
		return refuse(notFound(err, handoff.ErrSessionNotFound))
	}
	return addSeatMessage(ctx, tx, num, r.ConnectionID, "", switchboard.Message{Person: r.Person, VendorID: r.VendorID})
}

// addInput remembers what was said, and forgets what was said long ago.
func addInput(ctx context.Context, tx *ent.Client, r switchboard.Record) error {
	if r.Key == "" {
		return nil
	}
	old := fromTime(r.Time.Add(-inputFor))
	if _, err := tx.ChatInput.Delete().Where(chatinput.TimeLT(old), chatinput.Held(false)).Exec(ctx); err != nil {
		return fmt.Errorf("old input: %w", err)
	}
	create := tx.ChatInput.Create().SetConnectionID(r.ConnectionID).SetPerson(r.Person).SetKey(r.Key).SetTime(fromTime(r.Time))
	if r.Hold != nil {
		payload, err := encodeJSON(r.Hold)
		if err != nil {
			return refuse(err)
		}
		create.SetHeld(true).SetPayload(payload)
	}
	if err := create.Exec(ctx); err != nil {
		return fmt.Errorf("input: %w", err)
	}
	return nil
}

func pin(ctx context.Context, tx *ent.Client, r switchboard.Record) error {
	if r.Pin == "" && r.Unpin {
		return tx.ChatHuman.Update().Where(chathuman.ConnectionID(r.ConnectionID), chathuman.Person(r.Person), chathuman.PinNEQ("")).SetPin("").Exec(ctx)
	}
	if r.Pin == "" {
		return nil
	}
	n, err := tx.ChatHuman.Update().Where(chathuman.ConnectionID(r.ConnectionID), chathuman.Person(r.Person)).
		SetPin(r.Pin).SetPinTime(fromTime(r.Time)).Save(ctx)
	if err == nil && n == 0 {
		err = tx.ChatHuman.Create().SetConnectionID(r.ConnectionID).SetPerson(r.Person).
			SetPin(r.Pin).SetPinTime(fromTime(r.Time)).Exec(ctx)
	}
	return err
}

// addNotices adds notices at the end of their humans' lines: one waits for as long
// as those before it.
func addNotices(ctx context.Context, tx *ent.Client, r switchboard.Record) error {
	for _, n := range r.Notices {
		payload, err := encodeJSON(n)
		if err != nil {
			return refuse(err)
		}
		at := fromTime(r.Time)
		last, err := tx.ChatNotice.Query().Where(ofLine(n.ConnectionID, n.Notice.Person)).Order(chatnotice.ByNextAttempt(sql.OrderDesc())).First(ctx)
		switch {
		case err == nil:
			at = max(at, last.NextAttempt)
		case !ent.IsNotFound(err):
			return err
		}
		err = tx.ChatNotice.Create().SetConnectionID(n.ConnectionID).SetPerson(n.Notice.Person).SetPayload(payload).
			SetCreateTime(fromTime(r.Time)).SetNextAttempt(at).Exec(ctx)
		if err != nil {
			return fmt.Errorf("notice: %w", err)
		}
	}
	return nil
}

func ofLine(connectionID, person string) predicate.ChatNotice {
	return chatnotice.And(chatnotice.ConnectionID(connectionID), chatnotice.Person(person))
}

// Notices implements switchboard.Store.
func (s *Store) Notices(ctx context.Context, now time.Time, limit int) (due []switchboard.Notice, next time.Time, err error) {
	rows, err := s.read.ChatNotice.Query().Where(chatnotice.NextAttemptLTE(fromTime(now))).Order(chatnotice.ByID()).Limit(limit).All(ctx)
	if err != nil {
		return nil, next, s.readError(ctx, err)
	}
	for _, row := range rows {
		n, err := decodeJSON[switchboard.Notice](row.Payload)
		if err != nil {
			return nil, next, fmt.Errorf("notice %d: %w", row.ID, err)
		}
		n.ID, n.ConnectionID, n.Attempts, n.CreateTime = row.ID, row.ConnectionID, row.Attempts, toTime(row.CreateTime)
		due = append(due, n)
	}
	first, err := s.read.ChatNotice.Query().Order(chatnotice.ByNextAttempt()).First(ctx)
	switch {
	case err == nil:
		next = toTime(first.NextAttempt)
	case !ent.IsNotFound(err):
		return nil, next, s.readError(ctx, err)
	}
	oldest, err := s.read.ChatInput.Query().Where(isHeld).Order(chatinput.ByTime()).First(ctx)
	switch {
	case err == nil:
		next = sooner(next, toTime(oldest.Time).Add(switchboard.HeldFor))
	case !ent.IsNotFound(err):
		return nil, next, s.readError(ctx, err)
	}
	return due, next, nil
}

// sooner returns the earlier one of two times, of which the first may be none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// Told implements switchboard.Store.
func (s *Store) Told(ctx context.Context, id int64) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		_, err := tx.ChatNotice.Delete().Where(chatnotice.ID(id)).Exec(ctx)
		return err
	})
}

// TellLater implements switchboard.Store.
func (s *Store) TellLater(ctx context.Context, id int64, until time.Time) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		row, err := tx.ChatNotice.Get(ctx, id)
		if err != nil {
			return refuse(notFound(err, nil))
		}
		if err := row.Update().AddAttempts(1).Exec(ctx); err != nil {
			return fmt.Errorf("notice %d: %w", id, err)
		}
		return tx.ChatNotice.Update().Where(ofLine(row.ConnectionID, row.Person)).SetNextAttempt(fromTime(until)).Exec(ctx)
	})
}

// HeldSince implements switchboard.Store.
func (s *Store) HeldSince(ctx context.Context, before time.Time) ([]switchboard.Human, error) {
	rows, err := s.read.ChatInput.Query().Where(isHeld, chatinput.TimeLTE(fromTime(before))).
		Select(chatinput.FieldConnectionID, chatinput.FieldPerson).All(ctx)
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	var humans []switchboard.Human
	seen := map[[2]string]bool{}
	for _, row := range rows {
		who := [2]string{row.ConnectionID, row.Person}
		if seen[who] {
			continue
		}
		seen[who] = true
		h, err := s.Human(ctx, row.ConnectionID, row.Person)
		if err != nil {
			return nil, err
		}
		humans = append(humans, h)
	}
	return humans, nil
}
