package handoff_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/wake"
)

// slowReturn is a store of one session that commits in order and lets its callers
// go when the test says so.
type slowReturn struct {
	handoff.Store

	mu      sync.Mutex
	session handoff.Session
	lastID  int64
	returns []chan error // by update, in the order of their commits
	twice   bool         // updates run twice, as after a shared transaction that failed
	found   []handoff.AgentDelivery
	asked   handoff.DeliveryFilter // of the last list
}

func (s *slowReturn) Deliveries(_ context.Context, f handoff.DeliveryFilter, _ handoff.Page) ([]handoff.AgentDelivery, string, error) {
	s.asked = f
	return s.found, "", nil
}

func (s *slowReturn) Update(_ context.Context, _, _ string, fn func(*handoff.Session) error) error {
	s.mu.Lock()
	var ses handoff.Session
	for range map[bool]int{false: 1, true: 2}[s.twice] {
		ses = s.session.Snapshot()
		if err := fn(&ses); err != nil {
			s.mu.Unlock()
			return err
		}
	}
	for i := range ses.Changes().Deliveries {
		s.lastID++
		ses.Changes().Deliveries[i].ID = s.lastID
	}
	s.session = ses.Snapshot()
	ch := make(chan error)
	s.returns = append(s.returns, ch)
	s.mu.Unlock()
	return <-ch
}

func newSlowReturn() (*slowReturn, *handoff.Service, *lanes) {
	s := &slowReturn{session: handoff.NewSession(handoff.Session{ID: "s"}, handoff.Start{}, 0, t0).Snapshot()}
	hub := wake.NewHub()
	got := &lanes{under: map[string]int{}}
	hub.OnDeliveries(got)
	svc := handoff.NewService(handoff.Config{
		Store: s, Waker: hub, Now: time.Now, NewID: func(prefix string) string { return prefix },
	})
	return s, svc, got
}

// lanes notes what is handed over.
type lanes struct {
	got   []handoff.Handover
	under map[string]int // by session, the commits that have not been handed over
}

func (l *lanes) Committing(sessionID string) { l.under[sessionID]++ }

func (l *lanes) Deliver(h handoff.Handover) {
	l.under[h.Session.ID]--
	l.got = append(l.got, h)
}

// send has messages accepted in order; their callers are still in the store then.
func send(t *testing.T, svc *handoff.Service, texts ...string) {
	t.Helper()
	for _, text := range texts {
		go func() { _, _ = svc.SendMessage(t.Context(), "s", handoff.Message{Text: text}) }()
		synctest.Wait()
	}
}

func textsOf(hs []handoff.Handover) []string {
	var texts []string
	for _, h := range hs {
		if h.Unsure {
			texts = append(texts, "unsure")
		}
		for _, job := range h.Jobs {
			texts = append(texts, job.Message.Text)
		}
	}
	return texts
}

func TestHandoversComeInTheOrderOfTheCommits(t *testing.T) {
	t.Parallel()
	for _, twice := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s, svc, got := newSlowReturn()
			s.twice = twice
			send(t, svc, "a", "b", "c", "d")
			for _, i := range []int{2, 1} {
				s.returns[i] <- nil
				synctest.Wait()
				require.Empty(t, got.got, "the first has not come back")
			}
			s.returns[0] <- nil
			synctest.Wait()
			require.Equal(t, []string{"a", "b", "c"}, textsOf(got.got))
			s.returns[3] <- nil
			synctest.Wait()
			require.Equal(t, []string{"a", "b", "c", "d"}, textsOf(got.got))
			for i, h := range got.got {
				require.Equal(t, "s", h.Session.ID)
				require.Equal(t, int64(i+1), h.Jobs[0].Delivery.ID)
			}
		})
	}
}

func TestACommitThatFailedLeavesADoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, svc, got := newSlowReturn()
		send(t, svc, "a", "b", "c")
		s.returns[2] <- nil
		s.returns[1] <- errors.New("perhaps on disk, perhaps not")
		synctest.Wait()
		require.Empty(t, got.got)
		s.returns[0] <- nil
		synctest.Wait()
		require.Equal(t, []string{"a", "unsure", "c"}, textsOf(got.got))
		require.Equal(t, "s", got.got[1].Session.ID)
	})
}

func TestWhatConcernsNoLaneIsNotHandedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, svc, got := newSlowReturn()
		s.session.ConnectionID = "c"
		go func() {
			_ = svc.Receive(t.Context(), "c", handoff.Inbound{SessionID: "s", Body: handoff.HumanMessage{Text: "x"}})
		}()
		synctest.Wait()
		send(t, svc, "a")
		s.returns[1] <- nil
		synctest.Wait()
		require.Equal(t, []string{"a"}, textsOf(got.got), "it waits for no commit that leaves nothing")
		s.returns[0] <- nil

		go func() {
			_, _ = svc.CloseSession(t.Context(), "s", handoff.ClosedByHuman, handoff.Outcome{})
		}()
		synctest.Wait()
		s.returns[2] <- nil
		synctest.Wait()
		require.Len(t, got.got, 2, "a close concerns the lane, with or without a call")
		require.Equal(t, handoff.ClosedByHuman, got.got[1].Session.CloseReason)
		require.Empty(t, got.got[1].Jobs)
	})
}
