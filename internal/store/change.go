package store

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/ent/meta"
	"github.com/human-handoff/handoff/ent/session"
	"github.com/human-handoff/handoff/internal/handoff"
)

const (
	// maxUnsaved is how many places are kept in memory alone before they are saved.
	maxUnsaved = 4096
	// placesPerUpdate bounds how long the callers behind an update that saves wait.
	placesPerUpdate = 256
	// placesUnsaved is what the database notes of itself while memory alone has some.
	placesUnsaved = "places_unsaved"
)

var allStates = []handoff.State{handoff.StateRequested, handoff.StateWaiting, handoff.StateActive, handoff.StateClosed}

// placed is a session's place in the order of all changes.
type placed struct {
	num   int64
	place uint64
	saved bool // it is in the session's row
}

// places knows the order of all changes. The row of a session has its place as it
// was when the whole row was last written, as at each step of its state; later
// ones are kept here and saved now and then. What a crash takes away is made up
// for at the next start: each session that is open gets a new place then.
type places struct {
	mu      sync.Mutex
	last    uint64
	unsaved map[int64]uint64
	max     int           // how many of them are too many
	full    chan struct{} // of size 1; closed at the end
	closed  bool
}

func newPlaces() *places {
	return &places{unsaved: map[int64]uint64{}, max: maxUnsaved, full: make(chan struct{}, 1)}
}

// publish makes known what a transaction committed. The caller holds p.mu.
func (p *places) publish(committed []placed, last int64) {
	p.last = max(p.last, uint64(last)) //nolint:gosec // not negative
	for _, c := range committed {
		switch {
		case !c.saved:
			p.unsaved[c.num] = c.place
		case p.unsaved[c.num] <= c.place:
			delete(p.unsaved, c.num)
		}
	}
	if len(p.unsaved) >= p.max && !p.closed {
		select {
		case p.full <- struct{}{}:
		default:
		}
	}
}

func (p *places) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		close(p.full)
	}
}

// later returns the sessions whose places are not in their rows.
func (p *places) later() (all []placed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for num, place := range p.unsaved {
		all = append(all, placed{num: num, place: place})
	}
	return all
}

// savePlacesWhenNeeded saves places when there are many, and all at the end.
func (s *Store) savePlacesWhenNeeded(log *slog.Logger) {
	ctx := context.Background()
	for range s.places.full {
		if err := s.savePlaces(ctx); err != nil {
			log.ErrorContext(ctx, "store.places", slog.Any("error", err))
		}
	}
	err := s.savePlaces(ctx)
	if err == nil {
		err = s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
			if !tx.marked {
				return nil // what is noted is another program's, which still runs or crashed
			}
			_, err := tx.Meta.Delete().Where(meta.ID(placesUnsaved)).Exec(ctx)
			return err
		})
	}
	if err != nil && !errors.Is(err, ErrClosed) {
		log.ErrorContext(ctx, "store.places", slog.Any("error", err))
	}
}

// notePlace has a place made known with the commit. Once, the database notes that
// places may be lost.
func (tx *transaction) notePlace(ctx context.Context, p placed) error {
	tx.placed = append(tx.placed, p)
	if p.saved || tx.marked {
		return nil
	}
	known, err := tx.Meta.Query().Where(meta.ID(placesUnsaved)).Exist(ctx)
	if err == nil && !known {
		err = tx.Meta.Create().SetID(placesUnsaved).SetValue([]byte{}).Exec(ctx)
	}
	tx.marked = err == nil
	return err
}

