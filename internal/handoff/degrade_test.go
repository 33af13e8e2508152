package handoff_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/human-handoff/handoff/internal/handoff"
)

func TestDegrade(t *testing.T) {
	t.Parallel()
	m := handoff.Message{Text: "look", Attachments: []handoff.Attachment{
		{ID: "f1", Name: "a.png", MIMEType: "image/png", Size: 2 << 20}, {ID: "f2", MIMEType: "text/plain; charset=utf-8", Size: 5},
	}}
	link := func(a handoff.Attachment) string { return "https://h/" + a.ID }
	for name, tt := range map[string]struct {
		caps       handoff.Capabilities
		text, note string
		kept       int
	}{
		"all":     {handoff.Capabilities{Attachments: true}, "look", "", 2},
		"none":    {handoff.Capabilities{}, "look\na.png (image/png, 2.0 MiB): https://h/f1\nfile (text/plain, 5 bytes): https://h/f2", "f1 was sent as a link (the provider carries no files); f2 was sent as a link (the provider carries no files)", 0},
		"size":    {handoff.Capabilities{Attachments: true, MaxAttachmentBytes: 1 << 20}, "look\na.png (image/png, 2.0 MiB): https://h/f1", "f1 was sent as a link (the provider carries files of up to 1.0 MiB)", 1},
		"types":   {handoff.Capabilities{Attachments: true, AttachmentTypes: []string{"image/"}}, "look\nfile (text/plain, 5 bytes): https://h/f2", "f2 was sent as a link (the provider carries no text/plain; charset=utf-8)", 1},
		"by name": {handoff.Capabilities{Attachments: true, AttachmentTypes: []string{"text/plain", "image/"}}, "look", "", 2},
	} {
		got, note := handoff.Degrade(m, tt.caps, link)
		assert.Equal(t, tt.text, got.Text, name)
		assert.Equal(t, tt.note, note, name)
		assert.Len(t, got.Attachments, tt.kept, name)
	}
	assert.Len(t, m.Attachments, 2, "the message itself stays")
}
