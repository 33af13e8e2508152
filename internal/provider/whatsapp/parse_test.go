package whatsapp_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/whatsapp"
)

// sheena writes in all of Meta's examples.
func config() *handoffv1.WhatsAppConfig {
	return &handoffv1.WhatsAppConfig{
		AccessToken: "token", AppSecret: "secret", VerifyToken: "meatyhamhock", PhoneNumberId: "106540352242922", WabaId: "102290129340398",
		Staff:        []*handoffv1.WhatsAppStaff{{Phone: "+16505551234", Name: "Sheena"}},
		TemplateName: "handoff_request", TemplateLanguage: "en",
	}
}

func open(t testing.TB, c *handoffv1.WhatsAppConfig) provider.Adapter {
	t.Helper()
	require.Empty(t, whatsapp.Kind{}.Missing(c))
	a, err := whatsapp.Kind{}.Open(c, provider.Deps{HTTP: http.DefaultClient, Now: time.Now})
	require.NoError(t, err)
	return a
}

// parse parses one of Meta's examples; some are of another account.
func parse(t *testing.T, body string) []handoff.Inbound {
	t.Helper()
	a := open(t, config())
	body = strings.ReplaceAll(body, "419561257915477", "102290129340398")
	reply, inbound, err := a.Parse(provider.Request{Method: http.MethodPost, Body: []byte(body)})
	require.NoError(t, err)
	require.Equal(t, provider.Reply{Status: http.StatusOK, Always: true}, reply)
	return inbound
}

