package dingtalk_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/dingtalk"
)

// envelope is what all samples have, as the vendor's documentation shows it.
const envelope = `"conversationId":"cid1==","conversationType":"2","conversationTitle":"客服组","msgId":"msg1==",
"createAt":1695283635765,"senderId":"$:LWCP_v1:$abc","senderNick":"张三","senderStaffId":"0421","senderCorpId":"dingcorp",
"isAdmin":false,"isInAtList":true,"atUsers":[{"dingtalkId":"$:LWCP_v1:$robot","staffId":""}],
"chatbotUserId":"$:LWCP_v1:$robot","chatbotCorpId":"dingcorp","robotCode":"ding1",
"sessionWebhook":"https://oapi.dingtalk.com/robot/sendBySession?session=x","sessionWebhookExpiredTime":1695289035996`

func parser(t testing.TB) provider.Adapter {
	t.Helper()
	a, err := dingtalk.Kind{}.Open(&handoffv1.DingTalkConfig{ClientId: "ding1", ClientSecret: "s", OpenConversationId: "cid1=="}, provider.Deps{Now: time.Now})
	require.NoError(t, err)
	return a
}

func samples() map[string]string {
	return map[string]string{
		"text":         `{` + envelope + `,"msgtype":"text","text":{"content":" #H7K3 Hello Ann"}}`,
		"tag alone":    `{` + envelope + `,"msgtype":"text","text":{"content":" #H7K3"}}`,
		"text alone":   `{` + envelope + `,"msgtype":"text","text":{"content":""}}`,
		"quote by key": `{` + envelope + `,"msgtype":"text","originalMsgId":"msgQ==","originalProcessQueryKey":"pqk1","text":{"content":" 您好","isReplyMsg":true,"repliedMsg":{"msgType":"text","msgId":"msgQ==","senderId":"x","createdAt":1695283600000,"content":{"text":"#H7K3 Ann\nhello"}}}}`,
		"quote of old": `{` + envelope + `,"msgtype":"text","text":{"content":"Hi"},"quoteMessage":{"msgId":"msgQ==","content":"{\"text\":\"#H7K3 Ann\"}"}}`,
		"quote a card": `{` + envelope + `,"msgtype":"text","text":{"content":"Hi","isReplyMsg":true,"repliedMsg":{"msgType":"interactiveCard"}}}`,
		"rich text":    `{` + envelope + `,"msgtype":"richText","content":{"richText":[{"text":" one "},{"text":"two"}]}}`,
		"rich picture": `{` + envelope + `,"msgtype":"richText","content":{"richText":[{"text":"look"},{"type":"picture","downloadCode":"mIofN681"}]}}`,
		"picture":      `{` + envelope + `,"msgtype":"picture","content":{"downloadCode":"mIofN681","pictureDownloadCode":"mIofN681"}}`,
		"audio":        `{` + envelope + `,"msgtype":"audio","content":{"duration":4000,"downloadCode":"mIofN681","recognition":"钉钉，让进步发生"}}`,
		"video":        `{` + envelope + `,"msgtype":"video","content":{"duration":4000,"downloadCode":"mIofN681","videoType":"mp4"}}`,
		"file":         `{` + envelope + `,"msgtype":"file","content":{"spaceId":"1","fileName":"a.docx","downloadCode":"mIofN681","fileId":"2"}}`,
		"odd":          `{` + envelope + `,"msgtype":"unknownMsgType"}`,
		"outsider":     `{` + strings.Replace(envelope, `"senderStaffId":"0421"`, `"senderStaffId":""`, 1) + `,"msgtype":"text","text":{"content":"Hi"}}`,
		"alone":        `{` + strings.Replace(envelope, `"conversationType":"2"`, `"conversationType":"1"`, 1) + `,"msgtype":"text","text":{"content":"Hi"}}`,
		"elsewhere":    `{` + strings.Replace(envelope, `cid1==`, `cid2==`, 1) + `,"msgtype":"text","text":{"content":"Hi"}}`,
		"our own":      `{` + strings.Replace(envelope, `$:LWCP_v1:$abc`, `$:LWCP_v1:$robot`, 1) + `,"msgtype":"text","text":{"content":"Hi"}}`,
		"card":         `{"outTrackId":"handoff-H7K3-ses_1","corpId":"dingcorp","userId":"0421","userIdType":1,"spaceId":"cid1==","content":"{\"cardPrivateData\":{\"actionIds\":[\"take\"],\"params\":{}}}"}`,
		"other card":   `{"outTrackId":"theirs","userId":"0421","content":"{\"cardPrivateData\":{\"actionIds\":[\"take\"]}}"}`,
	}
}

