package provider

import (
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Cut keeps a human's text within what a message may have.
func Cut(text string) string {
	if len(text) <= handoff.MaxTextBytes {
		return text
	}
	return strings.ToValidUTF8(text[:handoff.MaxTextBytes-len("…")], "") + "…"
}
