package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/slack/slacktest"
)

// connections waits until so many connections to Slack are open.
func connections(t *testing.T, vendor *slacktest.Emulator, want int) {
	t.Helper()
	eventually(t, func() error {
		if got := vendor.Connections(); got != want {
			return &missing{"connection to Slack", fmt.Sprint(got)}
		}
		return nil
	})
}

// TestSlackOverSocketMode has events come over a connection that the server opens,
// which Slack cuts and replaces, while the server is killed twice: what Slack sends
// again is there once, and in order.
func TestSlackOverSocketMode(t *testing.T) {
	t.Parallel()
	vendor := slacktest.NewSlack(time.Now)
	vendor.SocketMode = true
	retries := slices.Repeat([]time.Duration{200 * time.Millisecond}, 200)
	vendor.SetRetries(2*time.Second, retries...)
	slack := httptest.NewServer(vendor)
	defer slack.Close()
	config := vendor.Config(slack.URL).(*handoffv1.SlackConfig)
	config.SigningSecret = "" // there is nothing to sign

	s := startServer(t, withFixedPort())
	s.vault.add("slack bot token", config.GetBotToken())
	s.vault.add("slack app token", config.GetAppToken())
	_, err := s.admin.ConfigureProvider(t.Context(), &handoffv1.ConfigureProviderRequest{
		AgentId: "shop", Provider: &handoffv1.ConfigureProviderRequest_Slack{Slack: &handoffv1.SlackConfig{ChannelId: config.GetChannelId()}},
	})
	require.NoError(t, err)
	first, err := s.admin.GetProvider(t.Context(), &handoffv1.GetProviderRequest{AgentId: "shop"})
	require.NoError(t, err)
	require.Contains(t, first.GetManifest(), "socket_mode_enabled: true", "the app comes first, and Slack cannot call this server")

	answer, err := s.admin.ConfigureProvider(t.Context(), &handoffv1.ConfigureProviderRequest{
		AgentId: "shop", Settings: longSettings(), Provider: &handoffv1.ConfigureProviderRequest_Slack{Slack: config},
	})
	require.NoError(t, err)
	require.Equal(t, available, answer.GetStatus().GetState(), "%v", answer.GetStatus())
	connections(t, vendor, 1)

	w := &whole{t: t, s: s, agent: s.agentClient("shop")}
	w.begin("one")
	thread := vendor.Sessions()[0].ID
	const messages = 40
	want := make([]string, 0, messages+1)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	said := make(chan bool, messages)
	go func() {
		defer close(said)
		for i := range messages {
			all, err := vendor.Do(thread, emulator.Act{Kind: emulator.Say, Text: fmt.Sprint("message ", i)})
			said <- err == nil && vendor.Deliver(ctx, all[0])
			time.Sleep(50 * time.Millisecond)
		}
	}()
	taken := func(n int) {
		t.Helper()
		for range n {
			require.True(t, <-said, "message %d came through", len(want))
			want = append(want, fmt.Sprintf("AUTHOR_HUMAN: message %d", len(want)))
		}
	}
	taken(5)
	vendor.Cut()
	taken(5)
	w.crash(func() {})
	taken(5)
	vendor.Refresh(ctx, "warning", 3*time.Second)
	connections(t, vendor, 2) // the next one is there before the old one ends
	taken(5)
	connections(t, vendor, 1)
	vendor.Refresh(ctx, "refresh_requested", 0)
	vendor.Cut()
	taken(5)
	w.crash(vendor.Cut)
	taken(messages - 25)

	for _, press := range []func(string, string) (provider.Request, error){vendor.Press, vendor.PressAsEve} {
		r, err := press(thread, "handoff_take")
		require.NoError(t, err)
		require.True(t, vendor.Deliver(ctx, r))
	}
	eventually(t, func() error {
		card, told := vendor.Card(thread), vendor.Whispers(thread)
		if len(told) != 1 || !slices.Contains(card.Notes, "Taken by Bob") || slices.Contains(card.Buttons, "Take") {
			return &missing{"who took it, and an answer to who came too late", fmt.Sprint(card, told)}
		}
		if last := fmt.Sprint("message ", messages-1); !slices.Equal(vendor.Marks(thread)[last], []string{"white_check_mark"}) {
			return &missing{"mark on " + last, fmt.Sprint(vendor.Marks(thread)[last])}
		}
		return nil
	})
	press, err := vendor.Press(thread, "handoff_close")
	require.NoError(t, err)
	require.True(t, vendor.Deliver(ctx, press))
	w.agent.awaitState(t, w.id, closed)
	eventually(t, func() error {
		if got := vendor.Sessions()[0].Closed; got != "Closed." {
			return &missing{"closed card", got}
		}
		return nil
	})
	w.requireLog(want...)
	events := w.agent.events(t, w.id)
	for i, text := 0, 0; i < len(events); i++ {
		if m := events[i].GetMessage(); m != nil {
			require.Equal(t, fmt.Sprint("message ", text), m.GetText(), "in order")
			assert.Equal(t, "Bob", m.GetAuthorName())
			text++
		}
	}
}

// TestFilesOverSlack has the server killed while Slack shares a customer's file: it
// has, and its answer never comes. Then a human answers with a file.
func TestFilesOverSlack(t *testing.T) {
	t.Parallel()
	s, e := startServer(t, withFixedPort()), startEmulator(t, "slack")
	e.connect(s, "shop")
	w := &whole{t: t, s: s, agent: s.agentClient("shop")}
	w.begin("one")
	const content = "what the customer wrote down"
	upload := w.agent.upload(t, w.id, "notes.txt", "text/plain", int64(len(content)), strings.NewReader(content))
	e.order("fail", map[string]any{"hang": true, "done": true, "skip": 3}) // an address, the content, the message
	_, err := w.agent.sendFiles(t, w.id, "1", upload)
	require.NoError(t, err)
	files := func() error {
		if got := e.last().Files; len(got) != 1 || got[0] != (emulator.File{Name: "notes.txt", Content: content}) {
			return &missing{"one file in the thread", fmt.Sprint(got)}
		}
		return nil
	}
	eventually(t, files)
	w.crash(func() { e.order("heal", map[string]any{}) })
	w.agent.send(t, w.id, "2", "have a look")
	e.awaitMessages("📎 notes.txt", "have a look")
	require.NoError(t, files())

	const answer = "what the human wrote down"
	e.order("act", map[string]any{"session": e.last().ID, "kind": emulator.Attach, "text": "here", "file": emulator.File{Name: "answer.txt", Content: answer}})
	got := w.agent.awaitEvent(t, w.id, func(event *handoffv1.Event) bool {
		return event.GetMessage().GetAuthor() == handoffv1.Author_AUTHOR_HUMAN
	}).GetMessage()
	require.Equal(t, "here", got.GetText())
	require.Len(t, got.GetAttachments(), 1)
	require.Equal(t, "answer.txt", got.GetAttachments()[0].GetName())
	eventually(t, func() error {
		if response, body := get(t, lastURL(t, w.agent, w.id)); response.StatusCode != http.StatusOK || string(body) != answer {
			return &missing{"file of the human", fmt.Sprint(response.StatusCode, " ", string(body))}
		}
		return nil
	})
	e.act(emulator.Close, "", false)
	w.agent.awaitState(t, w.id, closed)
}
