package providertest

import (
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

func goodCredentials(e *env) {
	t := e.t
	err := e.conn.Check(t.Context())
	e.saw(err)
	require.NoError(t, err)
	assert.Zero(t, e.vendor.Sessions(), "a check leaves nothing at the desk")
}

func badCredentials(e *env) {
	t := e.t
	config := proto.Clone(e.vendor.Config())
	e.h.Spoil(config)
	err := e.asError(t, e.connect(t, config).Check(t.Context()))
	require.NotNil(t, err)
	assert.Equal(t, provider.ClassCredentials, err.Class)
	assert.Zero(t, e.vendor.Sessions())
}

func start(e *env) {
	t := e.t
	c := e.open(t)
	assert.NotEmpty(t, c.Ref.ID, "the desk's word for the session")
	require.Equal(t, 1, e.vendor.Sessions())
	s, ok := e.vendor.Session(c)
	require.True(t, ok)
	given := someStart()
	want := given.Customer
	if e.h.Identity != nil {
		want = e.h.Identity(want)
	}
	assert.Equal(t, want, s.Customer)
	rest := s.Context
	for _, text := range []string{given.Transcript[0].Text, given.Transcript[1].Text, given.Transcript[2].Text, given.Question} {
		_, after, found := strings.Cut(rest, text)
		require.True(t, found, "%q is missing or not in its place in %q", text, s.Context)
		rest = after
	}
	assert.Empty(t, s.Messages)
	assert.Empty(t, s.Closed)
}

func startWithoutEmail(e *env) {
	t := e.t
	begin := someStart()
	begin.Customer.Email = ""
	c := e.newCall()
	ref, err := e.conn.Open(t.Context(), c, begin)
	e.saw(err)
	require.NoError(t, err, "the default address is there for it")
	c.Ref = ref
	s, ok := e.vendor.Session(c)
	require.True(t, ok)
	assert.NotEqual(t, begin.DefaultEmail, s.Customer.Email, "the default address is nobody's identity")

	begin.DefaultEmail = ""
	_, err = e.conn.Open(t.Context(), e.newCall(), begin)
	known := e.asError(t, err)
	if !e.caps.NeedsEmail {
		require.Nil(t, known)
		return
	}
	require.NotNil(t, known)
	assert.Equal(t, provider.ClassRejected, known.Class)
	assert.Equal(t, 1, e.vendor.Sessions())
}

// The least that a start can hold: a question without a history, or nothing but a customer.
func startWithLittle(e *env) {
	t := e.t
	customer := handoff.Customer{Email: "bob@example.com"}
	for _, begin := range []handoff.Start{{Customer: customer, Question: "hello?"}, {Customer: customer}} {
		c := e.newCall()
		ref, err := e.conn.Open(t.Context(), c, begin)
		e.saw(err)
		require.NoError(t, err)
		c.Ref = ref
		s, ok := e.vendor.Session(c)
		require.True(t, ok)
		assert.Contains(t, s.Context, begin.Question)
	}
}

// texts are messages that have been mangled on the way to one desk or another.
func texts() map[string]string {
	return map[string]string{
		"plain":       "hello, is anybody there?",
		"one letter":  "x",
		"Unicode":     "Grüße, 你好, こんにちは, Здравствуйте",
		"emoji":       "👩‍👩‍👧‍👦 🇦🇹 👍🏽",
		"RTL":         "مرحبا \u202eabc\u202c שלום",
		"controls":    "one\ntwo\r\n\tthree \u2028 four \u0001 five",
		"quotes":      `"quoted" 'single' \back\slash\n %s %d {{x}} ${y}`,
		"markup":      "<b>bold</b> &amp; <script>alert(1)</script> <!channel> <@U123> <https://example.com|here>",
		"Markdown":    "*bold* _it_ ~no~ `code` ```\nblock\n``` [a](https://example.com) # head\n> quote",
		"JSON":        `{"type":"TIMEOUT","conversation_id":"other"}`,
		"10,000":      strings.Repeat("0123456789", 1000),
		"10,000 wide": strings.Repeat("ä", 10_000),
		"spaces":      "  not trimmed  ",
	}
}

func messagesArriveLiterally(e *env) {
	t := e.t
	for name, text := range texts() {
		if e.caps.MaxTextBytes > 0 && len(text) > e.caps.MaxTextBytes {
			text = text[:e.caps.MaxTextBytes&^1] // the core splits longer ones; each of these letters has one or two bytes
		}
		c := e.open(t)
		c.IdempotencyKey = "msg-" + name
		require.Nil(t, e.send(t, c, text), name)
		s, ok := e.vendor.Session(c)
		require.True(t, ok)
		assert.Equal(t, []string{text}, s.Messages, name)
	}
}

func closeReasons(e *env) {
	t := e.t
	reasons := []handoff.CloseReason{
		handoff.ClosedByCustomer, handoff.ClosedByOperator, handoff.ClosedByHuman, handoff.ClosedByWaitTimeout,
		handoff.ClosedBySessionTimeout, handoff.ClosedByProvider, handoff.ClosedByExpiry,
	}
	for _, reason := range reasons {
		c := e.open(t)
		c.IdempotencyKey = c.SessionID + "-close"
		err := e.conn.Close(t.Context(), c, reason)
		e.saw(err)
		require.NoError(t, err, reason)
		s, ok := e.vendor.Session(c)
		require.True(t, ok)
		want := e.h.CloseAs[reason]
		if !e.caps.CanClose {
			want = ""
		}
		assert.Equal(t, want, s.Closed, reason)
	}
}

func idempotencyKeys(e *env) {
	t := e.t
	c := e.open(t)
	c.IdempotencyKey = "msg-1"
	for range 2 {
		require.Nil(t, e.send(t, c, "once"))
		e.now = e.now.Add(time.Minute) // an attempt later; what it delivers happened when it did
	}
	s, ok := e.vendor.Session(c)
	require.True(t, ok)
	if e.h.IdempotencyKey == nil {
		assert.Equal(t, []string{"once", "once"}, s.Messages, "a vendor without keys; the core sends again only when it has to")
		return
	}
	assert.Equal(t, []string{"once"}, s.Messages)
	other := c
	other.IdempotencyKey = "msg-2"
	require.Nil(t, e.send(t, other, "once"))
	calls := e.vendor.Server().Calls()
	keys := make([]string, 0, 3)
	for _, call := range calls[len(calls)-3:] {
		keys = append(keys, e.h.IdempotencyKey(call))
	}
	assert.NotEmpty(t, keys[0])
	assert.Equal(t, keys[0], keys[1], "the same for each attempt")
	assert.NotEqual(t, keys[0], keys[2], "another for each message")
	assert.Equal(t, calls[len(calls)-3].Body, calls[len(calls)-2].Body, "a repeat says the same")
}
