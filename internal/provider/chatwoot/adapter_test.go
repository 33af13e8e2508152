package chatwoot_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/chatwoot"
	"github.com/human-handoff/handoff/internal/provider/chatwoot/chatwoottest"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// then is what the clock shows unless a test moves it.
var then = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// desk is an account with an adapter to it.
type desk struct {
	*chatwoottest.Emulator

	provider.Adapter

	t     *testing.T
	front *emulator.Front
	now   time.Time
	calls int
}

// newDesk starts an account; change may change it, and the configuration.
func newDesk(t *testing.T, change func(*chatwoottest.Emulator, *handoffv1.ChatwootConfig)) *desk {
	t.Helper()
	d := &desk{t: t, now: then}
	clock := func() time.Time { return d.now }
	d.Emulator = chatwoottest.New(clock)
	d.front = emulator.NewFront(d.Emulator)
	server := httptest.NewServer(d.front)
	t.Cleanup(server.Close)
	config := d.Config(server.URL).(*handoffv1.ChatwootConfig)
	if change != nil {
		change(d.Emulator, config)
	}
	var err error
	d.Adapter, err = chatwoot.Kind{}.Open(config, provider.Deps{HTTP: server.Client(), Now: clock, Files: named{}, Tokens: provider.NewTokens(clock)})
	require.NoError(t, err)
	return d
}

func (d *desk) newCall() provider.Call {
	d.calls++
	return provider.Call{SessionID: fmt.Sprintf("ses_%d", d.calls), AgentID: "shop", IdempotencyKey: fmt.Sprintf("start-%d", d.calls), Time: d.now}
}

func (d *desk) begin(c handoff.Customer) provider.Call {
	d.t.Helper()
	call := d.newCall()
	ref, err := d.Open(d.t.Context(), call, handoff.Start{Customer: c, Question: "hello?", Transcript: []handoff.Turn{{Role: handoff.RoleUser, Text: "a turn"}}})
	require.NoError(d.t, err)
	call.Ref = ref
	return call
}

// contactOf begins a session and returns the contact that the customer is.
func (d *desk) contactOf(c handoff.Customer) string {
	d.t.Helper()
	return d.seen(d.begin(c)).Contact
}

func (d *desk) seen(c provider.Call) emulator.Session {
	d.t.Helper()
	s, ok := emulator.Find(d.Emulator, c.Ref.ID)
	require.True(d.t, ok)
	return s
}

func TestKnownContactsAreFound(t *testing.T) {
	t.Parallel()
	for _, old := range []bool{false, true} {
		d := newDesk(t, func(e *chatwoottest.Emulator, _ *handoffv1.ChatwootConfig) { e.NoFilter = old })
		d.AddContact("U-1x", "", "not the one that is looked for")
		known := d.AddContact("U-1", "one@example.com", "Ann")
		assert.Equal(t, known, d.contactOf(handoff.Customer{UserID: "U-1", Email: "new@example.com"}), "the id decides, not the address")
		assert.Equal(t, known, d.contactOf(handoff.Customer{Email: "ONE@example.com"}), "an address that was verified is enough")
		assert.NotEqual(t, known, d.contactOf(handoff.Customer{UserID: "u-1"}), "ids are literal")

		mail := d.AddContact("", "two@example.com", "Bob")
		assert.Equal(t, mail, d.contactOf(handoff.Customer{UserID: "u-2", Email: "two@example.com"}), "who came by another channel before")

		other := d.begin(handoff.Customer{UserID: "u-3", Email: "one@example.com"})
		assert.NotEqual(t, known, d.seen(other).Contact, "another id is somebody else")
		assert.Contains(t, d.seen(other).Context, "E-mail: one@example.com", "and agents learn of the address")
	}
}

