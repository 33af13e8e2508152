package slack_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/slack/slacktest"
)

// confirm has the adapter show what became of a webhook.
func (d *desk) confirm(r provider.Request, err error, late bool) {
	d.t.Helper()
	require.NoError(d.t, err)
	r.Names = map[string]string{"U0BOB000001": "Bob"}
	_, inbound, err := d.a.Parse(r)
	require.NoError(d.t, err)
	require.Len(d.t, inbound, 1)
	require.NoError(d.t, d.a.(provider.Confirmer).Confirm(d.t.Context(), d.call, inbound[0], late))
}

func (d *desk) bob(action string, late bool) {
	d.t.Helper()
	r, err := d.vendor.Press(d.call.Ref.ID, action)
	d.confirm(r, err, late)
}

func (d *desk) eve(action string, late bool) {
	d.t.Helper()
	r, err := d.vendor.PressAsEve(d.call.Ref.ID, action)
	d.confirm(r, err, late)
}

const help = "Replies in this thread go to the customer. Begin one with `//` for a note among yourselves; `!close` or the button ends the conversation."

func TestTheCardShowsWhoTookIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	session := d.call.Ref.ID
	question := d.vendor.Card(session).Notes[0]
	require.Equal(t, slacktest.Card{Buttons: []string{"Take", "Close"}, Notes: []string{question, help}}, d.vendor.Card(session))
	taken := slacktest.Card{Buttons: []string{"Close"}, Notes: []string{question, help, "Taken by Bob"}}
	for range 2 { // who presses again, or whose press is told again, changes nothing
		d.bob("handoff_take", false)
		require.Equal(t, taken, d.vendor.Card(session))
	}
	require.Empty(t, d.vendor.Whispers(session))

	d.eve("handoff_take", false) // who has not seen yet that the button is gone
	require.Equal(t, taken, d.vendor.Card(session), "who was first has it")
	require.Equal(t, []slacktest.Whisper{{To: "Eve Miller", Text: "@Bob took this conversation before you."}}, d.vendor.Whispers(session))

	require.NoError(t, d.a.Close(t.Context(), d.call, handoff.ClosedByCustomer))
	over := slacktest.Card{Notes: append(taken.Notes, "The customer has ended the conversation.")}
	require.Equal(t, over, d.vendor.Card(session))
	d.eve("handoff_take", false) // the end was shown before it was known here that somebody took it
	require.Equal(t, over, d.vendor.Card(session))
	require.Len(t, d.vendor.Whispers(session), 1)
}

func TestWhoHasNoNameTakesItAllTheSame(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	in := handoff.Inbound{Person: "U0EVE000001", Body: handoff.HumanJoined{}}
	require.NoError(t, d.a.(provider.Confirmer).Confirm(t.Context(), d.call, in, false))
	require.Contains(t, d.vendor.Card(d.call.Ref.ID).Notes, "Taken by @Eve Miller")
}

func TestWhatWasRelayedHasAMark(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	say := func(text string) provider.Request {
		all, err := d.vendor.Do(d.call.Ref.ID, emulator.Act{Kind: emulator.Say, Text: text})
		require.NoError(t, err)
		return all[0]
	}
	first := say("one")
	d.confirm(first, nil, false)
	d.confirm(first, nil, false)
	say("two")
	d.confirm(say("three"), nil, true)
	require.Equal(t, map[string][]string{"one": {"white_check_mark"}, "two": nil, "three": nil}, d.vendor.Marks(d.call.Ref.ID))
	require.Equal(t, []slacktest.Whisper{{To: "Bob", Text: "The conversation is over: this did not go to the customer."}}, d.vendor.Whispers(d.call.Ref.ID))
}

// TestButtonsOfWhatIsOver has buttons left over: Slack's answer to the close was lost,
// or an old client shows them.
func TestButtonsOfWhatIsOver(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"handoff_take", "handoff_close"} {
		d := newDesk(t)
		for range 2 {
			d.bob(action, true)
			card := d.vendor.Card(d.call.Ref.ID)
			assert.Empty(t, card.Buttons, action)
			assert.Equal(t, []string{help, "The conversation is over."}, card.Notes[1:], action)
		}
		assert.Equal(t, slacktest.Whisper{To: "Bob", Text: "The conversation is over."}, d.vendor.Whispers(d.call.Ref.ID)[1])
	}
	d := newDesk(t)
	d.bob("handoff_close", false)
	assert.Len(t, d.vendor.Card(d.call.Ref.ID).Buttons, 2, "the close itself shows the end")
}
