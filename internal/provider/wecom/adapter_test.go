package wecom_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/messenger"
	"github.com/human-handoff/handoff/internal/provider/wecom"
	"github.com/human-handoff/handoff/internal/provider/wecom/wecomtest"
)

// desk is an adapter on an emulator.
type desk struct {
	t        *testing.T
	emulator *wecomtest.Emulator
	front    *emulator.Front
	adapter  *wecom.Adapter
	now      time.Time
	noted    map[string][]string // by key and person
	offered  string
}

func newDesk(t *testing.T, change ...func(*handoffv1.WeComConfig)) *desk {
	t.Helper()
	d := &desk{t: t, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), noted: map[string][]string{}}
	d.emulator = wecomtest.New(d.clock)
	d.emulator.PerMinute = wecomtest.PerMinute
	d.front = emulator.NewFront(d.emulator)
	server := httptest.NewServer(d.front)
	t.Cleanup(func() { d.front.Stop(); server.Close() })
	config, ok := d.emulator.Config(server.URL).(*handoffv1.WeComConfig)
	require.True(t, ok)
	for _, fn := range change {
		fn(config)
	}
	a, err := wecom.Kind{}.Open(config, provider.Deps{
		HTTP: http.DefaultClient, Now: d.clock, Tokens: provider.NewTokens(d.clock), Meter: provider.NewMeter(d.clock),
	})
	require.NoError(t, err)
	d.adapter, ok = a.(*wecom.Adapter)
	require.True(t, ok)
	return d
}

func (d *desk) clock() time.Time { return d.now }

// call is a call of a session that a member has; empty = nobody.
func (d *desk) call(person, key string) provider.Call {
	earlier := map[string][]string{}
	for _, who := range []string{person, provider.Everybody} {
		earlier[who] = d.noted[key+who]
	}
	return provider.Call{
		SessionID: "ses_1", AgentID: "shop", IdempotencyKey: key, Time: d.now, Ref: handoff.Ref{ID: "H7K3", Data: `{"customer":"Ann Lee"}`},
		Seat: provider.Seat{
			Tag: "H7K3", Person: person, Earlier: earlier,
			Noted: func(person, id string) {
				d.noted[key+person] = append(d.noted[key+person], id)
				if person == provider.Everybody {
					d.offered = id
				}
			},
			Offered: func(context.Context) (string, error) { return d.offered, nil },
		},
	}
}

// patiently makes a call until it goes through, waiting for what it asks.
func (d *desk) patiently(do func() error) (waits int) {
	d.t.Helper()
	for ; ; waits++ {
		err := do()
		if err == nil {
			return waits
		}
		require.Equal(d.t, provider.ClassTransient, provider.ClassOf(err), "%v", err)
		require.Positive(d.t, provider.WaitOf(err))
		require.Less(d.t, waits, 50)
		d.now = d.now.Add(provider.WaitOf(err))
	}
}

var header = regexp.MustCompile(`^#H7K3 Ann Lee ·[A-Z2-7]{3}( \(\d+/\d+\))?\n`)

// read returns what a member reads of the customer's words, put together.
func (d *desk) read(who int) string {
	var all strings.Builder
	for _, m := range d.emulator.Chat(who).Messages {
		require.LessOrEqual(d.t, len(m.Text), 2048)
		if head := header.FindString(m.Text); head != "" {
			all.WriteString(m.Text[len(head):])
		}
	}
	return all.String()
}

func (d *desk) send(key, text string) error {
	_, err := d.adapter.Send(d.t.Context(), d.call("zhangsan", key), handoff.Message{Text: text})
	return err
}

