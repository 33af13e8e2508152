package chatwoottest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// What a message may have of files, and how large each may be.
const (
	maxFiles     = 15
	maxFileBytes = 40 << 20
)

// file is a file of a message. Whoever has its address can read it.
type file struct {
	id      int
	key     string
	name    string
	media   string
	content string
}

// posted is a message as it comes in, as JSON or with files as a form.
type posted struct {
	Content  string `json:"content"`
	Type     string `json:"message_type"`
	Private  bool   `json:"private"`
	SourceID string `json:"source_id"`

	files []*file
}

func readMessage(r *http.Request, body []byte) (*posted, error) {
	p := &posted{}
	media, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if media != "multipart/form-data" {
		return p, decode(body, p)
	}
	form := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		if err == nil {
			err = p.take(part)
		}
		if err != nil {
			return nil, bad("%v", err)
		}
	}
}

// take reads a part of a form, strictly.
func (p *posted) take(part *multipart.Part) error {
	data, err := io.ReadAll(part)
	if err != nil {
		return err
	}
	switch text := string(data); part.FormName() {
	case "content":
		p.Content = text
	case "message_type":
		p.Type = text
	case "private":
		p.Private, err = strconv.ParseBool(text)
	case "source_id":
		p.SourceID = text
	case "attachments[]":
		err = p.attach(part, text)
	default:
		err = fmt.Errorf("%q is not known", part.FormName())
	}
	return err
}

func (p *posted) attach(part *multipart.Part, content string) error {
	switch media := part.Header.Get("Content-Type"); {
	case part.FileName() == "" || media == "":
		return errors.New("a file has a name and a type")
	case len(content) > maxFileBytes:
		return errors.New("Attachments file size should be less than 40MB") //nolint:staticcheck // in Chatwoot's words
	case len(p.files) == maxFiles:
		return errors.New("Attachments exceeded maximum allowed") //nolint:staticcheck // in Chatwoot's words
	default:
		p.files = append(p.files, &file{key: rand.Text(), name: part.FileName(), media: media, content: content})
		return nil
	}
}

// attach has an agent send a file.
func (e *Emulator) attach(c *conversation, a emulator.Act) []provider.Request {
	m := e.add(c, outgoing, a.Text, &lin)
	m.files = []*file{{id: e.newID(), key: rand.Text(), name: a.File.Name, media: "application/pdf", content: a.File.Content}}
	return e.tellMessages("message_created", c, m)
}

// showFiles is how answers and webhooks show files: without their names, and at
// addresses that lead to another.
func (e *Emulator) showFiles(m *message) []any {
	shown := make([]any, 0, len(m.files))
	for _, f := range m.files {
		kind, _, _ := strings.Cut(f.media, "/")
		if kind != "image" && kind != "audio" && kind != "video" {
			kind = "file"
		}
		shown = append(shown, map[string]any{
			"id": f.id, "message_id": m.id, "file_type": kind, "account_id": AccountID, "extension": nil, "thumb_url": "",
			"data_url":  e.address + "/rails/active_storage/blobs/redirect/" + f.key + "/" + url.PathEscape(f.name),
			"file_size": len(f.content), "width": nil, "height": nil,
		})
	}
	return shown
}

func shownFiles(files []*file) []emulator.File {
	shown := make([]emulator.File, 0, len(files))
	for _, f := range files {
		shown = append(shown, emulator.File{Name: f.name, Content: f.content})
	}
	return shown
}

// redirect leads to where a file is for five minutes.
func (e *Emulator) redirect(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Location", "/rails/active_storage/disk/"+url.PathEscape(r.PathValue("key"))+"/"+url.PathEscape(r.PathValue("name")))
	w.WriteHeader(http.StatusFound)
}

func (e *Emulator) serveFile(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.conversations {
		for _, m := range c.messages {
			for _, f := range m.files {
				if f.key == r.PathValue("key") {
					w.Header().Set("Content-Type", f.media)
					_, _ = io.WriteString(w, f.content) // whoever asked may be gone
					return
				}
			}
		}
	}
	w.WriteHeader(http.StatusNotFound)
	_ = json.NewEncoder(w).Encode(errMissing.body) // likewise
}
