package providertest

import (
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

func humanMessage(e *env) {
	t := e.t
	c := e.open(t)
	for name, text := range texts() {
		first := e.act(t, c, emulator.Act{Kind: emulator.Say, Text: text})
		require.Len(t, first, 1, name)
		in := e.receive(t, first[0])
		assert.True(t, belongs(in, c), name)
		m, ok := in.Body.(handoff.HumanMessage)
		require.True(t, ok, name)
		assert.Equal(t, text, m.Text, name)
		assert.NotEmpty(t, in.Key, name)

		again := e.do(t, c, emulator.Act{Kind: emulator.Say, Text: text})
		require.Len(t, again, 1, name)
		assert.NotEqual(t, in.Key, again[0].Key, "%s: said twice, it is not the same", name)
	}
}

// formatted is what a human may write with the tools of a desk's editor.
const formatted = `<p>Look at <a href="https://example.com/a?b=1&amp;c=2">our page</a> &amp; <b>smile</b>.</p>` +
	`<ul><li>one</li><li>two</li></ul><p>&lt;script&gt;alert(1)&lt;/script&gt;<br>` +
	`<a href="https://example.com/">https://example.com/</a></p>`

func humanHTML(e *env) {
	t := e.t
	c := e.open(t)
	act := emulator.Act{Kind: emulator.SayHTML, Text: formatted}
	if e.lacks(emulator.SayHTML) {
		act.Kind = emulator.Say // and so it is what the human typed
	}
	all := e.do(t, c, act)
	require.Len(t, all, 1)
	m, ok := all[0].Body.(handoff.HumanMessage)
	require.True(t, ok)
	if act.Kind == emulator.Say {
		assert.Equal(t, formatted, m.Text)
		return
	}
	for _, want := range []string{"our page (https://example.com/a?b=1&c=2) & smile.", "- one\n- two", "<script>alert(1)</script>\nhttps://example.com/"} {
		assert.Contains(t, m.Text, want)
	}
	assert.Equal(t, 1, strings.Count(m.Text, "https://example.com/\n")+strings.Count(m.Text+"$", "https://example.com/$"), "a link that shows itself is there once")
	assert.NotContains(t, m.Text, "<p>")
}

func humanFarewell(e *env) {
	t := e.t
	c := e.open(t)
	var all []handoff.Inbound
	if e.lacks(emulator.Farewell) {
		all = append(e.do(t, c, emulator.Act{Kind: emulator.Say, Text: "bye"}), e.do(t, c, emulator.Act{Kind: emulator.Close})...)
	} else {
		all = e.do(t, c, emulator.Act{Kind: emulator.Farewell, Text: "bye"})
	}
	require.Len(t, all, 2)
	m, ok := all[0].Body.(handoff.HumanMessage)
	require.True(t, ok)
	assert.Equal(t, "bye", m.Text)
	assert.IsType(t, handoff.HumanClosed{}, all[1].Body)
	assert.NotEqual(t, all[0].Key, all[1].Key)
	for _, in := range all {
		assert.True(t, belongs(in, c))
		assert.NotEmpty(t, in.Key)
	}
}

func humanJoins(e *env) {
	t := e.t
	c := e.openWith(t, someStart())
	if e.lacks(emulator.Join) {
		e.saysAtOnce(c)
		return
	}
	all := e.do(t, c, emulator.Act{Kind: emulator.Join})
	require.Len(t, all, 1)
	joined, ok := all[0].Body.(handoff.HumanJoined)
	require.True(t, ok)
	assert.NotEmpty(t, joined.Name)
	assert.True(t, belongs(all[0], c))
}

// saysAtOnce checks that a human who was never announced is heard.
func (e *env) saysAtOnce(c provider.Call) {
	all := e.do(e.t, c, emulator.Act{Kind: emulator.Say, Text: "hello"})
	require.Len(e.t, all, 1)
	assert.IsType(e.t, handoff.HumanMessage{}, all[0].Body)
}

func humanTransfers(e *env) {
	t := e.t
	c := e.open(t)
	if e.lacks(emulator.Transfer) {
		e.saysAtOnce(c)
		return
	}
	_ = e.do(t, c, emulator.Act{Kind: emulator.Join})
	for _, in := range e.do(t, c, emulator.Act{Kind: emulator.Transfer}) {
		switch in.Body.(type) {
		case handoff.HumanJoined, handoff.HumanLeft:
		default:
			assert.Fail(t, "a transfer says nothing to the customer", "%T", in.Body)
		}
	}
	e.saysAtOnce(c)
}

func humanClose(e *env) {
	t := e.t
	c, other := e.open(t), e.open(t)
	all := e.do(t, c, emulator.Act{Kind: emulator.Close})
	require.Len(t, all, 1)
	assert.True(t, belongs(all[0], c))
	assert.False(t, belongs(all[0], other))
	assert.IsType(t, handoff.HumanClosed{}, all[0].Body)
	assert.NotEmpty(t, all[0].Key)
	others := e.do(t, other, emulator.Act{Kind: emulator.Close})
	require.Len(t, others, 1)
	assert.NotEqual(t, all[0].Key, others[0].Key)
}

func humanDeletes(e *env) {
	t := e.t
	c := e.open(t)
	if e.lacks(emulator.Delete) {
		e.tellsNothing(c, emulator.Delete)
		return
	}
	all := e.do(t, c, emulator.Act{Kind: emulator.Delete})
	require.Len(t, all, 1)
	assert.True(t, belongs(all[0], c))
	assert.IsType(t, handoff.HumanClosed{}, all[0].Body, "there is nothing left to go on with")
}

// silentAct is the case of an act of which the customer learns nothing.
func silentAct(kind emulator.ActKind) func(*env) {
	return func(e *env) {
		c := e.open(e.t)
		if e.lacks(kind) {
			e.tellsNothing(c, kind)
			return
		}
		for _, in := range e.do(e.t, c, emulator.Act{Kind: kind, Text: "nothing for the customer"}) {
			switch in.Body.(type) {
			case handoff.HumanMessage, handoff.HumanClosed:
				assert.Fail(e.t, "it means nothing to the customer", "%T", in.Body)
			}
		}
		e.saysAtOnce(c) // and it goes on
	}
}

// tellsNothing checks that an event of which the vendor tells nobody would change
// nothing if it did.
func (e *env) tellsNothing(c provider.Call, kind emulator.ActKind) {
	_, err := e.vendor.Do(c.Ref.ID, emulator.Act{Kind: kind, Text: "nothing"})
	require.ErrorIs(e.t, err, emulator.ErrLacks, "%s is said to be lacking", kind)
	_, inbound, err := e.conn.Receive(e.vendor.Webhook([]byte(`{"type":"` + string(kind) + `","event":"` + string(kind) + `"}`)))
	assert.Empty(e.t, inbound)
	if err != nil {
		e.errs = append(e.errs, err)
		assert.NotEqual(e.t, handoff.CodeInternal, handoff.CodeOf(err))
	}
	e.saysAtOnce(c)
}

// ownEcho has the vendor send us what we did ourselves.
func ownEcho(e *env) {
	t := e.t
	c := e.open(t)
	require.Nil(t, e.send(t, c, "mine"))
	if e.lacks(emulator.Echo) {
		e.tellsNothing(c, emulator.Echo)
		return
	}
	for _, in := range e.do(t, c, emulator.Act{Kind: emulator.Echo}) {
		if _, ok := in.Body.(handoff.HumanMessage); ok {
			assert.True(t, e.sent[in.VendorID], "it is known by its id as ours")
		}
	}
}

// reconcile looks at what happened while no webhook came through.
func reconcile(e *env) {
	t := e.t
	c := e.open(t)
	began := e.now
	require.Nil(t, e.send(t, c, "are you there"))
	assert.Equal(t, e.h.Kind.Describe().Reconciles, e.conn.Reconciles())
	if !e.conn.Reconciles() {
		e.why = "what happened cannot be asked for; the vendor, or its developer, sends webhooks again"
		inbound, err := e.conn.Since(t.Context(), c, began)
		require.NoError(t, err)
		assert.Empty(t, inbound)
		return
	}
	var want []handoff.Inbound
	for _, act := range []emulator.Act{
		{Kind: emulator.Say, Text: "one"},
		{Kind: emulator.Note, Text: "hush"},
		{Kind: emulator.Bot, Text: "beep"},
		{Kind: emulator.Say, Text: "two"},
		{Kind: emulator.Close},
	} {
		e.now = e.now.Add(time.Second)
		want = append(want, e.do(t, c, act)...)
	}
	got, err := e.conn.Since(t.Context(), c, began)
	e.saw(err)
	require.NoError(t, err)
	assert.Equal(t, want, got, "the same as webhooks told, with the same keys")
	for _, in := range got {
		assert.True(t, belongs(in, c))
	}
	got, err = e.conn.Since(t.Context(), c, e.now.Add(-time.Second))
	e.saw(err)
	require.NoError(t, err)
	assert.Less(t, len(got), len(want), "what is older is left out")
	assert.NotEmpty(t, got)
}
