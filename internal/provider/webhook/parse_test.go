package webhook_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/webhook"
)

func TestParseReply(t *testing.T) {
	wide := strings.Repeat("ä", handoff.MaxTextBytes/2)
	for _, tt := range []struct {
		name, path, body string
		want             handoff.InboundBody
		keyed            bool
	}{
		{"message", webhook.PathMessage, `{"conversation_id":"ses_1","timestamp":1770091506789,"body":"hello"}`, handoff.HumanMessage{Text: "hello"}, true},
		{"below the receive URL", "/v1" + webhook.PathMessage, `{"conversation_id":"ses_1","timestamp":1,"body":"hello"}`, handoff.HumanMessage{Text: "hello"}, true},
		{"timestamp in a string", webhook.PathMessage, `{"conversation_id":"ses_1","timestamp":"1770091506789","body":"hello"}`, handoff.HumanMessage{Text: "hello"}, true},
		{"no timestamp", webhook.PathMessage, `{"conversation_id":"ses_1","body":"hello"}`, handoff.HumanMessage{Text: "hello"}, false},
		{"null timestamp", webhook.PathMessage, `{"conversation_id":"ses_1","body":"hello","timestamp":null}`, handoff.HumanMessage{Text: "hello"}, false},
		{"unknown fields", webhook.PathMessage, ` {"conversation_id":"ses_1","body":"hello","x":{"y":[1]},"istest":false}` + "\r\n", handoff.HumanMessage{Text: "hello"}, false},
		{"emoji in escapes", webhook.PathMessage, `{"conversation_id":"ses_1","body":"\ud83d\ude00 \"x\"\n"}`, handoff.HumanMessage{Text: "😀 \"x\"\n"}, false},
		{"longest", webhook.PathMessage, `{"conversation_id":"ses_1","body":"` + wide + `"}`, handoff.HumanMessage{Text: wide}, false},
		{"close", webhook.PathClose, `{"conversation_id":"ses_1","timestamp":1770091506789}`, handoff.HumanClosed{}, true},
		{"close without timestamp", webhook.PathClose, `{"conversation_id":"ses_1"}`, handoff.HumanClosed{}, false},
		{"close with a body of any kind", webhook.PathClose, `{"conversation_id":"ses_1","body":17}`, handoff.HumanClosed{}, false},
	} {
		in, err := webhook.ParseReply(tt.path, []byte(tt.body))
		require.NoError(t, err, tt.name)
		assert.Equal(t, "ses_1", in.SessionID, tt.name)
		assert.Empty(t, in.Ref, tt.name)
		assert.Equal(t, tt.want, in.Body, tt.name)
		assert.Equal(t, tt.keyed, in.Key != "", tt.name)
	}
}

func TestParseReplySaysWhatIsWrong(t *testing.T) {
	for _, tt := range []struct{ path, body, want string }{
		{webhook.PathMessage, ``, "has to be a JSON object"},
		{webhook.PathMessage, `[]`, "has to be a JSON object"},
		{webhook.PathMessage, `null`, "has to be a JSON object"},
		{webhook.PathMessage, `{"conversation_id":"ses_1","body":"x"`, "is not JSON"},
		{webhook.PathMessage, `{"conversation_id":"ses_1","body":"x"} {}`, "is not JSON"},
		{webhook.PathMessage, `{"conversation_id":"ses_1","body":"` + "\n" + `"}`, "is not JSON"},
		{webhook.PathMessage, `{}`, "conversation_id is required"},
		{webhook.PathMessage, `{"conversation_id":null,"body":"x"}`, "conversation_id is required"},
		{webhook.PathMessage, `{"conversation_id":"","body":"x"}`, "conversation_id must not be empty"},
		{webhook.PathMessage, `{"conversation_id":17,"body":"x"}`, "conversation_id has to be a string"},
		{webhook.PathMessage, `{"conversation_id":"` + strings.Repeat("x", 129) + `","body":"x"}`, "conversation_id is longer than 128 bytes"},
		{webhook.PathMessage, `{"conversation_id":"ses_1"}`, "body is required"},
		{webhook.PathMessage, `{"conversation_id":"ses_1","body":null}`, "body is required"},
		{webhook.PathMessage, `{"conversation_id":"ses_1","body":""}`, "body must not be empty"},
		{webhook.PathMessage, `{"conversation_id":"ses_1","body":{"text":"x"}}`, "body has to be a string"},
		{webhook.PathMessage, `{"conversation_id":"ses_1","body":"` + strings.Repeat("x", 64<<10+1) + `"}`, "body is longer than 65536 bytes"},
		{webhook.PathMessage, `{"conversation_id":"ses_1","body":"x","timestamp":"soon"}`, "timestamp has to be a whole number"},
		{webhook.PathMessage, `{"conversation_id":"ses_1","body":"x","timestamp":""}`, "timestamp has to be a whole number"},
		{webhook.PathMessage, `{"conversation_id":"ses_1","body":"x","timestamp":1.5}`, "timestamp has to be a whole number"},
		{webhook.PathMessage, `{"conversation_id":"ses_1","body":"x","timestamp":-1}`, "timestamp has to be a whole number"},
		{webhook.PathMessage, `{"conversation_id":"ses_1","body":"x","timestamp":99999999999999999999}`, "timestamp has to be a whole number"},
		{webhook.PathMessage, `{"conversation_id":"ses_1","body":"x","timestamp":true}`, "timestamp has to be a whole number"},
		{webhook.PathClose, `{"timestamp":1}`, "conversation_id is required"},
		{webhook.PathClose, `{"conversation_id":"ses_1","timestamp":[]}`, "timestamp has to be a whole number"},
	} {
		in, err := webhook.ParseReply(tt.path, []byte(tt.body))
		require.ErrorContains(t, err, tt.want)
		assert.Equal(t, handoff.CodeInvalid, handoff.CodeOf(err), tt.want)
		assert.Zero(t, in)
	}
	for _, path := range []string{"", "/", "/human", "/human/message", "/human/message/receive/", "/human/closed"} {
		_, err := webhook.ParseReply(path, []byte(`{"conversation_id":"ses_1","body":"x"}`))
		assert.Equal(t, handoff.CodeNotFound, handoff.CodeOf(err), path)
	}
}

