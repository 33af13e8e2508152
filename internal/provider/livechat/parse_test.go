package livechat_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/livechat"
)

const (
	clientID     = "0805e283233042b37f460ed8fbf22160"
	organization = "390e44e6-f1e6-4368-ae6d-b74f14508c2e"
	secret       = "laudla991lamda0pnoaa0"
	customerID   = "b7eff798-f8df-4364-8059-649c35c9ed0c"
	botID        = "5c9871d5372c824cbf22d860a707a578"
)

func open(t testing.TB, c *handoffv1.LiveChatConfig) provider.Adapter {
	t.Helper()
	adapter, err := livechat.Kind{}.Open(c, provider.Deps{Now: time.Now})
	require.NoError(t, err)
	return adapter
}

func withSecret(t testing.TB) provider.Adapter {
	t.Helper()
	return open(t, &handoffv1.LiveChatConfig{ClientId: clientID, ClientSecret: "x", OrganizationId: organization, WebhookSecret: secret})
}

// webhook is a chat webhook with a payload.
func webhook(action, payload string) []byte {
	return []byte(`{"webhook_id":"8aec5ec0","secret_key":"` + secret + `","action":"` + action + `","organization_id":"` + organization + `",
		"payload":` + payload + `,"additional_data":{"chat_properties":{"source":{"client_id":"` + clientID + `"}}}}`)
}

func event(fields string) []byte {
	return webhook("incoming_event", `{"chat_id":"PJ0MRSHTDG","thread_id":"K600PKZON8","event":{"id":"K600PKZON8_4","created_at":"2026-06-12T10:15:30.000000Z",`+fields+`}}`)
}

