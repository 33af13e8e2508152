package agents

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
)

// watchers wakes those who follow agents, and tells them which have changed.
type watchers struct {
	mu   sync.Mutex
	list map[*watcher]struct{}
}

// watcher is one follower. It holds ids, no states: what they are now is read
// when it gets to it, however often they have changed.
type watcher struct {
	mu      sync.Mutex
	changed map[string]struct{} // by agent, since the last look
	wake    chan struct{}       // of size 1
}

func (all *watchers) add() (w *watcher, stop func()) {
	w = &watcher{changed: map[string]struct{}{}, wake: make(chan struct{}, 1)}
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.list == nil {
		all.list = map[*watcher]struct{}{}
	}
	all.list[w] = struct{}{}
	return w, func() {
		all.mu.Lock()
		defer all.mu.Unlock()
		delete(all.list, w)
	}
}

// changed tells all watchers that an agent is not as it was. It does not block.
func (all *watchers) changed(agentID string) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for w := range all.list {
		w.mu.Lock()
		w.changed[agentID] = struct{}{}
		w.mu.Unlock()
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// take returns which agents changed since it was called last.
func (w *watcher) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := slices.Sorted(maps.Keys(w.changed))
	clear(w.changed)
	return ids
}

// Watch follows agents: all, or one. It yields those that there are, then each
// whose configuration or status changes; at each [handoff.Beat] those whose
// schedule has opened or closed meanwhile, which may be none, as a sign of life.
// It ends when ctx is done or with an error.
func (svc *Service) Watch(ctx context.Context, agentID string) iter.Seq2[[]View, error] {
	return func(yield func([]View, error) bool) {
		w, stop := svc.watchers.add()
		defer stop()
		f := &follow{svc: svc, only: agentID, turns: map[string]time.Time{}}
		if !f.all(ctx, yield) {
			return
		}
		beat := time.NewTicker(handoff.Beat)
		defer beat.Stop()
		for {
			var ids []string
			alive := false
			select {
			case <-w.wake:
				ids = w.take()
			case <-beat.C:
				ids, alive = f.turned(), true
			case <-ctx.Done():
				return
			}
			views, err := f.look(ctx, ids)
			if err != nil {
				yield(nil, err)
				return
			}
			if (alive || len(views) > 0) && !yield(views, nil) {
				return
			}
		}
	}
}

// follow is what one stream remembers.
type follow struct {
	svc   *Service
	only  string               // the agent; empty = all
	turns map[string]time.Time // when an agent's schedule opens or closes next
}

// all yields all agents there are, at least one batch. It reports whether to go on.
func (f *follow) all(ctx context.Context, yield func([]View, error) bool) bool {
	if f.only != "" {
		views, err := f.look(ctx, []string{f.only})
		return yield(views, err) && err == nil
	}
	for p := (handoff.Page{Size: handoff.MaxPageSize}); ; {
		views, next, err := f.svc.List(ctx, p)
		for i := range views {
			f.note(&views[i])
		}
		if !yield(views, err) || err != nil {
			return false
		}
		if p.Token = next; next == "" {
			return true
		}
	}
}

// look returns the agents of these ids that are followed and exist.
func (f *follow) look(ctx context.Context, ids []string) ([]View, error) {
	var views []View
	for _, id := range ids {
		if f.only != "" && id != f.only {
			continue
		}
		v, err := f.svc.Get(ctx, id)
		if errors.Is(err, handoff.ErrAgentNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		f.note(v)
		views = append(views, *v)
	}
	return views, nil
}

func (f *follow) note(v *View) {
	next := v.Opening.NextClose
	if !v.Opening.Open {
		next = v.Opening.NextOpen
	}
	if next.IsZero() {
		delete(f.turns, v.Agent.ID)
	} else {
		f.turns[v.Agent.ID] = next
	}
}

// turned returns the agents whose schedule has opened or closed.
func (f *follow) turned() []string {
	now := f.svc.now()
	var ids []string
	for id, at := range f.turns {
		if !now.Before(at) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