// TestWhatAContactIsRefusedForIsLeftOut has two customers with one phone, and one
// with an address that Chatwoot does not take.
func TestWhatAContactIsRefusedForIsLeftOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	c := d.begin(handoff.Customer{UserID: "u-1", Phone: "+4366412345678", Name: strings.Repeat("x", 300)})
	assert.Equal(t, handoff.Customer{UserID: "u-1", Phone: "+4366412345678"}, d.seen(c).Customer)
	c = d.begin(handoff.Customer{UserID: "u-2", Phone: "+4366412345678", Email: "bob@localhost"})
	assert.Equal(t, handoff.Customer{UserID: "u-2"}, d.seen(c).Customer)
	c = d.begin(handoff.Customer{Email: "bob@localhost"})
	assert.Empty(t, d.seen(c).Customer.Email)
	c.Repeat = true
	again, err := d.Open(t.Context(), c, handoff.Start{Customer: handoff.Customer{Email: "bob@localhost"}, Question: "hello?"})
	require.NoError(t, err)
	assert.Equal(t, c.Ref, again, "and who could not be named is found again")
	c = d.begin(handoff.Customer{UserID: "u-3", Phone: "0664 12345678"})
	assert.Empty(t, d.seen(c).Customer.Phone)
}

// TestAContactThatCameIntoBeingMeanwhile is the race of two starts.
func TestAContactThatCameIntoBeingMeanwhile(t *testing.T) {
	t.Parallel()
	for name, customer := range map[string]handoff.Customer{
		"by its id": {UserID: "u-1"}, "by its address": {Email: "one@example.com"},
	} {
		d := newDesk(t, nil)
		// The first look finds nothing, as if the contact were made right after it.
		nothing := []byte(`{"payload":[]}`)
		looked := false
		known := d.AddContact(customer.UserID, customer.Email, "Ann")
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/filter") && !looked {
				looked = true
				_, _ = w.Write(nothing)
				return
			}
			d.ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		a, err := chatwoot.Kind{}.Open(d.Config(server.URL), provider.Deps{HTTP: server.Client(), Now: time.Now})
		require.NoError(t, err)
		d.Adapter = a
		assert.Equal(t, known, d.contactOf(customer), name)
		assert.True(t, looked)
	}
}

func TestOneConversationForEachSession(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(e *chatwoottest.Emulator, _ *handoffv1.ChatwootConfig) { e.OneConversation = true })
	first, second := d.begin(handoff.Customer{UserID: "u-1"}), d.begin(handoff.Customer{UserID: "u-1"})
	assert.NotEqual(t, first.Ref.ID, second.Ref.ID, "even in an inbox that is locked to one")
	assert.Equal(t, d.seen(first).Contact, d.seen(second).Contact)
	first.Repeat = true
	again, err := d.Open(t.Context(), first, handoff.Start{Customer: handoff.Customer{UserID: "u-1"}, Question: "hello?"})
	require.NoError(t, err)
	assert.Equal(t, first.Ref, again, "a repeat finds its own")
}

// TestRepeatsWithoutSourceIDs is against versions that do not keep the ids of messages.
func TestRepeatsWithoutSourceIDs(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(e *chatwoottest.Emulator, _ *handoffv1.ChatwootConfig) { e.NoSourceIDs = true })
	for step := range 6 {
		c := d.newCall()
		d.front.Fail(emulator.Fault{Cut: true, Once: true, Done: true, Skip: step})
		start := handoff.Start{Customer: handoff.Customer{UserID: c.SessionID}, Question: "hello?"}
		ref, err := d.Open(t.Context(), c, start)
		d.front.Heal()
		if err != nil {
			c.Repeat = true
			ref, err = d.Open(t.Context(), c, start)
			require.NoError(t, err)
		}
		c.Ref = ref
		s := d.seen(c)
		assert.Len(t, s.Lines, 1, "the note alone, step %d", step)
		assert.Equal(t, 1, strings.Count(s.Context, "hello?"), "step %d", step)
		assert.Empty(t, s.Messages(), "step %d", step)
		assert.Len(t, d.Sessions(), step+1)

		_, err = d.Do(c.Ref.ID, emulator.Act{Kind: emulator.Say, Text: "once"})
		require.NoError(t, err)
		c.IdempotencyKey, c.Repeat = "m-1", false
		d.front.Fail(emulator.Fault{Cut: true, Once: true, Done: step%2 == 0})
		_, err = d.Send(t.Context(), c, handoff.Message{Text: "once"})
		require.Error(t, err)
		d.front.Heal()
		c.Repeat = true
		id, err := d.Send(t.Context(), c, handoff.Message{Text: "once"})
		require.NoError(t, err)
		assert.NotEmpty(t, id)
		s = d.seen(c)
		assert.Equal(t, []string{"once"}, s.Messages())
	}
}

