package providertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/server/hook"
)

// act has somebody do something at the desk and returns the vendor's webhooks.
func (e *env) act(t *testing.T, c provider.Call, a emulator.Act) []provider.Request {
	t.Helper()
	if a.Kind != emulator.Join {
		e.take(t, c)
	} else if e.chat != nil {
		e.chat.taken[c.Ref.ID] = true
	}
	all, err := e.vendor.Do(c.Ref.ID, a)
	require.NoError(t, err, "%s", a.Kind)
	return all
}

// do has somebody do something at the desk and returns what the webhooks tell.
func (e *env) do(t *testing.T, c provider.Call, a emulator.Act) []handoff.Inbound {
	t.Helper()
	var all []handoff.Inbound
	for _, r := range e.act(t, c, a) {
		all = append(all, e.receiveAll(t, r)...)
	}
	return all
}

// receiveAll hands a genuine webhook to the connection and returns what it tells.
func (e *env) receiveAll(t *testing.T, r provider.Request) []handoff.Inbound {
	t.Helper()
	before := cloneRequest(r)
	reply, inbound, err := e.conn.Receive(r)
	require.NoError(t, err)
	assert.Less(t, reply.Status, 300)
	if e.h.Traits.EmptyAnswers {
		assert.Empty(t, reply.Body, "any word counts as a failure")
	}
	assert.Equal(t, before, r, "a request is only read")
	again, same, err := e.conn.Receive(r)
	require.NoError(t, err)
	assert.Equal(t, reply, again, "parsing is pure")
	assert.Equal(t, inbound, same)
	if e.chat != nil {
		return e.chat.route(t, inbound)
	}
	return inbound
}

// receive is receiveAll of a webhook that tells one thing.
func (e *env) receive(t *testing.T, r provider.Request) handoff.Inbound {
	t.Helper()
	all := e.receiveAll(t, r)
	require.Len(t, all, 1)
	return all[0]
}

// belongs says whether an inbound leads to the session of a call.
func belongs(in handoff.Inbound, c provider.Call) bool {
	if in.SessionID != "" {
		return in.SessionID == c.SessionID
	}
	return in.Ref != "" && in.Ref == c.Ref.ID
}

// say returns a genuine webhook of a human's message.
func (e *env) say(t *testing.T, c provider.Call) provider.Request {
	t.Helper()
	all := e.act(t, c, emulator.Act{Kind: emulator.Say, Text: "hello"})
	require.Len(t, all, 1)
	return all[0]
}

func duplicateWebhooks(e *env) {
	t := e.t
	c := e.open(t)
	for _, act := range []emulator.Act{{Kind: emulator.Say, Text: "once"}, {Kind: emulator.Close}} {
		for _, r := range e.act(t, c, act) {
			first := e.receiveAll(t, r)
			e.now = e.now.Add(time.Minute)
			later := cloneRequest(r)
			later.Time = e.now
			assert.Equal(t, first, e.receiveAll(t, later), "delivered twice, it is the same")
			for _, in := range first {
				assert.NotEmpty(t, in.Key)
			}
		}
	}
}

// reorderedWebhooks hands over a talk from its end to its beginning: each thing
// stands for itself, and nothing depends on what came before.
func reorderedWebhooks(e *env) {
	t := e.t
	c := e.open(t)
	var all []provider.Request
	for _, act := range []emulator.Act{{Kind: emulator.Say, Text: "one"}, {Kind: emulator.Say, Text: "two"}, {Kind: emulator.Close}} {
		all = append(all, e.act(t, c, act)...)
		e.now = e.now.Add(time.Second)
	}
	var inOrder, reversed []handoff.Inbound
	for _, r := range all {
		inOrder = append(inOrder, e.receiveAll(t, r)...)
	}
	for _, r := range slices.Backward(all) {
		reversed = append(reversed, e.receiveAll(t, r)...)
	}
	slices.Reverse(reversed)
	assert.Equal(t, inOrder, reversed)
	keys := map[string]bool{}
	for _, in := range inOrder {
		keys[in.Key] = true
	}
	assert.Len(t, keys, 3, "and is known by a key of its own")
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
	for _, act := range []emulator.Act{{Kind: emulator.Say, Text: "hello"}, {Kind: emulator.Close}} {
		for _, genuine := range e.act(t, c, act) {
			e.receiveAll(t, genuine)
			e.refuseChanged(genuine, string(act.Kind))
		}
	}
	stranger := newEnv(t, e.h)
	foreign := stranger.open(t)
	e.refuse(t, stranger.say(t, foreign), "message of another account")
}

