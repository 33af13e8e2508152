package zendesk_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/zendesk"
	"github.com/human-handoff/handoff/internal/provider/zendesk/zendesktest"
)

// then is what the clock shows unless a test moves it.
var then = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// desk is an app with an adapter to it.
type desk struct {
	*zendesktest.Emulator

	provider.Adapter

	t     *testing.T
	front *emulator.Front
	now   time.Time
	calls int
	keys  []string // that were kept

	address string
	clock   func() time.Time
	open    func(receiveURL string) provider.Adapter
}

// newDesk starts an app; change may change it, and the configuration.
func newDesk(t *testing.T, change func(*zendesktest.Emulator, *handoffv1.ZendeskConfig)) *desk {
	t.Helper()
	d := &desk{t: t, now: then}
	clock := func() time.Time { return d.now }
	d.clock = clock
	d.Emulator = zendesktest.New(clock)
	d.front = emulator.NewFront(d.Emulator)
	server := httptest.NewServer(d.front)
	t.Cleanup(server.Close)
	d.address = server.URL
	config := d.Config(server.URL).(*handoffv1.ZendeskConfig)
	if change != nil {
		change(d.Emulator, config)
	}
	d.open = func(receiveURL string) provider.Adapter {
		a, err := zendesk.Kind{}.Open(config, provider.Deps{
			HTTP: server.Client(), Now: clock, Files: named{}, ReceiveURL: receiveURL,
			Renew: func(_ context.Context, secrets map[string]string) error {
				config.WebhookKey = secrets["webhook_key"]
				d.keys = append(d.keys, config.GetWebhookKey())
				return nil
			},
		})
		require.NoError(t, err)
		return a
	}
	d.Adapter = d.open("")
	return d
}

func (d *desk) newCall() provider.Call {
	d.calls++
	return provider.Call{SessionID: fmt.Sprintf("ses_%d", d.calls), IdempotencyKey: fmt.Sprintf("start-%d", d.calls), Time: d.now}
}

func (d *desk) begin(start handoff.Start) provider.Call {
	d.t.Helper()
	c := d.newCall()
	ref, err := d.Open(d.t.Context(), c, start)
	require.NoError(d.t, err)
	c.Ref = ref
	return c
}

func (d *desk) seen(c provider.Call) emulator.Session {
	d.t.Helper()
	s, ok := emulator.Find(d.Emulator, c.Ref.ID)
	require.True(d.t, ok)
	return s
}

// TestTheTicketHasItsFields is about the order of a start: fields that come after
// the customer's first words are too late.
func TestTheTicketHasItsFields(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(_ *zendesktest.Emulator, c *handoffv1.ZendeskConfig) { c.GroupId, c.BrandId = "17", "18" })
	start := handoff.Start{
		Customer: handoff.Customer{UserID: "u-1", Name: "Ann Lee", Email: "ann@example.com"}, Question: "hello?",
		Tags: []string{"two words", "a,b", ""}, Priority: handoff.PriorityHigh,
	}
	c := d.begin(start)
	ticket := d.Ticket(c.Ref.ID)
	assert.NotEmpty(t, ticket["first_message_id"])
	delete(ticket, "first_message_id")
	assert.Equal(t, map[string]any{
		"dataCapture.systemField.requester.name": "Ann Lee", "dataCapture.systemField.requester.email": "ann@example.com",
		"dataCapture.systemField.tags": "handoff,two_words,a_b", "dataCapture.systemField.priority": "high",
		"dataCapture.systemField.group_id": "17", "dataCapture.systemField.brand_id": "18",
	}, ticket)
	for _, line := range d.seen(c).Lines {
		assert.NotEqual(t, emulator.FromBot, line.From, "the account's bot has no say")
	}

	start.Customer = handoff.Customer{AnonymousID: "a", Name: "Ann", Email: "claimed@example.com", Unverified: true}
	c = d.begin(start)
	assert.NotContains(t, d.Ticket(c.Ref.ID), "dataCapture.systemField.requester.email", "what is only claimed is no address to write to")
	assert.Contains(t, d.seen(c).Context, "E-mail, as the customer says: claimed@example.com")
	assert.Empty(t, d.seen(c).Customer.Email)

	start.Tags = nil
	for i := range 100 {
		start.Tags = append(start.Tags, strings.Repeat("x", 100)+fmt.Sprint(i))
	}
	d.begin(start) // which Zendesk refuses over 4 KB
}

func TestUsersComeBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	contact := func(c handoff.Customer) string {
		return d.seen(d.begin(handoff.Start{Customer: c, Question: "x"})).Contact
	}
	known := contact(handoff.Customer{UserID: "u/1 ?"})
	assert.Equal(t, known, contact(handoff.Customer{UserID: "u/1 ?", Email: "a@example.com"}))
	mail := contact(handoff.Customer{Email: "Bob@example.com"})
	assert.Equal(t, mail, contact(handoff.Customer{Email: "bob@EXAMPLE.com"}))
	assert.NotEqual(t, mail, contact(handoff.Customer{UserID: "u-2", Email: "bob@example.com"}), "an address joins nobody")
}

// TestLongTexts are cut into pieces, and never within a character.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	c := d.begin(handoff.Start{Customer: handoff.Customer{UserID: "u-1"}, Question: "hello?"})
	for i, text := range []string{
		strings.Repeat("x", 4096), strings.Repeat("x", 4097), "x" + strings.Repeat("🐦", 5000), strings.Repeat("ä", 9000), strings.Repeat("a line\n", 1500),
	} {
		was := d.seen(c)
		c.IdempotencyKey = fmt.Sprint("m-", i)
		_, err := d.Send(t.Context(), c, handoff.Message{Text: text})
		require.NoError(t, err)
		s := d.seen(c)
		got := s.Messages()[len(was.Messages()):]
		assert.Equal(t, text, strings.Join(got, ""))
		assert.Len(t, got, (len(utf16.Encode([]rune(text)))+4095)/4096)
		if strings.HasPrefix(text, "a line") {
			assert.True(t, strings.HasSuffix(got[0], "a line\n"), "and where it can be, between lines")
		}
	}
}

// TestALongMessageIsRepeatedFromWhereItWasCut loses each call of a message in turn.
func TestALongMessageIsRepeatedFromWhereItWasCut(t *testing.T) {
	t.Parallel()
	for _, done := range []bool{false, true} {
		for step := range 3 {
			d := newDesk(t, nil)
			c := d.begin(handoff.Start{Customer: handoff.Customer{UserID: "u-1"}, Question: "hello?"})
			text := strings.Repeat("x", 4096) + strings.Repeat("y", 4096) + "z"
			c.IdempotencyKey = "m-1"
			d.front.Fail(emulator.Fault{Cut: true, Once: true, Done: done, Skip: step})
			_, err := d.Send(t.Context(), c, handoff.Message{Text: text})
			require.Error(t, err)
			d.front.Heal()
			c.Repeat = true
			id, err := d.Send(t.Context(), c, handoff.Message{Text: text})
			require.NoError(t, err)
			assert.NotEmpty(t, id)
			s := d.seen(c)
			assert.Equal(t, text, strings.Join(s.Messages(), ""), "step %d", step)
		}
	}
}

func TestLongStarts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	before := len(d.front.Calls())
	c := d.begin(handoff.Start{
		Customer: handoff.Customer{UserID: "u-1"}, Question: strings.Repeat("q", 5000),
		Metadata: map[string]string{"a": strings.Repeat("x", 60_000)},
	})
	s := d.seen(c)
	assert.Contains(t, s.Context, "Handoff session ses_1")
	assert.Equal(t, 12, len(d.front.Calls())-before, "a start must not take long: a user, a conversation, seven of the note, control, two of the question")
}

func TestWithoutMultiConversations(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(e *zendesktest.Emulator, _ *handoffv1.ZendeskConfig) { e.OneConversation = true })
	start := handoff.Start{Customer: handoff.Customer{UserID: "u-1"}, Question: "hello?"}
	d.begin(start)
	_, err := d.Open(t.Context(), d.newCall(), start)
	assert.Equal(t, provider.ClassRejected, provider.ClassOf(err))
	assert.ErrorContains(t, err, "multi-conversations")
}

