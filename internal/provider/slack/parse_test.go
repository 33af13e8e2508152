package slack_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/slack"
	"github.com/human-handoff/handoff/internal/provider/slack/slacktest"
)

var names = map[string]string{"U222": "Bob", "U333": "Eve & Co"}

func jsonRequest(body string) provider.Request {
	return provider.Request{Method: http.MethodPost, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body), Names: names}
}

// event is a message in its envelope, in a thread of the channel unless fields say otherwise.
func event(fields map[string]any) provider.Request {
	message := map[string]any{
		"type": "message", "channel": slacktest.Channel, "channel_type": "channel", "user": "U222", "text": "hello",
		"ts": "1763900042.000200", "thread_ts": "1763900000.123459", "parent_user_id": "UBOT", "event_ts": "1763900042.000200",
	}
	for name, value := range fields {
		if value == nil {
			delete(message, name)
		} else {
			message[name] = value
		}
	}
	data, _ := json.Marshal(map[string]any{
		"type": "event_callback", "event_id": "Ev1", "team_id": "T1", "event": message,
		"authorizations": []any{map[string]any{"user_id": "UAPP", "is_bot": true}},
	})
	return jsonRequest(string(data))
}

func parse(t *testing.T, r provider.Request) []handoff.Inbound {
	t.Helper()
	reply, inbound, err := adapterOf(t, withSecret("s")).Parse(r)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, reply.Status)
	require.True(t, reply.Always, "Slack takes refusals for an outage")
	return inbound
}

// TestWhatIsHeard is the table of docs/providers/slack.md: what goes to the customer
// and what does not.
func TestWhatIsHeard(t *testing.T) {
	t.Parallel()
	said := func(text string) handoff.InboundBody { return handoff.HumanMessage{AuthorName: "Bob", Text: text} }
	for name, c := range map[string]struct {
		fields map[string]any
		want   handoff.InboundBody
	}{
		"a reply":                          {nil, said("hello")},
		"also sent to the channel":         {map[string]any{"subtype": "thread_broadcast"}, said("hello")},
		"with /me":                         {map[string]any{"subtype": "me_message"}, said("hello")},
		"in a private channel":             {map[string]any{"channel_type": "group"}, said("hello")},
		"of somebody of another workspace": {map[string]any{"user": "U999", "user_profile": map[string]any{"display_name": "", "real_name": "Zoe"}}, handoff.HumanMessage{AuthorName: "Zoe", Text: "hello"}},
		"of somebody without a name":       {map[string]any{"user": "U999"}, handoff.HumanMessage{Text: "hello"}},
		"an edited envelope of a bot":      {map[string]any{"bot_profile": nil}, said("hello")},
		"a file":                           {map[string]any{"subtype": "file_share", "text": "", "files": []any{map[string]any{"name": "a.png"}, map[string]any{"title": "B"}, map[string]any{}}}, said("[a.png]\n[B]\n[file]")},
		"a file with a word":               {map[string]any{"subtype": "file_share", "files": []any{map[string]any{"name": "a.png"}}}, said("hello\n[a.png]")},
		"a file in a note":                 {map[string]any{"subtype": "file_share", "text": "// look", "files": []any{map[string]any{"name": "a.png"}}}, nil},
		"close word":                       {map[string]any{"text": " !Close\n"}, handoff.HumanClosed{}},
		"close word in a sentence":         {map[string]any{"text": "use !close"}, said("use !close")},

		"outside of threads":           {map[string]any{"thread_ts": nil}, nil},
		"what begins a thread":         {map[string]any{"thread_ts": "1763900042.000200"}, nil},
		"in no channel":                {map[string]any{"channel": ""}, nil},
		"a note":                       {map[string]any{"text": "// who knows?"}, nil},
		"an indented note":             {map[string]any{"text": "  // who knows?"}, nil},
		"nothing":                      {map[string]any{"text": ""}, nil},
		"of a bot":                     {map[string]any{"bot_id": "B1"}, nil},
		"of a bot by its profile":      {map[string]any{"bot_profile": map[string]any{"id": "B1"}}, nil},
		"of a bot under another name":  {map[string]any{"subtype": "bot_message", "bot_id": "B1", "user": nil}, nil},
		"of our own user":              {map[string]any{"user": "UAPP"}, nil},
		"of who began the thread":      {map[string]any{"user": "UBOT"}, nil},
		"edited":                       {map[string]any{"subtype": "message_changed", "hidden": true}, nil},
		"deleted":                      {map[string]any{"subtype": "message_deleted", "hidden": true}, nil},
		"a reply's notice":             {map[string]any{"subtype": "message_replied"}, nil},
		"joined":                       {map[string]any{"subtype": "channel_join"}, nil},
		"topic":                        {map[string]any{"subtype": "channel_topic"}, nil},
		"another event":                {map[string]any{"type": "reaction_added"}, nil},
		"the app leaves":               {map[string]any{"type": "app_uninstalled"}, nil},
		"a subtype that will be":       {map[string]any{"subtype": "hologram"}, nil},
		"thread of a value of the day": {map[string]any{"thread_ts": ""}, nil},
	} {
		inbound := parse(t, event(c.fields))
		if c.want == nil {
			assert.Empty(t, inbound, name)
			continue
		}
		require.Len(t, inbound, 1, name)
		assert.Equal(t, c.want, inbound[0].Body, name)
		assert.Equal(t, slacktest.Channel+"/1763900000.123459", inbound[0].Ref, name)
		assert.NotEmpty(t, inbound[0].Person, name)
		assert.Equal(t, "message:"+slacktest.Channel+":1763900042.000200", inbound[0].Key, "not by event_id, for the thread tells the same without one")
	}
	for _, body := range []string{`{"type":"app_rate_limited","minute_rate_limited":1}`, `{"type":"hello"}`} {
		assert.Empty(t, parse(t, jsonRequest(body)))
	}
}