func (e *env) refuseChanged(genuine provider.Request, name string) {
	t := e.t
	if other := e.h.Traits.Secret; other != nil {
		for _, secret := range []string{"", "x", strings.Repeat("\xff", 40)} {
			e.refuse(t, other(cloneRequest(genuine), secret), name+" with another secret")
		}
		before := cloneRequest(genuine)
		stripped := e.conn.Strip(genuine)
		assert.Equal(t, before, genuine, "a request is only read")
		for _, secret := range e.secrets {
			assert.NotContains(t, string(stripped.Body), secret, "and kept without what proves it")
		}
		return
	}
	unsigned := cloneRequest(genuine)
	unsigned.Header = http.Header{"Content-Type": genuine.Header["Content-Type"]}
	unsigned.Query = ""
	e.refuse(t, unsigned, name+" without any proof")

	if !e.h.Traits.KeyOnly {
		changed := cloneRequest(genuine)
		if bytes.Equal(genuine.Body, changed.Body) { // it is no JSON
			changed.Body = e.vendor.Webhook([]byte(`{"another":"body"}`)).Body
		}
		require.NotEqual(t, genuine.Body, changed.Body)
		e.refuse(t, changed, name+" with another body")
	} else {
		e.why = "a key proves who sends a webhook, and nothing proves what"
		stripped := e.conn.Strip(genuine)
		for _, secret := range e.secrets {
			assert.NotContains(t, fmt.Sprint(stripped.Header), secret, "it is kept without its key")
			assert.NotEmpty(t, genuine.Header)
		}
	}

	if e.h.Traits.InQuery {
		e.refuseChangedQuery(genuine, name)
	} else {
		e.refuseChangedHeader(genuine, name)
	}
}

// refuseChangedHeader changes the headers that prove a webhook.
func (e *env) refuseChangedHeader(genuine provider.Request, name string) {
	t := e.t
	for header, values := range genuine.Header {
		if strings.HasPrefix(header, "Content-") || header == "User-Agent" || header == "Accept" {
			continue
		}
		for _, value := range []string{"", values[0] + "x", "x" + values[0], strings.Repeat("\xff", 40)} {
			changed := cloneRequest(genuine)
			changed.Header.Set(header, value)
			if slices.Contains(e.h.Traits.Unsigned, header) {
				assert.Equal(t, e.receiveAll(t, genuine), e.receiveAll(t, changed), "%s with another %s", name, header)
				continue
			}
			e.refuse(t, changed, name+" with another "+header)
		}
	}
}

// refuseChangedQuery changes the parameters that prove a webhook.
func (e *env) refuseChangedQuery(genuine provider.Request, name string) {
	t := e.t
	query, err := url.ParseQuery(genuine.Query)
	require.NoError(t, err)
	for parameter := range query {
		for _, value := range []string{"", query.Get(parameter) + "0", "x" + query.Get(parameter), strings.Repeat("\xff", 40)} {
			changed, other := cloneRequest(genuine), maps.Clone(query)
			other.Set(parameter, value)
			changed.Query = other.Encode()
			if slices.Contains(e.h.Traits.Unsigned, parameter) {
				assert.Empty(t, e.receiveAll(t, changed), "%s with another %s", name, parameter)
				continue
			}
			e.refuse(t, changed, name+" with another "+parameter)
		}
	}
}

func staleWebhooks(e *env) {
	t := e.t
	c := e.open(t)
	if !e.h.Traits.Expires {
		e.why = "nothing proves when a webhook was sent; its key tells a repeat"
	}
	for _, off := range []time.Duration{-time.Hour, time.Hour} {
		r := e.say(t, c)
		genuine := e.receive(t, r)
		r.Time = r.Time.Add(off)
		if e.h.Traits.Expires {
			e.refuse(t, r, "sent "+off.String()+" off")
		} else {
			assert.Equal(t, genuine, e.receive(t, r), "the same counts for nothing when it comes again")
		}
	}
	r := e.say(t, c)
	r.Time = r.Time.Add(3 * time.Minute)
	e.receive(t, r)
}

func garbageWebhooks(e *env) {
	t := e.t
	for _, body := range []string{
		"", " ", "\x00", "null", "true", "0", `""`, "[]", "{", `{"`, "{}x", "\xff\xfe{}", "<xml/>", "a=b&c=d",
		strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 100_000), `{"body":` + strings.Repeat("9", 10_000) + `}`,
	} {
		r := e.vendor.Webhook([]byte(body))
		_, inbound, err := e.conn.Receive(r)
		assert.Empty(t, inbound)
		require.Error(t, err, "%.20q", body)
		assert.NotEqual(t, handoff.CodeInternal, handoff.CodeOf(err), "%.20q: %v", body, err)
		e.errs = append(e.errs, err)
	}
}

