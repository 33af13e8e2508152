package zendesk_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/zendesk"
	"github.com/human-handoff/handoff/internal/provider/zendesk/zendesktest"
)

const key = "the webhook's key"

func open(tb testing.TB) provider.Adapter {
	tb.Helper()
	a, err := zendesk.Kind{}.Open(&handoffv1.ZendeskConfig{Subdomain: "shop", AppId: "5ebee", KeyId: "k", KeySecret: "s", WebhookKey: key}, provider.Deps{Now: time.Now})
	require.NoError(tb, err)
	return a
}

func keyed(body string) provider.Request {
	return provider.Request{Method: http.MethodPost, Body: []byte(body), Header: http.Header{"X-Api-Key": {key}}, Time: then}
}

func TestTheKeyProvesAWebhook(t *testing.T) {
	t.Parallel()
	r := keyed(`{"events":[]}`)
	require.NoError(t, open(t).Verify(r))
	for _, other := range []string{"", key + "x", key[1:], strings.ToUpper(key)} {
		r.Header.Set("X-Api-Key", other)
		assert.Error(t, open(t).Verify(r), other)
	}
	r = keyed("")
	r.Method = http.MethodGet
	assert.Error(t, open(t).Verify(r))
	stripped := open(t).(provider.Stripper).Strip(r)
	assert.Empty(t, stripped.Header)
	assert.NotEmpty(t, r.Header, "and the request stays as it was")
}

// about is a webhook with one event; active is who is in control.
func about(event, active, payload string) string {
	return fmt.Sprintf(`{"app":{"id":"5ebee"},"webhook":{"id":"5f4ea","version":"v2"},"events":[{"id":"5f74a0d52b5315fc007e798a","createdAt":"2026-11-23T10:00:00.000Z","type":%q,`+
		`"payload":{"conversation":{"id":"f52b","type":"personal","metadata":{"handoffSession":"ses_1"},"activeSwitchboardIntegration":%s}%s}}]}`, event, active, payload)
}

const (
	agents = `{"id":"5eec","name":"zd-agentWorkspace","integrationType":"zd:agentWorkspace"}`
	bot    = `{"id":"5eed","name":"zd-answerBot","integrationType":"zd:answerBot"}`
	hello  = `"content":{"type":"text","text":"Hello"},"source":{"type":"zd:agentWorkspace"}`
	byLin  = `"author":{"type":"business","subtypes":["agent"],"displayName":"Lin","avatarUrl":"https://x.example/a"}`
)

// wrote is the payload of a message.
func wrote(fields string) string {
	return `,"message":{"id":"5f74c","received":"2026-11-23T10:00:00.000Z",` + fields + `}`
}

