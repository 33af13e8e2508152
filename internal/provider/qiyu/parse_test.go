package qiyu

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// parse reads a push of an event of the session ses_1.
func parse(event, fields string) (provider.Reply, []handoff.Inbound, error) {
	body := `{"uid":"ses_1"` + strings.TrimSuffix(","+fields, ",") + "}"
	return (&Adapter{}).Parse(provider.Request{Method: http.MethodPost, Query: "eventType=" + event + "&checksum=x", Body: []byte(body)})
}

const lin = `"staffId":17,"staffName":"Lin"`

func TestWhatPushesTell(t *testing.T) {
	t.Parallel()
	closed := func(note string) handoff.HumanClosed {
		return handoff.HumanClosed{Outcome: handoff.Outcome{Note: note}}
	}
	picture := func(f handoff.RemoteFile) handoff.HumanMessage {
		return handoff.HumanMessage{AuthorName: "Lin", Files: []handoff.RemoteFile{f}}
	}
	hello := handoff.HumanMessage{AuthorName: "Lin", Text: "Hello Ann"}
	for name, c := range map[string]struct {
		event, fields string
		want          handoff.InboundBody
		key           string // empty = a digest
	}{
		"text":            {"MSG", lin + `,"msgType":"TEXT","content":"Hello Ann","msgId":"a1b2","timeStamp":1763900000123`, hello, "message:a1b2"},
		"id as a number":  {"MSG", lin + `,"msgType":"TEXT","content":"Hello Ann","msgId":77`, hello, "message:77"},
		"without an id":   {"MSG", lin + `,"msgType":"TEXT","content":"Hello Ann","timeStamp":1763900000123`, hello, ""},
		"says human":      {"MSG", lin + `,"staffType":1,"msgType":"TEXT","content":"Hello Ann","msgId":"1"`, hello, "message:1"},
		"says human so":   {"MSG", lin + `,"staffType":"1","msgType":"TEXT","content":"Hello Ann","msgId":"1"`, hello, "message:1"},
		"says robot":      {"MSG", lin + `,"staffType":0,"msgType":"TEXT","content":"beep","msgId":"1"`, nil, ""},
		"of nobody":       {"MSG", `"msgType":"TEXT","content":"beep","msgId":"1"`, nil, ""},
		"of no staff":     {"MSG", `"staffId":-1,"msgType":"TEXT","content":"beep","msgId":"1"`, nil, ""},
		"staff zero":      {"MSG", `"staffId":0,"msgType":"TEXT","content":"beep","msgId":"1"`, nil, ""},
		"nothing":         {"MSG", lin + `,"msgType":"TEXT","content":"","msgId":"1"`, nil, ""},
		"unknown type":    {"MSG", lin + `,"msgType":"DANCE","content":"x","msgId":"1"`, nil, ""},
		"no address":      {"MSG", lin + `,"msgType":"PICTURE","content":{"url":"javascript:alert(1)"},"msgId":"1"`, nil, ""},
		"picture":         {"MSG", lin + `,"msgType":"PICTURE","content":{"url":"https://nos.example/a/b.png?x=1","size":12,"md5":"x","w":1,"h":1},"msgId":"1"`, picture(handoff.RemoteFile{Name: "b.png", Size: 12, URL: "https://nos.example/a/b.png?x=1"}), "message:1"},
		"voice":           {"MSG", lin + `,"msgType":"AUDIO","content":{"url":"https://nos.example/a","size":12,"dur":900},"msgId":"1"`, picture(handoff.RemoteFile{Name: "audio", Size: 12, URL: "https://nos.example/a"}), "message:1"},
		"object in text":  {"MSG", lin + `,"msgType":"PICTURE","content":"{\"url\":\"https://nos.example/a.jpg\"}","msgId":"1"`, picture(handoff.RemoteFile{Name: "a.jpg", URL: "https://nos.example/a.jpg"}), "message:1"},
		"file some day":   {"MSG", lin + `,"msgType":"FILE","content":{"url":"https://nos.example/a","name":"Ü.pdf"},"msgId":"1"`, picture(handoff.RemoteFile{Name: "Ü.pdf", URL: "https://nos.example/a"}), "message:1"},
		"joined":          {"SESSION_START", lin + `,"sessionId":815518,"staffType":1`, handoff.HumanJoined{Name: "Lin"}, "start:ses_1:815518"},
		"robot joined":    {"SESSION_START", lin + `,"sessionId":815518,"staffType":0`, nil, ""},
		"closed":          {"SESSION_END", lin + `,"sessionId":815518,"staffType":1,"closeReason":0`, handoff.HumanClosed{}, "end:ses_1:815518:0"},
		"closed, as text": {"SESSION_END", lin + `,"sessionId":"815518","closeReason":"0"`, handoff.HumanClosed{}, "end:ses_1:815518:0"},
		"silent":          {"SESSION_END", lin + `,"sessionId":815518,"closeReason":2`, handoff.HumanClosed{Silent: true}, "end:ses_1:815518:2"},
		"robot gave up":   {"SESSION_END", lin + `,"sessionId":815518,"closeReason":3`, nil, ""},
		"staff left":      {"SESSION_END", lin + `,"sessionId":815518,"closeReason":4`, closed("The human left QiYu."), "end:ses_1:815518:4"},
		"transferred":     {"SESSION_END", lin + `,"sessionId":815518,"closeReason":5`, handoff.HumanLeft{Name: "Lin"}, "end:ses_1:815518:5"},
		"new reason":      {"SESSION_END", lin + `,"sessionId":815518,"closeReason":9,"transferTo":0`, closed("QiYu ended the session for a reason of its own (9)."), "end:ses_1:815518:9"},
		"new transfer":    {"SESSION_END", lin + `,"sessionId":815518,"closeReason":9,"transferTo":23`, handoff.HumanLeft{Name: "Lin"}, "end:ses_1:815518:9"},
		"to somebody":     {"SESSION_END", lin + `,"sessionId":815518,"closeReason":9,"transferTo":{"staffId":23}`, handoff.HumanLeft{Name: "Lin"}, "end:ses_1:815518:9"},
		"no reason":       {"SESSION_END", lin + `,"sessionId":815518`, nil, ""},
		"evaluation":      {"EVA_INVITATION", lin + `,"sessionId":815518`, nil, ""},
		"queue time-out":  {"QUEUE_TIMEOUT", ``, nil, ""},
		"of the future":   {"STAFF_LEVITATED", lin, nil, ""},
	} {
		reply, inbound, err := parse(c.event, c.fields)
		require.NoError(t, err, name)
		assert.Equal(t, provider.Reply{Always: true}, reply, "%s: the answer is empty, whatever comes of it", name)
		if c.want == nil {
			assert.Empty(t, inbound, name)
			continue
		}
		require.Len(t, inbound, 1, name)
		in := inbound[0]
		assert.Equal(t, c.want, in.Body, name)
		assert.Equal(t, "ses_1", in.SessionID, name)
		assert.Equal(t, "ses_1", in.Ref, "%s: so that it is found at another agent, too", name)
		if c.key != "" {
			assert.Equal(t, c.key, in.Key, name)
		}
		assert.NotEmpty(t, in.Key, name)
	}
}

