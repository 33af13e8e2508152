// Package providertest is the suite that every provider has to pass.
//
// A provider brings a [Harness]: its kind and an emulator of its vendor, which
// speaks the vendor's wire format, refuses what the vendor refuses and shows
// what a human at the desk would see. The suite drives the adapter as the
// program does, through a provider.Conn and the guarded HTTP client, and asks the
// emulator what came of it. What a provider cannot do is declared by its
// capabilities, and is checked in the way in which it is done without.
//
//	suite.go     harness and set-up; the check that nothing secret leaks
//	outbound.go  credentials, start, messages, close
//	failure.go   what the vendor's failures are taken for
//	inbound.go   webhooks
//	passing.go   files and signals
//	builtin.go   what holds for a desk that is part of this program
//	server.go    the HTTP server around an emulator, which can be told to fail
package providertest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/human-handoff/handoff/internal/egress"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// Harness is what a provider brings to the suite.
type Harness struct {
	Kind provider.Kind

	// NewVendor starts an emulator with secrets of its own, whose clock is now.
	NewVendor func(t *testing.T, now handoff.Clock) Vendor

	// Spoil changes a good configuration into one whose credentials the vendor refuses.
	Spoil func(config proto.Message)

	// Identity returns what the vendor can hold of a customer; nil = all.
	Identity func(handoff.Customer) handoff.Customer

	// CloseAs says what the desk shows for each reason for a close; reasons that
	// the desk is not told are left out.
	CloseAs map[handoff.CloseReason]string

	// IdempotencyKey returns the key of a call as the vendor got it; nil when
	// the vendor has no such thing.
	IdempotencyKey func(Recorded) string

	// Expires tells that the vendor's webhooks prove when they were sent.
	Expires bool

	// BuiltIn is set instead of all but Kind for a desk that is part of this
	// program. It has no credentials, no network and no webhooks, and the suite
	// checks that it does without them.
	BuiltIn bool
}

// Vendor is an emulator of a vendor with one account.
type Vendor interface {
	// Server returns the HTTP server in front of it.
	Server() *Server

	// Config returns a complete configuration of the account, with all secrets that there are.
	Config() proto.Message

	// Sessions returns how many sessions the desk shows.
	Sessions() int

	// Session returns what the desk shows of a session, as a human reads it.
	Session(c provider.Call) (Session, bool)

	// Message and Closed return genuine webhooks: a human's message, the end
	// that a human made. Each is a new event.
	Message(c provider.Call, text string) provider.Request
	Closed(c provider.Call) provider.Request

	// Garbage returns a genuine webhook with any body.
	Garbage(body []byte) provider.Request
}

// Filing is a [Vendor] whose humans send files.
type Filing interface {
	// HumanFile returns a genuine webhook of a human's message with a file, which the
	// vendor's server then has.
	HumanFile(c provider.Call, text string, f File) provider.Request
}

// Typing is a [Vendor] with the capability of typing.
type Typing interface {
	// Typing returns whether the desk shows that the customer of a session types.
	Typing(c provider.Call) bool

	// HumanTyping returns a genuine webhook that tells that the human types, or does
	// no longer; ok is false when the vendor has none.
	HumanTyping(c provider.Call, active bool) (r provider.Request, ok bool)
}

// Reading is a [Vendor] with the capability of read receipts.
type Reading interface {
	// Read returns whether the desk shows that the customer of a session has read.
	Read(c provider.Call) bool

	// HumanRead returns a genuine webhook that tells that the human has read all; ok
	// is false when the vendor has none, or tells it of each message.
	HumanRead(c provider.Call) (r provider.Request, ok bool)
}

// Session is what a human sees of a session at the desk.
type Session struct {
	Context  string           // what was said before, and the question
	Customer handoff.Customer // who it is with
	Messages []string         // the customer's messages, the oldest first
	Files    []File           // those that the desk shows as such, the oldest first
	Closed   string           // how it ended, in the vendor's word; empty = it did not
}

// File is a file that the desk shows.
type File struct{ Name, Content string }

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	t.Helper()
	if h.BuiltIn {
		runBuiltIn(t, h.Kind)
		return
	}
	cases := map[string]func(*env){
		"good credentials":           goodCredentials,
		"bad credentials":            badCredentials,
		"start":                      start,
		"start without an e-mail":    startWithoutEmail,
		"start with little":          startWithLittle,
		"messages arrive literally":  messagesArriveLiterally,
		"files":                      filesArrive,
		"human's files":              humanFiles,
		"typing":                     typing,
		"read":                       read,
		"close":                      closeReasons,
		"idempotency keys":           idempotencyKeys,
		"refused for good":           refusedForGood,
		"refused credentials":        refusedCredentials,
		"try again":                  tryAgain,
		"rate limited":               rateLimited,
		"no answer":                  noAnswer,
		"cut connection":             cutConnection,
		"redirects are not followed": redirects,
		"human's message":            humanMessage,
		"human's close":              humanClose,
		"forged webhooks":            forgedWebhooks,
		"stale webhooks":             staleWebhooks,
		"garbage webhooks":           garbageWebhooks,
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, h)
			cases[name](e)
			e.assertNoLeak(t)
		})
	}
}

// env is one vendor with a connection to it.
type env struct {
	t      *testing.T
	h      Harness
	vendor Vendor
	client *egress.Egress
	caps   handoff.Capabilities
	conn   *provider.Conn
	logs   bytes.Buffer
	errs   []error // all that the connection returned

	secrets []string // of the vendor and of every configuration used
	said    []string // the customer's words, which no log may hold
	lines   int      // of the log, that there have to be
	now     time.Time
	session int
}

