package wire_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/feed"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/server/wire"
)

// An event webhook tells where files can be read, and of those that came later.
func TestNotificationsOfFiles(t *testing.T) {
	t.Parallel()
	links := func(a handoff.Attachment) string { return "https://handoff.example/files/" + a.ID }
	for kind, body := range map[handoff.EventKind]handoff.EventBody{
		handoff.KindMessage:           handoff.MessageLogged{Message: handoff.Message{ID: "m", Attachments: []handoff.Attachment{{ID: "f"}}}},
		handoff.KindAttachmentChanged: handoff.AttachmentChanged{MessageID: "m", Attachment: handoff.Attachment{ID: "f"}},
	} {
		event := handoff.Event{Sequence: 1, Time: time.Unix(1, 0), Body: body}
		require.Equal(t, kind, event.Kind())
		text, err := wire.NotificationJSON(feed.Notification{Type: string(kind), Event: &event}, links)
		require.NoError(t, err)
		require.Contains(t, string(text), "https://handoff.example/files/f", kind)
	}
	change := wire.FromEventWebhook(&handoffv1.SetEventWebhookRequest{Kinds: []handoffv1.EventKind{handoffv1.EventKind_EVENT_KIND_ATTACHMENT_CHANGED}})
	require.Equal(t, []handoff.EventKind{handoff.KindAttachmentChanged}, change.Kinds)
}
