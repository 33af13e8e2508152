package dispatch_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/store"
	"github.com/human-handoff/handoff/internal/wake"
)

// counting is the real store; it counts the reads of lanes, and knows one agent.
type counting struct {
	*store.Store

	heads atomic.Int64
}

func (c *counting) Head(ctx context.Context, session string) (handoff.Job, bool, error) {
	c.heads.Add(1)
	return c.Store.Head(ctx, session)
}

func (c *counting) Agent(context.Context, string) (*handoff.Agent, error) {
	return &handoff.Agent{
		ID:         "agent",
		Settings:   handoff.Settings{EmailPolicy: handoff.EmailOptional},
		Connection: &handoff.Connection{ID: "c", Kind: "fake", Status: handoff.ConnectionStatus{State: handoff.ServiceAvailable}},
	}, nil
}

// TestBusySessionsOnTheRealStore has many customers talk at once, each session
// from several sides: the vendor gets everything in the order of its acceptance,
// and no lane is read from the database.
func TestBusySessionsOnTheRealStore(t *testing.T) {
	t.Parallel()
	const sessions, senders, messages = 20, 3, 5
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "h.db"), Logger: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	table := &counting{Store: s}
	hub := wake.NewHub()
	var ids atomic.Int64
	svc := handoff.NewService(handoff.Config{
		Store: table, Waker: hub, Now: time.Now,
		Capabilities: func(string) handoff.Capabilities { return handoff.Capabilities{} },
		NewID:        func(prefix string) string { return fmt.Sprint(prefix, ids.Add(1)) },
	})
	g := newGateway(t)
	d := dispatch.New(dispatch.Config{Store: table, Connections: g, Settler: svc, Now: time.Now, Logger: log})
	hub.OnDeliveries(d)
	require.NoError(t, d.Start(t.Context()))
	t.Cleanup(d.Stop)

	var group sync.WaitGroup
	var opened sync.Map
	for i := range sessions {
		group.Go(func() {
			ses, declined, err := svc.RequestHandoff(t.Context(), handoff.Request{
				Conversation: handoff.ConversationKey{AgentID: "agent", ConversationID: fmt.Sprint(i)}, Start: handoff.Start{Question: "?"},
			})
			if !assert.NoError(t, err) || !assert.Nil(t, declined) {
				return
			}
			opened.Store(ses.ID, true)
			for range senders {
				group.Go(func() {
					for range messages {
						_, err := svc.SendMessage(t.Context(), ses.ID, handoff.Message{Text: "x"})
						assert.NoError(t, err)
					}
				})
			}
		})
	}
	group.Wait()
	require.Eventually(t, func() bool {
		lanes, err := s.Lanes(t.Context())
		return err == nil && len(lanes) == 0
	}, 30*time.Second, 5*time.Millisecond)
	require.Zero(t, table.heads.Load())
	opened.Range(func(id, _ any) bool {
		session, _ := id.(string)
		want := []string{session + "-start"}
		events, err := svc.Log(t.Context(), session, 0, 1000)
		require.NoError(t, err)
		for _, e := range events.Events {
			if m, ok := e.Body.(handoff.MessageLogged); ok {
				want = append(want, m.Message.ID)
			}
		}
		require.Equal(t, want, g.keysOf(session))
		return true
	})
}
