package providertest

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// receive hands a genuine webhook to the connection and returns the one thing that it tells.
func (e *env) receive(t *testing.T, r provider.Request) handoff.Inbound {
	t.Helper()
	before := cloneRequest(r)
	reply, inbound, err := e.conn.Receive(r)
	require.NoError(t, err)
	assert.Less(t, reply.Status, 300)
	require.Len(t, inbound, 1)
	assert.Equal(t, before, r, "a request is only read")
	again, same, err := e.conn.Receive(r)
	require.NoError(t, err)
	assert.Equal(t, reply, again, "parsing is pure")
	assert.Equal(t, inbound, same)
	return inbound[0]
}

// belongs says whether an inbound leads to the session of a call.
func belongs(in handoff.Inbound, c provider.Call) bool {
	if in.SessionID != "" {
		return in.SessionID == c.SessionID
	}
	return in.Ref != "" && in.Ref == c.Ref.ID
}

func humanMessage(e *env) {
	t := e.t
	c := e.open(t)
	for name, text := range texts() {
		first := e.vendor.Message(c, text)
		in := e.receive(t, first)
		assert.True(t, belongs(in, c), name)
		m, ok := in.Body.(handoff.HumanMessage)
		require.True(t, ok, name)
		assert.Equal(t, text, m.Text, name)
		assert.NotEmpty(t, in.Key, name)

		assert.Equal(t, in.Key, e.receive(t, cloneRequest(first)).Key, "%s: delivered twice, it is the same", name)
		assert.NotEqual(t, in.Key, e.receive(t, e.vendor.Message(c, text)).Key, "%s: said twice, it is not", name)
	}
}

func humanClose(e *env) {
	t := e.t
	c, other := e.open(t), e.open(t)
	in := e.receive(t, e.vendor.Closed(c))
	assert.True(t, belongs(in, c))
	assert.False(t, belongs(in, other))
	assert.IsType(t, handoff.HumanClosed{}, in.Body)
	assert.NotEmpty(t, in.Key)
	assert.NotEqual(t, in.Key, e.receive(t, e.vendor.Closed(other)).Key)
}

// refuse hands over a webhook that must not be taken for the vendor's.
func (e *env) refuse(t *testing.T, r provider.Request, what string) {
	t.Helper()
	reply, inbound, err := e.conn.Receive(r)
	require.Error(t, err, what)
	assert.Equal(t, handoff.CodeUnauthenticated, handoff.CodeOf(err), "%s: %v", what, err)
	assert.Empty(t, inbound, what)
	assert.Zero(t, reply, what)
	e.errs = append(e.errs, err)
}

func forgedWebhooks(e *env) {
	t := e.t
	c := e.open(t)
	for name, genuine := range map[string]provider.Request{"message": e.vendor.Message(c, "hello"), "close": e.vendor.Closed(c)} {
		e.receive(t, genuine)

		unsigned := cloneRequest(genuine)
		unsigned.Header = http.Header{"Content-Type": {"application/json"}}
		e.refuse(t, unsigned, name+" without any proof")

		changed := cloneRequest(genuine)
		changed.Body = bytes.Replace(changed.Body, []byte(`"`), []byte(`" `), 1)
		require.NotEqual(t, genuine.Body, changed.Body)
		e.refuse(t, changed, name+" with another body")

		for header, values := range genuine.Header {
			if strings.HasPrefix(header, "Content-") || header == "User-Agent" {
				continue
			}
			for _, value := range []string{"", values[0] + "x", "x" + values[0], strings.Repeat("\xff", 40)} {
				changed := cloneRequest(genuine)
				changed.Header.Set(header, value)
				e.refuse(t, changed, name+" with another "+header)
			}
		}
	}
	stranger := e.h.NewVendor(t, e.clock)
	e.refuse(t, stranger.Message(c, "hello"), "message of another account")
}

func staleWebhooks(e *env) {
	t := e.t
	c := e.open(t)
	for _, off := range []time.Duration{-time.Hour, time.Hour} {
		r := e.vendor.Message(c, "hello")
		r.Time = r.Time.Add(off)
		if e.h.Expires {
			e.refuse(t, r, "sent "+off.String()+" off")
		} else {
			e.receive(t, r) // nothing in it tells when it was sent; the key tells a repeat
		}
	}
	r := e.vendor.Message(c, "hello")
	r.Time = r.Time.Add(3 * time.Minute)
	e.receive(t, r)
}

func garbageWebhooks(e *env) {
	t := e.t
	for _, body := range []string{
		"", " ", "\x00", "null", "true", "0", `""`, "[]", "{", `{"`, "{}x", "\xff\xfe{}", "<xml/>", "a=b&c=d",
		strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 100_000), `{"body":` + strings.Repeat("9", 10_000) + `}`,
	} {
		r := e.vendor.Garbage([]byte(body))
		_, inbound, err := e.conn.Receive(r)
		assert.Empty(t, inbound)
		require.Error(t, err, "%.20q", body)
		assert.NotEqual(t, handoff.CodeInternal, handoff.CodeOf(err), "%.20q: %v", body, err)
		e.errs = append(e.errs, err)
	}
}

func cloneRequest(r provider.Request) provider.Request {
	r.Header, r.Body = r.Header.Clone(), bytes.Clone(r.Body)
	return r
}