// TestARepeatedStartFindsItsOwn has two sessions of one customer, and an agent who
// was quicker than the repeat.
func TestARepeatedStartFindsItsOwn(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	start := handoff.Start{Customer: handoff.Customer{UserID: "u-1"}, Question: "hello?"}
	first, second := d.begin(start), d.begin(start)
	_, err := d.Do(second.Ref.ID, emulator.Act{Kind: emulator.Close})
	require.NoError(t, err)
	second.Repeat = true
	again, err := d.Open(t.Context(), second, start)
	require.NoError(t, err)
	assert.Equal(t, second.Ref, again)
	assert.NotEqual(t, first.Ref, again)
	assert.NotEmpty(t, d.seen(second).Closed, "what an agent has ended is not begun anew")
	assert.Empty(t, d.seen(first).Closed)
}

func TestCheckTellsWhatToChange(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(e *zendesktest.Emulator, _ *handoffv1.ZendeskConfig) { e.NoWorkspace = true })
	err := d.Check(t.Context())
	assert.Equal(t, provider.ClassIncomplete, provider.ClassOf(err))
	assert.ErrorContains(t, err, "agent_workspace")
	d = newDesk(t, func(_ *zendesktest.Emulator, c *handoffv1.ZendeskConfig) { c.AppId = "17" })
	assert.ErrorContains(t, d.Check(t.Context()), "app_not_found")
	d = newDesk(t, func(_ *zendesktest.Emulator, c *handoffv1.ZendeskConfig) {
		c.AgentWorkspace = "5ef21b86e933b7355c11c604"
	})
	require.NoError(t, d.Check(t.Context()), "by its id")
	d.begin(handoff.Start{Customer: handoff.Customer{UserID: "u-1"}, Question: "x"})
}

// TestALongTalkIsSeenWhole has more said than Zendesk shows at once.
func TestALongTalkIsSeenWhole(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	c := d.begin(handoff.Start{Customer: handoff.Customer{UserID: "u-1"}, Question: "x"})
	var want []string
	for i := range 250 {
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
	assert.Equal(t, want[245:], texts(d.now.Add(-4*time.Second)))
	assert.Equal(t, 2, len(d.front.Calls())-before, "no more is read than is needed")
}

func TestADeletedConversationIsOver(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	c := d.begin(handoff.Start{Customer: handoff.Customer{UserID: "u-1"}, Question: "x"})
	require.True(t, d.Remove(c.Ref.ID))
	got, err := d.Adapter.(provider.Reconciler).Since(t.Context(), c, then)
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.IsType(t, handoff.HumanClosed{}, got[0].Body)
	_, err = d.Send(t.Context(), c, handoff.Message{Text: "hello?"})
	assert.Equal(t, provider.ClassRejected, provider.ClassOf(err))
	require.NoError(t, d.Close(t.Context(), c, handoff.ClosedByCustomer))
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	for want, config := range map[string]*handoffv1.ZendeskConfig{
		"":                                      {Subdomain: "shop"},
		"https://shop.zendesk.com/sc/v2/apps/5": {Subdomain: "shop", AppId: "5"},
		"http://localhost:1/sc/v2/apps/5":       {Subdomain: "shop", AppId: "5", ApiBaseUrl: "http://localhost:1/"},
	} {
		account, err := zendesk.Kind{}.Account(config)
		require.NoError(t, err)
		assert.Equal(t, want, account)
	}
	_, err := zendesk.Kind{}.Account(&handoffv1.ZendeskConfig{ApiBaseUrl: "x"})
	assert.ErrorContains(t, err, "api_base_url")
	assert.Equal(t, []string{"subdomain", "app_id", "key_id", "key_secret"}, zendesk.Kind{}.Missing(&handoffv1.ZendeskConfig{}))
}

func TestARefOfAnotherVersionIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	_, err := d.Send(t.Context(), provider.Call{Ref: handoff.Ref{ID: "1"}}, handoff.Message{Text: "x"})
	assert.Equal(t, provider.ClassRejected, provider.ClassOf(err))
}
