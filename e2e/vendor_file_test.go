package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// serveFile serves a file as a vendor's storage does, at an address that is good for anybody.
func serveFile(t *testing.T, content string) (address string) {
	t.Helper()
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(content)) }))
	t.Cleanup(source.Close)
	return source.URL + "/signed?for=us"
}

// requireFile waits until a human's message has its file, and checks it.
func (w *whole) requireFile(text, name, content string) {
	w.t.Helper()
	eventually(w.t, func() error {
		var file *handoffv1.Attachment
		for _, event := range w.agent.events(w.t, w.id) {
			m := event.GetMessage()
			if m.GetAuthor() == handoffv1.Author_AUTHOR_HUMAN && m.GetText() == text && len(m.GetAttachments()) == 1 {
				file = m.GetAttachments()[0]
			}
		}
		if file == nil || file.GetName() != name {
			return &missing{"file", fmt.Sprint(file)}
		}
		if response, body := get(w.t, file.GetUrl()); response.StatusCode != http.StatusOK || string(body) != content {
			return &missing{"content", fmt.Sprintf("%s: %s", response.Status, body)}
		}
		return nil
	})
}

// TestFilesAndSignalsOverAnEmulator has the server killed while a customer's file is
// on its way: the vendor has it, and the answer never comes.
func TestFilesAndSignalsOverAnEmulator(t *testing.T) {
	t.Parallel()
	const pdf = "%PDF-1.7 the label"
	for kind, typing := range map[string]bool{"chatwoot": true, "zendesk": false} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s, e := startServer(t, withFixedPort()), startEmulator(t, kind)
			if z := e.request.GetZendesk(); z != nil {
				z.WebhookKey = "" // the server makes the integration, and keeps its key
			}
			e.connect(s, "shop")
			w := &whole{t: t, s: s, agent: s.agentClient("shop")}
			w.begin("one")
			e.sendFile("the label", emulator.File{Name: "Übersicht.pdf", Content: pdf, URL: serveFile(t, pdf)}, false)
			w.agent.awaitState(t, w.id, active)
			w.requireFile("the label", "Übersicht.pdf", pdf)

			const receipt = "%PDF-1.7 the receipt"
			upload := w.agent.upload(t, w.id, "receipt & co.pdf", "application/pdf", int64(len(receipt)), strings.NewReader(receipt))
			before := e.state().Calls
			e.order("fail", map[string]any{"hang": true, "done": true})
			_, err := w.agent.sendFiles(t, w.id, "1", upload)
			require.NoError(t, err)
			eventually(t, func() error {
				if e.state().Calls == before {
					return &missing{"call", "none"}
				}
				return nil
			})
			w.crash(func() { e.order("heal", map[string]any{}) })
			w.agent.send(t, w.id, "2", "there it is")
			eventuallyWithin(t, 2*patience, func() error {
				last := e.last()
				if said := last.Messages(); len(said) == 0 || said[len(said)-1] != "there it is" {
					return &missing{"message", fmt.Sprint(said)}
				}
				return nil
			})
			assert.Equal(t, []emulator.File{{Name: "receipt & co.pdf", Content: receipt}}, e.last().Files, "once")

			signal := func(r *handoffv1.SendSignalRequest) {
				r.SessionId = w.id
				_, err := w.agent.SendSignal(t.Context(), r)
				require.NoError(t, err)
			}
			signal(&handoffv1.SendSignalRequest{Signal: &handoffv1.SendSignalRequest_Typing{Typing: true}})
			signal(&handoffv1.SendSignalRequest{Signal: &handoffv1.SendSignalRequest_ReadUpTo{ReadUpTo: 3}})
			eventually(t, func() error {
				if last := e.last(); last.Typing != typing || !last.Read {
					return &missing{"signal", fmt.Sprintf("typing %t, read %t", last.Typing, last.Read)}
				}
				return nil
			})

			replies := w.agent.follow(t, w.id, uint64(len(w.agent.events(t, w.id))))
			replies.part()
			e.act(emulator.Type, "", false)
			for {
				if part := replies.part(); len(part.GetSignals()) > 0 {
					assert.True(t, part.GetSignals()[0].GetTyping().GetActive())
					assert.Equal(t, handoffv1.Author_AUTHOR_HUMAN, part.GetSignals()[0].GetTyping().GetAuthor())
					break
				}
			}
		})
	}
}
