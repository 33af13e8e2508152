package chatwoot_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/chatwoot"
	"github.com/human-handoff/handoff/internal/provider/chatwoot/chatwoottest"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

const secret = "cw-secret"

func open(tb testing.TB, change func(*handoffv1.ChatwootConfig)) provider.Adapter {
	tb.Helper()
	config := &handoffv1.ChatwootConfig{ApiAccessToken: "x", AccountId: 1, InboxId: 5, WebhookSecret: secret}
	if change != nil {
		change(config)
	}
	a, err := chatwoot.Kind{}.Open(config, provider.Deps{Now: time.Now})
	require.NoError(tb, err)
	return a
}

func signed(body string) provider.Request {
	stamp := strconv.FormatInt(then.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "." + body))
	return provider.Request{
		Method: http.MethodPost, Body: []byte(body), Time: then,
		Header: http.Header{"X-Chatwoot-Timestamp": {stamp}, "X-Chatwoot-Signature": {"sha256=" + hex.EncodeToString(mac.Sum(nil))}},
	}
}

func TestTheSignatureIsChatwoots(t *testing.T) {
	t.Parallel()
	r := provider.Request{
		Method: http.MethodPost, Body: []byte(`{"event":"message_created","id":1}`), Time: time.Unix(1763900100, 0),
		Header: http.Header{
			"X-Chatwoot-Timestamp": {"1763900000"},
			"X-Chatwoot-Signature": {"sha256=5d73df7e74ef41bd8898feefb8dcefaee7de8781f794a2f29e3f64a75e11c7a1"},
		},
	}
	require.NoError(t, open(t, nil).Verify(r))
	for off, good := range map[time.Duration]bool{5 * time.Minute: true, -5 * time.Minute: true, 301 * time.Second: false, -301 * time.Second: false} {
		r.Time = time.Unix(1763900000, 0).Add(off)
		assert.Equal(t, good, open(t, nil).Verify(r) == nil, off)
	}
	r.Header.Set("X-Chatwoot-Timestamp", "1763900001")
	assert.Error(t, open(t, nil).Verify(r), "the time is signed, too")
}

// TestUnsignedWebhooks are taken where that was asked for, and nowhere else.
func TestUnsignedWebhooks(t *testing.T) {
	t.Parallel()
	r := provider.Request{Method: http.MethodPost, Body: []byte(`{}`), Header: http.Header{}, Time: then}
	unsigned := func(c *handoffv1.ChatwootConfig) { c.WebhookSecret, c.AllowUnsigned = "", true }
	require.NoError(t, open(t, unsigned).Verify(r))
	assert.Error(t, open(t, func(c *handoffv1.ChatwootConfig) { c.AllowUnsigned = true }).Verify(r), "a secret that is there has to be used")
	assert.Error(t, open(t, nil).Verify(r))
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		r.Method = method
		assert.Error(t, open(t, unsigned).Verify(r), method)
	}
	assert.Equal(t, []string{"webhook_secret"}, chatwoot.Kind{}.Missing(&handoffv1.ChatwootConfig{ApiAccessToken: "x", AccountId: 1, InboxId: 5}))
	assert.Empty(t, chatwoot.Kind{}.Missing(&handoffv1.ChatwootConfig{ApiAccessToken: "x", AccountId: 1, InboxId: 5, AllowUnsigned: true}))
}

// about is a webhook about a message; fields replaces and adds.
func about(fields string) string {
	return fmt.Sprintf(`{"event":"message_created","id":98766,"content":"Hi","content_type":"text","content_attributes":{},"message_type":"outgoing","private":false,`+
		`"created_at":"2026-11-23T10:00:00.000Z","source_id":null,"additional_attributes":{},"sender":{"id":4,"name":"Lin","email":"lin@example.com","type":"user"},`+
		`"inbox":{"id":5,"name":"Handoff"},"account":{"id":1,"name":"Shop"},"conversation":{"id":1234,"inbox_id":5,"status":"open","channel":"Channel::Api"}%s}`, fields)
}

// silent is one without a text.
func silent(fields string) string {
	return strings.Replace(about(fields), `"content":"Hi"`, `"content":null`, 1)
}

// changed is a webhook about a conversation.
func changed(event, fields string) string {
	return fmt.Sprintf(`{"event":%q,"id":1234,"inbox_id":5,"status":"open","channel":"Channel::Api","updated_at":1763900000.25,`+
		`"meta":{"sender":{"id":77,"name":"Ann"},"assignee":{"id":4,"name":"Lin","type":"user"},"team":null}%s}`, event, fields)
}

const assigned = `,"changed_attributes":[{"assignee_id":{"previous_value":null,"current_value":4}}]`

