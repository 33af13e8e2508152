package handoff

import (
	"context"
	"encoding/base64"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

const (
	// watchPage bounds what a stream of sessions holds in memory at once.
	watchPage = 256
	// watchPause is how long a stream of sessions rests after it has shown some,
	// so that steps which follow quickly are shown as one.
	watchPause = 50 * time.Millisecond
)

// Watched is a part of what Watch shows.
type Watched struct {
	Sessions  []Session // in their latest state and in the order of their changes; none = a sign of life
	Resume    string    // token with which to go on after this part; empty = not yet
	Restarted bool      // the given token is not known
}

// Watch follows the sessions that a filter selects by agent, provider and state.
// It yields all that are open, or with a known resume token those that changed
// since, and then those that change, each in its latest state; at the start, and
// each [Beat], a part may hold none. It ends when ctx is done or with an error. A
// reader that is slow costs the others nothing: it holds no more than a page, and
// reads on from where it is.
func (svc *Service) Watch(ctx context.Context, f SessionFilter, resume string) iter.Seq2[Watched, error] {
	return func(yield func(Watched, error) bool) {
		wake, stop := svc.waker.FollowAgent(f.AgentID)
		defer stop()
		beat := time.NewTicker(Beat)
		defer beat.Stop()
		w := watch{svc: svc, filter: f}
		if err := w.begin(ctx, resume); err != nil {
			yield(Watched{}, err)
			return
		}
		for show := true; ctx.Err() == nil; {
			more, ok := w.show(ctx, show, yield)
			if !ok {
				return
			}
			if more {
				continue
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

// show yields what changed; with always even if that is nothing. It reports whether
// there is more of it, and whether to go on.
func (w *watch) show(ctx context.Context, always bool, yield func(Watched, error) bool) (more, ok bool) {
	part, more, err := w.look(ctx)
	if err != nil {
		yield(Watched{}, err)
		return false, false
	}
	n := len(part.Sessions)
	if n == 0 && !always {
		return more, true
	}
	if !yield(part, nil) {
		return false, false
	}
	w.restarted = false
	if n > 0 && !more {
		pause(ctx, watchPause)
	}
	return more, true
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// watch is where a stream of sessions is in the order of their changes.
type watch struct {
	svc       *Service
	filter    SessionFilter
	after     uint64 // all up to here has been shown
	upTo      uint64 // as far as is being read
	opening   bool   // it still shows what was open at the start
	restarted bool
}

// begin finds where to start.
func (w *watch) begin(ctx context.Context, resume string) (err error) {
	if w.upTo, err = w.svc.store.LastChange(ctx); err != nil {
		return err
	}
	if at, ok := w.svc.readResumeToken(resume); ok && at <= w.upTo {
		w.after = at
		return nil
	}
	w.opening, w.restarted = true, resume != ""
	return nil
}

// look returns what changed since the last look, and whether there is more of it.
func (w *watch) look(ctx context.Context) (part Watched, more bool, err error) {
	if w.after >= w.upTo && !w.opening {
		last, err := w.svc.store.LastChange(ctx)
		if err != nil {
			return Watched{}, false, err
		}
		w.upTo = max(w.upTo, last) // it falls when sessions are deleted
	}
	part.Restarted = w.restarted
	if filter := w.selects(); w.after < w.upTo && len(filter.States) > 0 {
		if part.Sessions, err = w.svc.store.Changes(ctx, filter, w.after, w.upTo, watchPage); err != nil {
			return Watched{}, false, err
		}
	}
	if n := len(part.Sessions); n == watchPage {
		w.after, more = part.Sessions[n-1].Change, true
	} else {
		w.after, w.opening = w.upTo, false
	}
	if !w.opening {
		part.Resume = w.svc.resumeToken(w.after)
	}
	return part, more, nil
}

// selects returns the filter of now: to begin with, closed sessions are left out.
func (w *watch) selects() SessionFilter {
	f := w.filter
	if len(f.States) == 0 {
		f.States = []State{StateRequested, StateWaiting, StateActive, StateClosed}
	}
	if w.opening {
		f.States = slices.DeleteFunc(slices.Clone(f.States), func(s State) bool { return s == StateClosed })
	}
	return f
}

// resumeToken says, in a form that nobody builds upon, how far a stream got in
// the changes of this database.
func (svc *Service) resumeToken(at uint64) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d@%s", at, svc.origin))
}

// readResumeToken reports false for a token that is not of this database.
func (svc *Service) readResumeToken(token string) (at uint64, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, false
	}
	place, origin, _ := strings.Cut(string(text), "@")
	if _, err := fmt.Sscanf(place, "%d", &at); err != nil {
		return 0, false
	}
	return at, origin == svc.origin
}