// newFields adds a field to every object of a webhook.
func newFields(e *env) {
	t := e.t
	c := e.open(t)
	r := e.say(t, c)
	before := e.receive(t, r)
	var body map[string]any
	if json.Unmarshal(r.Body, &body) != nil {
		e.why = "its webhooks are no JSON objects"
		return
	}
	widen(body)
	data, err := json.Marshal(body)
	require.NoError(t, err)
	after := e.receive(t, e.vendor.Webhook(data))
	assert.Equal(t, before.Body, after.Body)
	assert.True(t, belongs(after, c))
}

func widen(value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, inner := range v {
			widen(inner)
		}
		v["field_of_the_future"] = map[string]any{"list": []any{1, nil, "x"}}
	case []any:
		for _, inner := range v {
			widen(inner)
		}
	}
}

// told keeps what the webhook route applies, and finds the connection.
type told struct {
	conn *provider.Conn
	all  []handoff.Inbound
}

// Receive implements hook.Receiver.
func (k *told) apply(in handoff.Inbound) { k.all = append(k.all, in) }

type receiverFunc func(in handoff.Inbound)

// Receive implements hook.Receiver.
func (f receiverFunc) Receive(_ context.Context, _ string, in handoff.Inbound) error {
	f(in)
	return nil
}

// Receive implements hook.Connections.
func (k *told) Receive(_ context.Context, _, _ string, r provider.Request) (agents.Received, error) {
	reply, inbound, err := k.conn.Receive(r)
	return agents.Received{ConnectionID: "con_1", Reply: reply, Inbound: inbound}, err
}

// Keep implements hook.Connections.
func (k *told) Keep(context.Context, string, provider.Request, error) {}

// Requarantined implements hook.Connections.
func (k *told) Requarantined(context.Context, int64) (agents.Received, error) {
	return agents.Received{}, agents.ErrNotQuarantined
}

// Replayed implements hook.Connections.
func (k *told) Replayed(context.Context, int64, error) error { return nil }

// Siblings implements hook.Connections.
func (k *told) Siblings(context.Context, string, provider.Request) ([]string, error) { return nil, nil }

// post sends a webhook over HTTP, as the vendor does, and returns the status of
// the answer, how long it took and what came of it.
func (e *env) post(t *testing.T, r provider.Request) (status int, took time.Duration, inbound []handoff.Inbound) {
	t.Helper()
	k := &told{conn: e.conn}
	mux := http.NewServeMux()
	hook.Webhooks{Connections: k, Receiver: receiverFunc(k.apply), Now: e.clock, Logger: slog.New(slog.DiscardHandler)}.Mount(mux)
	server := httptest.NewServer(mux)
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), r.Method, server.URL+"/webhooks/kind/token"+r.Path+"?"+r.Query, bytes.NewReader(r.Body))
	require.NoError(t, err)
	request.Header = r.Header.Clone()
	began := time.Now()
	answer, err := server.Client().Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode, time.Since(began), k.all
}

func oversizedWebhooks(e *env) {
	t := e.t
	const limit = 4 << 20
	c := e.open(t)
	status, took, inbound := e.post(t, e.say(t, c))
	assert.Less(t, status, 300)
	assert.Less(t, took, 400*time.Millisecond, "vendors lose their patience")
	assert.Len(t, inbound, 1)

	status, _, inbound = e.post(t, e.vendor.Webhook(bytes.Repeat([]byte(" "), limit+1)))
	assert.Equal(t, http.StatusRequestEntityTooLarge, status)
	assert.Empty(t, inbound)
}

// handshakes are answered, and tell nothing, even before the vendor's secrets are known.
func handshakes(e *env) {
	t := e.t
	greeter, greets := e.h.Kind.(provider.Greeter)
	if e.lacks(emulator.Greet) {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			r := provider.Request{Method: method, Header: http.Header{}, Time: e.now}
			_, inbound, err := e.conn.Receive(r)
			require.Error(t, err)
			assert.Empty(t, inbound)
			e.errs = append(e.errs, err)
		}
		return
	}
	all, err := e.vendor.Do("", emulator.Act{Kind: emulator.Greet})
	require.NoError(t, err)
	require.NotEmpty(t, all)
	for i, r := range all {
		status, _, inbound := e.post(t, r)
		assert.Less(t, status, 300, "%s", r.Method)
		assert.Empty(t, inbound)
		if i == 0 && greets {
			reply, ok := greeter.Greet(e.h.Kind.Describe().Config, r)
			assert.True(t, ok, "it is answered before anything is configured")
			assert.Less(t, reply.Status, 300)
		}
	}
	if greets {
		c := e.open(t)
		_, ok := greeter.Greet(e.h.Kind.Describe().Config, e.say(t, c))
		assert.False(t, ok, "nothing else is")
	}
}

func cloneRequest(r provider.Request) provider.Request {
	r.Header, r.Body = r.Header.Clone(), bytes.Clone(r.Body)
	return r
}
