package handoff

import (
	"context"
	"errors"
	"iter"
	"time"
)

// WatchAgent follows the sessions of an agent at one provider. It yields all
// that are open, then those that changed, closed ones included, each in its
// latest state; an empty batch is a sign of life each [Beat]. It ends when ctx
// is done or with an error.
func (svc *Service) WatchAgent(ctx context.Context, agentID, provider string) iter.Seq2[[]Session, error] {
	return func(yield func([]Session, error) bool) {
		wake, stop := svc.waker.FollowAgent(agentID)
		defer stop()
		beat := time.NewTicker(Beat)
		defer beat.Stop()
		w := watch{svc: svc, filter: SessionFilter{
			AgentID: agentID, Provider: provider, OldestFirst: true,
			States: []State{StateRequested, StateWaiting, StateActive},
		}}
		for show := true; ctx.Err() == nil; {
			changed, err := w.look(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			if (show || len(changed) > 0) && !yield(changed, nil) {
				return
			}
			select {
			case <-wake:
				show = false
			case <-beat.C:
				show = true
			case <-ctx.Done():
			}
		}
	}
}

// watch remembers what was shown, so that only changes are shown again.
type watch struct {
	svc    *Service
	filter SessionFilter
	shown  map[string]mark // by session
}

// mark tells one state of a session from another: all but a note logs an event.
type mark struct {
	sequence uint64
	note     string
}

// look returns what changed since the last look.
func (w *watch) look(ctx context.Context) ([]Session, error) {
	open, changed, err := w.open(ctx)
	if err != nil {
		return nil, err
	}
	for id := range w.shown {
		if _, ok := open[id]; ok {
			continue
		}
		s, err := w.svc.store.Session(ctx, id) // it is open no more
		if errors.Is(err, ErrSessionNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		changed = append(changed, *s)
	}
	w.shown = open
	return changed, nil
}

// open returns the marks of all open sessions, and those that changed.
func (w *watch) open(ctx context.Context) (open map[string]mark, changed []Session, err error) {
	open = map[string]mark{}
	for p := (Page{Size: MaxPageSize}); ; {
		sessions, next, err := w.svc.store.Sessions(ctx, w.filter, p)
		if err != nil {
			return nil, nil, err
		}
		for _, s := range sessions {
			open[s.ID] = mark{s.LastSequence, s.AssignNote}
			if w.shown[s.ID] != open[s.ID] {
				changed = append(changed, s)
			}
		}
		if p.Token = next; next == "" {
			return open, changed, nil
		}
	}
}
