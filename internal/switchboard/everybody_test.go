package switchboard_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
)

// toEverybody returns the notices to everybody, and forgets all.
func (b *bench) toEverybody() (all []provider.Notice) {
	for _, n := range b.told {
		if n.Person == provider.Everybody {
			all = append(all, n)
		}
	}
	b.told = nil
	return all
}

// TestOfferedToEverybody: what went to all with one message is taken back, and offered
// again, with one notice that quotes it.
func TestOfferedToEverybody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.noteAll = []string{provider.Everybody}
	tag := b.session("s1", "Ann")
	offered := func() (id string) {
		b.call("s1", "ask", func(_ dispatch.Sender, _ provider.Call) error { return nil })
		b.call("s1", "close", func(s dispatch.Sender, c provider.Call) error {
			b.noteAll = nil
			return s.Close(t.Context(), c, handoff.ClosedByCustomer)
		})
		id, err := b.calls[len(b.calls)-1].Seat.Offered(context.Background())
		require.NoError(t, err)
		return id
	}
	require.Equal(t, "s1-start at @all", offered())

	b.says(handoff.PersonSaid{Person: "bob", Button: messenger.Button(messenger.TakeIt, tag)})
	var orders []string
	for _, n := range b.told {
		for _, o := range n.Orders {
			orders = append(orders, n.Person+" may "+o.Label+" by "+o.Button)
		}
	}
	require.Equal(t, []string{
		"bob may Close by " + messenger.Button(messenger.CloseIt, tag), "bob may Pass on by " + messenger.Button(messenger.PassIt, tag),
	}, orders)
	all := b.toEverybody()
	require.Len(t, all, 1)
	require.Equal(t, "s1-start at @all", all[0].Quote)
	require.True(t, strings.HasPrefix(all[0].Text, "#"+tag+" was taken by bob,"), "by the id of somebody without a name: %s", all[0].Text)

	b.presses("bob", messenger.Button(messenger.PassIt, tag))
	all = b.toEverybody()
	require.Len(t, all, 1)
	require.Len(t, all[0].Choices, 1)
	again := all[0].IdempotencyKey + " at @all"
	require.Equal(t, again, offered(), "the last one counts")
	b.presses("eve", messenger.Button(messenger.TakeIt, tag))
	all = b.toEverybody()
	require.Len(t, all, 1)
	require.Equal(t, again, all[0].Quote)
}

// TestWhatStays: where nobody can quote, humans go on with the session that they took
// or named last, until they are shown something of another one.
func TestWhatStays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ann, carl := b.session("s1", "Ann"), b.session("s2", "Carl")
	stays := func(text, button string) {
		b.pass(time.Second)
		b.says(handoff.PersonSaid{Person: "bob", Name: "Bob", Text: text, Button: button, Stays: true})
	}
	stays("", messenger.Button(messenger.TakeIt, ann))
	stays("", messenger.Button(messenger.TakeIt, carl))
	b.lastTold()
	stays("to Carl, who was taken last", "")
	stays("#"+ann+" to Ann", "")
	stays("to Ann still", "")
	require.Empty(t, b.lastTold())
	b.pass(time.Second)
	b.call("s2", "m1", func(s dispatch.Sender, c provider.Call) error {
		_, err := s.Send(t.Context(), c, handoff.Message{Text: "Hello?"})
		return err
	})
	stays("to whom?", "")
	require.Equal(t, []string{"bob: " + messenger.NoticeWhich.Text("", "", "")}, b.lastTold())
	require.Equal(t, []string{"Bob joined: true", "Bob: to Ann", "Bob: to Ann still"}, b.heard("s1"))
	require.Equal(t, []string{"Bob joined: true", "Bob: to Carl, who was taken last"}, b.heard("s2"))
}