// TestNothingIsTooMuch writes faster than WeCom takes it: what is beyond 30 messages
// a minute it drops without a word, and nothing may be lost.
func TestNothingIsTooMuch(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var want strings.Builder
	for i := range 60 {
		text := fmt.Sprintf("message %d. ", i)
		want.WriteString(text)
		d.patiently(func() error { return d.send(fmt.Sprint("msg_", i), text) })
		if i%5 == 0 {
			d.patiently(func() error {
				_, err := d.adapter.Tell(t.Context(), provider.Notice{IdempotencyKey: fmt.Sprint("notice-", i), Person: "zhangsan", Text: "Nobody is waiting."})
				return err
			})
			d.patiently(func() error {
				c := d.call("", fmt.Sprint("start ", i))
				_, err := d.adapter.Open(t.Context(), c, handoff.Start{Question: "?"})
				return err
			})
		}
	}
	assert.Zero(t, d.emulator.Dropped())
	assert.Equal(t, want.String(), d.read(0))
}

// TestLongTexts come in parts that WeCom takes, which break no character, and go on
// where they were when too many of them had to wait.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"Chinese":    strings.Repeat("您的包裹在哪里？", 2700),
		"emoji":      strings.Repeat("👩‍👩‍👧‍👦", 2500),
		"with space": strings.Repeat("two words ", 6500),
	} {
		d := newDesk(t)
		waits := d.patiently(func() error { return d.send("msg_1", text) })
		assert.Positive(t, waits, name)
		assert.Less(t, waits, 6, "%s: each wait is for many", name)
		assert.Equal(t, text, d.read(0), name)
		assert.Zero(t, d.emulator.Dropped(), name)
	}
}

// TestRepeats: what got through is not sent again, and what is said twice is.
func TestRepeats(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, key := range []string{"msg_1", "msg_1", "msg_2"} {
		require.NoError(t, d.send(key, "Hello?"))
		delete(d.noted, key+"zhangsan") // the answer was lost
	}
	assert.Equal(t, "Hello?Hello?", d.read(0))
	for range 2 {
		c := d.call("", "start")
		c.Seat.Earlier = nil
		_, err := d.adapter.Open(t.Context(), c, handoff.Start{Question: "Where is my parcel?"})
		require.NoError(t, err)
	}
	assert.Len(t, d.emulator.Chat(1).Messages, 1, "one card")
}

func TestUntrustedAddress(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.emulator.Distrust(true)
	err := d.adapter.Check(t.Context())
	assert.Equal(t, provider.ClassIncomplete, provider.ClassOf(err), "nothing is lost until somebody has acted")
	assert.ErrorContains(t, err, "does not trust the address 203.0.113.9: enter it")
	assert.ErrorContains(t, err, "企业可信IP")
	assert.Equal(t, provider.ClassIncomplete, provider.ClassOf(d.send("msg_1", "Hello?")))
	d.emulator.Distrust(false)
	require.NoError(t, d.adapter.Check(t.Context()))
}

func TestTokens(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for i := range 3 {
		require.NoError(t, d.send(fmt.Sprint("msg_", i), "x"))
	}
	assert.Equal(t, 1, d.emulator.Issued(), "it is remembered")
	d.emulator.EndTokens()
	require.NoError(t, d.send("msg_4", "x"))
	assert.Equal(t, 2, d.emulator.Issued(), "and renewed when it ends before its time")
	d.now = d.now.Add(2*time.Hour - time.Minute)
	require.NoError(t, d.send("msg_5", "x"))
	assert.Equal(t, 3, d.emulator.Issued(), "or a little before")
	d.emulator.Refuse(40014, 42001) // gettoken's answer is the second
	assert.Equal(t, provider.ClassCredentials, provider.ClassOf(d.send("msg_6", "x")))
}

func TestCodes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for code, want := range map[int]provider.Class{
		-1: provider.ClassTransient, 45009: provider.ClassRateLimited, 45033: provider.ClassRateLimited,
		40001: provider.ClassCredentials, 40056: provider.ClassCredentials, 48002: provider.ClassCredentials, 301002: provider.ClassCredentials,
		40058: provider.ClassRejected, 81013: provider.ClassRejected, 60011: provider.ClassRejected, 99999: provider.ClassRejected,
	} {
		d.now = d.now.Add(time.Minute)
		require.NoError(t, d.adapter.Check(t.Context()))
		d.emulator.Refuse(code)
		err := d.send(fmt.Sprint("msg ", code), "x")
		assert.Equal(t, want, provider.ClassOf(err), "%d: %v", code, err)
		assert.ErrorContains(t, err, fmt.Sprint(code))
		assert.Equal(t, want == provider.ClassRateLimited, provider.WaitOf(err) == time.Minute, code)
	}
}