func TestWhatWebhooksTell(t *testing.T) {
	t.Parallel()
	said := func(text string) []handoff.InboundBody {
		return []handoff.InboundBody{handoff.HumanMessage{AuthorName: "Lin", Text: text}}
	}
	sent := func(text string, files ...handoff.RemoteFile) []handoff.InboundBody {
		return []handoff.InboundBody{handoff.HumanMessage{AuthorName: "Lin", Text: text, Files: files}}
	}
	typing := func(what, by string) string {
		return about("conversation:typing", agents, fmt.Sprintf(`,"activity":{"type":%q,"author":{"type":%q}}`, what, by))
	}
	nothing := []handoff.InboundBody(nil)
	closed := []handoff.InboundBody{handoff.HumanClosed{}}
	const message = "conversation:message"
	for name, test := range map[string]struct {
		body string
		want []handoff.InboundBody
	}{
		"an agent":                    {about(message, agents, wrote(byLin+","+hello)), said("Hello")},
		"an agent by the mark alone":  {about(message, agents, wrote(`"author":{"type":"business","displayName":"Lin"},"metadata":{"__zendesk_msg.agent.id":"390"},`+hello)), said("Hello")},
		"a mark that is a number":     {about(message, agents, wrote(`"author":{"type":"business","displayName":"Lin"},"metadata":{"__zendesk_msg.agent.id":390},`+hello)), said("Hello")},
		"formatted":                   {about(message, agents, wrote(byLin+`,"content":{"type":"text","text":"see here","htmlText":"<p>see <a href=\"https://x.example\">here</a></p>"}`)), said("see here (https://x.example)")},
		"HTML of nothing":             {about(message, agents, wrote(byLin+`,"content":{"type":"text","text":"Hello","htmlText":"<p></p>"}`)), said("Hello")},
		"a picture":                   {about(message, agents, wrote(byLin+`,"content":{"type":"image","mediaUrl":"https://x.example/a.png","mediaType":"image/png","altText":"a.png","mediaSize":17}`)), sent("", handoff.RemoteFile{Name: "a.png", MIMEType: "image/png", Size: 17, URL: "https://x.example/a.png"})},
		"a picture with words":        {about(message, agents, wrote(byLin+`,"content":{"type":"image","mediaUrl":"https://x.example/a%20b.png","text":"see","mediaSize":1.5}`)), sent("see", handoff.RemoteFile{Name: "a b.png", URL: "https://x.example/a%20b.png"})},
		"a file without a name":       {about(message, agents, wrote(byLin+`,"content":{"type":"file","mediaUrl":"https://x.example/a"}`)), sent("", handoff.RemoteFile{Name: "a", URL: "https://x.example/a"})},
		"nothing in it":               {about(message, agents, wrote(byLin+`,"content":{"type":"carousel","items":[]}`)), nothing},
		"only spaces":                 {about(message, agents, wrote(byLin+`,"content":{"type":"text","text":" \n"}`)), nothing},
		"the customer":                {about(message, agents, wrote(`"author":{"type":"user","userId":"5963"},"metadata":{"handoffMessage":"m_1"},`+hello)), nothing},
		"the customer, marked":        {about(message, agents, wrote(`"author":{"type":"user","subtypes":["agent"]},`+hello)), nothing},
		"the company":                 {about(message, agents, wrote(`"author":{"type":"business","displayName":"Handoff"},"metadata":{"handoffMessage":"m_1"},`+hello)), nothing},
		"a bot":                       {about(message, bot, wrote(`"author":{"type":"business","subtypes":["bot"],"displayName":"Bot"},`+hello)), nothing},
		"deleted":                     {about(message, agents, wrote(byLin+`,"deleted":true,`+hello)), nothing},
		"no id":                       {about(message, agents, `,"message":{`+byLin+","+hello+`}`), nothing},
		"the ticket is closed":        {about(message, agents, wrote(`"author":{"type":"business","subtypes":["activity"]},"activity":{"type":"ticket:closed"}`)), closed},
		"moved to e-mail":             {about(message, agents, wrote(`"author":{"type":"business","subtypes":["activity"]},"activity":{"type":"ticket:transfer:email"}`)), closed},
		"another activity":            {about(message, agents, wrote(`"author":{"type":"business","subtypes":["activity"]},"activity":{"type":"ticket:opened"}`)), nothing},
		"released":                    {about("switchboard:releaseControl", bot, `,"reason":"ticketClosed"`), closed},
		"released to nobody":          {about("switchboard:releaseControl", "null", ""), closed},
		"passed to another":           {about("switchboard:passControl", bot, `,"metadata":{}`), closed},
		"passed to the agents":        {about("switchboard:passControl", agents, `,"metadata":{}`), nothing},
		"passed to nobody knows":      {about("switchboard:passControl", "null", ""), nothing},
		"not passed":                  {about("switchboard:passControl:failure", bot, `,"error":{"code":"switchboard_invalid_target"}`), nothing},
		"an agent types":              {typing("typing:start", "business"), []handoff.InboundBody{handoff.HumanTyping{Active: true}}},
		"an agent types no longer":    {typing("typing:stop", "business"), []handoff.InboundBody{handoff.HumanTyping{}}},
		"the customer types":          {typing("typing:start", "user"), nothing},
		"an activity of the future":   {typing("typing:hum", "business"), nothing},
		"no message":                  {about(message, agents, ""), nothing},
		"another app":                 {strings.Replace(about(message, agents, wrote(byLin+","+hello)), "5ebee", "17", 1), nothing},
		"no events":                   {`{"app":{"id":"5ebee"},"events":[]}`, nothing},
		"an event of no conversation": {`{"events":[{"type":"user:merge","payload":{"survivingUser":{}}}]}`, nothing},
	} {
		reply, inbound, err := open(t).Parse(keyed(test.body))
		require.NoError(t, err, name)
		assert.True(t, reply.Always, name)
		var got []handoff.InboundBody
		for _, in := range inbound {
			assert.Equal(t, "f52b", in.Ref, name)
			assert.NotEmpty(t, in.Key, name)
			got = append(got, in.Body)
		}
		assert.Equal(t, test.want, got, name)
	}
}

func TestSeveralEventsOfOneCall(t *testing.T) {
	t.Parallel()
	first, second := about("conversation:message", agents, wrote(byLin+","+hello)), about("switchboard:releaseControl", bot, "")
	both := strings.TrimSuffix(first, "]}") + "," + second[strings.Index(second, `[`)+1:]
	_, inbound, err := open(t).Parse(keyed(both))
	require.NoError(t, err)
	require.Len(t, inbound, 2)
	assert.IsType(t, handoff.HumanMessage{}, inbound[0].Body)
	assert.IsType(t, handoff.HumanClosed{}, inbound[1].Body)
}

func TestOneEndIsToldOnce(t *testing.T) {
	t.Parallel()
	_, first, err := open(t).Parse(keyed(about("switchboard:releaseControl", bot, "")))
	require.NoError(t, err)
	_, second, err := open(t).Parse(keyed(about("switchboard:passControl", bot, "")))
	require.NoError(t, err)
	assert.Equal(t, first, second)
}

func TestWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"events":null}`, `{"events":17}`, `{"events":[17]}`, `[]`} {
		_, inbound, err := open(t).Parse(keyed(body))
		assert.Equal(t, handoff.CodeInvalid, handoff.CodeOf(err), body)
		assert.Empty(t, inbound)
	}
}

func FuzzParse(f *testing.F) {
	e := zendesktest.New(func() time.Time { return then })
	id := e.Begin("hello")
	for _, kind := range []emulator.ActKind{emulator.Say, emulator.SayHTML, emulator.Farewell, emulator.Close, emulator.Bot, emulator.Read, emulator.Unknown, emulator.Attach, emulator.Type, emulator.Rest} {
		made, err := e.Do(id, emulator.Act{Kind: kind, Text: "<p>text</p>", File: &emulator.File{Name: "a b.pdf", Content: "%PDF"}})
		require.NoError(f, err)
		for _, r := range made {
			f.Add(r.Body)
		}
	}
	f.Add([]byte(about("conversation:message", agents, wrote(byLin+`,"content":{"type":"image","mediaUrl":"https://x.example/a.png","altText":"a"}`))))
	f.Add([]byte(about("conversation:message", bot, wrote(`"author":{"type":"business","subtypes":["activity"]},"activity":{"type":"ticket:closed"}`))))
	f.Add([]byte(about("switchboard:passControl", bot, "")))
	a := open(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		reply, inbound, err := a.Parse(keyed(string(body)))
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