// TestEqualWordsWithoutAnIDAreNotOneForEver matters because people repeat themselves.
func TestEqualWordsWithoutAnIDAreNotOneForEver(t *testing.T) {
	t.Parallel()
	_, bare, err := parse("MSG", lin+`,"msgType":"TEXT","content":"yes"`)
	require.NoError(t, err)
	assert.Equal(t, nameless, bare[0].Window)
	_, timed, err := parse("MSG", lin+`,"msgType":"TEXT","content":"yes","timeStamp":1763900000123`)
	require.NoError(t, err)
	assert.Zero(t, timed[0].Window)
	assert.NotEqual(t, bare[0].Key, timed[0].Key)
}

// TestDataOfSessionsAfterTheirEnd comes under a name that nobody knows.
func TestDataOfSessionsAfterTheirEnd(t *testing.T) {
	t.Parallel()
	for _, event := range []string{"SESSION_END", "SESSION_START", "SESSION", ""} {
		_, inbound, err := (&Adapter{}).Parse(provider.Request{
			Method: http.MethodPost, Query: "checksum=x&eventType=" + event,
			Body: []byte(`{"id":815518,"closeReason":0,"evaluation":null,"interaction":1,"relatedType":0,"sType":0,"staffFirstReplyTime":1763900000123}`),
		})
		require.NoError(t, err)
		assert.Empty(t, inbound)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []struct{ event, body string }{
		{"MSG", `{"uid":"ho_01","msgType":"TEXT","content":"Hello Ann","staffId":17,"staffName":"Lin","msgId":"a1b2","timeStamp":1763900000123}`},
		{"MSG", `{"uid":"ho_01","msgType":"PICTURE","content":{"url":"https://nos.example/a.png","size":1,"md5":"x","w":1,"h":1},"staffId":17,"msgId":"a"}`},
		{"MSG", `{"uid":"ho_01","msgType":"AUDIO","content":{"url":"https://nos.example/a","size":1,"md5":"x","dur":900},"staffId":17,"msgId":"b"}`},
		{"SESSION_START", `{"uid":"ho_01","staffId":17,"sessionId":815518,"staffName":"Lin","staffType":1,"code":200}`},
		{"SESSION_END", `{"uid":"ho_01","staffId":17,"sessionId":815518,"staffName":"Lin","staffType":1,"code":200,"closeReason":5,"transferTo":23}`},
		{"EVA_INVITATION", `{"uid":"ho_01","sessionId":815518,"staffId":17,"staffName":"Lin","staffIcon":"","staffType":1}`},
	} {
		f.Add(seed.event, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		r := provider.Request{Method: http.MethodPost, Query: "checksum=x&eventType=" + event, Body: body}
		reply, inbound, err := (&Adapter{}).Parse(r)
		if err != nil {
			assert.Empty(t, inbound)
			assert.NotEqual(t, handoff.CodeInternal, handoff.CodeOf(err))
			return
		}
		assert.Empty(t, reply.Body)
		for _, in := range inbound {
			assert.NotEmpty(t, in.Key)
			assert.NotEmpty(t, in.SessionID)
			if m, ok := in.Body.(handoff.HumanMessage); ok {
				assert.True(t, m.Text != "" || len(m.Files) > 0)
				assert.LessOrEqual(t, len(m.Text), handoff.MaxTextBytes)
			}
		}
	})
}
