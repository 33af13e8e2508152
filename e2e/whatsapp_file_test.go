package e2e_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/whatsapp/whatsapptest"
)

// showing finds a message with a file.
func showing(name, caption string) func(whatsapptest.Message) bool {
	return func(m whatsapptest.Message) bool {
		return m.File != nil && m.File.Name == name && strings.HasSuffix(m.Text, caption)
	}
}

// arrived waits until a human's file is with the customer, and returns its content.
func (k *talks) arrived(t *talk, name string) string {
	k.t.Helper()
	e := k.agent.awaitEvent(k.t, t.id, func(e *handoffv1.Event) bool {
		return e.GetAttachmentChanged().GetAttachment().GetName() == name
	})
	file := e.GetAttachmentChanged().GetAttachment()
	require.Equal(k.t, handoffv1.Attachment_STATUS_READY, file.GetStatus())
	response, body := get(k.t, file.GetUrl())
	require.Equal(k.t, http.StatusOK, response.StatusCode)
	return string(body)
}

// TestFilesOverWhatsApp brings files both ways. One that a human sent, and that could
// be for two customers, outlives the server.
func TestFilesOverWhatsApp(t *testing.T) {
	t.Parallel()
	s, n := startServer(t, withFixedPort()), startNumber(t)
	n.connect(s, "shop")
	n.says(n.Type(0, "hi"))
	n.find(0, 0, func(m whatsapptest.Message) bool { return strings.HasPrefix(m.Text, "No conversation is open") })
	k := &talks{t: t, n: n, agent: s.agentClient("shop")}
	png := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), make([]byte, 100)...)
	customerSends := func(session, id, name string) {
		upload := k.agent.upload(t, session, name, "image/png", int64(len(png)), bytes.NewReader(png))
		_, err := k.agent.sendFiles(t, session, id, upload)
		require.NoError(t, err)
	}

	early, _ := k.agent.request(t, "shop", "conversation 1", func(r *handoffv1.RequestHandoffRequest) {
		r.Customer, r.Question = &handoffv1.Customer{UserId: "u-1", Name: "Ann"}, "question of Ann"
	})
	card := n.find(0, 0, func(m whatsapptest.Message) bool {
		return strings.Contains(m.Text, "question of Ann") && len(m.Buttons) == 1
	})
	customerSends(early.GetId(), "early", "early.png")
	k.agent.awaitEvent(t, early.GetId(), func(e *handoffv1.Event) bool {
		return e.GetMessageStatus().GetStatus() == handoffv1.MessageStatus_MESSAGE_STATUS_DELIVERED
	})
	n.press(0, card, card.Tag)
	shown := n.find(0, 0, showing("early.png", "#"+card.Tag+" Ann"))
	assert.Equal(t, string(png), shown.File.Content, "whoever takes a session sees what was sent before")
	ann := &talk{id: early.GetId(), tag: card.Tag}

	k.begin(2, 0)
	carl := k.of[0][0]
	customerSends(carl.id, "later", "later.png")
	picture := n.find(0, 0, showing("later.png", "#"+carl.tag+" Customer 2"))
	n.says(n.Send(0, "to Carl", emulator.File{Name: "quoted.pdf", Content: "%PDF-1.7 quoted"}, picture.ID))
	assert.Equal(t, "%PDF-1.7 quoted", k.arrived(carl, "quoted.pdf"))
	n.says(n.Send(0, "#"+ann.tag+" to Ann", emulator.File{Name: "tagged.pdf", Content: "%PDF-1.7 tagged"}, ""))
	assert.Equal(t, "%PDF-1.7 tagged", k.arrived(ann, "tagged.pdf"))

	before := len(n.Chat(0).Messages)
	n.says(n.Send(0, "for whom?", emulator.File{Name: "held.pdf", Content: "%PDF-1.7 held"}, ""))
	list := n.find(0, before, func(m whatsapptest.Message) bool { _, ok := choice(m, ann.tag); return ok && !m.Mine })
	s.kill()
	s.start()
	k.agent = s.client(k.agent.key)
	n.press(0, list, ann.tag)
	assert.Equal(t, "%PDF-1.7 held", k.arrived(ann, "held.pdf"))
	said := k.agent.awaitEvent(t, ann.id, func(e *handoffv1.Event) bool { return e.GetMessage().GetText() == "for whom?" })
	require.Len(t, said.GetMessage().GetAttachments(), 1)

	before = len(n.Chat(0).Messages)
	n.says(n.Send(0, "#"+ann.tag+" close", emulator.File{Name: "lost.pdf", Content: "x"}, ""))
	n.find(0, before, func(m whatsapptest.Message) bool { return strings.Contains(m.Text, "the file was not sent") })
}