// TestParse reads what the vendor's documentation and the field show.
func TestParse(t *testing.T) {
	t.Parallel()
	by := handoff.PersonSaid{Person: "0421", Name: "张三", Locale: "en"}
	with := func(change func(*handoff.PersonSaid)) *handoff.PersonSaid {
		s := by
		change(&s)
		return &s
	}
	unreadable := with(func(s *handoff.PersonSaid) { s.Unreadable, s.Locale = true, "zh-CN" })
	want := map[string]*handoff.PersonSaid{
		"text":       with(func(s *handoff.PersonSaid) { s.Text = "#H7K3 Hello Ann" }),
		"tag alone":  with(func(s *handoff.PersonSaid) { s.Text, s.Locale = "#H7K3", "zh-CN" }),
		"text alone": with(func(s *handoff.PersonSaid) { s.Locale = "zh-CN" }),
		"quote by key": with(func(s *handoff.PersonSaid) {
			s.Text, s.Locale, s.Quotes, s.QuotedIDs, s.QuotedText = "您好", "zh-CN", true, []string{"pqk1", "msgQ==", "msgQ=="}, "#H7K3 Ann\nhello"
		}),
		"quote of old": with(func(s *handoff.PersonSaid) {
			s.Text, s.Quotes, s.QuotedIDs, s.QuotedText = "Hi", true, []string{"msgQ=="}, "#H7K3 Ann"
		}),
		"quote a card": with(func(s *handoff.PersonSaid) { s.Text, s.Quotes = "Hi", true }),
		"rich text":    with(func(s *handoff.PersonSaid) { s.Text = "one two" }),
		"rich picture": unreadable, "picture": unreadable, "audio": unreadable, "video": unreadable, "file": unreadable, "odd": unreadable,
		"outsider": with(func(s *handoff.PersonSaid) { s.Text, s.Person = "Hi", "$:LWCP_v1:$abc" }),
		"card":     {Person: "0421", Name: "Zhang", Locale: "zh-CN", Button: "handoff:take:H7K3"},
		"alone":    nil, "elsewhere": nil, "our own": nil, "other card": nil,
	}
	a := parser(t)
	for name, body := range samples() {
		reply, inbound, err := a.Parse(provider.Request{Header: http.Header{}, Body: []byte(body), Names: map[string]string{"0421": "Zhang"}})
		require.NoError(t, err, name)
		assert.Equal(t, "{}", string(reply.Body), "whatever the answer said would be posted")
		if want[name] == nil {
			assert.Empty(t, inbound, name)
			continue
		}
		require.Len(t, inbound, 1, name)
		assert.Equal(t, *want[name], inbound[0].Body, name)
		assert.NotEmpty(t, inbound[0].Key, name)
	}
	require.Len(t, samples(), len(want))
}

func FuzzParse(f *testing.F) {
	for _, body := range samples() {
		f.Add([]byte(body))
	}
	a := parser(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		r := provider.Request{Header: http.Header{}, Body: body}
		_, inbound, err := a.Parse(r)
		if err != nil && handoff.CodeOf(err) != handoff.CodeInvalid {
			t.Fatalf("%v", err)
		}
		for _, in := range inbound {
			said, ok := in.Body.(handoff.PersonSaid)
			if !ok || in.Key == "" || said.Person == "" {
				t.Fatalf("%+v", in)
			}
		}
		if s, ok := a.(provider.Stripper); ok && strings.Contains(string(s.Strip(r).Body), `"sessionWebhook":"https://oapi`) && err == nil {
			t.Fatal("a session's webhook is kept")
		}
	})
}