// Equal calls at one time are one; whatever differs makes another.
func TestKeysOfReplies(t *testing.T) {
	key := func(path, session, timestamp, text string) string {
		body := fmt.Sprintf(`{"conversation_id":%q,"timestamp":%s,"body":%q}`, session, timestamp, text)
		in, err := webhook.ParseReply(path, []byte(body))
		require.NoError(t, err)
		return in.Key
	}
	one := key(webhook.PathMessage, "ses_1", "17", "hello")
	assert.Equal(t, one, key("/v1"+webhook.PathMessage, "ses_1", `"17"`, "hello"))
	others := map[string]bool{one: true}
	for _, other := range []string{
		key(webhook.PathMessage, "ses_2", "17", "hello"), key(webhook.PathMessage, "ses_1", "18", "hello"),
		key(webhook.PathMessage, "ses_1", "17", "hello!"), key(webhook.PathClose, "ses_1", "17", ""),
		key(webhook.PathMessage, "ses_11", "7", "hello"), key(webhook.PathMessage, "ses_1", "1", "7hello"),
	} {
		assert.False(t, others[other])
		others[other] = true
	}
	assert.Equal(t, key(webhook.PathClose, "ses_1", "17", "a"), key(webhook.PathClose, "ses_1", "17", "b"), "a close has no text")
}

func TestParseAnswersAndTakesTheIDAsKey(t *testing.T) {
	a, _ := open(t, &handoffv1.WebhookConfig{}, then)
	r := provider.Request{
		Path: "/v1/human/message/receive", Header: http.Header{"Webhook-Id": {"evt_1"}},
		Body: []byte(`{"conversation_id":"ses_1","timestamp":17,"body":"hello"}`),
	}
	reply, inbound, err := a.Parse(r)
	require.NoError(t, err)
	assert.Equal(t, provider.Reply{Status: 200, ContentType: "application/json", Body: []byte(webhook.Success)}, reply)
	assert.JSONEq(t, `{"code":0,"message":"success"}`, webhook.Success)
	require.Len(t, inbound, 1)
	byID := inbound[0].Key
	assert.NotEmpty(t, byID)

	r.Header.Set("Webhook-Id", "evt_2")
	_, inbound, err = a.Parse(r)
	require.NoError(t, err)
	assert.NotEqual(t, byID, inbound[0].Key, "the sender says that it is another")
}

var seeds = []string{
	`{"conversation_id":"ses_1","timestamp":1770091506789,"body":"hello"}`,
	`{"conversation_id":"ses_1","timestamp":"1770091506789","body":"\ud83d\ude00"}`,
	`{"conversation_id":"ses_1","timestamp":null,"body":"\ud83d"}`,
	`{"conversation_id":17}`, `{"body":"x","body":null}`, `{"conversation_id":"\u0000","body":"\u0000"}`,
	`[]`, `null`, ``, `{`, "\xff", `{"timestamp":1e400}`,
}

// assertSound checks what holds for whatever was parsed.
func assertSound(t *testing.T, in handoff.Inbound, err error) {
	t.Helper()
	if err != nil {
		code := handoff.CodeOf(err)
		if code != handoff.CodeInvalid && code != handoff.CodeNotFound {
			t.Fatalf("%v is %v", err, code)
		}
		return
	}
	if in.SessionID == "" || len(in.SessionID) > handoff.MaxIDBytes || !utf8.ValidString(in.SessionID) {
		t.Fatalf("session %q", in.SessionID)
	}
	if m, ok := in.Body.(handoff.HumanMessage); ok && (m.Text == "" || len(m.Text) > handoff.MaxTextBytes || !utf8.ValidString(m.Text)) {
		t.Fatalf("text %q", m.Text)
	}
	if len(in.Key) > 64 {
		t.Fatalf("key %q", in.Key)
	}
}

func FuzzParseReply(f *testing.F) {
	for _, seed := range seeds {
		f.Add(webhook.PathMessage, []byte(seed))
		f.Add(webhook.PathClose, []byte(seed))
	}
	f.Add("/other", []byte("{}"))
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		in, err := webhook.ParseReply(path, body)
		assertSound(t, in, err)
		if err == nil && !json.Valid(body) {
			t.Fatal("taken, but no JSON")
		}
	})
}

func FuzzParse(f *testing.F) {
	for i, seed := range seeds {
		f.Add(webhook.PathMessage, fmt.Sprintf("evt_%d", i), "1770091506", "v1,"+seed, []byte(seed))
	}
	a, err := webhook.Kind{}.Open(&handoffv1.WebhookConfig{Url: "https://example.com", SigningSecret: "secret"}, provider.Deps{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, id, timestamp, signature string, body []byte) {
		r := provider.Request{Path: path, Body: body, Time: then, Header: http.Header{
			"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {signature},
		}}
		if a.Verify(r) == nil {
			t.Fatal("forged")
		}
		_, inbound, err := a.Parse(r)
		if err == nil && len(inbound) != 1 {
			t.Fatalf("%d inbound", len(inbound))
		}
		for _, in := range inbound {
			assertSound(t, in, err)
		}
	})
}
