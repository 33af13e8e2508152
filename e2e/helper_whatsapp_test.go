package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/whatsapp/whatsapptest"
)

// number is a WhatsApp number outside the server's process, with two staff phones.
type number struct {
	*whatsapptest.Emulator

	t     *testing.T
	front *emulator.Front
	url   string

	mu      sync.Mutex
	receive string
	stop    chan struct{}
	sending sync.WaitGroup
}

func startNumber(t *testing.T) *number {
	t.Helper()
	n := &number{Emulator: whatsapptest.New(time.Now), t: t, stop: make(chan struct{})}
	n.PairBurst = 1000 // what a machine plays in seconds takes people hours
	n.Report(func(r provider.Request) { n.sending.Go(func() { n.keepPosting(r) }) })
	n.front = emulator.NewFront(n.Emulator)
	server := httptest.NewServer(n.front)
	n.url = server.URL
	t.Cleanup(func() {
		close(n.stop)
		n.front.Stop()
		server.Close()
		n.sending.Wait()
	})
	return n
}

// connect configures an agent with the number, and the number with its receive URL.
func (n *number) connect(s *server, agent string) {
	n.t.Helper()
	config, ok := n.Config(n.url).(*handoffv1.WhatsAppConfig)
	require.True(n.t, ok)
	for name, secret := range provider.Secrets(config) {
		s.vault.add("whatsapp "+name, secret)
	}
	answer, err := s.admin.ConfigureProvider(n.t.Context(), &handoffv1.ConfigureProviderRequest{
		AgentId: agent, Settings: longSettings(), Provider: &handoffv1.ConfigureProviderRequest_Whatsapp{Whatsapp: config},
	})
	require.NoError(n.t, err)
	require.Equal(n.t, available, answer.GetStatus().GetState(), "%v", answer.GetStatus())
	n.mu.Lock()
	n.receive = answer.GetReceiveUrl()
	n.mu.Unlock()
	greets, err := n.Do("", emulator.Act{Kind: emulator.Greet})
	require.NoError(n.t, err)
	status, body := n.post(greets[0])
	require.Equal(n.t, http.StatusOK, status)
	require.Equal(n.t, "1158201444", body)
}

// post sends a webhook once; status 0 = there was no answer.
func (n *number) post(r provider.Request) (status int, body string) {
	n.mu.Lock()
	address := n.receive
	n.mu.Unlock()
	request, err := http.NewRequest(r.Method, address+"?"+r.Query, bytes.NewReader(r.Body))
	if err != nil {
		return 0, err.Error()
	}
	request.Header = r.Header.Clone()
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

// keepPosting sends a webhook until it is taken, as Meta does for a week.
func (n *number) keepPosting(r provider.Request) {
	for {
		if status, _ := n.post(r); status == http.StatusOK {
			return
		}
		select {
		case <-n.stop:
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// says sends what a human did, in two copies at the same moment.
func (n *number) says(r provider.Request) {
	n.t.Helper()
	var copies sync.WaitGroup
	for range 2 {
		copies.Go(func() { n.keepPosting(r) })
	}
	copies.Wait()
}

// find waits for a message in a chat, of those after the first ones.
func (n *number) find(phone, after int, match func(whatsapptest.Message) bool) whatsapptest.Message {
	n.t.Helper()
	var found whatsapptest.Message
	eventuallyWithin(n.t, 2*patience, func() error {
		all := n.Chat(phone).Messages
		for _, m := range all[min(after, len(all)):] {
			if match(m) {
				found = m
				return nil
			}
		}
		var texts []string
		for _, m := range all {
			texts = append(texts, fmt.Sprintf("%q %v", m.Text, m.Buttons))
		}
		return &missing{"message in the chat", strings.Join(texts, "\n")}
	})
	return found
}

// choice returns the button that stands for a session.
func choice(m whatsapptest.Message, tag string) (string, bool) {
	for _, b := range m.Buttons {
		if strings.HasSuffix(b.ID, ":"+tag) {
			return b.ID, true
		}
	}
	return "", false
}

// press has a human press the button of a message that stands for a session.
func (n *number) press(phone int, m whatsapptest.Message, tag string) {
	n.t.Helper()
	id, ok := choice(m, tag)
	require.True(n.t, ok, "%s is not among %v", tag, m.Buttons)
	r, err := n.Press(phone, m.ID, id)
	require.NoError(n.t, err)
	n.says(r)
}
