// Package storetest is the suite that every store passes: all methods of the
// ports, the promises in their comments, and many callers at the same time.
//
//	storetest.go    Run and what the tests share
//	update.go       what an update writes
//	repeat.go       idempotency keys and late messages
//	create.go       new sessions
//	list.go         logs, lists and pages
//	change.go       the order of all changes
//	delivery.go     lanes and what settles them
//	ledger.go       what became of deliveries, and how they are found
//	agent.go        agents and connections
//	inbound.go      what providers tell, and what of it has to wait
//	timer.go        when sessions are due
//	file.go         what is known of files
//	email.go        the address that a user told once
//	feed.go         event webhooks and how far they got
//	switchboard.go  chat apps: seats, what humans say and are told
//	key.go          API keys, and what is noted about the database
//	concurrency.go  many callers, and those of them that fail
package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/feed"
	"github.com/human-handoff/handoff/internal/files"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/switchboard"
	"github.com/human-handoff/handoff/internal/timer"
)

// Store is what the suite tests.
type Store interface {
	handoff.Store
	dispatch.Store
	agents.Store
	auth.Store
	feed.Store
	timer.Store
	files.Records
	switchboard.Store
	Meta(ctx context.Context, key string) ([]byte, error)
	SetMetaIfAbsent(ctx context.Context, key string, value []byte) ([]byte, error)
	Close() error
}

// Database is an empty database of one test. Open opens it, and again after a
// Close; it sees to it that what is open at the end of the test gets closed.
type Database interface {
	Open(t *testing.T) Store
}

// Functions that the store runs must not call require: a test that ends there
// would end the store's own goroutine.

// Run puts stores through the suite; each test asks for a database of its own.
func Run(t *testing.T, database func(t *testing.T) Database) {
	t.Helper()
	groups := []map[string]func(t *testing.T, db Database){
		updateTests, repeatTests, createTests, listTests, changeTests, deliveryTests, ledgerTests, inboundTests, timerTests, fileTests, emailTests,
		agentTests, feedTests, keyTests, switchboardTests, concurrencyTests,
	}
	for _, tests := range groups {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, database(t))
			})
		}
	}
}

// start is when the tests play; at returns a moment some seconds later.
var start = time.Date(2026, 3, 1, 9, 30, 0, 123_456_000, time.UTC)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

var conversation = handoff.ConversationKey{AgentID: "agent", ConversationID: "conversation"}

// fullSession has something in every field that a request fills in.
func fullSession(id string, c handoff.ConversationKey) handoff.Session {
	return handoff.Session{
		ID: id, AgentID: c.AgentID, ConversationID: c.ConversationID, ConnectionID: "connection", Provider: "webhook",
		Customer: handoff.Customer{
			Email: "ann@example.com", Name: "Ann \"the\" O'Neil", Phone: "+43 1", UserID: "u1", AnonymousID: "a1", Locale: "de-AT",
			Attributes: map[string]string{"plan": "gold"},
		},
		Question: "wo ist mein Päckchen?\n<b>🙂</b>", Reason: "asked for a human", Priority: handoff.PriorityHigh, Team: "parcels",
		Tags: []string{"a", "b"}, Metadata: map[string]string{"order": "17"},
	}
}

func fullStart() handoff.Start {
	return handoff.Start{
		Customer: handoff.Customer{Email: "ann@example.com"}, DefaultEmail: "nobody@example.com",
		Transcript: []handoff.Turn{
			{Role: handoff.RoleUser, Text: "hello", Time: at(-60)},
			{Role: handoff.RoleAssistant, Text: "hi, what is it?"},
		},
		Question: "where is it?", Reason: "asked", Priority: handoff.PriorityLow, Team: "parcels",
		Tags: []string{"a"}, Metadata: map[string]string{"order": "17"}, ProviderExtra: []byte(`{"x":1}`),
	}
}

// create opens a session in a conversation of its own.
func create(t *testing.T, s Store, id string) *handoff.Session {
	t.Helper()
	return createIn(t, s, id, handoff.ConversationKey{AgentID: "agent", ConversationID: "of " + id})
}