// TestNoAddressInErrors: tokens stand in addresses.
func TestNoAddressInErrors(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, skip := range []int{0, 0} {
		d.front.Fail(emulator.Fault{Cut: true, Skip: skip})
		err := d.send("msg_1", "x")
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "access_token")
		assert.NotContains(t, err.Error(), "corpsecret")
		assert.Contains(t, err.Error(), "/cgi-bin/")
		d.front.Heal()
		require.NoError(t, d.adapter.Check(t.Context())) // and from now on with a token
	}
}

func TestWhoIsNotReached(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.emulator.Hide(0)
	_, err := d.adapter.Open(t.Context(), d.call("", "start"), handoff.Start{Question: "?"})
	require.NoError(t, err, "somebody else is")
	err = d.send("msg_1", "Hello?")
	assert.Equal(t, provider.ClassRejected, provider.ClassOf(err))
	assert.ErrorContains(t, err, "81013")
	_, err = d.adapter.Send(t.Context(), d.call("wangwu", "msg_2"), handoff.Message{Text: "x"})
	assert.ErrorContains(t, err, "not of the desk any more")
	d.emulator.Hide(1)
	_, err = d.adapter.Open(t.Context(), d.call("", "start 2"), handoff.Start{Question: "?"})
	assert.Equal(t, provider.ClassRejected, provider.ClassOf(err))
}

func (d *desk) cards(who int) (cards []string) {
	for _, m := range d.emulator.Chat(who).Messages {
		for _, b := range m.Buttons {
			cards = append(cards, fmt.Sprint(m.Title, " | ", b.Title, " | ", m.Replaced))
		}
	}
	return cards
}

// TestCards: a card tells what became of it, to all who got it.
func TestCards(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(c *handoffv1.WeComConfig) { c.Language = "" })
	_, err := d.adapter.Open(t.Context(), d.call("", "start"), handoff.Start{Customer: handoff.Customer{Name: "李安"}, Question: "我的包裹在哪里？"})
	require.NoError(t, err)
	card := d.emulator.Chat(0).Messages[0]
	assert.Equal(t, "我的包裹在哪里？", card.Text)
	r, err := d.emulator.Press(0, card.ID, "take:")
	require.NoError(t, err)
	_, inbound, err := d.adapter.Parse(r)
	require.NoError(t, err)
	require.Len(t, inbound, 1)
	said := inbound[0].Body.(handoff.PersonSaid)
	assert.Equal(t, "zhangsan", said.Person, "as it is configured")
	assert.Equal(t, messenger.Button(messenger.TakeIt, "H7K3"), said.Button)

	tell := func(n provider.Notice) {
		t.Helper()
		n.SessionID = "ses_1"
		_, err := d.adapter.Tell(t.Context(), n)
		require.NoError(t, err)
	}
	took := messenger.NoticeTook.Text(said.Locale, "H7K3", "")
	tell(provider.Notice{IdempotencyKey: "notice-1", Person: "zhangsan", Text: took, Quote: inbound[0].VendorID, Orders: []provider.Choice{
		{Label: messenger.LabelClose.Text(said.Locale, "", ""), Button: messenger.Button(messenger.CloseIt, "H7K3")},
	}})
	assert.Equal(t, []string{"#H7K3 李安 | 接入 | #H7K3 已由您接入", "#H7K3 已由您接入 | 结束 | "}, d.cards(0))
	tell(provider.Notice{IdempotencyKey: "notice-2", Person: provider.Everybody, Text: messenger.NoticeTaken.Text(said.Locale, "H7K3", "张三"), Quote: d.offered})
	assert.Equal(t, []string{"#H7K3 李安 | 接入 | #H7K3 已由 张三 接入"}, d.cards(1))

	ended := d.call("", "end")
	require.NoError(t, d.adapter.Close(t.Context(), ended, handoff.ClosedByCustomer), "the code of the card is used up, which is no error")
	_, err = d.adapter.Open(t.Context(), d.call("", "start 2"), handoff.Start{Question: "?"})
	require.NoError(t, err)
	require.NoError(t, d.adapter.Close(t.Context(), ended, handoff.ClosedByCustomer))
	assert.Equal(t, "#H7K3 | 接入 | #H7K3：客户已结束会话", d.cards(1)[1])
	assert.Len(t, d.emulator.Chat(1).Messages, 2, "nobody was written to")
}

