package intercom_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
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
	"github.com/human-handoff/handoff/internal/provider/intercom"
	"github.com/human-handoff/handoff/internal/provider/intercom/intercomtest"
)

const secret = "test-client-secret"

func open(tb testing.TB) provider.Adapter {
	tb.Helper()
	a, err := intercom.Kind{}.Open(&handoffv1.IntercomConfig{AccessToken: "x", ClientSecret: secret}, provider.Deps{Now: time.Now})
	require.NoError(tb, err)
	return a
}

func signed(body string) provider.Request {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(body))
	return provider.Request{
		Method: http.MethodPost, Body: []byte(body), Time: then,
		Header: http.Header{"X-Hub-Signature": {"sha1=" + hex.EncodeToString(mac.Sum(nil))}},
	}
}

func TestTheSignatureIsIntercoms(t *testing.T) {
	t.Parallel()
	r := signed(`{"type":"notification_event","app_id":"abc123","topic":"ping","id":null,"data":{"type":"notification_event_data","item":{"type":"ping","message":"hello"}}}`)
	assert.Equal(t, "sha1=82246d44fd9d22141622437a5b9698d8af00788d", r.Header.Get("X-Hub-Signature"))
	require.NoError(t, open(t).Verify(r))
	reply, inbound, err := open(t).Parse(r)
	require.NoError(t, err)
	assert.Empty(t, inbound)
	assert.Equal(t, 200, reply.Status)
	assert.True(t, reply.Always, "what is not ours is no reason for a refusal")
}

// about is a webhook of a topic about a conversation with one part.
func about(topic, part, more string) string {
	return fmt.Sprintf(`{"type":"notification_event","app_id":"abc123","id":"notif_1","topic":%q,"created_at":1768031793,"data":{"type":"notification_event_data",`+
		`"item":{"type":"conversation","id":"215472621202693"%s,"conversation_parts":{"type":"conversation_part.list","conversation_parts":[%s],"total_count":1}}}}`, topic, more, part)
}

const (
	replied = "conversation.admin.replied"
	ada     = `"author":{"type":"admin","id":"7","name":"Ada"}`
	older   = `,"statistics":{"type":"conversation_statistics","first_close_at":null,"first_contact_reply_at":"2026-01-10T07:56:29.000Z"}`
	newer   = `,"statistics":{"type":"conversation_statistics","first_close_at":null,"first_contact_reply_at":1768031789}`
)

