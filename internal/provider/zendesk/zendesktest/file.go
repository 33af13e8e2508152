package zendesktest

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// maxFileBytes is how large a file may be.
const maxFileBytes = 50 << 20

// file is a file that was uploaded. The account has its attachments private, so they
// are shown to keys of the app alone.
type file struct {
	id, name, media, content string
	conversation             string
}

// upload takes a file for a conversation's messages.
func (e *Emulator) upload(r *http.Request, body []byte) (int, any, error) {
	query := r.URL.Query()
	if query.Get("access") != "public" || query.Get("for") != "message" {
		return 0, nil, bad("access has to be public, and for has to be message")
	}
	if e.conversation(query.Get("conversationId")) == nil {
		return 0, nil, missing("conversation")
	}
	f, err := readSource(r, body)
	if err != nil {
		return 0, nil, err
	}
	f.conversation = query.Get("conversationId")
	e.files = append(e.files, f)
	return http.StatusCreated, map[string]any{"attachment": map[string]any{"mediaUrl": e.addressOf(f), "mediaType": f.media}}, nil
}

// readSource reads the one file of a form.
func readSource(r *http.Request, body []byte) (*file, error) {
	media, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if media != "multipart/form-data" {
		return nil, refusal{http.StatusUnsupportedMediaType, "unsupported_media_type", "Send a form."}
	}
	form := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	part, err := form.NextPart()
	if err != nil || part.FormName() != "source" || part.FileName() == "" || part.Header.Get("Content-Type") == "" {
		return nil, bad("source has to be a file with a name and a type")
	}
	content, err := io.ReadAll(part)
	if err != nil || len(content) == 0 {
		return nil, bad("source is empty, or was cut")
	}
	if len(content) > maxFileBytes {
		return nil, refusal{http.StatusRequestEntityTooLarge, "payload_too_large", "The file is over 50 MB."}
	}
	if _, err := form.NextPart(); !errors.Is(err, io.EOF) {
		return nil, bad("one file at a time")
	}
	return &file{id: newID(), name: part.FileName(), media: part.Header.Get("Content-Type"), content: string(content)}, nil
}

const filePath = "/sc/attachments/v2/"

func (e *Emulator) addressOf(f *file) string {
	return e.address + filePath + f.id + "/" + url.PathEscape(f.name)
}

// fileAt is the file of an address; nil if it is none of ours.
func (e *Emulator) fileAt(address string) *file {
	for _, f := range e.files {
		if e.addressOf(f) == address {
			return f
		}
	}
	return nil
}

// showFile is a file as the content of a message.
func (e *Emulator) showFile(kind string, f *file, alt string) map[string]any {
	if alt == "" {
		alt = f.name
	}
	return map[string]any{"type": kind, "mediaUrl": e.addressOf(f), "mediaType": f.media, "mediaSize": len(f.content), "altText": alt, "attachmentId": f.id}
}

// checkMedia refuses what the API refuses of a message with a file.
func (p *posted) checkMedia() error {
	switch {
	case p.Content.Type != "image" && p.Content.Type != "file":
		return bad("content.type has to be image or file")
	case p.Content.Text != "":
		return bad("this emulator wants texts in messages of their own")
	case len(p.Content.AltText) > 128:
		return bad("content.altText has at most 128 characters")
	}
	return checkMetadata(p.Metadata)
}

// attach has an agent send a file.
func (e *Emulator) attach(c *conversation, a emulator.Act) []provider.Request {
	f := &file{id: newID(), name: a.File.Name, media: "application/pdf", content: a.File.Content, conversation: c.id}
	e.files = append(e.files, f)
	content := e.showFile("file", f, "")
	if a.Text != "" {
		content["text"] = a.Text
	}
	return e.say(c, content)
}

// types has an agent type, and tells of the customer, too.
func (e *Emulator) types(c *conversation, what string) []provider.Request {
	tell := func(by map[string]any) []provider.Request {
		return e.tell("conversation:typing", c, map[string]any{"activity": map[string]any{"type": what, "author": by}})
	}
	return append(tell(map[string]any{"type": "user", "userId": c.user.id}), tell(map[string]any{"type": "business"})...)
}

// postActivity takes that the customer has read; that users type cannot be told.
func (e *Emulator) postActivity(r *http.Request, body []byte) (int, any, error) {
	c := e.conversation(r.PathValue("id"))
	if c == nil {
		return 0, nil, missing("conversation")
	}
	var given struct {
		Author author `json:"author"`
		Type   string `json:"type"`
	}
	if err := decode(body, &given); err != nil {
		return 0, nil, err
	}
	if given.Author.Type != "user" || given.Author.UserID != c.user.id || given.Type != "conversation:read" {
		return 0, nil, bad("of a participating user only conversation:read is supported")
	}
	c.read = true
	e.events = append(e.events, acts[emulator.Read](e, c, "")...)
	return http.StatusOK, map[string]any{}, nil
}

func (e *Emulator) serveFile(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.admit(r, nil); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	for _, f := range e.files {
		if strings.EqualFold(f.id, r.PathValue("id")) {
			w.Header().Set("Content-Type", f.media)
			_, _ = io.WriteString(w, f.content) // whoever asked may be gone
			return
		}
	}
	http.NotFound(w, r)
}
