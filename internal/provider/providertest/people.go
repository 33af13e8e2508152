package providertest

import (
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

func secondSession(e *env) {
	t := e.t
	first := e.open(t)
	require.Nil(t, e.send(t, first, "in the first"))
	second := e.open(t)
	require.Nil(t, e.send(t, second, "in the second"))
	require.Len(t, e.vendor.Sessions(), 2, "each session is one of its own at the desk")
	a, b := e.seen(t, first), e.seen(t, second)
	assert.Equal(t, a.Contact, b.Contact, "and the customer is one")
	assert.Equal(t, []string{"in the first"}, a.Messages())
	assert.Equal(t, []string{"in the second"}, b.Messages())

	_ = e.do(t, first, emulator.Act{Kind: emulator.Close})
	for _, in := range e.do(t, second, emulator.Act{Kind: emulator.Say, Text: "still here"}) {
		assert.True(t, belongs(in, second))
		assert.False(t, belongs(in, first))
	}
}

func sessionsApart(e *env) {
	t := e.t
	begin := someStart()
	first := e.openWith(t, begin)
	begin.Customer = handoff.Customer{Email: "eve@example.com", Name: "Eve", UserID: "u-2"}
	second := e.openWith(t, begin)
	assert.NotEqual(t, first.Ref.ID, second.Ref.ID)
	for _, text := range []string{"one", "two"} {
		first.IdempotencyKey, second.IdempotencyKey = "first-"+text, "second-"+text
		require.Nil(t, e.send(t, first, "first "+text))
		require.Nil(t, e.send(t, second, "second "+text))
	}
	a, b := e.seen(t, first), e.seen(t, second)
	assert.Equal(t, []string{"first one", "first two"}, a.Messages())
	assert.Equal(t, []string{"second one", "second two"}, b.Messages())
	assert.NotEqual(t, a.Customer, b.Customer)
	if a.Contact != "" {
		assert.NotEqual(t, a.Contact, b.Contact)
	}
	for _, in := range e.do(t, second, emulator.Act{Kind: emulator.Say, Text: "hello"}) {
		assert.True(t, belongs(in, second))
		assert.False(t, belongs(in, first))
	}
}

// strangers have something in common that makes no two of them one: the default
// address, an address that somebody shares or claims.
func strangers(e *env) {
	t := e.t
	const shared, standIn = "office@example.com", "support@desk.example"
	contacts := map[string]string{}
	for _, who := range []struct {
		name     string
		customer handoff.Customer
	}{
		{"one user without an address", handoff.Customer{UserID: "u-10"}},
		{"another", handoff.Customer{UserID: "u-11"}},
		{"an anonymous one", handoff.Customer{AnonymousID: "anon-10"}},
		{"another anonymous one", handoff.Customer{AnonymousID: "anon-11"}},
		{"nobody", handoff.Customer{}},
		{"nobody else", handoff.Customer{}},
		{"one who shares an address", handoff.Customer{UserID: "u-12", Email: shared}},
		{"another who does", handoff.Customer{UserID: "u-13", Email: shared}},
		{"a browser that claims it", handoff.Customer{AnonymousID: "chat-1", Email: shared, Unverified: true}},
		{"another browser that claims it", handoff.Customer{AnonymousID: "chat-2", Email: shared, Unverified: true}},
		{"a browser that claims an id too", handoff.Customer{UserID: "u-12", AnonymousID: "chat-3", Unverified: true}},
		{"a browser that claims what nobody has yet", handoff.Customer{AnonymousID: "chat-4", Email: "amy@example.com", Unverified: true}},
		{"to whom it belongs", handoff.Customer{Email: "amy@example.com"}},
		{"a browser with the stand-in", handoff.Customer{AnonymousID: "chat-5", Email: standIn, Unverified: true}},
	} {
		name, customer := who.name, who.customer
		c := e.openWith(t, handoff.Start{Customer: customer, DefaultEmail: standIn, Question: "hello"})
		e.now = e.now.Add(10 * time.Minute) // vendors' searches find what is new only later
		s := e.seen(t, c)
		if s.Contact == "" {
			e.why = "the desk keeps no contacts that could be mixed up"
			assert.Equal(t, customer.Email, s.Customer.Email, "the stand-in is nobody's")
			continue
		}
		assert.Empty(t, contacts[s.Contact], "%s is taken for the same as this", name)
		contacts[s.Contact] = name
	}
	again := e.openWith(t, handoff.Start{Customer: handoff.Customer{UserID: "u-10"}, DefaultEmail: standIn, Question: "hello"})
	if contact := e.seen(t, again).Contact; contact != "" {
		assert.Equal(t, "one user without an address", contacts[contact], "who is known comes back as the same")
	}
}
