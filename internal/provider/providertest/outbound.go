package providertest

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

func goodCredentials(e *env) {
	t := e.t
	err := e.conn.Check(t.Context())
	e.saw(err)
	require.NoError(t, err)
	assert.Empty(t, e.vendor.Sessions(), "a check leaves nothing at the desk")
}

func badCredentials(e *env) {
	t := e.t
	config := proto.Clone(e.config())
	e.h.Traits.Spoil(config)
	err := e.asError(t, e.connect(t, config).Check(t.Context()))
	require.NotNil(t, err)
	assert.Equal(t, provider.ClassCredentials, err.Class)
	assert.Empty(t, e.vendor.Sessions())
}

func revokedCredentials(e *env) {
	t := e.t
	c := e.open(t)
	require.Nil(t, e.send(t, c, "before"))
	e.vendor.Revoke()
	c.IdempotencyKey = "msg-2"
	errs := map[string]*provider.Error{
		"check": e.asError(t, e.conn.Check(t.Context())),
		"send":  e.send(t, c, "after"),
	}
	_, err := e.desk.Open(t.Context(), e.newCall(), someStart())
	errs["open"] = e.asError(t, err)
	for name, err := range errs {
		require.NotNil(t, err, name)
		assert.Equal(t, cmp.Or(e.h.Traits.RevokedAs, provider.ClassCredentials), err.Class, name)
	}
	s := e.seen(t, c)
	assert.Equal(t, []string{"before"}, s.Messages())
}

func start(e *env) {
	t := e.t
	c := e.open(t)
	assert.NotEmpty(t, c.Ref.ID, "the desk's word for the session")
	require.Len(t, e.vendor.Sessions(), 1)
	s := e.seen(t, c)
	given := someStart()
	want := given.Customer
	if e.h.Traits.Identity != nil {
		want = e.h.Traits.Identity(want)
	}
	assert.Equal(t, want, s.Customer)
	rest := s.Context
	for _, text := range []string{given.Transcript[0].Text, given.Transcript[1].Text, given.Transcript[2].Text, given.Question} {
		_, after, found := strings.Cut(rest, text)
		require.True(t, found, "%q is missing or not in its place in %q", text, s.Context)
		rest = after
	}
	assert.Empty(t, s.Messages())
	assert.Empty(t, s.Closed)
}

func startWithoutEmail(e *env) {
	t := e.t
	begin := someStart()
	begin.Customer.Email = ""
	c := e.newCall()
	ref, err := e.desk.Open(t.Context(), c, begin)
	e.saw(err)
	require.NoError(t, err, "the default address is there for it")
	c.Ref = ref
	s := e.seen(t, c)
	assert.NotEqual(t, begin.DefaultEmail, s.Customer.Email, "the default address is nobody's identity")

	begin.DefaultEmail = ""
	_, err = e.desk.Open(t.Context(), e.newCall(), begin)
	known := e.asError(t, err)
	if !e.caps.NeedsEmail {
		require.Nil(t, known)
		return
	}
	require.NotNil(t, known)
	assert.Equal(t, provider.ClassRejected, known.Class)
	assert.Len(t, e.vendor.Sessions(), 1)
}

// The least that a start can hold: a question without a history, or nothing but a customer.
func startWithLittle(e *env) {
	t := e.t
	customer := handoff.Customer{Email: "bob@example.com"}
	for _, begin := range []handoff.Start{{Customer: customer, Question: "hello?"}, {Customer: customer}} {
		c := e.newCall()
		ref, err := e.desk.Open(t.Context(), c, begin)
		e.saw(err)
		require.NoError(t, err)
		c.Ref = ref
		s := e.seen(t, c)
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
			text = text[:e.caps.MaxTextBytes&^1] // each of these letters has one or two bytes
		}
		c := e.open(t)
		c.IdempotencyKey = "msg-" + name
		require.Nil(t, e.send(t, c, text), name)
		s := e.seen(t, c)
		assert.Equal(t, []string{text}, s.Messages(), name)
	}
}

// longText sends more than the vendor takes; what arrives is its beginning, or the
// vendor refuses it for good. Where it takes all, all arrives.
func longText(e *env) {
	t := e.t
	text := strings.Repeat("0123456789 ", handoff.MaxTextBytes/11)
	c := e.open(t)
	c.IdempotencyKey = "msg-long"
	err := e.send(t, c, text)
	s := e.seen(t, c)
	got := strings.Join(s.Messages(), "")
	if e.caps.MaxTextBytes == 0 {
		require.Nil(t, err)
		assert.Equal(t, text, got)
		return
	}
	e.why = "cut or refused at the declared limit"
	if err != nil {
		assert.Equal(t, provider.ClassRejected, err.Class)
		assert.Empty(t, got)
		return
	}
	assert.True(t, strings.HasPrefix(text, strings.TrimRight(got, "…")))
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
		err := e.desk.Close(t.Context(), c, reason)
		e.saw(err)
		require.NoError(t, err, reason)
		s := e.seen(t, c)
		want := e.h.Traits.CloseAs[reason]
		if !e.caps.CanClose {
			want = ""
		}
		assert.Equal(t, want, s.Closed, reason)
	}
}

// closeTwice tells a desk of an end that it knows already.
func closeTwice(e *env) {
	t := e.t
	for _, act := range []emulator.ActKind{emulator.Close, emulator.Delete} {
		c := e.open(t)
		if _, lacks := e.h.Traits.Lacks[act]; !lacks {
			_, err := e.vendor.Do(c.Ref.ID, emulator.Act{Kind: act})
			require.NoError(t, err)
		}
		for i := range 2 {
			c.IdempotencyKey = fmt.Sprintf("%s-close-%d", c.SessionID, i)
			err := e.desk.Close(t.Context(), c, handoff.ClosedByCustomer)
			e.saw(err)
			require.NoError(t, err, "it is as it should be, after %s", act)
		}
	}
}

func idempotencyKeys(e *env) {
	t := e.t
	key := e.h.Traits.IdempotencyKey
	if key == nil {
		repeatedMessage(e)
		e.why = cmp.Or(e.h.Traits.Twice, "the vendor knows no such keys; the adapter looks before it repeats")
		return
	}
	c := e.open(t)
	c.IdempotencyKey = "msg-1"
	for range 2 {
		require.Nil(t, e.send(t, c, "once"))
		e.now = e.now.Add(time.Minute) // an attempt later; what it delivers happened when it did
	}
	s := e.seen(t, c)
	assert.Equal(t, []string{"once"}, s.Messages())
	other := c
	other.IdempotencyKey = "msg-2"
	require.Nil(t, e.send(t, other, "once"))
	calls := e.server.Calls()
	keys := make([]string, 0, 3)
	for _, call := range calls[len(calls)-3:] {
		keys = append(keys, key(call.Header))
	}
	assert.NotEmpty(t, keys[0])
	assert.Equal(t, keys[0], keys[1], "the same for each attempt")
	assert.NotEqual(t, keys[0], keys[2], "another for each message")
	assert.Equal(t, calls[len(calls)-3].Body, calls[len(calls)-2].Body, "a repeat says the same")
}