func TestMarkupBecomesText(t *testing.T) {
	t.Parallel()
	for markup, want := range map[string]string{
		"Hello &amp; welcome &lt;3":                        "Hello & welcome <3",
		"&amp;lt;b&amp;gt;":                                "&lt;b&gt;",
		"*bold* _it_ ~no~ `code`":                          "*bold* _it_ ~no~ `code`",
		"ask <@U222>, <@U444> or <@U333|eve>":              "ask @Bob, @U444 or @Eve & Co",
		"in <#C1|general> or <#C2>":                        "in #general or #C2",
		"<https://x.example/a?b=1&amp;c=2|our &amp; page>": "our & page (https://x.example/a?b=1&c=2)",
		"<https://x.example/>":                             "https://x.example/",
		"<http://x.example|x.example>":                     "x.example",
		"<mailto:a@x.example|a@x.example>":                 "a@x.example",
		"<!subteam^S1|@night> <!subteam^S1>":               "@night @subteam",
		"<!date^1392734382^{date}|Feb 18>":                 "Feb 18",
		"<!here> <!channel|channel>":                       "@here channel",
		"a < b":                                            "a < b",
		"<>":                                               "",
		":smile:":                                          ":smile:",
	} {
		inbound := parse(t, event(map[string]any{"text": markup + "."}))
		require.Len(t, inbound, 1)
		assert.Equal(t, want+".", inbound[0].Body.(handoff.HumanMessage).Text, markup)
	}
}

func TestOwnWords(t *testing.T) {
	t.Parallel()
	config := withSecret("s")
	config.CloseWord, config.NotePrefix = "fertig", "nb "
	a := adapterOf(t, config)
	for text, want := range map[string]int{"FERTIG": 1, "!close": 1, "// for you": 1, "nb hush": 0} {
		_, inbound, err := a.Parse(event(map[string]any{"text": text}))
		require.NoError(t, err)
		require.Len(t, inbound, want, text)
		if text == "FERTIG" {
			require.IsType(t, handoff.HumanClosed{}, inbound[0].Body)
		}
	}
}

func press(fields map[string]any) provider.Request {
	body := map[string]any{
		"type": "block_actions", "user": map[string]any{"id": "U999", "name": "zoe"},
		"container": map[string]any{"type": "message", "message_ts": "1763900000.123459", "channel_id": slacktest.Channel},
		"actions":   []any{map[string]any{"action_id": "handoff_close", "value": "ses_of_another", "action_ts": "1763900100.1"}},
	}
	maps.Copy(body, fields)
	data, _ := json.Marshal(body)
	return provider.Request{
		Method: http.MethodPost, Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}},
		Body: []byte(url.Values{"payload": {string(data)}}.Encode()), Names: names,
	}
}