// savePlaces writes the places that only memory has.
func (s *Store) savePlaces(ctx context.Context) error {
	for part := range slices.Chunk(s.places.later(), placesPerUpdate) {
		err := s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
			for _, l := range part {
				if _, err := tx.hot.setPlace.ExecContext(ctx, int64(l.place), l.num, int64(l.place)); err != nil { //nolint:gosec // microseconds, or not much more
					return err
				}
				tx.placed = append(tx.placed, placed{l.num, l.place, true})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// learnPlaces finds out how far the order of changes got: each transaction does.
func (s *Store) learnPlaces(ctx context.Context) error {
	return s.writer.do(ctx, func(context.Context, *transaction) error { return nil })
}

// RecoverChanges makes up for what a crash took away of the order of changes: unless
// the database was closed in peace, everything that is open counts as changed. It is
// for the program that serves; one that works beside it would move what that one
// has still in memory.
func (s *Store) RecoverChanges(ctx context.Context) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		unsaved, err := tx.Meta.Query().Where(meta.ID(placesUnsaved)).Exist(ctx)
		if err != nil || !unsaved {
			return err
		}
		newest, err := tx.Session.Query().Order(session.ByID(sql.OrderDesc())).FirstID(ctx)
		if err != nil {
			return ignoreNotFound(err)
		}
		base := max(tx.change, fromTime(time.Now())) //nolint:forbidigo // a bound that lost places were below; no behaviour hangs on it
		tx.change = base + newest
		_, err = tx.hot.replacePlaces.ExecContext(ctx, base)
		return err
	})
}

// LastChange implements handoff.Store.
func (s *Store) LastChange(context.Context) (uint64, error) {
	s.places.mu.Lock()
	defer s.places.mu.Unlock()
	if s.places.closed {
		return 0, ErrClosed
	}
	return s.places.last, nil
}

// Changes implements handoff.Store. A session that changes while it is read has a
// later place by then, and is left for that.
func (s *Store) Changes(ctx context.Context, f handoff.SessionFilter, after, upTo uint64, limit int) ([]handoff.Session, error) {
	later := s.places.later()
	moved := make(map[int64]uint64, len(later))
	var nums []int64
	for _, l := range later {
		moved[l.num] = l.place
		if l.place > after && l.place <= upTo {
			nums = append(nums, l.num)
		}
	}
	rows, err := s.savedChanges(ctx, f, after, upTo, limit+len(later))
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	rows = slices.DeleteFunc(rows, func(row *ent.Session) bool { _, ok := moved[row.ID]; return ok })
	for part := range slices.Chunk(nums, placesPerUpdate) {
		more, err := s.read.Session.Query().Where(session.IDIn(part...), selects(f)).All(ctx)
		if err != nil {
			return nil, s.readError(ctx, err)
		}
		for _, row := range more {
			row.Change = max(row.Change, int64(moved[row.ID])) //nolint:gosec // as it is stored
			rows = append(rows, row)
		}
	}
	for _, l := range s.places.later() {
		moved[l.num] = l.place
	}
	rows = slices.DeleteFunc(rows, func(row *ent.Session) bool {
		return max(row.Change, int64(moved[row.ID])) > int64(upTo) //nolint:gosec // as it is stored
	})
	slices.SortFunc(rows, func(a, b *ent.Session) int { return cmp.Compare(a.Change, b.Change) })
	rows = rows[:min(len(rows), limit)]
	sessions := make([]handoff.Session, len(rows))
	for i, row := range rows {
		ses, err := toSession(row)
		if err != nil {
			return nil, err
		}
		sessions[i] = *ses
	}
	return sessions, nil
}

// savedChanges returns the sessions whose rows have a place in a range. The index
// of changes is by state, so each state is asked for its part.
func (s *Store) savedChanges(ctx context.Context, f handoff.SessionFilter, after, upTo uint64, limit int) (rows []*ent.Session, err error) {
	states := f.States
	if len(states) == 0 {
		states = allStates
	}
	for _, state := range states {
		part, err := s.read.Session.Query().Where(session.State(string(state)), selects(f),
			session.ChangeGT(int64(after)), session.ChangeLTE(int64(upTo))). //nolint:gosec // places are from this database
			Order(session.ByChange()).Limit(limit).All(ctx)
		if err != nil {
			return nil, err
		}
		rows = append(rows, part...)
	}
	return rows, nil
}

// selects is the condition of a filter.
func selects(f handoff.SessionFilter) func(*sql.Selector) {
	return func(sel *sql.Selector) {
		if len(f.States) > 0 {
			session.StateIn(texts(f.States)...)(sel)
		}
		if f.AgentID != "" {
			session.AgentID(f.AgentID)(sel)
		}
		if f.Provider != "" {
			session.Provider(f.Provider)(sel)
		}
	}
}