func TestWhatWebhooksTell(t *testing.T) {
	t.Parallel()
	said := func(text string) []handoff.InboundBody {
		return []handoff.InboundBody{handoff.HumanMessage{AuthorName: "Ada", Text: text}}
	}
	sent := func(text string) []handoff.InboundBody {
		return []handoff.InboundBody{handoff.HumanMessage{AuthorName: "Ada", Text: text, Files: []handoff.RemoteFile{
			{Name: "a.pdf", MIMEType: "application/pdf", URL: "https://x.example/a"},
		}}}
	}
	nothing := []handoff.InboundBody(nil)
	closed := []handoff.InboundBody{handoff.HumanClosed{}}
	for name, test := range map[string]struct {
		body string
		want []handoff.InboundBody
	}{
		"HTML of an older version":      {about(replied, `{"id":"1","part_type":"comment","body":"<p>Hi &amp; bye</p>",`+ada+`}`, older), said("Hi & bye")},
		"the same text, not HTML":       {about(replied, `{"id":"1","part_type":"comment","body":"<p>Hi &amp; bye</p>",`+ada+`}`, newer), said("<p>Hi &amp; bye</p>")},
		"no dates: the text decides":    {about(replied, `{"id":"1","part_type":"comment","body":"<p>Hi</p>",`+ada+`}`, ""), said("Hi")},
		"no dates, and no HTML":         {about(replied, `{"id":"1","part_type":"comment","body":"<b>Hi</b>",`+ada+`}`, `,"statistics":null`), said("<b>Hi</b>")},
		"ids that are numbers":          {about(replied, `{"id":1,"part_type":"comment","body":"Hi","author":{"type":"admin","id":7,"name":"Ada"}}`, newer), said("Hi")},
		"a picture alone":               {about(replied, `{"id":"1","part_type":"comment","body":"<img src=\"https://x.example/a.png\">",`+ada+`}`, older), said("https://x.example/a.png")},
		"a file alone":                  {about(replied, `{"id":"1","part_type":"comment","body":null,"attachments":[{"name":"a.pdf","url":"https://x.example/a","content_type":"application/pdf"}],`+ada+`}`, newer), sent("")},
		"a text with a file":            {about(replied, `{"id":"1","part_type":"comment","body":"look","attachments":[{"name":"a.pdf","url":"https://x.example/a","content_type":"application/pdf"},{"name":"lost"}],`+ada+`}`, newer), sent("look")},
		"a note with a file":            {about(replied, `{"id":"1","part_type":"note","body":null,"attachments":[{"name":"a.pdf","url":"https://x.example/a"}],`+ada+`}`, newer), nothing},
		"an answer that reopens":        {about(replied, `{"id":"1","part_type":"open","body":"Hi",`+ada+`}`, newer), said("Hi")},
		"nothing in it":                 {about(replied, `{"id":"1","part_type":"quick_reply","body":null,`+ada+`}`, newer), nothing},
		"only spaces":                   {about(replied, `{"id":"1","part_type":"comment","body":" \n",`+ada+`}`, newer), nothing},
		"a note":                        {about(replied, `{"id":"1","part_type":"note","body":"hush",`+ada+`}`, newer), nothing},
		"a customer":                    {about(replied, `{"id":"1","part_type":"comment","body":"Hi","author":{"type":"user","id":"1","name":"Bob"}}`, newer), nothing},
		"an agent in a teammate's name": {about(replied, `{"id":"1","part_type":"comment","body":"Hi","author":{"type":"admin","id":"7","name":"Fin","from_ai_agent":true}}`, newer), nothing},
		"a part without an id":          {about(replied, `{"part_type":"comment","body":"Hi",`+ada+`}`, newer), nothing},
		"no parts":                      {about(replied, ``, newer), nothing},
		"a topic of another kind":       {about("conversation.operator.replied", `{"id":"1","part_type":"comment","body":"Hi",`+ada+`}`, newer), nothing},
		"a close":                       {about("conversation.admin.closed", `{"id":"1","part_type":"close","body":null,`+ada+`}`, newer), closed},
		"a close without its part":      {about("conversation.admin.closed", ``, newer), closed},
		"a farewell":                    {about("conversation.admin.closed", `{"id":"1","part_type":"close","body":"bye",`+ada+`}`, newer), append(said("bye"), closed...)},
		"deleted":                       {`{"topic":"conversation.deleted","id":"n","data":{"item":{"type":"conversation","conversation_id":"215472621202693"}}}`, closed},
		"assigned to oneself":           {about("conversation.admin.assigned", `{"id":"1","part_type":"assignment","body":null,"assigned_to":{"type":"admin","id":"7"},`+ada+`}`, newer), []handoff.InboundBody{handoff.HumanJoined{Name: "Ada"}}},
		"assigned to somebody unknown":  {about("conversation.admin.assigned", `{"id":"1","part_type":"assignment","body":null,"assigned_to":{"type":"admin","id":"8"},`+ada+`}`, newer), nothing},
		"assigned to somebody known":    {about("conversation.admin.assigned", `{"id":"1","part_type":"assignment","body":null,"assigned_to":{"type":"admin","id":"8"},`+ada+`}`, newer+`,"teammates":{"admins":[{"type":"admin","id":"8","name":"Grace"}]}`), []handoff.InboundBody{handoff.HumanJoined{Name: "Grace"}}},
		"assigned to nobody":            {about("conversation.admin.assigned", `{"id":"1","part_type":"assignment","body":null,"assigned_to":{"type":"nobody_admin","id":"0"},`+ada+`}`, newer), nothing},
		"assigned to a team":            {about("conversation.admin.assigned", `{"id":"1","part_type":"assignment","body":null,"assigned_to":{"type":"team","id":"9","name":"Sales"},`+ada+`}`, newer), nothing},
		// As apps that are set to version 1 of the API still get it.
		"an answer of version 1 that assigns": {
			about(replied, `{"id":"1","part_type":"assignment","body":"<p>Hi</p>","assigned_to":{"type":"admin","id":"7","name":"Ada"},`+ada+`,"external_id":null}`,
				`,"user":{"type":"lead","id":"5c95","user_id":"7506"},"assignee":{"type":"admin","id":"7"},"conversation_message":{"body":"<p>Hello</p>"}`),
			append([]handoff.InboundBody{handoff.HumanJoined{Name: "Ada"}}, said("Hi")...),
		},
	} {
		reply, inbound, err := open(t).Parse(signed(test.body))
		require.NoError(t, err, name)
		assert.True(t, reply.Always, name)
		var got []handoff.InboundBody
		for _, in := range inbound {
			assert.Equal(t, "215472621202693", in.Ref, name)
			assert.NotEmpty(t, in.Key, name)
			got = append(got, in.Body)
		}
		assert.Equal(t, test.want, got, name)
	}
}

