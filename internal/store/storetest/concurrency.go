package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
)

const callers = 64

// hold keeps the store busy with an update until release is called.
func hold(t *testing.T, s Store, sessionID string) (release func()) {
	t.Helper()
	begun, free, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	once := sync.OnceFunc(func() { close(begun) })
	go func() {
		done <- s.Update(context.WithoutCancel(t.Context()), sessionID, "", func(*handoff.Session) error {
			once()
			<-free
			return nil
		})
	}()
	<-begun
	return func() {
		close(free)
		require.NoError(t, <-done)
	}
}

var concurrencyTests = map[string]func(t *testing.T, db Database){
	"SequencesHaveNoGaps": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		create(t, s, "s2")
		errs := inParallel(callers, func(caller int) error {
			for i := range 2 {
				for _, id := range []string{"s1", "s2"} {
					m := fmt.Sprintf("%s-%d-%d", id, caller, i)
					if _, err := tryAccept(t.Context(), s, id, m, m); err != nil {
						return err
					}
				}
			}
			return nil
		})
		require.NoError(t, errors.Join(errs...))
		for _, id := range []string{"s1", "s2"} {
			log := wholeLog(t, s, id)
			require.Len(t, log, 1+callers*2)
			settleHead(t, s, id, delivered())
			for _, e := range log[1:] { // the lane has the order of the log
				job, ok, err := s.Head(t.Context(), id)
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, e.Sequence, job.Delivery.Sequence)
				require.Equal(t, e.Body.(handoff.MessageLogged).Message, job.Message)
				settle(t, s, job.Delivery, delivered())
			}
		}
	},

	"KeysUnderManyCallers": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		got := make([]string, callers)
		errs := inParallel(callers, func(caller int) error {
			m, err := tryAccept(t.Context(), s, "s1", fmt.Sprintf("m%d", caller), fmt.Sprintf("k%d", caller%4))
			got[caller] = m.ID
			return err
		})
		require.NoError(t, errors.Join(errs...))
		require.Len(t, wholeLog(t, s, "s1"), 1+4)
		for caller, id := range got {
			require.Equal(t, got[caller%4], id)
		}
	},

	// One caller's bad luck is nobody else's. Bad ones of every sort wait
	// together with good ones, so that they share transactions.
	"BadCallersAmongGoodOnes": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		create(t, s, "taken")
		failure := errors.New("no")
		left, leave := context.WithCancel(t.Context())
		leave()
		bad := []func(caller int) error{
			func(int) error {
				return s.Update(t.Context(), "s1", "", func(ses *handoff.Session) error {
					ses.Close(handoff.ClosedByHuman, handoff.Outcome{}, at(1))
					return failure
				})
			},
			func(int) error {
				return s.Update(t.Context(), "s1", "", func(*handoff.Session) error { panic("a bug") })
			},
			func(int) error {
				_, err := tryAccept(left, s, "s1", "left", "")
				return err
			},
			func(caller int) error { // fails at its write
				c := handoff.ConversationKey{AgentID: "agent", ConversationID: fmt.Sprint(caller)}
				_, _, err := s.Create(t.Context(), c, "", func(uint64) (*handoff.Session, error) {
					return handoff.NewSession(fullSession("taken", c), fullStart(), 0, start), nil
				})
				return err
			},
		}
		release := hold(t, s, "s1")
		started := make(chan struct{}, callers)
		var errs []error
		var wg sync.WaitGroup
		wg.Go(func() {
			errs = inParallel(callers, func(caller int) error {
				started <- struct{}{}
				if caller%4 == 3 {
					return bad[caller/4%len(bad)](caller)
				}
				_, err := tryAccept(t.Context(), s, "s1", fmt.Sprintf("m%d", caller), fmt.Sprintf("k%d", caller))
				return err
			})
		})
		for range callers {
			<-started
		}
		release()
		wg.Wait()
		for caller, err := range errs {
			if caller%4 == 3 {
				require.Error(t, err)
			} else {
				require.NoError(t, err)
			}
		}
		texts := map[string]int{}
		for _, e := range wholeLog(t, s, "s1")[1:] {
			texts[e.Body.(handoff.MessageLogged).Message.ID]++
		}
		require.Len(t, texts, callers*3/4)
		for id, n := range texts {
			require.Equal(t, 1, n, id)
		}
		all, _, err := s.Sessions(t.Context(), handoff.SessionFilter{}, handoff.Page{})
		require.NoError(t, err)
		require.Len(t, all, 2)
	},

	"CallersThatLeaveBeforeTheirTurn": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		release := hold(t, s, "s1")
		ctx, leave := context.WithCancel(t.Context())
		outcome := make(chan error)
		go func() {
			outcome <- s.Update(ctx, "s1", "", func(*handoff.Session) error {
				panic("its caller has left")
			})
		}()
		leave()
		require.ErrorIs(t, <-outcome, context.Canceled, "it does not wait for its turn")
		unchanged(t, s, "s1", release)
		accept(t, s, "s1", "m1", "")
		require.Len(t, wholeLog(t, s, "s1"), 2)
	},

	"CallersThatLeaveDuringTheirTurn": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		ctx, leave := context.WithCancel(t.Context())
		returned := false
		err := s.Update(ctx, "s1", "", func(ses *handoff.Session) error {
			leave()
			_, err := ses.Accept(handoff.Message{ID: "m1"}, at(1))
			returned = true // the race detector would tell if Update had not waited
			return err
		})
		require.NoError(t, err)
		require.True(t, returned)
		require.Len(t, wholeLog(t, s, "s1"), 2)
	},

	"CloseLetsTheWaitingFinish": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		errs := make(chan []error)
		begun := make(chan struct{}, callers)
		go func() {
			errs <- inParallel(callers, func(caller int) error {
				begun <- struct{}{}
				_, err := tryAccept(context.WithoutCancel(t.Context()), s, "s1", fmt.Sprintf("m%d", caller), "")
				return err
			})
		}()
		for range callers / 2 {
			<-begun
		}
		require.NoError(t, s.Close())
		stored := 0
		for _, err := range <-errs {
			if err == nil {
				stored++
			} else {
				require.Equal(t, handoff.CodeUnavailable, handoff.CodeOf(err))
			}
		}
		require.Len(t, wholeLog(t, db.Open(t), "s1"), 1+stored)
	},

	"ReadersSeeWholeUpdates": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for ctx.Err() == nil {
					log, err := s.Log(t.Context(), "s1", 0, 1<<20)
					if err != nil || uint64(len(log.Events)) != log.Last {
						t.Errorf("%d events of %d: %v", len(log.Events), log.Last, err)
						return
					}
				}
			})
		}
		errs := inParallel(8, func(caller int) error {
			for i := range 20 {
				if _, err := tryAccept(t.Context(), s, "s1", fmt.Sprintf("m%d-%d", caller, i), ""); err != nil {
					return err
				}
			}
			return nil
		})
		stop()
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
	},

	"ReadsEndWithTheirContext": func(t *testing.T, db Database) {
		s := db.Open(t)
		create(t, s, "s1")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Session(ctx, "s1")
		require.ErrorIs(t, err, context.Canceled)
		session(t, s, "s1")
	},
}

// inParallel runs fn for callers 0 to n-1 at the same time and returns their errors.
func inParallel(n int, fn func(caller int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = fn(i) })
	}
	wg.Wait()
	return errs
}