func post(body []byte) provider.Request {
	return provider.Request{Method: http.MethodPost, Header: http.Header{}, Body: body, Time: time.Now()}
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	a := withSecret(t)
	say := func(text string) handoff.InboundBody { return handoff.HumanMessage{Text: text} }
	file := func(text, name, mimeType string) handoff.InboundBody {
		return handoff.HumanMessage{Text: text, Files: []handoff.RemoteFile{{Name: name, MIMEType: mimeType, URL: "https://x/a.png"}}}
	}
	const ada = `"author_id":"ada@example.com"`
	for name, c := range map[string]struct {
		body []byte
		want handoff.InboundBody
	}{
		"message":                 {event(`"type":"message","text":"Hello",` + ada), say("Hello")},
		"for all":                 {event(`"type":"message","text":"Hello","visibility":"all","recipients":"all",` + ada), say("Hello")},
		"note":                    {event(`"type":"message","text":"hush","visibility":"agents",` + ada), nil},
		"note by its older name":  {event(`"type":"message","text":"hush","recipients":"agents",` + ada), nil},
		"for whoever comes next":  {event(`"type":"message","text":"hush","visibility":"supervisors",` + ada), nil},
		"note that is a file":     {event(`"type":"file","name":"a.png","url":"https://x/a.png","visibility":"agents",` + ada), nil},
		"bot":                     {event(`"type":"message","text":"beep","author_id":"` + botID + `"`), nil},
		"customer":                {event(`"type":"message","text":"mine","author_id":"` + customerID + `"`), nil},
		"nobody":                  {event(`"type":"system_message","text":"Chat assigned","system_message_type":"routing.assigned"`), nil},
		"system by somebody":      {event(`"type":"system_message","text":"x",` + ada), nil},
		"form":                    {event(`"type":"filled_form","fields":[],` + ada), nil},
		"custom":                  {event(`"type":"custom","content":{},` + ada), nil},
		"empty":                   {event(`"type":"message","text":"",` + ada), nil},
		"file":                    {event(`"type":"file","name":"a.png","url":"https://x/a.png","content_type":"image/png",` + ada), file("", "a.png", "image/png")},
		"file without a name":     {event(`"type":"file","url":"https://x/a.png",` + ada), file("", "", "")},
		"file without an address": {event(`"type":"file","name":"a.png","alternative_text":"A bird",` + ada), nil},
		"picture with a text":     {event(`"type":"file","name":"a.png","alternative_text":"A bird","url":"https://x/a.png",` + ada), file("A bird", "a.png", "")},
		"rich message":            {event(`"type":"rich_message","template_id":"cards","elements":[{"title":"Pick","subtitle":"one","image":{"url":"https://x/b.png"},"buttons":[{"text":"Yes","type":"message","value":"y"},{"text":"Call","type":"phone","value":"790"}]}],` + ada), say("Pick\none\nhttps://x/b.png\n- Yes\n- Call (790)")},
		"no event":                {webhook("incoming_event", `{"chat_id":"c"}`), nil},
		"closed by an agent":      {webhook("chat_deactivated", `{"chat_id":"c","thread_id":"t","user_id":"ada@example.com"}`), handoff.HumanClosed{}},
		"closed by the customer":  {webhook("chat_deactivated", `{"chat_id":"c","thread_id":"t","user_id":"`+customerID+`"}`), nil},
		"closed by LiveChat":      {webhook("chat_deactivated", `{"chat_id":"c","thread_id":"t"}`), handoff.HumanClosed{Outcome: handoff.Outcome{Note: "LiveChat closed the chat by itself, as it does with silent ones."}}},
		"joined":                  {webhook("user_added_to_chat", `{"chat_id":"c","user":{"id":"ada@example.com","type":"agent","name":"Ada"},"user_type":"agent"}`), handoff.HumanJoined{Name: "Ada"}},
		"joined without a name":   {webhook("user_added_to_chat", `{"chat_id":"c","user":{"id":"ada@example.com","name":"ada@example.com"},"user_type":"agent"}`), handoff.HumanJoined{Name: "Agent"}},
		"a bot joined":            {webhook("user_added_to_chat", `{"chat_id":"c","user":{"id":"`+botID+`","name":"Beep"},"user_type":"agent"}`), nil},
		"the customer joined":     {webhook("user_added_to_chat", `{"chat_id":"c","user":{"id":"`+customerID+`"},"user_type":"customer"}`), nil},
		"left":                    {webhook("user_removed_from_chat", `{"chat_id":"c","user_id":"ada@example.com","user_type":"agent"}`), handoff.HumanLeft{Name: "Agent"}},
		"into a queue":            {webhook("chat_transferred", `{"chat_id":"c","reason":"manual","transferred_to":{"group_ids":[1]},"queue":{"position":42,"wait_time":90,"queued_at":"2026-06-12T10:15:30Z"}}`), handoff.QueueMoved{Position: 42, Wait: 90 * time.Second}},
		"into an endless queue":   {webhook("chat_transferred", `{"chat_id":"c","queue":{"position":1,"wait_time":9000000000000000000}}`), handoff.QueueMoved{Position: 1, Wait: 7 * 24 * time.Hour}},
		"to somebody":             {webhook("chat_transferred", `{"chat_id":"c","transferred_to":{"agent_ids":["a@b.c"]}}`), nil},
		"seen":                    {webhook("events_marked_as_seen", `{"chat_id":"c","user_id":"ada@example.com","seen_up_to":"2026-06-12T10:15:30Z"}`), nil},
		"begun":                   {webhook("incoming_chat", `{"chat":{"id":"c"}}`), nil},
		"changed":                 {webhook("event_updated", `{"chat_id":"c","event":{}}`), nil},
		"what comes in some year": {webhook("chat_levitated", `17`), nil},
	} {
		require.NoError(t, a.Verify(post(c.body)), name)
		reply, inbound, err := a.Parse(post(c.body))
		require.NoError(t, err, name)
		assert.Equal(t, provider.Reply{Status: http.StatusOK, Always: true, Ours: true}, reply, name)
		if c.want == nil {
			assert.Empty(t, inbound, name)
			continue
		}
		require.Len(t, inbound, 1, name)
		assert.Equal(t, c.want, inbound[0].Body, name)
		assert.NotEmpty(t, inbound[0].Key, name)
		assert.NotEmpty(t, inbound[0].Ref, name)
		assert.NotContains(t, toJSON(t, inbound[0].Body), "@", "%s: agents' addresses are no customer's business", name)
	}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return string(data)
}

func TestWebhooksThatMakeNoSense(t *testing.T) {
	t.Parallel()
	a := withSecret(t)
	for _, body := range []string{
		`{}`, `[]`, `{"action":"incoming_event"}`, `{"action":"incoming_event","payload":{}}`, `{"action":"incoming_event","payload":[]}`,
		`{"action":17}`, `{"action":"chat_deactivated","payload":{"chat_id":["c"]}}`,
	} {
		_, inbound, err := a.Parse(post([]byte(body)))
		assert.Empty(t, inbound, body)
		assert.Equal(t, handoff.CodeInvalid, handoff.CodeOf(err), body)
	}
}