// TestOnePartIsOneThing is about an answer that also assigns: Intercom tells of its
// one part under two topics.
func TestOnePartIsOneThing(t *testing.T) {
	t.Parallel()
	part := `{"id":"1","part_type":"assignment","body":"Hi","assigned_to":{"type":"admin","id":"7"},` + ada + `}`
	_, first, err := open(t).Parse(signed(about(replied, part, newer)))
	require.NoError(t, err)
	_, second, err := open(t).Parse(signed(about("conversation.admin.assigned", part, newer)))
	require.NoError(t, err)
	require.Len(t, first, 2)
	assert.Equal(t, first, second)
}

func TestLongAnswersAreCut(t *testing.T) {
	t.Parallel()
	_, inbound, err := open(t).Parse(signed(about(replied, `{"id":"1","part_type":"comment","body":"`+strings.Repeat("ä", 40_000)+`",`+ada+`}`, newer)))
	require.NoError(t, err)
	text := inbound[0].Body.(handoff.HumanMessage).Text
	assert.LessOrEqual(t, len(text), handoff.MaxTextBytes)
	assert.True(t, utf8.ValidString(text))
	assert.True(t, strings.HasSuffix(text, "ä…"))
}

func TestWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{}`, `{"topic":""}`, `{"topic":"conversation.admin.replied"}`, `{"topic":"conversation.admin.replied","data":{"item":17}}`,
		`{"topic":"conversation.admin.replied","data":{"item":{}}}`, `{"topic":"conversation.deleted","data":{"item":{}}}`, `{"topic":17}`,
	} {
		_, inbound, err := open(t).Parse(signed(body))
		assert.Equal(t, handoff.CodeInvalid, handoff.CodeOf(err), body)
		assert.Empty(t, inbound)
	}
}

// samples are webhooks of every kind that there is, for the fuzzer to begin with.
func samples(tb testing.TB) [][]byte {
	tb.Helper()
	e := intercomtest.New(func() time.Time { return then })
	all := [][]byte{
		[]byte(about(replied, `{"id":"1","part_type":"assignment","body":"<p>Hi</p>","assigned_to":{"type":"admin","id":"7","name":"Ada"},`+ada+`}`, `,"user":{"type":"lead"}`)),
		[]byte(about("conversation.admin.closed", ``, older)),
	}
	greets, err := e.Do("", emulator.Act{Kind: emulator.Greet})
	require.NoError(tb, err)
	for _, r := range greets {
		all = append(all, r.Body)
	}
	id := e.Begin("hello")
	for _, kind := range []emulator.ActKind{
		emulator.Say, emulator.SayHTML, emulator.Farewell, emulator.Join, emulator.Transfer, emulator.Snooze, emulator.Close, emulator.Reopen,
		emulator.Note, emulator.Bot, emulator.Read, emulator.Unknown, emulator.Delete,
	} {
		made, err := e.Do(id, emulator.Act{Kind: kind, Text: "<p>text</p>"})
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
	a := open(f)
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
			if m, ok := in.Body.(handoff.HumanMessage); ok && (m.Text == "" || len(m.Text) > handoff.MaxTextBytes || !utf8.ValidString(m.Text)) {
				t.Fatalf("text %q", m.Text)
			}
		}
	})
}
