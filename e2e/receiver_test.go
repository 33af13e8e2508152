package e2e_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReceiverIsStrict proves that the receiver refuses what is not in the webhook
// contract, so that a call which it took was right.
func TestReceiverIsStrict(t *testing.T) {
	t.Parallel()
	open, secured := startReceiver(t), startSecuredReceiver(t)
	now := time.Now().UnixMilli()
	start := fmt.Sprintf(`{"conversation_id":"c","timestamp":%d,"bot_id":"b","body":[{"message_type":"QUESTION","text":""}]}`, now)
	post := func(r *receiver, path, body string, headers ...string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+path, strings.NewReader(body))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json; charset=utf-8")
		for i := 0; i < len(headers); i += 2 {
			request.Header.Set(headers[i], headers[i+1])
		}
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		return response.StatusCode
	}
	for i, c := range []struct {
		path, body string
		want       int
	}{
		{"/conversation/establish", `{"conversation_id":`, 400},
		{"/conversation/establish", strings.Replace(start, "QUESTION", "SYSTEM", 1), 422},
		{"/conversation/establish", strings.Replace(start, `"text":""`, `"content":""`, 1), 422},
		{"/conversation/establish", strings.Replace(start, `"bot_id":"b",`, "", 1), 422},
		{"/conversation/establish", strings.Replace(start, strconv.FormatInt(now, 10), strconv.FormatInt(now/1000, 10), 1), 422},
		{"/conversation/establish", strings.Replace(start, `"bot_id"`, `"istest":true,"bot_id"`, 1), 200},
		{"/chat", fmt.Sprintf(`{"conversation_id":"c","timestamp":%d,"body":"x"}`, now), 404}, // the probe began nothing
		{"/conversation/establish", start, 200},
		{"/chat", fmt.Sprintf(`{"conversation_id":"c","timestamp":%d,"body":"x"}`, now), 200},
		{"/chat", fmt.Sprintf(`{"conversation_id":"c","timestamp":%d,"body":["x"]}`, now), 422},
		{"/conversation/close", fmt.Sprintf(`{"conversation_id":"c","timestamp":%d,"type":"HUMAN_CLOSED"}`, now), 422},
		{"/conversation/close", fmt.Sprintf(`{"conversation_id":"c","timestamp":%d,"type":"TIMEOUT"}`, now), 200},
		{"/chat", fmt.Sprintf(`{"conversation_id":"c","timestamp":%d,"body":"x"}`, now), 404},
		{"/elsewhere", start, 404},
	} {
		assert.Equal(t, c.want, post(open, c.path, c.body), "call %d", i)
	}
	assert.Equal(t, 415, post(open, "/conversation/establish", start, "Content-Type", "text/plain"))

	signed := sign(t, secured.signingSecret, start)
	assert.Equal(t, 401, post(secured, "/conversation/establish", start, signed...), "no password")
	basic := &http.Request{Header: http.Header{}}
	basic.SetBasicAuth(secured.username, secured.password)
	password := []string{"Authorization", basic.Header.Get("Authorization")}
	assert.Equal(t, 401, post(secured, "/conversation/establish", start, password...), "no signature")
	assert.Equal(t, 401, post(secured, "/conversation/establish", start+" ", append(signed, password...)...), "another body")
	assert.Equal(t, 200, post(secured, "/conversation/establish", start, append(signed, password...)...))
}
