package providertest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/egress"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// env is one vendor with a connection to it.
type env struct {
	t      *testing.T
	h      Harness
	vendor emulator.Emulator
	server *Server
	client *egress.Egress
	caps   handoff.Capabilities
	conn   *provider.Conn
	desk   dispatch.Sender // the connection, or a switchboard before it
	chat   *chat           // that switchboard; nil if the vendor is no chat app
	logs   bytes.Buffer
	errs   []error // all that the connection returned
	why    string  // what the vendor has is done without it, for this reason

	mu      sync.Mutex
	refused []error // by the harness' check of calls

	reported []provider.Request // webhooks that calls have caused

	tokens  *provider.Tokens
	kept    map[string]string // what starts have kept, by session
	secrets []string          // of the vendor and of every configuration used
	said    []string          // the customer's words, which no log may hold
	sent    map[string]bool   // the vendor's ids of what was sent
	lines   int               // of the log, that there have to be
	now     time.Time
	session int
	keys    int
}

func newEnv(t *testing.T, h Harness) *env {
	t.Helper()
	e := &env{t: t, h: h, now: time.Date(2026, 2, 3, 4, 5, 6, 789e6, time.UTC), sent: map[string]bool{}, kept: map[string]string{}}
	e.tokens = provider.NewTokens(e.clock)
	e.vendor = h.Traits.New(e.clock)
	e.server = NewServer(t, e.vendor)
	if h.Check != nil {
		e.server.Check = func(r *http.Request, body []byte) {
			if err := h.Check(r, body); err != nil {
				e.mu.Lock()
				defer e.mu.Unlock()
				e.refused = append(e.refused, err)
			}
		}
	}
	e.client = egress.New(egress.Options{AllowPrivate: true})
	t.Cleanup(e.client.Close)
	e.caps = h.Kind.Describe().Capabilities
	if r, ok := e.vendor.(emulator.Reporter); ok {
		r.Report(func(r provider.Request) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.reported = append(e.reported, r)
		})
	}
	e.conn = e.connect(t, e.config())
	e.desk = e.conn
	if e.conn.IsMessenger() {
		e.chat = newChat(t, e)
		e.desk = e.chat
	}
	return e
}

func (e *env) config() proto.Message { return e.vendor.Config(e.server.URL()) }

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
	adapter, err := e.h.Kind.Open(config, provider.Deps{
		HTTP: e.client.Client(), Files: contents{}, Now: e.clock, Tokens: e.tokens, ReceiveURL: "https://gateway.example/webhooks/kind/token",
		Sent: func(_ context.Context, id string) (bool, error) { return e.sent[id], nil },
	})
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
	id := fmt.Sprintf("ses_%d", e.session)
	return provider.Call{
		SessionID: id, AgentID: "agent-1", IdempotencyKey: fmt.Sprintf("start-%d", e.session), Time: e.now,
		Keep: func(_ context.Context, data string) error {
			e.kept[id] = data
			return nil
		},
	}
}

// open begins a session that a human can read, and returns a call of it.
func (e *env) open(t *testing.T) provider.Call {
	t.Helper()
	c := e.openWith(t, someStart())
	e.take(t, c)
	return c
}

func (e *env) openWith(t *testing.T, begin handoff.Start) provider.Call {
	t.Helper()
	c := e.newCall()
	ref, err := e.desk.Open(t.Context(), c, begin)
	e.saw(err)
	require.NoError(t, err)
	c.Ref, c.IdempotencyKey = ref, ""
	return c
}

// seen returns what the desk shows of a session.
func (e *env) seen(t *testing.T, c provider.Call) emulator.Session {
	t.Helper()
	e.hearStatuses(t)
	e.take(t, c)
	s, ok := emulator.Find(e.vendor, c.Ref.ID)
	require.True(t, ok, "the desk knows no %s", c.Ref.ID)
	return s
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
			{Role: handoff.RoleAssistant, Text: "It is on its way: https://example.com/track?id=1&lang=en <b>soon</b>"},
			{Role: handoff.RoleAssistant, Text: "Can I help with something else?"},
		},
		Question: "I want to talk to a human <now> & here",
	}
}

// lacks reports whether the vendor has no webhooks of an act, and notes why.
func (e *env) lacks(kind emulator.ActKind) bool {
	why, lacks := e.h.Traits.Lacks[kind]
	if lacks {
		e.why = why
	}
	return lacks
}

// saw keeps an outbound call's error for the last check.
func (e *env) saw(err error) {
	e.mu.Lock()
	e.lines++
	e.mu.Unlock()
	if err != nil {
		e.errs = append(e.errs, err)
	}
}

// send sends a text; its error is returned as the error that it has to be.
func (e *env) send(t *testing.T, c provider.Call, text string) *provider.Error {
	t.Helper()
	e.take(t, c)
	e.said = append(e.said, text)
	if c.IdempotencyKey == "" {
		e.keys++
		c.IdempotencyKey = fmt.Sprintf("message-%d", e.keys)
	}
	id, err := e.desk.Send(t.Context(), c, handoff.Message{ID: c.IdempotencyKey, Author: handoff.AuthorCustomer, Text: text, Time: c.Time})
	if err == nil && id != "" {
		e.sent[id] = true
	}
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
	e.mu.Lock()
	assert.Empty(t, e.refused, "calls that the vendor's description of its API forbids")
	e.mu.Unlock()
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
