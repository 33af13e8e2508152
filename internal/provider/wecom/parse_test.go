package wecom_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/wecom"
	"github.com/human-handoff/handoff/internal/provider/wecom/wecomtest"
)

// The vendor's published sample, as it comes to a receive URL.
const (
	sampleEcho  = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
	sampleGet   = "msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3&timestamp=1409659589&nonce=263014780&echostr="
	samplePost  = "msg_signature=477715d11cdb4164915debcba66cb864d751f3e6&timestamp=1409659813&nonce=1372623149"
	samplePosts = "<xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName><Encrypt><![CDATA[RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==]]></Encrypt><AgentID><![CDATA[218]]></AgentID></xml>"
)

func openSample(t testing.TB, change func(*handoffv1.WeComConfig)) provider.Adapter {
	t.Helper()
	config := &handoffv1.WeComConfig{
		CorpId: "wx5823bf96d3bd56c7", AppAgentId: 218, Secret: "s", Token: "QDG6eK", UserIds: []string{"MyCreate"},
		EncodingAesKey: "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
	}
	if change != nil {
		change(config)
	}
	a, err := wecom.Kind{}.Open(config, provider.Deps{Now: time.Now})
	require.NoError(t, err)
	return a
}

func TestPublishedCallbacks(t *testing.T) {
	t.Parallel()
	a := openSample(t, nil)
	for name, echo := range map[string]string{"escaped": url.QueryEscape(sampleEcho), "as it is": sampleEcho} {
		r := provider.Request{Method: http.MethodGet, Query: sampleGet + echo}
		require.NoError(t, a.Verify(r), name)
		reply, inbound, err := a.Parse(r)
		require.NoError(t, err, name)
		assert.Empty(t, inbound)
		assert.Equal(t, "1616140317555161061", string(reply.Body), name)
	}
	r := provider.Request{Method: http.MethodPost, Query: samplePost, Body: []byte(samplePosts)}
	require.NoError(t, a.Verify(r))
	reply, inbound, err := a.Parse(r)
	require.NoError(t, err)
	assert.Empty(t, reply.Body)
	require.Equal(t, []handoff.Inbound{{
		Key: "message:4561255354251345929", VendorID: "4561255354251345929",
		Body: handoff.PersonSaid{Person: "MyCreate", Locale: "zh", Text: "hello", Stays: true},
	}}, inbound)

	require.ErrorContains(t, openSample(t, func(c *handoffv1.WeComConfig) { c.CorpId = "ww1" }).Verify(r), "corp_id")
	require.ErrorContains(t, openSample(t, func(c *handoffv1.WeComConfig) { c.EncodingAesKey = strings.Repeat("A", 43) }).Verify(r), "encoding_aes_key")
	require.ErrorContains(t, openSample(t, func(c *handoffv1.WeComConfig) { c.Token = "x" }).Verify(r), "token")
	for name, change := range map[string]func(*handoffv1.WeComConfig){
		"another app":    func(c *handoffv1.WeComConfig) { c.AppAgentId = 219 },
		"another member": func(c *handoffv1.WeComConfig) { c.UserIds = []string{"somebody"} },
	} {
		_, inbound, err := openSample(t, change).Parse(r)
		require.NoError(t, err, name)
		assert.Empty(t, inbound, name)
	}
}

// TestKindsOfMessages are what members send.
func TestKindsOfMessages(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	say := func(text string) *handoff.PersonSaid {
		return &handoff.PersonSaid{Person: "zhangsan", Locale: "en", Text: text, Stays: true}
	}
	unreadable := say("")
	unreadable.Unreadable = true
	pressed := say("")
	pressed.Button = "handoff:take:H7K3"
	const id = "<MsgId>1</MsgId>"
	for _, c := range []struct {
		kind, rest string
		want       *handoff.PersonSaid
	}{
		{"text", "<Content>&lt;b&gt; &amp; 你好</Content>" + id, say("<b> & 你好")},
		{"text", "<Content><![CDATA[a]]]]><![CDATA[>b]]></Content>" + id, say("a]]>b")},
		{"text", "<Content><![CDATA[one\r\ntwo\x01]]></Content>" + id, say("one\r\ntwo\x01")},
		{"location", "<Location_X>23.134</Location_X><Location_Y>113.358</Location_Y><Label><![CDATA[广州]]></Label>" + id, say("📍\n广州\nhttps://uri.amap.com/marker?position=113.358%2C23.134")},
		{"link", "<Title>T</Title><Description>D</Description><Url>https://example.com/?a=1&amp;b=2</Url>" + id, say("T\nD\nhttps://example.com/?a=1&b=2")},
		{"image", "<PicUrl>https://example.com/x</PicUrl><MediaId>m</MediaId>" + id, unreadable},
		{"voice", "<MediaId>m</MediaId><Format>amr</Format>" + id, unreadable},
		{"invented", id, unreadable},
		{"event", "<Event>enter_agent</Event><EventKey></EventKey>", nil},
		{"event", "<Event>subscribe</Event>", nil},
		{"event", "<Event>click</Event><EventKey>menu</EventKey>", nil},
		{"event", "<Event>template_card_event</Event><EventKey>handoff:take:H7K3</EventKey><TaskId>t</TaskId><ResponseCode>c</ResponseCode><SelectedItems></SelectedItems>", pressed},
	} {
		r := d.emulator.Inner(0, c.kind, c.rest)
		require.NoError(t, d.adapter.Verify(r), "%s %s", c.kind, c.rest)
		_, inbound, err := d.adapter.Parse(r)
		require.NoError(t, err, "%s %s", c.kind, c.rest)
		if c.want == nil {
			assert.Empty(t, inbound, c.rest)
			assert.Empty(t, d.adapter.People(r), c.rest)
			continue
		}
		require.Len(t, inbound, 1, c.rest)
		assert.Equal(t, *c.want, inbound[0].Body, c.rest)
		assert.NotEmpty(t, inbound[0].Key)
	}
}