func newEnv(t *testing.T, h Harness) *env {
	t.Helper()
	e := &env{t: t, h: h, now: time.Date(2026, 2, 3, 4, 5, 6, 789e6, time.UTC)}
	e.vendor = h.NewVendor(t, e.clock)
	e.client = egress.New(egress.Options{AllowPrivate: true})
	t.Cleanup(e.client.Close)
	e.caps = h.Kind.Describe().Capabilities
	e.conn = e.connect(t, e.vendor.Config())
	return e
}

func (e *env) clock() time.Time { return e.now }

// connect opens a connection with a configuration.
func (e *env) connect(t *testing.T, config proto.Message) *provider.Conn {
	t.Helper()
	secrets := slices.Collect(maps.Values(provider.Secrets(config)))
	e.secrets = append(e.secrets, secrets...)
	require.Empty(t, e.h.Kind.Missing(config))
	account, err := e.h.Kind.Account(config)
	require.NoError(t, err)
	u, err := url.Parse(account)
	require.NoError(t, err)
	require.NotEmpty(t, u.Host, "the account is an URL with the host that secrets are sent to")
	e.errs = append(e.errs, errors.New(account))
	adapter, err := e.h.Kind.Open(config, provider.Deps{HTTP: e.client.Client(), Files: contents{}, Now: e.clock})
	require.NoError(t, err)
	return provider.NewConn(provider.ConnOptions{
		Connection: handoff.Connection{ID: "con_1", AgentID: "agent-1", Kind: e.h.Kind.Describe().Name},
		Adapter:    adapter,
		Secrets:    secrets,
		Logger:     slog.New(slog.NewJSONHandler(&e.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now:        e.clock,
	})
}

// newCall returns the first call of a new session.
func (e *env) newCall() provider.Call {
	e.session++
	return provider.Call{
		SessionID: fmt.Sprintf("ses_%d", e.session), AgentID: "agent-1",
		IdempotencyKey: fmt.Sprintf("start-%d", e.session), Time: e.now,
	}
}

// open begins a session that a human can read, and returns a call of it.
func (e *env) open(t *testing.T) provider.Call {
	t.Helper()
	c := e.newCall()
	ref, err := e.conn.Open(t.Context(), c, someStart())
	e.saw(err)
	require.NoError(t, err)
	c.Ref = ref
	return c
}

func someStart() handoff.Start {
	return handoff.Start{
		Customer: handoff.Customer{
			Email: "bob@example.com", Name: "Bob Æ. O'Neill", Phone: "+4366412345678",
			UserID: "u-1", AnonymousID: "anon-1",
		},
		DefaultEmail: "support@desk.example",
		Transcript: []handoff.Turn{
			{Role: handoff.RoleUser, Text: "where is my parcel 🐦"},
			{Role: handoff.RoleAssistant, Text: "It is on its way."},
			{Role: handoff.RoleAssistant, Text: "Can I help with something else?"},
		},
		Question: "I want to talk to a human <now> & here",
	}
}

// saw keeps an outbound call's error for the last check.
func (e *env) saw(err error) {
	e.lines++
	if err != nil {
		e.errs = append(e.errs, err)
	}
}

// send sends a text; its error is returned as the error that it has to be.
func (e *env) send(t *testing.T, c provider.Call, text string) *provider.Error {
	t.Helper()
	e.said = append(e.said, text)
	_, err := e.conn.Send(t.Context(), c, handoff.Message{ID: c.IdempotencyKey, Author: handoff.AuthorCustomer, Text: text, Time: c.Time})
	return e.asError(t, err)
}

func (e *env) asError(t *testing.T, err error) *provider.Error {
	t.Helper()
	e.saw(err)
	if err == nil {
		return nil
	}
	var known *provider.Error
	require.ErrorAs(t, err, &known)
	return known
}

// assertNoLeak looks for every secret in everything that was returned or
// logged, for the customers' words in the log, and counts its lines.
func (e *env) assertNoLeak(t *testing.T) {
	t.Helper()
	require.NotEmpty(t, e.secrets, "a configuration without a secret proves nothing here")
	texts := make([]string, 0, 1+2*len(e.errs))
	texts = append(texts, e.logs.String())
	for _, err := range e.errs {
		texts = append(texts, err.Error(), fmt.Sprintf("%+v", err))
		assert.NotContains(t, err.Error(), "\n")
		assert.NotContains(t, err.Error(), "\x1b")
		assert.Less(t, len(err.Error()), 1200)
	}
	for _, secret := range e.secrets {
		for _, form := range []string{
			secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(fmt.Sprintf("%q", secret), `"`),
			base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
		} {
			for _, text := range texts {
				assert.NotContains(t, text, form)
			}
		}
	}
	e.assertLog(t)
}

func (e *env) assertLog(t *testing.T) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(e.logs.String()), "\n")
	if e.lines == 0 {
		lines = nil
	}
	assert.Len(t, lines, e.lines, "one line for each call")
	for _, line := range lines {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &fields))
		for _, name := range []string{"kind", "connection", "session", "call", "class", "duration_ms", "idempotency_key"} {
			assert.Contains(t, fields, name)
		}
		for _, words := range e.said {
			if text, _ := fields["error"].(string); len(words) > 3 {
				assert.NotContains(t, text, words)
			}
		}
	}
}
