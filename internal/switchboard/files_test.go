package switchboard_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
	"github.com/human-handoff/handoff/internal/switchboard"
)

// received keeps the files that sessions got.
type received struct {
	switchboard.Sessions

	files map[string][]handoff.RemoteFile // by session and text
}

// Receive implements switchboard.Sessions.
func (r *received) Receive(ctx context.Context, connectionID string, in handoff.Inbound) error {
	if m, ok := in.Body.(handoff.HumanMessage); ok {
		r.files[in.SessionID+": "+m.Text] = m.Files
	}
	return r.Sessions.Receive(ctx, connectionID, in)
}

func withFiles(b *bench) *received {
	r := &received{Sessions: b.core, files: map[string][]handoff.RemoteFile{}}
	b.sessions = r
	b.connect(b)
	return r
}

func photo(id string) []handoff.RemoteFile {
	return []handoff.RemoteFile{{VendorID: id, Name: id + ".png", MIMEType: "image/png"}}
}

func bobSends(id, caption string) handoff.PersonSaid {
	said := bob(caption)
	said.Files = photo(id)
	return said
}

func TestFilesAreRoutedLikeTexts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	got := withFiles(b)
	ann, carl := b.session("s1", "Ann"), b.session("s2", "Carl")
	for _, tag := range []string{ann, carl} {
		b.presses("bob", messenger.Button(messenger.TakeIt, tag))
	}
	b.says(bobSends("by tag", "#"+ann+" look"))
	require.Equal(t, photo("by tag"), got.files["s1: look"])
	quoting := bobSends("by quote", "this")
	quoting.Quotes, quoting.QuotedIDs = true, []string{"s2-start at bob"}
	b.says(quoting)
	require.Equal(t, photo("by quote"), got.files["s2: this"])
	b.pass(2 * time.Minute)
	b.lastTold()

	b.says(bobSends("one", ""))
	b.says(bobSends("two", "and two"))
	require.Len(t, b.told, 1, "asked once")
	require.Len(t, got.files, 2)
	b.presses("bob", messenger.Button(messenger.PickIt, carl))
	require.Equal(t, photo("one"), got.files["s2: "], "kept until it was said whom it is for")
	require.Equal(t, photo("two"), got.files["s2: and two"])
	b.lastTold()

	b.says(bobSends("three", "/close"))
	require.Equal(t, []string{"bob: " + messenger.NoticeFileOrder.Text("", "", "")}, b.lastTold())
	require.Len(t, got.files, 4)
}

// TestFilesAreShownToWhoeverTakes: what the customer sent before anybody was there is
// shown to whoever takes the session, and can be quoted.
func TestFilesAreShownToWhoeverTakes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.brief, b.caps = true, handoff.Capabilities{Attachments: true, AttachmentTypes: []string{"image/"}}
	tag := b.session("s1", "Ann")
	pictures := make([]handoff.Attachment, 11)
	for i := range pictures {
		pictures[i] = handoff.Attachment{ID: fmt.Sprint("file_", i), Name: fmt.Sprint(i, ".png"), MIMEType: "image/png", Size: 1}
	}
	b.customerSends("old", pictures[0])
	b.customerSends("look", append(pictures[1:], handoff.Attachment{ID: "file_pdf", Name: "a.pdf", MIMEType: "application/pdf", Size: 1})...)
	b.call("s1", "m1", func(s dispatch.Sender, c provider.Call) error {
		_, err := s.Send(t.Context(), c, handoff.Message{Attachments: pictures[:1]})
		return err
	})
	seats, err := b.store.Seats(t.Context(), connection, b.clock())
	require.NoError(t, err)
	require.Equal(t, "[0.png]", seats[0].Words)

	b.presses("bob", messenger.Button(messenger.TakeIt, tag))
	var told []provider.Notice
	for _, n := range b.told {
		if n.Person == "bob" {
			told = append(told, n)
		}
	}
	require.Len(t, told, 11)
	require.Contains(t, told[0].Text, "< old\n0.png (image/png, 1 bytes): https://files.example/file_0\n< look\na.pdf (application/pdf, 1 bytes): https://files.example/file_pdf\n[1.png]\n")
	for i, n := range told[1:] {
		require.Equal(t, "#"+tag+" Ann", n.Text)
		require.Equal(t, &pictures[i+1], n.File)
	}
	quoting := bob("nice picture")
	quoting.Quotes, quoting.QuotedIDs = true, []string{told[3].IdempotencyKey + " at bob"}
	b.session("s2", "Carl")
	b.says(quoting)
	require.Contains(t, b.heard("s1"), "Bob: nice picture")
}

// customerSends has the log of the session s1 hold a customer's message with files.
func (b *bench) customerSends(text string, files ...handoff.Attachment) {
	b.t.Helper()
	for _, a := range files {
		f := handoff.File{ID: a.ID, SessionID: "s1", Name: a.Name, State: handoff.FileAnnounced, CreateTime: b.clock()}
		require.NoError(b.t, b.store.CreateFile(b.t.Context(), f, handoff.MaxUnusedUploads))
		_, err := b.store.FinishUpload(b.t.Context(), a.ID, a.MIMEType, a.Size)
		require.NoError(b.t, err)
	}
	err := b.store.Update(b.t.Context(), "s1", "", func(s *handoff.Session) error {
		_, err := s.Accept(handoff.Message{ID: "msg " + text, Text: text, Attachments: files}, b.clock())
		return err
	})
	require.NoError(b.t, err)
}
