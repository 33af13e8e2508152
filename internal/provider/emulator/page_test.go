package emulator_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/intercom/intercomtest"
)

// gateway is where webhooks go.
type gateway struct {
	*httptest.Server

	mu       sync.Mutex
	refusals int
	got      []string
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.got = append(g.got, r.Method+" "+r.URL.Path+" "+string(body))
		if g.refusals > 0 {
			g.refusals--
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *gateway) calls() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.got...)
}

// play is a playground with a client.
type play struct {
	*httptest.Server

	t       *testing.T
	vendor  *intercomtest.Emulator
	gateway *gateway
}

func newPlay(t *testing.T, retries ...time.Duration) *play {
	t.Helper()
	p := &play{t: t, vendor: intercomtest.New(time.Now), gateway: newGateway(t)}
	front := emulator.NewFront(p.vendor)
	ctx, stop := context.WithCancel(context.Background())
	sender := emulator.NewSender(ctx, p.gateway.Client(), retries)
	p.Server = httptest.NewServer(emulator.NewPlayground("Desk", p.vendor, front, sender))
	t.Cleanup(func() {
		stop()
		sender.Wait()
		front.Stop()
		p.Close()
	})
	return p
}

func (p *play) order(name, body string) (int, string) {
	p.t.Helper()
	answer, err := http.Post(p.URL+emulator.PagePath+name, "application/json", strings.NewReader(body))
	require.NoError(p.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(p.t, err)
	return answer.StatusCode, string(text)
}

func TestAPersonPlaysTheHuman(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	id := p.vendor.Begin("hello?")
	status, text := p.order("act", `{"session":"`+id+`","kind":"say","text":"too early"}`)
	assert.Equal(t, 200, status)
	assert.Contains(t, text, "no receive URL")

	status, _ = p.order("url", `{"url":"ftp://x"}`)
	assert.Equal(t, 400, status)
	status, _ = p.order("url", `{"url":"`+p.gateway.URL+`/hook/"}`)
	assert.Equal(t, 200, status)
	require.Len(t, p.gateway.calls(), 2)
	assert.Equal(t, "HEAD /hook ", p.gateway.calls()[0])
	assert.Contains(t, p.gateway.calls()[1], `"topic":"ping"`)

	status, text = p.order("act", `{"session":"`+id+`","kind":"say","text":"Hi"}`)
	assert.Equal(t, 200, status)
	assert.Contains(t, text, `"status":200`)
	require.Len(t, p.gateway.calls(), 3)
	assert.Contains(t, p.gateway.calls()[2], `"body":"Hi"`)

	status, _ = p.order("act", `{"session":"`+id+`","kind":"say","text":"nobody hears it","lost":true}`)
	assert.Equal(t, 200, status)
	assert.Len(t, p.gateway.calls(), 3)
	for _, bad := range []string{`{"session":"17","kind":"say"}`, `{"session":"` + id + `","kind":"dance"}`, `x`} {
		status, text = p.order("act", bad)
		assert.Equal(t, 400, status, bad)
		assert.Contains(t, text, "error")
	}

	answer, err := http.Get(p.URL + emulator.PagePath + "state")
	require.NoError(t, err)
	defer answer.Body.Close()
	var state struct {
		Sessions   []emulator.Session  `json:"sessions"`
		Deliveries []emulator.Delivery `json:"deliveries"`
	}
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&state))
	require.Len(t, state.Sessions, 1)
	assert.Len(t, state.Sessions[0].Lines, 3)
	assert.Len(t, state.Deliveries, 4)
}

func TestOtherSitesCannotPlay(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", ""} {
		answer, err := http.Post(p.URL+emulator.PagePath+"revoke", media, strings.NewReader("{}"))
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		assert.Equal(t, http.StatusUnsupportedMediaType, answer.StatusCode)
	}
	answer, err := http.Get(p.URL + emulator.PagePath)
	require.NoError(t, err)
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	assert.Contains(t, answer.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
	assert.NotContains(t, string(page), "innerHTML")
}

func TestWebhooksAreSentAgain(t *testing.T) {
	t.Parallel()
	p := newPlay(t, time.Millisecond, time.Millisecond)
	p.gateway.refusals = 2
	_, _ = p.order("url", `{"url":"`+p.gateway.URL+`"}`) // HEAD and ping are refused once each
	assert.Eventually(t, func() bool { return len(p.gateway.calls()) == 4 }, 10*time.Second, time.Millisecond)
	time.Sleep(20 * time.Millisecond)
	assert.Len(t, p.gateway.calls(), 4, "what was taken is not sent again")
}

// Some vendors take any word for a failure.
func TestAnswersThatHaveToBeEmpty(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{"": "", "ok": "not empty"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, word) }))
		t.Cleanup(server.Close)
		sender := emulator.NewSender(t.Context(), server.Client(), nil)
		sender.EmptyAnswers = true
		require.NoError(t, sender.SetURL(server.URL))
		delivery := sender.Send([]provider.Request{{Method: http.MethodPost}})[0]
		assert.Contains(t, delivery.Error, want)
		assert.Equal(t, word == "", delivery.Status == http.StatusOK)
	}
}

func TestTheVendorMisbehaves(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	get := func() int {
		answer, err := http.Get(p.URL + "/me")
		if err != nil {
			return 0
		}
		defer answer.Body.Close()
		return answer.StatusCode
	}
	assert.Equal(t, http.StatusBadRequest, func() int { s, _ := p.order("fail", `{}`); return s }())
	_, _ = p.order("fail", `{"status":503,"skip":1,"once":true}`)
	assert.Equal(t, []int{401, 503, 401}, []int{get(), get(), get()})
	_, _ = p.order("fail", `{"cut":true}`)
	assert.Equal(t, 0, get())
	_, _ = p.order("heal", `{}`)
	assert.Equal(t, 401, get())
}