// TestTooManyMessages is a limit of a conversation that looks like a refusal.
func TestTooManyMessages(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(e *chatwoottest.Emulator, _ *handoffv1.ChatwootConfig) { e.FloodLimit = 3 })
	c := d.begin(handoff.Customer{UserID: "u-1"}) // a note and a question
	_, err := d.Send(t.Context(), c, handoff.Message{Text: "one"})
	require.NoError(t, err)
	_, err = d.Send(t.Context(), c, handoff.Message{Text: "two: too many messages?"})
	assert.Equal(t, provider.ClassRateLimited, provider.ClassOf(err))
	assert.ErrorContains(t, err, "Too many messages")
	d.now = d.now.Add(61 * time.Second)
	_, err = d.Send(t.Context(), c, handoff.Message{Text: "two"})
	require.NoError(t, err)

	d.front.Fail(emulator.Fault{Status: http.StatusUnprocessableEntity}) // which quotes what it was sent
	_, err = d.Send(t.Context(), c, handoff.Message{Text: "Too many messages"})
	assert.Equal(t, provider.ClassRejected, provider.ClassOf(err), "words of the customer's decide nothing")
	d.front.Heal()

	key, interval := d.Adapter.(provider.Pacer).Pace(c)
	assert.Equal(t, c.Ref.ID, key, "conversations do not wait for one another")
	assert.Less(t, time.Minute/interval, time.Duration(200), "and one alone does not come to the limit")
}

func TestCheckTellsWhatToChange(t *testing.T) {
	t.Parallel()
	for says, change := range map[string]func(*handoffv1.ChatwootConfig){
		"account_id":          func(c *handoffv1.ChatwootConfig) { c.AccountId = 2 },
		"inbox_id: the acc":   func(c *handoffv1.ChatwootConfig) { c.InboxId = 17 },
		"Channel::Email":      func(c *handoffv1.ChatwootConfig) { c.InboxId = chatwoottest.EmailInboxID },
		"team_id":             func(c *handoffv1.ChatwootConfig) { c.TeamId = 17 },
		"assignee_id":         func(c *handoffv1.ChatwootConfig) { c.AssigneeId = 17 },
		"webhook_secret: the": func(c *handoffv1.ChatwootConfig) { c.WebhookSecret = "another" },
	} {
		d := newDesk(t, func(_ *chatwoottest.Emulator, c *handoffv1.ChatwootConfig) { change(c) })
		err := d.Check(t.Context())
		assert.Equal(t, provider.ClassIncomplete, provider.ClassOf(err), says)
		assert.ErrorContains(t, err, says)
	}
	d := newDesk(t, func(e *chatwoottest.Emulator, c *handoffv1.ChatwootConfig) {
		e.NotAdmin, c.WebhookSecret, c.AssigneeId = true, "another", chatwoottest.AgentID
	})
	require.NoError(t, d.Check(t.Context()), "what the token's user is not shown cannot be compared")
}

func TestNewConversationsAreAssigned(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(_ *chatwoottest.Emulator, c *handoffv1.ChatwootConfig) { c.AssigneeId = chatwoottest.AgentID })
	c := d.begin(handoff.Customer{UserID: "u-1"})
	events, err := d.Do(c.Ref.ID, emulator.Act{Kind: emulator.Echo})
	require.NoError(t, err)
	made := string(events[0].Body)
	for _, want := range []string{`"event":"conversation_created"`, `"assignee":{"id":4,"name":"Lin"`, `"team":{"id":3,`, `"handoff_agent":"shop","handoff_session":"ses_1"`} {
		assert.Contains(t, made, want)
	}
	assert.NotContains(t, made, `"source_id":"handoff-ses`, "nobody can guess the name under which one could write")
	assert.Regexp(t, `"source_id":"handoff-[0-9a-f]{32}"`, made)
}