// A chat of another app is none that we could know later.
func TestChatsOfOthersDoNotComeAgain(t *testing.T) {
	t.Parallel()
	a := withSecret(t)
	body := strings.ReplaceAll(string(event(`"type":"message","text":"Hello","author_id":"ada@example.com"`)), clientID, "another")
	reply, inbound, err := a.Parse(post([]byte(body)))
	require.NoError(t, err)
	assert.False(t, reply.Ours)
	assert.True(t, reply.Always)
	assert.Len(t, inbound, 1)
}

func TestWhatProvesAWebhook(t *testing.T) {
	t.Parallel()
	good := event(`"type":"message","text":"Hello","author_id":"ada@example.com"`)
	other := []byte(strings.Replace(string(good), secret, "guessed", 1))
	foreign := []byte(strings.Replace(string(good), organization, "another", 1))
	given := withSecret(t)
	require.NoError(t, given.Verify(post(good)))
	for name, body := range map[string][]byte{"another secret": other, "another organization": foreign, "no JSON": []byte("secret_key=" + secret)} {
		require.Error(t, given.Verify(post(body)), name)
		require.NotContains(t, given.Verify(post(body)).Error(), secret, name)
	}
	get := post(good)
	get.Method = http.MethodGet
	require.Error(t, given.Verify(get))

	// Where we make the secret, nobody can guess it from what is public.
	made := open(t, &handoffv1.LiveChatConfig{ClientId: clientID, ClientSecret: "x", OrganizationId: organization})
	require.Error(t, made.Verify(post(good)))
	require.Error(t, made.Verify(post([]byte(strings.Replace(string(good), secret, "", 1)))))

	// Without any the receive URL proves it, and the organization has to be right.
	none := open(t, &handoffv1.LiveChatConfig{ClientId: clientID, OrganizationId: organization})
	require.NoError(t, none.Verify(post(other)))
	require.Error(t, none.Verify(post(foreign)))

	app := post([]byte(`{"clientID":"` + clientID + `","organizationID":"` + organization + `","event":"application_uninstalled"}`))
	app.Path = "/app"
	require.NoError(t, given.Verify(app))
	reply, inbound, err := given.Parse(app)
	require.NoError(t, err)
	require.Empty(t, inbound, "on its word alone nothing is done")
	require.Equal(t, http.StatusOK, reply.Status)
	app.Body = []byte(`{"clientID":"another"}`)
	require.Error(t, given.Verify(app))
}

func TestSecretsAreStrippedWhereverTheyStand(t *testing.T) {
	t.Parallel()
	a, ok := withSecret(t).(provider.Stripper)
	require.True(t, ok)
	for _, body := range []string{
		string(event(`"type":"message","text":"` + secret + `","author_id":"ada@example.com"`)),
		`{"secret_key":"` + secret + `","action":`, `["` + secret + `"]`, `null`, ``,
	} {
		got := a.Strip(post([]byte(body)))
		assert.NotContains(t, string(got.Body), secret)
		assert.NotContains(t, string(got.Body), "secret_key\":\"l")
	}
	none, _ := open(t, &handoffv1.LiveChatConfig{ClientId: clientID, OrganizationId: organization}).(provider.Stripper)
	unknown := none.Strip(post(event(`"type":"message","text":"Hello","author_id":"ada@example.com"`)))
	assert.NotContains(t, string(unknown.Body), secret, "also one that we do not know")
	kept := a.Strip(post(event(`"type":"message","text":"Hello","author_id":"ada@example.com"`)))
	_, inbound, err := withSecret(t).Parse(kept)
	require.NoError(t, err)
	require.Len(t, inbound, 1, "what is kept can still be read")
}