func createIn(t *testing.T, s Store, id string, c handoff.ConversationKey) *handoff.Session {
	t.Helper()
	ses, created, err := s.Create(t.Context(), c, "", func(epoch uint64) (*handoff.Session, error) {
		return handoff.NewSession(fullSession(id, c), fullStart(), epoch, start), nil
	})
	require.NoError(t, err)
	require.True(t, created)
	return ses
}

// accept sends a message and returns what the session answered.
func accept(t *testing.T, s Store, sessionID, messageID, key string) handoff.Message {
	t.Helper()
	m, err := tryAccept(t.Context(), s, sessionID, messageID, key)
	require.NoError(t, err)
	return m
}

func tryAccept(ctx context.Context, s Store, sessionID, messageID, key string) (m handoff.Message, err error) {
	err = s.Update(ctx, sessionID, key, func(ses *handoff.Session) (err error) {
		m, err = ses.Accept(handoff.Message{ID: messageID, ClientMessageID: "c-" + messageID, Text: "text of " + messageID}, at(1))
		return err
	})
	return m, err
}

// receive applies what a provider said.
func receive(t *testing.T, s Store, sessionID, key string, in handoff.InboundBody) (late bool) {
	t.Helper()
	err := s.Update(t.Context(), sessionID, key, func(ses *handoff.Session) error {
		late = ses.Receive(in, "in-"+key, at(2))
		return nil
	})
	require.NoError(t, err)
	return late
}

func closeSession(t *testing.T, s Store, sessionID string) {
	t.Helper()
	err := s.Update(t.Context(), sessionID, "", func(ses *handoff.Session) error {
		ses.Close(handoff.ClosedByCustomer, handoff.Outcome{Disposition: "solved", Note: "thanks"}, at(3))
		return nil
	})
	require.NoError(t, err)
}

// settleHead settles the head of a lane, whatever it is.
func settleHead(t *testing.T, s Store, sessionID string, a handoff.Attempt) {
	t.Helper()
	job, ok, err := s.Head(t.Context(), sessionID)
	require.NoError(t, err)
	require.True(t, ok, "the lane is empty")
	settle(t, s, job.Delivery, a)
}

func settle(t *testing.T, s Store, d handoff.Delivery, a handoff.Attempt) {
	t.Helper()
	err := s.Update(t.Context(), d.SessionID, "", func(ses *handoff.Session) error {
		ses.Settle(d, a, at(4))
		return nil
	})
	require.NoError(t, err)
}

func delivered() handoff.Attempt { return handoff.Attempt{State: handoff.DeliveryDelivered} }

func session(t *testing.T, s Store, id string) *handoff.Session {
	t.Helper()
	ses, err := s.Session(t.Context(), id)
	require.NoError(t, err)
	return ses
}

// wholeLog reads a session's log and checks that its sequences have no gap.
func wholeLog(t *testing.T, s Store, id string) []handoff.Event {
	t.Helper()
	log, err := s.Log(t.Context(), id, 0, 1<<20)
	require.NoError(t, err)
	require.Len(t, log.Events, int(log.Last)) //nolint:gosec // small
	for i, e := range log.Events {
		require.EqualValues(t, i+1, e.Sequence)
	}
	return log.Events
}

// unchanged checks that a session's log, lane and late messages stay as they are during fn.
func unchanged(t *testing.T, s Store, id string, fn func()) {
	t.Helper()
	state := func() string {
		deliveries, _, err := s.Deliveries(t.Context(), handoff.DeliveryFilter{SessionID: id}, handoff.Page{})
		require.NoError(t, err)
		late, _, err := s.LateMessages(t.Context(), id, handoff.Page{})
		require.NoError(t, err)
		return fmt.Sprintf("%+v\n%+v\n%+v\n%+v", *session(t, s, id), wholeLog(t, s, id), deliveries, late)
	}
	before := state()
	fn()
	require.Equal(t, before, state())
}