// TestPublishedSignatures holds the check of signatures to vectors of others: GitHub's
// for the same header, and RFC 4231's for the MAC in it.
func TestPublishedSignatures(t *testing.T) {
	t.Parallel()
	for _, v := range []struct{ name, secret, body, signature string }{
		{"GitHub, Validating webhook deliveries", "It's a Secret to Everybody", "Hello, World!", "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
		{"RFC 4231, test case 2", "Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{"RFC 4231, test case 1", strings.Repeat("\x0b", 20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	} {
		c := config()
		c.AppSecret = v.secret
		a := open(t, c)
		r := provider.Request{Method: http.MethodPost, Header: http.Header{"X-Hub-Signature-256": {"sha256=" + v.signature}}, Body: []byte(v.body)}
		require.NoError(t, a.Verify(r), v.name)
		for _, signature := range []string{"", v.signature, "sha1=" + v.signature, "sha256=" + strings.ToUpper(v.signature), "sha256=" + v.signature[1:]} {
			r.Header.Set("X-Hub-Signature-256", signature)
			require.Error(t, a.Verify(r), "%s: %s", v.name, signature)
		}
	}
}

// TestTheSignatureIsOfTheRawBody: Meta escapes what is not ASCII, and slashes.
func TestTheSignatureIsOfTheRawBody(t *testing.T) {
	t.Parallel()
	a := open(t, config())
	const escaped = `{"object":"whatsapp_business_account","entry":[],"x":"\u00e4\u00f6\u00e5 a\/b"}`
	const signature = "sha256=7aab728cd0d48390f0f29db385e0e2dcf5b112c5768162f284efe3f088aa4f20"
	r := provider.Request{Method: http.MethodPost, Header: http.Header{"X-Hub-Signature-256": {signature}}, Body: []byte(escaped)}
	require.NoError(t, a.Verify(r))
	r.Body = []byte(`{"object":"whatsapp_business_account","entry":[],"x":"äöå a/b"}`)
	require.Error(t, a.Verify(r))
}

func TestHandshake(t *testing.T) {
	t.Parallel()
	a := open(t, config())
	r := provider.Request{Method: http.MethodGet, Query: "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meatyhamhock"}
	require.NoError(t, a.Verify(r))
	reply, inbound, err := a.Parse(r)
	require.NoError(t, err)
	require.Empty(t, inbound)
	require.Equal(t, provider.Reply{Status: 200, ContentType: "text/plain", Body: []byte("1158201444")}, reply)
	for _, query := range []string{
		"", "hub.mode=subscribe&hub.challenge=1", "hub.mode=subscribe&hub.challenge=1&hub.verify_token=meaty", "hub.challenge=1&hub.verify_token=meatyhamhock",
		"hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=meatyhamhock", "hub.mode=subscribe&hub.verify_token=%zz",
	} {
		r.Query = query
		require.Error(t, a.Verify(r), query)
	}
	r.Query = "hub.mode=subscribe&hub.verify_token=meatyhamhock"
	_, _, err = a.Parse(r)
	require.Equal(t, handoff.CodeInvalid, handoff.CodeOf(err))
	r.Method = http.MethodHead
	require.Error(t, a.Verify(r))
}

// TestMetasExamples parses the webhooks of Meta's description of its API.
func TestMetasExamples(t *testing.T) {
	t.Parallel()
	said := func(change func(*handoff.PersonSaid)) *handoff.PersonSaid {
		s := &handoff.PersonSaid{Person: "16505551234", Name: "Sheena", Locale: "en"}
		change(s)
		return s
	}
	quoting := func(id string) func(*handoff.PersonSaid) {
		return func(s *handoff.PersonSaid) { s.Quotes, s.QuotedIDs = true, []string{id} }
	}
	text := func(text string) *handoff.PersonSaid {
		return said(func(s *handoff.PersonSaid) { s.Text = text })
	}
	pressed := func(button, quoted string) *handoff.PersonSaid {
		return said(func(s *handoff.PersonSaid) { s.Button = button; quoting(quoted)(s) })
	}
	unreadable := said(func(s *handoff.PersonSaid) { s.Unreadable = true })
	for name, want := range map[string]*handoff.PersonSaid{
		"text-message": text("Does it come in another color?"),
		"text-message-with-context-product-inquiry": said(func(s *handoff.PersonSaid) {
			s.Text = "Is this still available?"
			quoting("wamid.HBgLMTY1MDM4Nzk0MzkVAgARGA9wcm9kdWN0X2lucXVpcnkA")(s)
		}),
		"text-message-from-click-to-whatsapp-ad": text("Hello! Can I get more info on this?"),
		"location-message":                       text("📍\nPhilz Coffee\n101 Forest Ave, Palo Alto, CA 94301\nhttps://www.openstreetmap.org/?mlat=37.442215&mlon=-122.161659"),
		"contact-sharing-message":                text("👤 Lucía Gómez, +1 (983) 555-2319"),
		"button-message":                         pressed("Unsubscribe", "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBJFNjk2OTMwNEZCQjhGMzUyQUYA"),
		"interactive-list-reply-message":         pressed("priority_express", "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBJGMzEyNzhENTZDMzNGODlDRDgA"),
		"interactive-button-reply-message":       pressed("cancel-button", "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI3MEM2RUJFNkI0RENGQTVDRjUA"),
		"image-message": said(func(s *handoff.PersonSaid) {
			s.Text, s.Files = "Taj Mahal", []handoff.RemoteFile{{VendorID: "1003383421387256", Name: "image.jpg", MIMEType: "image/jpeg"}}
		}),
		"unsupported-message":       unreadable,
		"order-message":             unreadable,
		"reaction-message":          nil,
		"system-message":            nil,
		"group-create-message":      nil,
		"group-settings-update":     nil,
		"group-remove-participants": nil,
	} {
		body, err := os.ReadFile(filepath.Join("testdata", "webhooks", name+".json"))
		require.NoError(t, err)
		got := parse(t, string(body))
		if want == nil {
			assert.Empty(t, got, name)
			continue
		}
		require.Len(t, got, 1, name)
		assert.Equal(t, *want, got[0].Body, name)
		assert.True(t, strings.HasPrefix(got[0].VendorID, "wamid."), name)
		assert.Equal(t, "message:"+got[0].VendorID, got[0].Key, name)
	}
	files, err := filepath.Glob("testdata/webhooks/*.json")
	require.NoError(t, err)
	require.Len(t, files, 16, "all of them")
}

// notification is a webhook with what follows in one value of it.
func notification(value string) string {
	return `{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages","value":{
		"metadata":{"phone_number_id":"106540352242922"},` + value + `}}]}]}`
}

// TestMediaAreFiles: whatever the sort, what a human sends is a file with a name.
func TestMediaAreFiles(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]handoff.PersonSaid{
		`"type":"document","document":{"id":"7","mime_type":"application/pdf","filename":"Übersicht.pdf","caption":"see"}`: {Text: "see", Files: []handoff.RemoteFile{{VendorID: "7", Name: "Übersicht.pdf", MIMEType: "application/pdf"}}},
		`"type":"audio","audio":{"id":"7","mime_type":"audio/ogg; codecs=opus","voice":true}`:                              {Files: []handoff.RemoteFile{{VendorID: "7", Name: "voice.oga", MIMEType: "audio/ogg; codecs=opus"}}},
		`"type":"audio","audio":{"id":"7","mime_type":"audio/mpeg"}`:                                                       {Files: []handoff.RemoteFile{{VendorID: "7", Name: "audio.mp3", MIMEType: "audio/mpeg"}}},
		`"type":"video","video":{"id":"7","mime_type":"video/mp4"}`:                                                        {Files: []handoff.RemoteFile{{VendorID: "7", Name: "video.mp4", MIMEType: "video/mp4"}}},
		`"type":"sticker","sticker":{"id":"7","mime_type":"image/webp","animated":false}`:                                  {Files: []handoff.RemoteFile{{VendorID: "7", Name: "sticker.webp", MIMEType: "image/webp"}}},
		`"type":"image","image":{"id":"7"}`:                                                                                {Files: []handoff.RemoteFile{{VendorID: "7", Name: "image"}}},
		`"type":"image","image":{"mime_type":"image/jpeg"}`:                                                                {Unreadable: true},
		`"type":"image","image":{"id":"7"},"context":{"id":"q1"}`:                                                          {Quotes: true, QuotedIDs: []string{"q1"}, Files: []handoff.RemoteFile{{VendorID: "7", Name: "image"}}},
	} {
		want.Person, want.Name, want.Locale = "16505551234", "Sheena", "en"
		got := parse(t, notification(`"messages":[{"from":"16505551234","id":"wamid.1",`+content+`}]`))
		require.Len(t, got, 1, content)
		assert.Equal(t, want, got[0].Body, content)
	}
}

func TestWhoWrites(t *testing.T) {
	t.Parallel()
	const message = `"id":"wamid.1","type":"text","text":{"body":"Hi"}`
	for name, c := range map[string]struct {
		value string
		heard bool // as one of the staff
	}{
		"by number":                {`"messages":[{"from":"16505551234",` + message + `}]`, true},
		"a stranger":               {`"messages":[{"from":"16505551235",` + message + `}]`, false},
		"nobody":                   {`"messages":[{` + message + `}]`, false},
		"by id, with the contact":  {`"contacts":[{"wa_id":"16505551234","user_id":"US.1"}],"messages":[{"from_user_id":"US.1",` + message + `}]`, true},
		"by id of somebody else":   {`"contacts":[{"wa_id":"16505551234","user_id":"US.1"}],"messages":[{"from_user_id":"US.2",` + message + `}]`, false},
		"by id without a number":   {`"contacts":[{"user_id":"US.1"}],"messages":[{"from_user_id":"US.1",` + message + `}]`, false},
		"without an id of its own": {`"messages":[{"from":"16505551234","type":"text","text":{"body":"Hi"}}]`, false},
	} {
		got := parse(t, notification(c.value))
		switch {
		case c.heard:
			require.Len(t, got, 1, name)
			require.False(t, got[0].Body.(handoff.PersonSaid).Stranger, name)
		case name == "a stranger":
			require.Len(t, got, 1, name)
			require.Equal(t, handoff.PersonSaid{Person: "16505551235", Locale: "en", Stranger: true}, got[0].Body, "what they say stays outside")
		default:
			assert.Empty(t, got, name)
		}
	}
	good := notification(`"messages":[{"from":"16505551234",` + message + `}]`)
	require.Len(t, parse(t, good), 1)
	for _, other := range []string{
		strings.Replace(good, "106540352242922", "1", 1), strings.Replace(good, "102290129340398", "1", 1), strings.Replace(good, `"messages","value"`, `"smb_message_echoes","value"`, 1),
	} {
		require.Empty(t, parse(t, other), "of another number, account or field")
	}
}

// TestNumbersAreWrittenInTwoWays: what WhatsApp calls somebody is not always what is dialled.
func TestNumbersAreWrittenInTwoWays(t *testing.T) {
	t.Parallel()
	for phone, waID := range map[string]string{
		"+54 11 1234-5678": "5491112345678", "+5491112345678": "5491112345678", "+52 55 1234 5678": "5215512345678",
		"+5511987654321": "551187654321", "+49 1511 2345678": "4915112345678",
	} {
		c := config()
		c.Staff = []*handoffv1.WhatsAppStaff{{Phone: phone, Name: "Bob"}}
		_, inbound, err := open(t, c).Parse(provider.Request{Method: http.MethodPost, Body: []byte(notification(
			`"messages":[{"from":"` + waID + `","id":"wamid.1","type":"text","text":{"body":"Hi"}}]`,
		))})
		require.NoError(t, err)
		require.Len(t, inbound, 1, phone)
	}
	for _, wrong := range [][]*handoffv1.WhatsAppStaff{
		{{Phone: "+5491112345678"}, {Phone: "+541112345678"}}, {{Phone: "+16505551234"}, {Phone: "16505551234"}}, {{Name: "Bob"}},
	} {
		c := config()
		c.Staff = wrong
		_, err := whatsapp.Kind{}.Open(c, provider.Deps{})
		require.ErrorContains(t, err, "staff[")
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	const window = `"errors":[{"code":131047,"title":"Re-engagement message"}]`
	const undeliverable = `"errors":[{"code":131026,"title":"Message undeliverable","error_data":{"details":"not on WhatsApp"}}]`
	told := func(key string, isBarred bool) handoff.Inbound {
		return handoff.Inbound{SessionID: "ses_1", VendorID: "wamid.1", Body: handoff.PersonTold{Person: "16505551234", Delivery: key, Barred: isBarred}}
	}
	reported := func(status handoff.MessageStatus, detail string) handoff.Inbound {
		return handoff.Inbound{VendorID: "wamid.1", Body: handoff.StatusReported{Status: status, Detail: detail}}
	}
	read, failed := reported(handoff.MessageRead, ""), reported(handoff.MessageFailed, "131026 Message undeliverable: not on WhatsApp")
	for _, c := range []struct {
		status, data, more string
		want               []handoff.Inbound
	}{
		{"sent", "handoff:m:ses_1:msg_1", "", []handoff.Inbound{told("msg_1", false)}},
		{"delivered", "handoff:o:ses_1:ses_1-start", "", []handoff.Inbound{told("ses_1-start", false)}},
		{"read", "handoff:o:ses_1:notice-1", "", []handoff.Inbound{told("notice-1", false)}},
		{"read", "handoff:m:ses_1:msg_1", "", []handoff.Inbound{told("msg_1", false), read}},
		{"failed", "handoff:m:ses_1:msg_1", undeliverable, []handoff.Inbound{failed}},
		{"failed", "handoff:o:ses_1:ses_1-start", undeliverable, nil},
		{"failed", "handoff:m:ses_1:msg_1", window, []handoff.Inbound{told("msg_1", true)}},
		{"failed", "handoff:o:ses_1:ses_1-start", window, []handoff.Inbound{told("ses_1-start", true)}},
		{"read", "", "", []handoff.Inbound{read}},
		{"read", "of somebody else", "", nil},
		{"levitated", "handoff:m:ses_1:msg_1", "", nil},
	} {
		more := c.more
		if more == "" {
			more = `"pricing":{"billable":true}`
		}
		got := parse(t, notification(`"statuses":[{"id":"wamid.1","status":"`+c.status+`","recipient_id":"16505551234","biz_opaque_callback_data":"`+c.data+`",`+more+`}]`))
		assert.Equal(t, c.want, got, "%s %s %s", c.status, c.data, c.more)
	}
	require.Equal(t, []handoff.Inbound{read}, parse(t, notification(`"statuses":[{"id":"wamid.1","status":"read","recipient_id":"1","biz_opaque_callback_data":"handoff:m:ses_1:msg_1"}]`)),
		"of a human who is not among the staff any more")
}

// TestBatches: one body may tell many things.
func TestBatches(t *testing.T) {
	t.Parallel()
	const first = `"messages":[{"from":"16505551234","id":"wamid.1","type":"text","text":{"body":"1"}},{"from":"16505551234","id":"wamid.2","type":"text","text":{"body":"2"}}]`
	body := notification(first + `,"statuses":[{"id":"wamid.3","status":"read"}]`)
	inner := strings.TrimSuffix(strings.TrimPrefix(body, `{"object":"whatsapp_business_account","entry":[`), `]}`)
	got := parse(t, `{"object":"whatsapp_business_account","entry":[`+inner+`,`+strings.ReplaceAll(inner, "wamid.", "wamid.1")+`]}`)
	var ids []string
	for _, in := range got {
		ids = append(ids, in.VendorID)
	}
	require.Equal(t, []string{"wamid.1", "wamid.2", "wamid.3", "wamid.11", "wamid.12", "wamid.13"}, ids)
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/webhooks/*.json")
	require.NoError(f, err)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(http.MethodPost, "", body)
	}
	f.Add(http.MethodPost, "", []byte(notification(`"statuses":[{"id":"wamid.1","status":"failed","biz_opaque_callback_data":"handoff:m:s:k","errors":[{"code":131047}]}]`)))
	f.Add(http.MethodGet, "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meatyhamhock", []byte(nil))
	a := open(f, config())
	f.Fuzz(func(t *testing.T, method, query string, body []byte) {
		reply, inbound, err := a.Parse(provider.Request{Method: method, Query: query, Body: body})
		if err != nil {
			require.Equal(t, handoff.CodeInvalid, handoff.CodeOf(err))
			require.Empty(t, inbound)
			return
		}
		if method == http.MethodGet {
			values, _ := url.ParseQuery(query)
			require.Equal(t, values.Get("hub.challenge"), string(reply.Body))
		}
		for _, in := range inbound {
			require.NotEmpty(t, in.VendorID)
			if said, ok := in.Body.(handoff.PersonSaid); ok {
				require.NotEmpty(t, in.Key)
				if said.Stranger {
					require.Equal(t, handoff.PersonSaid{Person: said.Person, Locale: "en", Stranger: true}, said, "nobody else is heard")
					continue
				}
				require.Equal(t, "16505551234", said.Person)
			}
		}
	})
}