// TestALongTalkIsSeenWhole has more said than Chatwoot shows at once.
func TestALongTalkIsSeenWhole(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	c := d.begin(handoff.Customer{UserID: "u-1"})
	var want []string
	for i := range 50 {
		d.now = d.now.Add(time.Second)
		want = append(want, fmt.Sprint(i))
		_, err := d.Do(c.Ref.ID, emulator.Act{Kind: emulator.Say, Text: fmt.Sprint(i)})
		require.NoError(t, err)
	}
	texts := func(since time.Time) []string {
		all, err := d.Adapter.(provider.Reconciler).Since(t.Context(), c, since)
		require.NoError(t, err)
		var got []string
		for _, in := range all {
			got = append(got, in.Body.(handoff.HumanMessage).Text)
		}
		return got
	}
	assert.Equal(t, want, texts(then))
	before := len(d.front.Calls())
	assert.Equal(t, want[45:], texts(d.now.Add(-4*time.Second)))
	assert.Equal(t, 2, len(d.front.Calls())-before, "no more is read than is needed")
	before = len(d.front.Calls())
	assert.Empty(t, texts(d.now.Add(time.Second)))
	assert.Equal(t, 1, len(d.front.Calls())-before, "where nothing happened, messages are not read")
}

func TestADeletedConversationIsOver(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	c := d.begin(handoff.Customer{UserID: "u-1"})
	require.True(t, d.Remove(c.Ref.ID))
	got, err := d.Adapter.(provider.Reconciler).Since(t.Context(), c, then)
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.IsType(t, handoff.HumanClosed{}, got[0].Body)
	_, err = d.Send(t.Context(), c, handoff.Message{Text: "hello?"})
	assert.Equal(t, provider.ClassRejected, provider.ClassOf(err))
	require.NoError(t, d.Close(t.Context(), c, handoff.ClosedByCustomer))
}

func TestTheNoteHoldsAllThatIsKnown(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	c := d.newCall()
	ref, err := d.Open(t.Context(), c, handoff.Start{
		Customer: handoff.Customer{AnonymousID: "a", Email: "claimed@example.com", Unverified: true},
		Reason:   "asked for it", Priority: handoff.PriorityHigh, Metadata: map[string]string{"order": "17"},
		Transcript: []handoff.Turn{{Role: handoff.RoleUser, Text: "one\ntwo"}, {Role: handoff.RoleAssistant, Text: "three"}},
	})
	require.NoError(t, err)
	s, _ := emulator.Find(d.Emulator, ref.ID)
	assert.Equal(t, strings.TrimSpace(`
**Handoff session ses_1**
Reason: asked for it
Priority: high
E-mail, as the customer says: claimed@example.com
order: 17

**Customer:** one
two

**Assistant:** three
one
two`), s.Context, "and the last words stand in for a question")
	assert.Empty(t, s.Customer.Email)

	long := handoff.Start{Question: "q", Metadata: map[string]string{"a": strings.Repeat("x", 200_000)}}
	_, err = d.Open(t.Context(), d.newCall(), long)
	require.NoError(t, err, "what is too long is cut")
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	for want, config := range map[string]*handoffv1.ChatwootConfig{
		"": {AccountId: 1},
		"https://app.chatwoot.com/app/accounts/1/inbox/5":   {AccountId: 1, InboxId: 5},
		"https://chat.example.com/x/app/accounts/1/inbox/5": {AccountId: 1, InboxId: 5, BaseUrl: "https://Chat.example.com/x/"},
		"http://localhost:1/app/accounts/1/inbox/5":         {AccountId: 1, InboxId: 5, BaseUrl: "https://chat.example.com", ApiBaseUrl: "http://localhost:1"},
	} {
		account, err := chatwoot.Kind{}.Account(config)
		require.NoError(t, err)
		assert.Equal(t, want, account)
	}
	for field, config := range map[string]*handoffv1.ChatwootConfig{"base_url": {BaseUrl: "x"}, "api_base_url": {ApiBaseUrl: "http://u:p@x"}} {
		_, err := chatwoot.Kind{}.Account(config)
		assert.ErrorContains(t, err, field+": ")
		assert.NotContains(t, err.Error(), "u:p")
	}
}