// TestManyChoices need more than one card; what they are of is on the card.
func TestManyChoices(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var list []provider.Choice
	for i := range 10 {
		list = append(list, provider.Choice{Label: fmt.Sprintf("#H7K%d Customer", i), Detail: strings.Repeat("words ", 12), Button: fmt.Sprint("handoff:pick:H7K", i)})
	}
	_, err := d.adapter.Tell(t.Context(), provider.Notice{
		IdempotencyKey: "notice-1", Person: "LISI", Text: messenger.NoticeWhich.Text("", "", ""), Choices: list,
	})
	require.NoError(t, err)
	all := d.emulator.Chat(1).Messages
	require.Len(t, all, 2)
	assert.Len(t, d.cards(1), 10)
	assert.Contains(t, all[0].Text, "Who is this for?")
	assert.Contains(t, all[1].Text, "words")
}

// TestLongHistories: what was said last counts.
func TestLongHistories(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	text := "#H7K3 is yours: what you write goes to the customer.\n\n" + strings.Repeat("您的包裹在哪里？\n", 1500) + "the end"
	d.patiently(func() error {
		_, err := d.adapter.Tell(t.Context(), provider.Notice{IdempotencyKey: "notice-1", SessionID: "ses_1", Person: "zhangsan", Text: text})
		return err
	})
	all := d.emulator.Chat(0).Messages
	assert.Len(t, all, 10)
	assert.True(t, strings.HasPrefix(all[0].Text, "#H7K3 is yours"))
	for _, m := range all {
		assert.Equal(t, "H7K3", m.Tag)
	}
	assert.True(t, strings.HasSuffix(all[9].Text, "the end"))
}

// TestDepartments: whoever the app is visible to may answer for a department.
func TestDepartments(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(c *handoffv1.WeComConfig) { c.UserIds, c.PartyIds = nil, []int64{1, 2} })
	_, err := d.adapter.Open(t.Context(), d.call("", "start"), handoff.Start{Question: "?"})
	require.NoError(t, err)
	assert.Len(t, d.cards(0), 1)
	r := d.emulator.Type(1, "hi")
	assert.Equal(t, []string{"lisi"}, d.adapter.People(r))
	name, err := d.adapter.Name(t.Context(), "lisi")
	require.NoError(t, err)
	r.Names = map[string]string{"lisi": name}
	_, inbound, err := d.adapter.Parse(r)
	require.NoError(t, err)
	require.Len(t, inbound, 1)
	assert.Equal(t, handoff.PersonSaid{Person: "lisi", Name: "李四", Locale: "en", Text: "hi", Stays: true}, inbound[0].Body)
}

func TestWhatCannotBeEntered(t *testing.T) {
	t.Parallel()
	good := wecomtest.New(time.Now)
	for want, change := range map[string]func(*handoffv1.WeComConfig){
		"encoding_aes_key": func(c *handoffv1.WeComConfig) { c.EncodingAesKey += "x" },
		"user_ids[1]":      func(c *handoffv1.WeComConfig) { c.UserIds[1] = "@all" },
		"user_ids[0]":      func(c *handoffv1.WeComConfig) { c.UserIds[0] = "a|b" },
		"api_base_url":     func(c *handoffv1.WeComConfig) { c.ApiBaseUrl = "ftp://x" },
	} {
		config := good.Config("https://example.com").(*handoffv1.WeComConfig)
		change(config)
		_, err := wecom.Kind{}.Open(config, provider.Deps{Now: time.Now})
		assert.ErrorContains(t, err, want)
	}
}