// FuzzParse looks for webhooks that break the parser or get past what must hold. Its
// seeds are of the shapes that the vendor publishes.
func FuzzParse(f *testing.F) {
	for _, seed := range [][]byte{
		event(`"type":"message","text":"Hello","author_id":"ada@example.com","visibility":"all","properties":{"source":{"client_id":"x"}},"postback":{"id":"action_call","thread_id":"K600PKZON8","event_id":"75a90b82","type":"phone","value":"790034890"}`),
		event(`"type":"message","text":"hush","author_id":"ada@example.com","visibility":"agents"`),
		event(`"type":"file","name":"image25.png","url":"https://example.com/image25.png","thumbnail_url":"https://example.com/t.png","content_type":"image/png","size":123444,"width":640,"height":480,"alternative_text":"A sample","author_id":"ada@example.com"`),
		event(`"type":"rich_message","template_id":"cards","author_id":"ada@example.com","elements":[{"title":"Lorem","subtitle":"ipsum","image":{"name":"i.png","url":"https://example.com/i.png"},"buttons":[{"text":"yes","postback_id":"action_yes","user_ids":["b"]},{"type":"phone","text":"value","value":"790034890","webview_height":"tall","target":"current"}]}]`),
		event(`"type":"system_message","text":"The chat was closed","system_message_type":"routing.archived_disconnected","text_vars":{"agent":"Agent Smith"}`),
		event(`"type":"filled_form","author_id":"` + customerID + `","fields":[{"type":"name","label":"Your name"}]`),
		webhook("chat_deactivated", `{"chat_id":"PS0X0L086G","thread_id":"PZ070E0W1B","user_id":"b5657aff34dd32e198160d54666df9d8"}`),
		webhook("chat_deactivated", `{"chat_id":"PS0X0L086G","thread_id":"PZ070E0W1B"}`),
		webhook("user_added_to_chat", `{"chat_id":"PS0X0L086G","thread_id":"PZ070E0W1B","user":{"id":"ada@example.com","type":"agent","name":"Ada","present":true},"user_type":"agent","reason":"manual","requester_id":"ada@example.com"}`),
		webhook("user_removed_from_chat", `{"chat_id":"PS0X0L086G","user_id":"ada@example.com","user_type":"agent"}`),
		webhook("chat_transferred", `{"chat_id":"PS0X0L086G","reason":"manual","transferred_to":{"agent_ids":["a@b.c"],"group_ids":[19]},"queue":{"position":42,"wait_time":1337,"queued_at":"2019-12-09T12:01:18.909000Z"}}`),
		webhook("events_marked_as_seen", `{"user_id":"ada@example.com","chat_id":"PS0X0L086G","seen_up_to":"2017-10-12T15:19:21.010200Z"}`),
		webhook("incoming_chat", `{"chat":{"id":"PS0X0L086G","users":[],"thread":{"id":"K"}}}`),
		[]byte(`{"clientID":"` + clientID + `","organizationID":"` + organization + `"}`), []byte(`{`), nil,
	} {
		f.Add(seed, "")
		f.Add(seed, "/app")
	}
	a := withSecret(f)
	f.Fuzz(func(t *testing.T, body []byte, path string) {
		r := post(body)
		r.Path = path
		_ = a.Verify(r)
		stripper, _ := a.(provider.Stripper)
		if got := stripper.Strip(r); strings.Contains(string(got.Body), secret) {
			t.Fatalf("%q holds the secret", got.Body)
		}
		_, inbound, err := a.Parse(r)
		if err != nil && (len(inbound) > 0 || handoff.CodeOf(err) == handoff.CodeInternal) {
			t.Fatalf("%v with %v", err, inbound)
		}
		if len(inbound) > 1 {
			t.Fatalf("%d inbounds of one webhook", len(inbound))
		}
		for _, in := range inbound {
			if in.Key == "" || in.Ref == "" || in.Body == nil {
				t.Fatalf("%+v", in)
			}
			var e struct {
				Payload struct {
					Event struct {
						Visibility string `json:"visibility"`
						AuthorID   string `json:"author_id"`
					} `json:"event"`
				} `json:"payload"`
			}
			_, isMessage := in.Body.(handoff.HumanMessage)
			if isMessage && json.Unmarshal(body, &e) == nil {
				if v := e.Payload.Event.Visibility; v != "" && v != "all" {
					t.Fatalf("visibility %q got out", v)
				}
				if !strings.Contains(e.Payload.Event.AuthorID, "@") {
					t.Fatalf("the words of %q got out", e.Payload.Event.AuthorID)
				}
			}
		}
	})
}