// TestKeysOfEvents: events have no ids; a second press of a button is another one.
func TestKeysOfEvents(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	press := func(code, task string) handoff.Inbound {
		r := d.emulator.Inner(0, "event", fmt.Sprintf("<Event>template_card_event</Event><EventKey>k</EventKey><TaskId>%s</TaskId><ResponseCode>%s</ResponseCode>", task, code))
		_, inbound, err := d.adapter.Parse(r)
		require.NoError(t, err)
		require.Len(t, inbound, 1)
		return inbound[0]
	}
	first := press("c1", "t1")
	assert.Equal(t, "card:c1", first.VendorID)
	assert.Equal(t, first.Key, press("c1", "t1").Key)
	assert.NotEqual(t, first.Key, press("c1", "t2").Key)
	d.now = d.now.Add(time.Second)
	assert.NotEqual(t, first.Key, press("c1", "t1").Key)
}

func TestSystemIsNobody(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(c *handoffv1.WeComConfig) { c.PartyIds = []int64{1} })
	r := d.emulator.Webhook([]byte("<xml><FromUserName>sys</FromUserName><MsgType>text</MsgType><Content>x</Content><MsgId>1</MsgId><AgentID>1000002</AgentID></xml>"))
	_, inbound, err := d.adapter.Parse(r)
	require.NoError(t, err)
	assert.Empty(t, inbound)
}

func FuzzParse(f *testing.F) {
	e := wecomtest.New(time.Now)
	greets, err := e.Do("", emulator.Act{Kind: emulator.Greet})
	require.NoError(f, err)
	config, ok := e.Config("https://example.com").(*handoffv1.WeComConfig)
	require.True(f, ok)
	a, err := wecom.Kind{}.Open(config, provider.Deps{Now: time.Now})
	require.NoError(f, err)
	for _, r := range greets {
		f.Add(r.Method, r.Query, []byte(nil), false)
	}
	f.Add(http.MethodGet, sampleGet+sampleEcho, []byte(nil), false)
	f.Add(http.MethodPost, samplePost, []byte(samplePosts), false)
	inner := "<xml><FromUserName>ZhangSan</FromUserName><CreateTime>1</CreateTime><MsgType>%s</MsgType>%s<AgentID>1000002</AgentID></xml>"
	for kind, rest := range map[string]string{
		"text": "<Content><![CDATA[#H7K3 Hello Ann\r\x01]]></Content><MsgId>1234567890123456</MsgId>", "image": "<MediaId>m</MediaId><MsgId>2</MsgId>",
		"event": "<Event>template_card_event</Event><EventKey>handoff:take:H7K3</EventKey><TaskId>t</TaskId><ResponseCode>c</ResponseCode>",
	} {
		f.Add(http.MethodPost, "", fmt.Appendf(nil, inner, kind, rest), true)
	}
	f.Fuzz(func(t *testing.T, method, query string, body []byte, seal bool) {
		r := provider.Request{Method: method, Query: query, Body: body}
		if seal {
			r = e.Webhook(body)
			require.NoError(t, a.Verify(r))
		}
		_ = a.Verify(r)
		_, inbound, err := a.Parse(r)
		if err != nil {
			require.Equal(t, handoff.CodeInvalid, handoff.CodeOf(err))
			require.Empty(t, inbound)
		}
		for _, in := range inbound {
			require.NotEmpty(t, in.Key)
			said, ok := in.Body.(handoff.PersonSaid)
			require.True(t, ok)
			require.Contains(t, []string{"zhangsan", "lisi"}, said.Person, "nobody else is heard")
		}
	})
}
