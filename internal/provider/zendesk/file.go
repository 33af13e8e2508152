package zendesk

import (
	"cmp"
	"context"
	"io"
	"net/url"
	"path"
	"slices"
	"unicode/utf8"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// maxAlt is how many bytes the name of a file may have.
const maxAlt = 128

// pictures are the types that every client of Zendesk's shows as pictures.
var pictures = []string{"image/jpeg", "image/png", "image/gif"}

// sendFile brings a customer's file into a conversation and returns its id there.
func (a *Adapter) sendFile(ctx context.Context, conversationID, userID, key string, file handoff.Attachment) (string, error) {
	address, err := a.client.upload(ctx, conversationID, restapi.Part{
		Field: "source", Name: file.Name, Type: file.MIMEType, Size: file.Size,
		Open: func() (io.ReadCloser, error) { return a.files.Content(ctx, file) },
	})
	if err != nil {
		return "", err
	}
	kind := "file"
	if slices.Contains(pictures, file.MIMEType) {
		kind = "image"
	}
	content := map[string]any{"type": kind, "mediaUrl": address}
	if name := cutName(file.Name); name != "" {
		content["altText"] = name
	}
	return a.client.say(ctx, conversationID, asUser(userID), key, content)
}

func cutName(name string) string {
	for len(name) > maxAlt {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name
}

// filesOf is the file of a content. Where attachments are private, the account's own
// server wants to be shown the key, which no other gets.
func (a *Adapter) filesOf(c *content) []handoff.RemoteFile {
	u, err := url.Parse(c.MediaURL)
	if c.MediaURL == "" || err != nil {
		return nil
	}
	name := path.Base(u.Path)
	if name == "." || name == "/" {
		name = ""
	}
	f := handoff.RemoteFile{Name: cmp.Or(c.AltText, name), MIMEType: c.Media, Size: int64(c.Size), URL: c.MediaURL}
	if u.Scheme+"://"+u.Host == a.host {
		f.Header = map[string]string{"Authorization": a.credentials}
	}
	return []handoff.RemoteFile{f}
}
