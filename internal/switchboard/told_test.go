package switchboard_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
)

// becomes has the vendor tell what became of something that was written to a human.
func (b *bench) becomes(session, vendorID string, told handoff.PersonTold) {
	b.t.Helper()
	for range 2 {
		require.NoError(b.t, b.svc.Receive(b.t.Context(), connection, handoff.Inbound{SessionID: session, VendorID: vendorID, Body: told}))
	}
	b.deliver()
}

// TestNoticesCanBeQuoted: what a human was told of a session is the likeliest to be quoted.
func TestNoticesCanBeQuoted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ann, carl := b.session("s1", "Ann"), b.session("s2", "Carl")
	ids := map[string]string{}
	for _, tag := range []string{ann, carl} {
		b.presses("bob", messenger.Button(messenger.TakeIt, tag))
		for _, n := range b.told {
			if n.Person == "bob" {
				ids[n.SessionID] = n.IdempotencyKey + " at bob"
			}
		}
	}
	said := bob("Hello Ann")
	said.Quotes, said.QuotedIDs = true, []string{ids["s1"]}
	b.says(said)
	require.Equal(t, []string{"Bob joined: true", "Bob: Hello Ann"}, b.heard("s1"))
	require.Len(t, b.heard("s2"), 1)
}

// TestAnswersThatWereLost: what the vendor says it brought is not brought again.
func TestAnswersThatWereLost(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.session("s1", "Ann")
	b.noteAll = nil // nothing is known of what follows
	b.becomes("s1", "part 1", handoff.PersonTold{Person: "bob", Delivery: "m1"})
	b.becomes("s1", "part 2", handoff.PersonTold{Person: "bob", Delivery: "m1"})
	b.call("s1", "m1", func(s dispatch.Sender, c provider.Call) error {
		_, err := s.Send(t.Context(), c, handoff.Message{Text: "Hello?"})
		return err
	})
	require.Equal(t, map[string][]string{"bob": {"part 1", "part 2"}}, b.calls[len(b.calls)-1].Seat.Earlier)

	b.refuse = provider.Errorf(provider.ClassTransient, "down")
	b.says(bob("/help"))
	b.refuse = nil
	due, _, err := b.store.Notices(t.Context(), b.clock().Add(time.Hour), 10)
	require.NoError(t, err)
	require.Len(t, due, 1)
	b.becomes("", "v", handoff.PersonTold{Person: "bob", Delivery: fmt.Sprint("notice-", due[0].ID)})
	b.pass(time.Hour)
	b.deliver()
	require.Empty(t, b.told)
}

// TestAnotherAnswerEndsAChoice: whoever chose a session and then answered another one
// by name may go on with that.
func TestAnotherAnswerEndsAChoice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ann, carl := b.session("s1", "Ann"), b.session("s2", "Carl")
	for _, tag := range []string{ann, carl} {
		b.presses("bob", messenger.Button(messenger.TakeIt, tag))
	}
	b.pass(2 * time.Minute)
	b.presses("bob", messenger.Button(messenger.PickIt, ann))
	b.says(bob("to Ann"))
	b.says(bob("#" + ann + " to Ann, too"))
	b.says(bob("to Ann still"))
	b.lastTold()
	b.says(bob("#" + carl + " to Carl"))
	b.says(bob("to whom?"))
	require.Equal(t, []string{"bob: " + messenger.NoticeWhich.Text("", "", "")}, b.lastTold())
	require.Equal(t, []string{"Bob joined: true", "Bob: to Ann", "Bob: to Ann, too", "Bob: to Ann still"}, b.heard("s1"))
	require.Equal(t, []string{"Bob joined: true", "Bob: to Carl"}, b.heard("s2"))
}

// TestBarred: whoever could not be told is offered the session in another way, once.
func TestBarred(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.brief = true
	tag := b.session("s1", "Ann")
	b.becomes("s1", "s1-start at eve", handoff.PersonTold{Person: "eve", Delivery: "s1-start", Barred: true})
	require.Len(t, b.told, 1)
	offer := b.told[0]
	require.Equal(t, "eve", offer.Person)
	require.True(t, offer.Barred)
	require.Equal(t, "s1", offer.SessionID)
	require.Equal(t, messenger.Button(messenger.TakeIt, tag), offer.Choices[0].Button)
	require.Contains(t, offer.Text, "#"+tag+" Ann: Where is my parcel?")
	b.lastTold()

	b.presses("bob", messenger.Button(messenger.TakeIt, tag))
	b.lastTold()
	b.becomes("s1", "another", handoff.PersonTold{Person: "eve", Barred: true})
	require.Empty(t, b.told, "it is somebody else's by now")
	b.becomes("s1", "m1 at bob", handoff.PersonTold{Person: "bob", Delivery: "m1", Barred: true})
	require.Len(t, b.told, 1)
	b.lastTold()
	b.presses("bob", b.choice(tag))
	require.Contains(t, b.lastTold()[0], "< Where is my parcel?", "they are told what they missed")

	b.says(bob("/close"))
	b.lastTold()
	b.becomes("s1", "m2 at bob", handoff.PersonTold{Person: "bob", Barred: true})
	require.Empty(t, b.told, "it is over")
}

func (b *bench) choice(tag string) string { return messenger.Button(messenger.TakeIt, tag) }

// TestHeard: the adapter is told who said something of late, and when.
func TestHeard(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.session("s1", "Ann")
	b.says(bob("Hi"))
	at := b.clock()
	require.Equal(t, at, b.told[0].Heard)
	b.becomes("s1", "x", handoff.PersonTold{Person: "eve", Barred: true})
	b.pass(2 * time.Hour)
	heard, err := b.calls[0].Seat.Heard(t.Context(), b.clock().Add(-3*time.Hour))
	require.NoError(t, err)
	require.Equal(t, map[string]time.Time{"bob": at}, heard, "that something could not be told to eve is nothing that she said")
	heard, err = b.calls[0].Seat.Heard(t.Context(), b.clock().Add(-time.Hour))
	require.NoError(t, err)
	require.Empty(t, heard)
}

// paced is a bench whose calls count towards the human.
type paced struct{ *bench }

func (paced) Terms(context.Context, string) (dispatch.Terms, error) {
	return dispatch.Terms{Pace: func(c provider.Call) (string, time.Duration) { return c.Seat.Person, time.Second }}, nil
}

// TestPaces: what counts towards a human is found out without a look at the database.
func TestPaces(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.connect(paced{b})
	terms, err := b.svc.Terms(t.Context(), connection)
	require.NoError(t, err)
	who := func() string {
		person, _ := terms.Pace(provider.Call{SessionID: "s1"})
		return person
	}
	tag := b.session("s1", "Ann")
	require.Empty(t, who())
	b.presses("bob", messenger.Button(messenger.TakeIt, tag))
	require.Equal(t, "bob", who())
	b.says(bob("/pass"))
	require.Empty(t, who())
	b.presses("eve", messenger.Button(messenger.TakeIt, tag))
	b.connect(paced{b}) // another process, which has to see the session once
	terms, err = b.svc.Terms(t.Context(), connection)
	require.NoError(t, err)
	require.Empty(t, who())
	send := func(s dispatch.Sender, c provider.Call) error {
		_, err := s.Send(t.Context(), c, handoff.Message{Text: "Hello?"})
		return err
	}
	b.call("s1", "m1", send)
	require.Equal(t, "eve", who())
	b.call("s1", "s1-close", func(s dispatch.Sender, c provider.Call) error {
		return s.Close(t.Context(), c, handoff.ClosedByCustomer)
	})
	require.Empty(t, who())
}
