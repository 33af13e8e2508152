package e2e_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// receiver is a running examples/receiver: the developer's server, in a process of
// its own.
type receiver struct {
	*process

	t                                 *testing.T
	url, control                      string
	username, password, signingSecret string
}

// call is one line that the receiver printed.
type call struct {
	Time           time.Time         `json:"time"`
	Path           string            `json:"path"`
	Status         int               `json:"status"`
	Repeat         bool              `json:"repeat"`
	IdempotencyKey string            `json:"idempotency_key"`
	Headers        map[string]string `json:"headers"`
	Raw            json.RawMessage   `json:"body"`

	Body struct {
		ConversationID string          `json:"conversation_id"`
		Timestamp      int64           `json:"timestamp"`
		Email          string          `json:"email"`
		BotID          string          `json:"bot_id"`
		Type           string          `json:"type"`
		Body           json.RawMessage `json:"body"`
		UserInfo       map[string]any  `json:"user_info"`
		IsTest         bool            `json:"istest"`
	} `json:"-"`
}

// text is the message of a /chat call.
func (c call) text() string {
	var text string
	_ = json.Unmarshal(c.Body.Body, &text)
	return text
}

// turns is the transcript of an establish call: "Q text" or "A text".
func (c call) turns() []string {
	var turns []struct {
		MessageType string `json:"message_type"`
		Text        string `json:"text"`
	}
	_ = json.Unmarshal(c.Body.Body, &turns)
	all := make([]string, 0, len(turns))
	for _, turn := range turns {
		all = append(all, turn.MessageType[:1]+" "+turn.Text)
	}
	return all
}

// startReceiver starts a receiver that lets everybody in.
func startReceiver(t *testing.T, args ...string) *receiver {
	t.Helper()
	r := &receiver{t: t}
	r.run("127.0.0.1:0", args...)
	return r
}

// startSecuredReceiver starts one that wants a password and signatures.
func startSecuredReceiver(t *testing.T, args ...string) *receiver {
	t.Helper()
	r := &receiver{t: t, username: "desk", password: randomSecret(), signingSecret: "whsec_" + randomBase64()}
	r.run("127.0.0.1:0", args...)
	return r
}

func (r *receiver) run(address string, args ...string) {
	r.t.Helper()
	args = append([]string{
		"-listen", address, "-control", "127.0.0.1:0", "-username", r.username, "-password", r.password,
		"-signing-secret", r.signingSecret,
	}, args...)
	r.process = startProcess(r.t, r.t.TempDir(), nil, bin.receiver, args...)
	r.control = r.lineWith("control on ")
	r.url = r.lineWith("listening on ")
	for i, arg := range args {
		if arg == "-prefix" {
			r.url += args[i+1]
		}
	}
}

// misbehave tells the receiver what to do with the calls to come.
func (r *receiver) misbehave(orders string) {
	r.t.Helper()
	response, err := http.Post(r.control, "application/json", strings.NewReader(orders))
	require.NoError(r.t, err)
	defer response.Body.Close()
	require.Equal(r.t, http.StatusOK, response.StatusCode)
}

// conversations are those that the receiver knows, true while open.
func (r *receiver) conversations() map[string]bool {
	r.t.Helper()
	response, err := http.Get(r.control)
	require.NoError(r.t, err)
	defer response.Body.Close()
	var answer struct {
		Conversations map[string]bool `json:"conversations"`
	}
	require.NoError(r.t, json.NewDecoder(response.Body).Decode(&answer))
	return answer.Conversations
}

// calls returns all calls so far.
func (r *receiver) calls() []call {
	r.t.Helper()
	all, _, _ := r.stdout.after(0)
	var calls []call
	for _, line := range all {
		if !strings.HasPrefix(line, "{") {
			continue
		}
		var c call
		require.NoError(r.t, json.Unmarshal([]byte(line), &c), line)
		_ = json.Unmarshal(c.Raw, &c.Body) // malformed bodies are printed too
		calls = append(calls, c)
	}
	return calls
}

// callsOf returns the calls for one conversation to paths with a suffix.
func (r *receiver) callsOf(conversation, suffix string) []call {
	r.t.Helper()
	var matching []call
	for _, c := range r.calls() {
		if c.Body.ConversationID == conversation && strings.HasSuffix(c.Path, suffix) && !c.Body.IsTest {
			matching = append(matching, c)
		}
	}
	return matching
}

// await waits for a number of calls for one conversation.
func (r *receiver) await(conversation, suffix string, count int) []call {
	r.t.Helper()
	var matching []call
	eventuallyWithin(r.t, 2*patience, func() error {
		if matching = r.callsOf(conversation, suffix); len(matching) < count {
			all, _, _ := r.stdout.after(0)
			return errors.New("too few calls of " + suffix + ", all were:\n" + tail(strings.Join(all, "\n"), 4_000))
		}
		return nil
	})
	return matching
}

// probes returns the calls that only test.
func (r *receiver) probes() []call {
	r.t.Helper()
	var probes []call
	for _, c := range r.calls() {
		if c.Body.IsTest {
			probes = append(probes, c)
		}
	}
	return probes
}
