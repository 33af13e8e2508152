package handoff_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/wake"
)

// sessionTable is a store of sessions, with the order of their changes.
type sessionTable struct {
	handoff.Store

	mu       sync.Mutex
	last     uint64
	sessions map[string]handoff.Session
	reads    int
}

// set changes a session of the agent "bot".
func (s *sessionTable) set(id string, state handoff.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sessions == nil {
		s.sessions = map[string]handoff.Session{}
	}
	s.last++
	s.sessions[id] = handoff.Session{ID: id, AgentID: "bot", State: state, Change: s.last, LastSequence: s.sessions[id].LastSequence + 1}
}

func (s *sessionTable) LastChange(context.Context) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, nil
}

func (s *sessionTable) Changes(_ context.Context, f handoff.SessionFilter, after, upTo uint64, limit int) (list []handoff.Session, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	for _, ses := range s.sessions {
		if slices.Contains(f.States, ses.State) && ses.AgentID == cmp.Or(f.AgentID, ses.AgentID) && ses.Change > after && ses.Change <= upTo {
			list = append(list, ses)
		}
	}
	slices.SortFunc(list, func(a, b handoff.Session) int { return cmp.Compare(a.Change, b.Change) })
	return list[:min(limit, len(list))], nil
}

// watching is a stream that somebody reads.
type watching struct {
	t     *testing.T
	parts chan handoff.Watched
	stop  func()
}

func watchSessions(t *testing.T, svc *handoff.Service, f handoff.SessionFilter, resume string) *watching {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watching{t: t, parts: make(chan handoff.Watched, 1000), stop: cancel}
	go func() {
		defer close(w.parts)
		for part, err := range svc.Watch(ctx, f, resume) {
			if err != nil {
				return
			}
			w.parts <- part
		}
	}()
	return w
}

// next returns a part in the form "id state id state".
func (w *watching) next() (string, handoff.Watched) {
	w.t.Helper()
	synctest.Wait()
	select {
	case part := <-w.parts:
		var words []string
		for _, s := range part.Sessions {
			words = append(words, s.ID, string(s.State))
		}
		return strings.Join(words, " "), part
	default:
		return "nothing", handoff.Watched{}
	}
}

func newWatchService(table *sessionTable) (*handoff.Service, *wake.Hub) {
	hub := wake.NewHub()
	return handoff.NewService(handoff.Config{Store: table, Waker: hub, Now: time.Now, Origin: "here"}), hub
}

func TestWatchShowsOpenSessionsThenChangesAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := &sessionTable{}
		table.set("a", handoff.StateWaiting)
		table.set("b", handoff.StateActive)
		table.set("old", handoff.StateClosed)
		svc, hub := newWatchService(table)
		w := watchSessions(t, svc, handoff.SessionFilter{AgentID: "bot"}, "")
		defer w.stop()
		shown, part := w.next()
		require.Equal(t, "a waiting b active", shown)
		require.NotEmpty(t, part.Resume)
		require.False(t, part.Restarted)

		time.Sleep(time.Second)
		table.set("a", handoff.StateActive)
		hub.Changed("a", "bot")
		shown, _ = w.next()
		require.Equal(t, "a active", shown, "a first change is shown at once")
		for range 5 { // while the stream rests
			table.set("b", handoff.StateActive)
			hub.Changed("b", "bot")
		}
		table.set("a", handoff.StateClosed)
		hub.Changed("a", "bot")
		shown, _ = w.next()
		require.Equal(t, "nothing", shown)
		time.Sleep(100 * time.Millisecond)
		shown, part = w.next()
		require.Equal(t, "b active a closed", shown, "many steps are one, and a close is shown")
		require.EqualValues(t, 6, part.Sessions[0].LastSequence)

		table.set("c", handoff.StateWaiting)
		hub.Changed("c", "other")
		time.Sleep(time.Second)
		shown, _ = w.next()
		require.Equal(t, "nothing", shown, "it is woken for its own agent alone")
		time.Sleep(15 * time.Second)
		shown, part = w.next()
		require.Equal(t, "c waiting", shown)
		time.Sleep(15 * time.Second)
		shown, beat := w.next()
		require.Empty(t, shown, "a sign of life")
		require.Equal(t, part.Resume, beat.Resume)
	})
}

func TestWatchResumesWhereItWas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := &sessionTable{}
		table.set("a", handoff.StateWaiting)
		table.set("b", handoff.StateWaiting)
		svc, _ := newWatchService(table)
		w := watchSessions(t, svc, handoff.SessionFilter{}, "")
		_, first := w.next()
		w.stop()
		table.set("b", handoff.StateClosed)
		table.set("c", handoff.StateRequested)
		svc, _ = newWatchService(table) // as after a restart
		w = watchSessions(t, svc, handoff.SessionFilter{}, first.Resume)
		shown, part := w.next()
		w.stop()
		require.Equal(t, "b closed c requested", shown)
		w = watchSessions(t, svc, handoff.SessionFilter{States: []handoff.State{handoff.StateClosed}}, first.Resume)
		shown, _ = w.next()
		w.stop()
		require.Equal(t, "b closed", shown)
		w = watchSessions(t, svc, handoff.SessionFilter{}, part.Resume)
		shown, part = w.next()
		w.stop()
		require.Empty(t, shown, "nothing changed")
		require.NotEmpty(t, part.Resume)

		elsewhere := handoff.NewService(handoff.Config{Store: table, Waker: wake.NewHub(), Now: time.Now, Origin: "there"})
		table.last = 1
		for name, restart := range map[string]func() *watching{
			"garbage":           func() *watching { return watchSessions(t, svc, handoff.SessionFilter{}, "garbage") },
			"another database":  func() *watching { return watchSessions(t, elsewhere, handoff.SessionFilter{}, first.Resume) },
			"an older database": func() *watching { return watchSessions(t, svc, handoff.SessionFilter{}, part.Resume) },
		} {
			w := restart()
			shown, part := w.next()
			require.Equal(t, "a waiting", shown, name)
			require.True(t, part.Restarted, name)
			time.Sleep(15 * time.Second)
			_, part = w.next()
			require.False(t, part.Restarted, name)
			w.stop()
		}
	})
}

// A session that closes while the open ones are still being shown has been shown
// as open, so that it has to be shown again.
func TestWatchMissesNothingWhileItBegins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := &sessionTable{}
		for i := range 600 {
			table.set(fmt.Sprint(i), handoff.StateWaiting)
		}
		svc, _ := newWatchService(table)
		seen := map[string]string{}
		for part, err := range svc.Watch(t.Context(), handoff.SessionFilter{}, "") {
			require.NoError(t, err)
			require.LessOrEqual(t, len(part.Sessions), 256)
			if len(seen) == 0 {
				require.Empty(t, part.Resume, "who is cut off here has not seen all")
				table.set("0", handoff.StateClosed)   // shown already
				table.set("599", handoff.StateClosed) // not yet
				table.set("1", handoff.StateActive)
			}
			for _, s := range part.Sessions {
				state := fmt.Sprint(s.State, s.LastSequence)
				require.NotEqual(t, state, seen[s.ID], s.ID)
				seen[s.ID] = state
			}
			if len(part.Sessions) == 0 || seen["599"] != "" && seen["0"] != "waiting1" {
				break
			}
		}
		require.Len(t, seen, 600)
		require.Equal(t, "closed2", seen["0"])
		require.Equal(t, "closed2", seen["599"])
		require.Equal(t, "active2", seen["1"])
	})
}