func TestWhatWebhooksTell(t *testing.T) {
	t.Parallel()
	said := func(text string) []handoff.InboundBody {
		return []handoff.InboundBody{handoff.HumanMessage{AuthorName: "Lin", Text: text}}
	}
	sent := func(text string, files ...handoff.RemoteFile) []handoff.InboundBody {
		return []handoff.InboundBody{handoff.HumanMessage{AuthorName: "Lin", Text: text, Files: files}}
	}
	typing := func(user string, private bool) string {
		return fmt.Sprintf(`{"event":"conversation_typing_on","user":{%s},"conversation":{"id":1234},"is_private":%t}`, user, private)
	}
	nothing := []handoff.InboundBody(nil)
	closed := []handoff.InboundBody{handoff.HumanClosed{}}
	joined := []handoff.InboundBody{handoff.HumanJoined{Name: "Lin"}}
	for name, test := range map[string]struct {
		body string
		want []handoff.InboundBody
	}{
		"an answer":                       {about(""), said("Hi")},
		"its type as a number":            {about(`,"message_type":1`), said("Hi")},
		"a file alone":                    {silent(`,"attachments":[{"id":9,"file_type":"image","data_url":"https://x.example/rails/a%20b.png?x=1","file_size":7}]`), sent("", handoff.RemoteFile{Name: "a b.png", Size: 7, URL: "https://x.example/rails/a%20b.png?x=1"})},
		"a file with words":               {about(`,"attachments":[{"file_type":"file","data_url":"https://x.example/"},{"data_url":null}]`), sent("Hi", handoff.RemoteFile{Name: "file", URL: "https://x.example/"})},
		"a place":                         {silent(`,"attachments":[{"file_type":"location","fallback_title":"Market 1","data_url":"https://maps.example/1"}]`), said("Market 1: https://maps.example/1")},
		"an agent types":                  {typing(`"id":4,"name":"Lin","type":"user"`, false), []handoff.InboundBody{handoff.HumanTyping{Active: true}}},
		"an agent types no longer":        {strings.Replace(typing(`"id":4,"type":"user"`, false), "_on", "_off", 1), []handoff.InboundBody{handoff.HumanTyping{}}},
		"an agent types a note":           {typing(`"id":4,"name":"Lin","type":"user"`, true), nothing},
		"the customer types":              {typing(`"id":77,"name":"Ann"`, false), nothing},
		"nothing in it":                   {silent(""), nothing},
		"only spaces":                     {about(`,"content":" \n"`), nothing},
		"a note":                          {about(`,"private":true`), nothing},
		"the customer":                    {about(`,"message_type":"incoming"`), nothing},
		"the customer, as a number":       {about(`,"message_type":0`), nothing},
		"an activity":                     {about(`,"message_type":"activity"`), nothing},
		"a greeting":                      {about(`,"message_type":"template"`), nothing},
		"a type of the future":            {about(`,"message_type":17`), nothing},
		"a bot":                           {about(`,"sender":{"id":1,"name":"Robo","type":"agent_bot"}`), nothing},
		"an assistant":                    {about(`,"sender":{"id":1,"name":"Captain","type":"captain_assistant"}`), nothing},
		"a rule":                          {about(`,"sender":null`), nothing},
		"a deleted message":               {about(`,"content":"This message was deleted","content_attributes":{"deleted":true}`), nothing},
		"an edited message":               {strings.Replace(about(""), "message_created", "message_updated", 1), nothing},
		"another account":                 {about(`,"account":{"id":2}`), nothing},
		"resolved":                        {changed("conversation_status_changed", `,"status":"resolved"`), closed},
		"opened again":                    {changed("conversation_status_changed", ""), nothing},
		"snoozed":                         {changed("conversation_status_changed", `,"status":"snoozed"`), nothing},
		"pending":                         {changed("conversation_status_changed", `,"status":"pending"`), nothing},
		"assigned":                        {changed("conversation_updated", assigned), joined},
		"assigned, told as one object":    {changed("conversation_updated", `,"changed_attributes":{"assignee_id":{"current_value":4}}`), joined},
		"assigned to a bot":               {changed("conversation_updated", assigned+`,"meta":{"assignee":{"id":4,"name":"Robo","type":"agent_bot"}}`), nothing},
		"assigned to a bot, other words":  {changed("conversation_updated", assigned+`,"meta":{"assignee":{"id":4,"name":"Robo"},"assignee_type":"AgentBot"}`), nothing},
		"assigned to nobody":              {changed("conversation_updated", assigned+`,"meta":{"assignee":null}`), nothing},
		"another change":                  {changed("conversation_updated", `,"changed_attributes":[{"team_id":{}}]`), nothing},
		"a change that nobody understood": {changed("conversation_updated", `,"changed_attributes":"assignee_id"`), nothing},
		"resolved, told as a change":      {changed("conversation_updated", `,"status":"resolved"`), nothing},
		// As the vendor's help centre has it.
		"the vendor's sample": {
			`{"event":"message_created","id":"98766","content":"Hi","created_at":"2020-03-03 13:05:57 UTC","message_type":"outgoing","content_type":"text","content_attributes":{},` +
				`"source_id":"","sender":{"id":"1","name":"Lin","email":"agent@example.com","type":"user"},"contact":{"id":"1","name":"contact-name"},` +
				`"conversation":{"display_id":"1234","additional_attributes":{"browser":{"device_name":"Macbook"},"referer":"http://www.chatwoot.com"}},"account":{"id":"1","name":"Chatwoot"}}`, said("Hi"),
		},
	} {
		reply, inbound, err := open(t, nil).Parse(signed(test.body))
		require.NoError(t, err, name)
		assert.Equal(t, http.StatusOK, reply.Status, name)
		var got []handoff.InboundBody
		for _, in := range inbound {
			assert.Equal(t, "1234", in.Ref, name)
			assert.NotEmpty(t, in.Key, name)
			got = append(got, in.Body)
		}
		assert.Equal(t, test.want, got, name)
		_, isMessage := append(got, nil)[0].(handoff.HumanMessage)
		assert.Equal(t, !isMessage, reply.Always, "%s: an agent whose message is not taken has to learn of it", name)
	}
}

