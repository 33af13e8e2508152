package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/dingtalk"
	"github.com/human-handoff/handoff/internal/provider/dingtalk/dingtalktest"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/providertest"
)

type desk struct {
	*dingtalktest.Emulator

	t       *testing.T
	server  *providertest.Server
	adapter provider.Adapter
	noted   map[string][]string
}

func newDesk(t *testing.T, change func(*dingtalktest.Emulator)) *desk {
	t.Helper()
	d := &desk{Emulator: dingtalktest.New(time.Now), t: t, noted: map[string][]string{}}
	if change != nil {
		change(d.Emulator)
	}
	d.server = providertest.NewServer(t, d.Emulator)
	d.adapter = d.open(d.Config(d.server.URL()).(*handoffv1.DingTalkConfig))
	return d
}

func (d *desk) open(c *handoffv1.DingTalkConfig) provider.Adapter {
	d.t.Helper()
	a, err := dingtalk.Kind{}.Open(c, provider.Deps{HTTP: http.DefaultClient, Now: time.Now, Tokens: provider.NewTokens(time.Now)})
	require.NoError(d.t, err)
	return a
}

func (d *desk) call(key string) provider.Call {
	return provider.Call{
		SessionID: "ses_1", IdempotencyKey: key, Ref: handoff.Ref{ID: "H7K3", Data: `{"customer":"Ann"}`},
		Seat: provider.Seat{Tag: "H7K3", Earlier: map[string][]string{}, Noted: func(person, id string) { d.noted[person] = append(d.noted[person], id) }},
	}
}

func (d *desk) send(c provider.Call, text string) error {
	_, err := d.adapter.Send(context.Background(), c, handoff.Message{Text: text})
	return err
}

// TestATokenIsRenewedOnce has the token refused in the middle of many calls.
func TestATokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	var mu sync.Mutex
	all := func() {
		var calls sync.WaitGroup
		for i := range 20 {
			c := d.call(fmt.Sprint(i))
			c.Seat.Noted = func(string, string) { mu.Lock(); defer mu.Unlock() }
			calls.Go(func() { assert.NoError(t, d.send(c, "hello")) })
		}
		calls.Wait()
	}
	all()
	require.Equal(t, 1, d.Tokens())
	d.ExpireToken()
	all()
	require.Equal(t, 2, d.Tokens())
	require.Len(t, d.Messages(), 40, "each once")
	asked := 0
	for _, call := range d.server.Calls() {
		if strings.HasSuffix(call.Path, "/accessToken") {
			asked++
		}
	}
	require.Equal(t, 2, asked)
}

func TestErrorsOfDingTalk(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		status int
		class  provider.Class
		wait   time.Duration
		undone bool
	}{
		`{"code":"Forbidden.AccessDenied.QpsLimitForApi"}`:                    {403, provider.ClassRateLimited, time.Second, true},
		`{"code":"Forbidden.AccessDenied.ApiCountLimitForOrg"}`:               {403, provider.ClassIncomplete, 0, false},
		`{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied"}`:       {403, provider.ClassIncomplete, 0, false},
		`{"code":"Forbidden.RobotNotOfThisApp"}`:                              {403, provider.ClassRejected, 0, false},
		`{"code":"invalidParameter.openConversationId"}`:                      {400, provider.ClassRejected, 0, false},
		`{"code":"ServiceUnavailable"}`:                                       {503, provider.ClassTransient, 0, false},
		`{"code":"InvalidAuthentication","message":"no"}`:                     {401, provider.ClassCredentials, 0, false},
		`<html><script src="https://g.alicdn.com/punish.js"></script></html>`: {403, provider.ClassRateLimited, 5 * time.Minute, true},
	} {
		front := providertest.NewServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/accessToken") {
				_, _ = fmt.Fprint(w, `{"accessToken":"t","expireIn":7200}`)
				return
			}
			w.WriteHeader(want.status)
			_, _ = fmt.Fprint(w, body)
		}))
		d := newDesk(t, nil)
		d.adapter = d.open(&handoffv1.DingTalkConfig{ClientId: "ding", ClientSecret: "s", OpenConversationId: "cid", ApiBaseUrl: front.URL()})
		e, ok := errors.AsType[*provider.Error](d.send(d.call("1"), "hello"))
		require.True(t, ok, body)
		assert.Equal(t, want.class, e.Class, body)
		assert.Equal(t, want.wait, e.RetryAfter, body)
		assert.Equal(t, want.undone, e.Undone, body)
	}
	d := newDesk(t, nil)
	server := httptest.NewServer(d.Emulator)
	d.adapter = d.open(d.Config(server.URL).(*handoffv1.DingTalkConfig))
	require.NoError(t, d.send(d.call("0"), "hello"), "and the token is there")
	server.Close()
	e, _ := errors.AsType[*provider.Error](d.send(d.call("1"), "hello"))
	require.True(t, e.Undone, "nobody was there")
}

