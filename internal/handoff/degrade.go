package handoff

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Degrade returns a customer's message as a provider can carry it: a file that is
// of no use to it becomes a line of text with an address where it can be read.
// note says what was replaced and why, for whoever looks at the delivery; it is
// empty when the message stays as it is.
func Degrade(m Message, c Capabilities, link func(Attachment) string) (degraded Message, note string) {
	var kept []Attachment
	var notes []string
	for _, a := range m.Attachments {
		why := c.refuses(a)
		if why == "" {
			kept = append(kept, a)
			continue
		}
		m.Text = lines(m.Text, describe(a)+": "+link(a))
		notes = append(notes, fmt.Sprintf("%s was sent as a link (%s)", a.ID, why))
	}
	m.Attachments = kept
	return m, strings.Join(notes, "; ")
}

// refuses says why a provider cannot carry a file; empty if it can.
func (c Capabilities) refuses(a Attachment) string {
	switch {
	case !c.Attachments:
		return "the provider carries no files"
	case c.MaxAttachmentBytes > 0 && a.Size > c.MaxAttachmentBytes:
		return "the provider carries files of up to " + fileSize(c.MaxAttachmentBytes)
	case len(c.AttachmentTypes) > 0 && !TypeIn(c.AttachmentTypes, a.MIMEType):
		return "the provider carries no " + cmp.Or(a.MIMEType, "files of an unknown type")
	}
	return ""
}

// TypeIn reports whether a media type is one of a list, whose entries are types or
// beginnings of them such as "image/".
func TypeIn(types []string, mimeType string) bool {
	mimeType, _, _ = strings.Cut(mimeType, ";")
	return slices.ContainsFunc(types, func(t string) bool {
		return t == mimeType || strings.HasSuffix(t, "/") && strings.HasPrefix(mimeType, t)
	})
}

// describe names a file in a text.
func describe(a Attachment) string {
	mimeType, _, _ := strings.Cut(a.MIMEType, ";")
	return fmt.Sprintf("%s (%s, %s)", cmp.Or(a.Name, "file"), cmp.Or(mimeType, "unknown type"), fileSize(a.Size))
}

func fileSize(n int64) string {
	switch {
	case n < 1<<10:
		return strconv.FormatInt(n, 10) + " bytes"
	case n < 1<<20:
		return strconv.FormatFloat(float64(n)/(1<<10), 'f', 1, 64) + " KiB"
	}
	return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MiB"
}

// lines puts a line below a text, if there is any.
func lines(text, line string) string {
	if text == "" {
		return line
	}
	return text + "\n" + line
}