func TestTwoAssignmentsAreTwo(t *testing.T) {
	t.Parallel()
	_, first, err := open(t, nil).Parse(signed(changed("conversation_updated", assigned)))
	require.NoError(t, err)
	_, later, err := open(t, nil).Parse(signed(changed("conversation_updated", assigned+`,"updated_at":1763900009.5`)))
	require.NoError(t, err)
	assert.NotEqual(t, first[0].Key, later[0].Key)
}

func TestLongAnswersAreCut(t *testing.T) {
	t.Parallel()
	_, inbound, err := open(t, nil).Parse(signed(about(`,"content":"` + strings.Repeat("ä", 40_000) + `"`)))
	require.NoError(t, err)
	text := inbound[0].Body.(handoff.HumanMessage).Text
	assert.LessOrEqual(t, len(text), handoff.MaxTextBytes)
	assert.True(t, strings.HasSuffix(text, "ä…"))
}

func TestWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{}`, `{"event":""}`, `{"event":17}`, `{"event":"message_created"}`, `{"event":"message_created","id":1}`,
		`{"event":"message_created","id":1,"conversation":{"id":2},"content":17}`, `{"event":"conversation_status_changed","status":"resolved"}`,
	} {
		_, inbound, err := open(t, nil).Parse(signed(body))
		assert.Equal(t, handoff.CodeInvalid, handoff.CodeOf(err), body)
		assert.Empty(t, inbound)
	}
}

// samples are webhooks of every kind that there is, for the fuzzer to begin with.
func samples(tb testing.TB) [][]byte {
	tb.Helper()
	e := chatwoottest.New(func() time.Time { return then })
	all := [][]byte{
		[]byte(about(`,"attachments":[{"id":9,"file_type":"image","data_url":"https://x.example/a","thumb_url":"https://x.example/b","file_size":12345,"extension":null}]`)),
		[]byte(changed("conversation_status_changed", `,"status":"resolved"`)), []byte(changed("conversation_updated", assigned)),
		[]byte(`{"event":"webwidget_triggered","id":"","contact":{"id":1},"inbox":{},"account":{},"current_conversation":{},"source_id":"x","event_info":{"referer":"x"}}`),
		[]byte(`{"event":"conversation_typing_on","user":{"id":4,"name":"Lin","type":"user"},"conversation":{"id":1234},"is_private":false}`),
	}
	id := e.Begin("hello")
	for _, kind := range []emulator.ActKind{
		emulator.Say, emulator.Farewell, emulator.Join, emulator.Transfer, emulator.Snooze, emulator.Close, emulator.Reopen, emulator.Note, emulator.Bot, emulator.Unknown,
		emulator.Attach, emulator.Type, emulator.Rest,
	} {
		made, err := e.Do(id, emulator.Act{Kind: kind, Text: "text", File: &emulator.File{Name: "a b.pdf", Content: "%PDF"}})
		require.NoError(tb, err)
		for _, r := range made {
			all = append(all, r.Body)
		}
	}
	return all
}

func FuzzParse(f *testing.F) {
	for _, sample := range samples(f) {
		f.Add(sample)
	}
	a := open(f, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		r := signed(string(body))
		if err := a.Verify(r); err != nil {
			t.Fatal(err)
		}
		reply, inbound, err := a.Parse(r)
		if err != nil {
			if handoff.CodeOf(err) != handoff.CodeInvalid || len(inbound) > 0 {
				t.Fatalf("%v, %d inbound", err, len(inbound))
			}
			return
		}
		if reply.Status != http.StatusOK {
			t.Fatalf("answer %d", reply.Status)
		}
		for _, in := range inbound {
			if in.Ref == "" || in.Key == "" || in.SessionID != "" {
				t.Fatalf("%+v", in)
			}
			if m, ok := in.Body.(handoff.HumanMessage); ok && (m.Text == "" && len(m.Files) == 0 || len(m.Text) > handoff.MaxTextBytes || !utf8.ValidString(m.Text)) {
				t.Fatalf("text %q", m.Text)
			}
		}
	})
}