// TestRepeatsSayThatTheyAre repeats a message in parts, of which the first got through.
func TestRepeatsSayThatTheyAre(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	long := strings.Repeat("0123456789 ", 800)
	d.server.Fail(emulator.Fault{Cut: true, Done: true, Skip: 2, Once: true}) // token, first part
	c := d.call("1")
	require.Error(t, d.send(c, long))
	require.Len(t, d.noted[dingtalktest.Group], 1)
	c.Repeat, c.Seat.Earlier = true, map[string][]string{dingtalktest.Group: d.noted[dingtalktest.Group]}
	require.NoError(t, d.send(c, long))
	var heads []string
	for _, m := range d.Messages() {
		head, _, _ := strings.Cut(m.Text, "\n")
		heads = append(heads, head)
		assert.LessOrEqual(t, len([]rune(m.Text)), 3800)
	}
	const again = "（可能重复 · maybe sent before）"
	require.Len(t, heads, 4)
	assert.Equal(t, heads[1]+again, heads[2], "the part in doubt")
	assert.NotContains(t, heads[0]+heads[3], again, "the others are in none")
}

func TestTheGroupIsLearnt(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(e *dingtalktest.Emulator) { e.Unknown = true })
	learner := d.adapter.(provider.Learner)
	err := d.adapter.Check(t.Context())
	require.Equal(t, provider.ClassIncomplete, provider.ClassOf(err))
	require.Equal(t, provider.ClassIncomplete, provider.ClassOf(d.send(d.call("1"), "hello")), "until then messages wait")

	r, err := d.Mention(0, "hello", "")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"open_conversation_id": dingtalktest.Group}, learner.Learns(r))
	_, inbound, err := d.adapter.Parse(r)
	require.NoError(t, err)
	require.Empty(t, inbound)
	alone := r
	alone.Body = []byte(strings.Replace(string(r.Body), `"conversationType":"2"`, `"conversationType":"1"`, 1))
	require.NotEqual(t, r.Body, alone.Body)
	require.Nil(t, learner.Learns(alone), "a talk with the robot alone is no group")
	known := d.Config(d.server.URL()).(*handoffv1.DingTalkConfig)
	known.OpenConversationId = "cid0=="
	require.Nil(t, d.open(known).(provider.Learner).Learns(r), "one that is known stays")
}

func TestNoticesSayWhomTheyAreFor(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	m := d.adapter.(provider.Messenger)
	choices := []provider.Choice{{Label: "#H7K3 Ann", Detail: "Where?", Button: "handoff:pick:H7K3"}, {Label: "#ABC2", Button: "handoff:pick:ABC2"}}
	for _, n := range []provider.Notice{
		{Person: "0422", Name: "Ada", Locale: "en", Text: "Who is this for?", Choices: choices},
		{Person: "0421", Name: "张三", Locale: "zh-CN", Text: "这条消息发给谁？", Choices: choices[1:]},
		{Person: dingtalktest.Group, Text: "for all"},
	} {
		ids, err := m.Tell(t.Context(), n)
		require.NoError(t, err)
		require.Len(t, ids, 1)
	}
	var texts []string
	for _, m := range d.Messages() {
		texts = append(texts, m.Text)
	}
	require.Equal(t, []string{
		"Ada: Who is this for?\n#H7K3 Ann Where?\n#ABC2\nMention me with the one that you mean, as in “#H7K3”.",
		"张三: 这条消息发给谁？\n#ABC2\n请@我并发送您要选的编号，例如“#ABC2”。",
		"for all",
	}, texts)
}
