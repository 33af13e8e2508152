package provider

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Lines returns a message as text alone, for a vendor that carries no files: each
// becomes a line that names it.
func Lines(m handoff.Message) string {
	lines := make([]string, 0, 1+len(m.Attachments))
	if m.Text != "" {
		lines = append(lines, m.Text)
	}
	for _, file := range m.Attachments {
		name, kind := cmp.Or(file.Name, "file"), cmp.Or(file.MIMEType, "unknown type")
		lines = append(lines, fmt.Sprintf("[%s, %s, %d bytes]", name, kind, file.Size))
	}
	return strings.Join(lines, "\n")
}
