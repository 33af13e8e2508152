package providertest

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/store"
	"github.com/human-handoff/handoff/internal/switchboard"
	"github.com/human-handoff/handoff/internal/wake"
)

// chatConnection is the id of the connection to a chat app.
const chatConnection = "con_1"

// chat is a connection to a chat app with the program's switchboard before it, on a
// database of its own: only there a human's words find their session.
type chat struct {
	dispatch.Connections // unused: the suite makes the calls itself

	e      *env
	core   *handoff.Service
	store  *store.Store
	svc    *switchboard.Service
	sender dispatch.Sender

	begun map[string]bool // sessions, by id
	taken map[string]bool // by the id of their Ref
	heard map[string]heard
	got   []handoff.Inbound // since it was last looked at
}

// heard is what a webhook told, before and after it was routed.
type heard struct{ parsed, routed []handoff.Inbound }

func newChat(t *testing.T, e *env) *chat {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "h.db"), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	c := &chat{e: e, store: s, begun: map[string]bool{}, taken: map[string]bool{}, heard: map[string]heard{}}
	ids := 0
	c.core = handoff.NewService(handoff.Config{
		Store: s, Waker: wake.NewHub(), Now: e.clock, Capabilities: func(string) handoff.Capabilities { return e.caps },
		NewID: func(prefix string) string { ids++; return fmt.Sprint(prefix, "_", ids) },
	})
	c.svc = switchboard.New(switchboard.Config{
		Store: s, Sessions: c, Connections: c, Now: e.clock, Link: contents{}.Link,
		Capabilities: func(string) handoff.Capabilities { return e.caps },
		Logger:       slog.New(slog.DiscardHandler),
	})
	c.sender, err = c.svc.Sender(t.Context(), chatConnection)
	require.NoError(t, err)
	return c
}

// Sender implements switchboard.Connections.
func (c *chat) Sender(context.Context, string) (dispatch.Sender, error) { return c.e.conn, nil }

// Messenger implements switchboard.Connections.
func (c *chat) Messenger(context.Context, string) (provider.Messenger, error) {
	return &countedMessenger{Conn: c.e.conn, e: c.e}, nil
}

// countedMessenger counts the lines of the log that there have to be.
type countedMessenger struct {
	*provider.Conn

	e *env
}

// Tell implements provider.Messenger.
func (m *countedMessenger) Tell(ctx context.Context, n provider.Notice) ([]string, error) {
	m.e.mu.Lock()
	m.e.lines++
	m.e.mu.Unlock()
	return m.Conn.Tell(ctx, n)
}

// Receive implements switchboard.Sessions, and keeps what sessions are told.
func (c *chat) Receive(ctx context.Context, connectionID string, in handoff.Inbound) error {
	c.got = append(c.got, in)
	return c.core.Receive(ctx, connectionID, in)
}

// Start implements switchboard.Sessions.
func (c *chat) Start(ctx context.Context, sessionID string) (handoff.Start, error) {
	return c.core.Start(ctx, sessionID)
}

// Log implements switchboard.Sessions.
func (c *chat) Log(ctx context.Context, sessionID string, after uint64, limit int) (handoff.Log, error) {
	return c.core.Log(ctx, sessionID, after, limit)
}

// Open implements dispatch.Sender.
func (c *chat) Open(ctx context.Context, call provider.Call, start handoff.Start) (handoff.Ref, error) {
	if !c.begun[call.SessionID] {
		key := handoff.ConversationKey{AgentID: call.AgentID, ConversationID: call.SessionID}
		_, _, err := c.store.Create(ctx, key, "", func(epoch uint64) (*handoff.Session, error) {
			return handoff.NewSession(handoff.Session{
				ID: call.SessionID, AgentID: call.AgentID, ConversationID: call.SessionID, ConnectionID: chatConnection,
				Customer: start.Customer, Question: start.Question, Limits: handoff.Limits{Longest: 24 * time.Hour},
			}, start, epoch, c.e.clock()), nil
		})
		if err != nil {
			return handoff.Ref{}, err
		}
		c.begun[call.SessionID] = true
	}
	return c.sender.Open(ctx, c.keyed(call), start)
}

// Send implements dispatch.Sender.
func (c *chat) Send(ctx context.Context, call provider.Call, m handoff.Message) (string, error) {
	return c.sender.Send(ctx, c.keyed(call), m)
}

// Close implements dispatch.Sender.
func (c *chat) Close(ctx context.Context, call provider.Call, reason handoff.CloseReason) error {
	return c.sender.Close(ctx, c.keyed(call), reason)
}

// keyed gives a call a key, as each has one outside the suite.
func (c *chat) keyed(call provider.Call) provider.Call {
	if call.IdempotencyKey == "" {
		c.e.keys++
		call.IdempotencyKey = fmt.Sprintf("call-%d", c.e.keys)
	}
	return call
}

// route hands what a webhook told to the switchboard and returns what sessions are
// told because of it. What comes again counts for nothing.
func (c *chat) route(t *testing.T, parsed []handoff.Inbound) []handoff.Inbound {
	t.Helper()
	var all []handoff.Inbound
	for _, in := range parsed {
		_, said := in.Body.(handoff.PersonSaid)
		known, again := c.heard[in.Key]
		c.got = nil
		err := c.svc.Receive(t.Context(), chatConnection, in)
		if handoff.CodeOf(err) != handoff.CodePrecondition {
			require.NoError(t, err)
		}
		switch {
		case said && again:
			assert.Equal(t, []handoff.Inbound{in}, known.parsed, "the same key for the same thing")
			assert.Empty(t, c.got, "it counts for nothing when it comes again")
			all = append(all, known.routed...)
			continue
		case said:
			require.NotEmpty(t, in.Key)
			c.heard[in.Key] = heard{[]handoff.Inbound{in}, c.got}
		}
		all = append(all, c.got...)
	}
	c.notify(t)
	return all
}

// notify tells the humans what they have to be told now.
func (c *chat) notify(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { c.svc.Run(ctx) })
	require.Eventually(t, func() bool {
		due, _, err := c.store.Notices(t.Context(), c.e.clock(), 1)
		return err == nil && len(due) == 0
	}, 10*time.Second, time.Millisecond)
	stop()
	running.Wait()
}

// take has a human take a session, if nobody has done so: before, a chat app shows
// little of it.
func (e *env) take(t *testing.T, call provider.Call) {
	t.Helper()
	if e.chat == nil || e.chat.taken[call.Ref.ID] {
		return
	}
	e.chat.taken[call.Ref.ID] = true
	all, err := e.vendor.Do(call.Ref.ID, emulator.Act{Kind: emulator.Join})
	require.NoError(t, err)
	for _, r := range all {
		e.receiveAll(t, r)
	}
}

// hearStatuses hands over the webhooks that calls have caused.
func (e *env) hearStatuses(t *testing.T) {
	t.Helper()
	e.mu.Lock()
	all := e.reported
	e.reported = nil
	e.mu.Unlock()
	for _, r := range all {
		e.receiveAll(t, r)
	}
}

// again repeats a call as the program does: at once, and after the wait that its error
// asks for, when the vendor has told what became of the first attempt.
func (e *env) again(t *testing.T, do func() error) error {
	t.Helper()
	const most = 3
	for range most {
		err := do()
		wait := provider.WaitOf(err)
		if wait == 0 {
			return err
		}
		e.now = e.now.Add(wait)
		e.hearStatuses(t)
	}
	return do()
}
