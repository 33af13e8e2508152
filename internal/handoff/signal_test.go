package handoff_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/wake"
)

// passing is a store of one session with signals to its provider. Only its log and
// the session are read; whatever is written is a failure.
type passing struct {
	*log

	session handoff.Session

	mu   sync.Mutex
	sent []handoff.Signal // to the provider
	seen []handoff.Signal // by a stream
}

func (p *passing) Session(context.Context, string) (*handoff.Session, error) {
	s := p.session
	return &s, nil
}

// Signal implements handoff.Signaler.
func (p *passing) Signal(_ handoff.Session, s handoff.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, s)
}

// take returns what a stream has seen since, once all is quiet.
func (p *passing) take() []handoff.Signal {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() { p.seen = nil }()
	return p.seen
}

// pass runs a test with a stream that follows an author's signals.
func pass(t *testing.T, from handoff.Author, test func(t *testing.T, p *passing, svc *handoff.Service)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &passing{log: &log{}, session: handoff.Session{ID: "s", ConnectionID: "con_1", State: handoff.StateActive, LastSequence: 2}}
		p.append(handoff.StateRequested)
		p.append(handoff.StateActive)
		svc := handoff.NewService(handoff.Config{Store: p, Waker: wake.NewHub(), Signaler: p, Now: time.Now})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			for batch, err := range svc.Stream(ctx, "s", 0, from) {
				if err != nil {
					return
				}
				p.mu.Lock()
				p.seen = append(p.seen, batch.Signals...)
				p.mu.Unlock()
			}
		}()
		require.Empty(t, p.take())
		test(t, p, svc)
		require.Len(t, p.events, 2, "nothing is logged")
		cancel()
		synctest.Wait()
	})
}

func customerTypes(active bool) handoff.Signal {
	return handoff.Signal{Author: handoff.AuthorCustomer, Kind: handoff.SignalTyping, Active: active}
}

func TestSignalsAreThrottled(t *testing.T) {
	pass(t, handoff.AuthorCustomer, func(t *testing.T, p *passing, svc *handoff.Service) {
		send := func(s handoff.Signal) {
			t.Helper()
			require.NoError(t, svc.SendSignal(t.Context(), "s", s))
		}
		send(customerTypes(true))
		require.Equal(t, []handoff.Signal{customerTypes(true)}, p.take())
		for range 10 {
			send(customerTypes(true))
		}
		require.Empty(t, p.take(), "within a second it is known already")
		send(customerTypes(false))
		require.Equal(t, []handoff.Signal{customerTypes(false)}, p.take(), "the end always passes")
		send(customerTypes(false))
		require.Empty(t, p.take(), "once")
		send(customerTypes(true))
		require.Empty(t, p.take(), "another beginning has to wait")
		time.Sleep(time.Second)
		send(customerTypes(true))
		require.Equal(t, []handoff.Signal{customerTypes(true)}, p.take())

		read := handoff.Signal{Author: handoff.AuthorCustomer, Kind: handoff.SignalRead, UpTo: 99}
		send(read)
		read.UpTo = 2
		require.Equal(t, []handoff.Signal{read}, p.take(), "nobody has read what is not there, and kinds do not wait for each other")
		send(handoff.Signal{Author: handoff.AuthorHuman, Kind: handoff.SignalTyping, Active: true})
		require.Empty(t, p.take(), "this stream is for the customer's")
		require.Equal(t, []handoff.Signal{customerTypes(true), customerTypes(false), customerTypes(true), read}, p.sent, "the provider gets the same, and nothing of the desk's human")

		p.session.State = handoff.StateClosed
		require.ErrorIs(t, svc.SendSignal(t.Context(), "s", customerTypes(false)), handoff.ErrSessionClosed)
	})
}

// What a vendor tells of its human goes to the streams and nowhere else.
func TestVendorsSignals(t *testing.T) {
	pass(t, handoff.AuthorHuman, func(t *testing.T, p *passing, svc *handoff.Service) {
		receive := func(connection string, body handoff.InboundBody) error {
			return svc.Receive(t.Context(), connection, handoff.Inbound{SessionID: "s", Body: body})
		}
		require.NoError(t, receive("con_1", handoff.HumanTyping{Active: true}))
		require.Equal(t, []handoff.Signal{{Author: handoff.AuthorHuman, Kind: handoff.SignalTyping, Active: true}}, p.take())
		require.NoError(t, receive("con_1", handoff.HumanRead{}))
		require.Equal(t, []handoff.Signal{{Author: handoff.AuthorHuman, Kind: handoff.SignalRead, UpTo: 2}}, p.take())
		time.Sleep(time.Second)
		require.ErrorIs(t, receive("con_2", handoff.HumanTyping{Active: true}), handoff.ErrSessionNotFound)
		p.session.State = handoff.StateClosed
		require.NoError(t, receive("con_1", handoff.HumanTyping{Active: true}), "the vendor need not send it again")
		require.Empty(t, p.take())
		require.Empty(t, p.sent)
	})
}

// A stream that does not look gets the latest of each kind, and holds up nobody.
func TestAStreamThatDoesNotLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &passing{log: &log{}, session: handoff.Session{ID: "s", State: handoff.StateActive}}
		svc := handoff.NewService(handoff.Config{Store: p, Waker: wake.NewHub(), Now: time.Now})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		look, got := make(chan struct{}), make(chan []handoff.Signal)
		go func() {
			for batch := range svc.Stream(ctx, "s", 0, handoff.AuthorCustomer) {
				<-look
				if len(batch.Signals) > 0 {
					got <- batch.Signals
				}
			}
		}()
		synctest.Wait() // it holds the first, empty part
		for range 100 {
			require.NoError(t, svc.SendSignal(t.Context(), "s", customerTypes(true)))
			require.NoError(t, svc.SendSignal(t.Context(), "s", customerTypes(false)))
			time.Sleep(time.Second)
		}
		close(look)
		require.Equal(t, []handoff.Signal{customerTypes(false)}, <-got)
		cancel()
		synctest.Wait()
	})
}