func TestButtons(t *testing.T) {
	t.Parallel()
	inbound := parse(t, press(nil))
	require.Len(t, inbound, 1)
	assert.Equal(t, handoff.HumanClosed{}, inbound[0].Body)
	assert.Equal(t, slacktest.Channel+"/1763900000.123459", inbound[0].Ref)
	assert.Empty(t, inbound[0].SessionID, "whose session it is says the card, not what comes back with the button")
	assert.Equal(t, "U999", inbound[0].Person)
	again := parse(t, press(map[string]any{"actions": []any{map[string]any{"action_id": "handoff_close", "action_ts": "1763900200.1"}}}))
	assert.NotEqual(t, inbound[0].Key, again[0].Key)

	take := []any{map[string]any{"action_id": "handoff_take", "action_ts": "1"}}
	assert.Equal(t, handoff.HumanJoined{Name: "zoe"}, parse(t, press(map[string]any{"actions": take}))[0].Body)
	bob := map[string]any{"actions": take, "user": map[string]any{"id": "U222", "username": "bob"}}
	assert.Equal(t, handoff.HumanJoined{Name: "Bob"}, parse(t, press(bob))[0].Body)

	for name, fields := range map[string]map[string]any{
		"another app's button": {"actions": []any{map[string]any{"action_id": "vote"}}},
		"no channel":           {"container": map[string]any{"message_ts": "1763900000.123459"}},
		"no message":           {"container": map[string]any{"type": "view"}},
		"another kind":         {"type": "view_submission"},
		"no action":            {"actions": nil},
	} {
		assert.Empty(t, parse(t, press(fields)), name)
	}

	signed := press(nil) // what is in the query is not signed
	signed.Query, signed.Body = string(signed.Body), []byte("a=b")
	_, _, err := adapterOf(t, withSecret("s")).Parse(signed)
	require.Error(t, err)
}

func TestNamesAreAskedForWhereTheyAreUsed(t *testing.T) {
	t.Parallel()
	a := adapterOf(t, withSecret("s")).(provider.Introducer)
	assert.Equal(t, []string{"U222"}, a.People(event(nil)))
	assert.Equal(t, []string{"U222", "U333"}, a.People(event(map[string]any{"text": "<@U333> <@U222> <@U444|known>"})))
	assert.Equal(t, []string{"U999"}, a.People(press(nil)))
	assert.Empty(t, a.People(event(map[string]any{"user_profile": map[string]any{"real_name": "Zoe"}})), "it stands there")
	for _, r := range []provider.Request{
		event(map[string]any{"bot_id": "B1"}), event(map[string]any{"thread_ts": nil}), event(map[string]any{"user": "UAPP"}),
		press(map[string]any{"type": "view_submission"}), jsonRequest("garbage"), jsonRequest(`{"type":"event_callback"}`),
	} {
		assert.Empty(t, a.People(r), "%.100s", r.Body)
	}
}

func FuzzParse(f *testing.F) {
	for _, r := range []provider.Request{
		event(nil), event(map[string]any{"subtype": "file_share", "files": []any{map[string]any{"id": "F1", "name": "a.png", "size": 1234, "url_private": "https://files.slack.com/files-pri/T1-F1/a.png"}}}),
		event(map[string]any{"text": "<@U222> <https://x.example|x> &lt;&gt;&amp; <!date^1^{date}|d> < >"}), press(nil),
		jsonRequest(`{"token":"x","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}`),
		jsonRequest(`{"type":"event_callback","event":{"type":"message","subtype":"message_changed","hidden":true,"message":{"ts":"1"}}}`),
		jsonRequest(`{"type":"event_callback","event":{"type":"tokens_revoked","tokens":{"bot":["U1"]}}}`),
	} {
		f.Add(string(r.Body), strings.Contains(r.Header.Get("Content-Type"), "form"))
	}
	a, err := slack.Kind{}.Open(&handoffv1.SlackConfig{BotToken: "xoxb-1", SigningSecret: "s", ChannelId: slacktest.Channel}, provider.Deps{Now: time.Now})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body string, form bool) {
		r := jsonRequest(body)
		if form {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		_ = a.(provider.Introducer).People(r)
		stripped := a.(provider.Stripper).Strip(r)
		_, inbound, err := a.Parse(r)
		_, again, againErr := a.Parse(stripped)
		if err == nil && !form {
			require.NoError(t, againErr, "what is kept can be parsed")
			require.Len(t, again, len(inbound))
		}
		for _, in := range inbound {
			require.NoError(t, err)
			require.NotEmpty(t, in.Key)
			require.Contains(t, in.Ref, "/", "the channel and the thread")
			if m, ok := in.Body.(handoff.HumanMessage); ok {
				require.True(t, strings.TrimSpace(m.Text) != "" || len(m.Files) > 0)
				for _, f := range m.Files {
					require.Regexp(t, `^https://([^/]*\.)?slack\.com(:\d*)?(/|\?|#|$)`, f.URL, "the token is for Slack alone")
				}
				require.True(t, utf8.ValidString(m.Text))
			}
		}
	})
}
