package slacktest

import (
	"crypto/rand"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// Where files are at Slack: on a host of their own.
const (
	fileHost   = "https://files.slack.com"
	uploadPath = "/upload/v1/"
	filePath   = "/files-pri/"

	mostFile = 1 << 30
)

// stored is a file that Slack has.
type stored struct {
	id, name, title string
	mimeType        string
	ticket          string // the secret part of where its content goes; empty once it is there
	length          int64
	content         string
	private         bool // it was shared nowhere yet
}

func (f *stored) address() string { return fileHost + filePath + team + "-" + f.id + "/" }

// RefuseFiles has Slack refuse files by a method with a word of its own; an empty
// method is the upload itself, which answers 413 then.
func (e *Emulator) RefuseFiles(method, word string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refusing = map[string]string{method: word}
}

func (e *Emulator) uploadURL(c call) (object, string) {
	length, err := strconv.ParseInt(c.args.Get("length"), 10, 64)
	switch name := c.args.Get("filename"); {
	case name == "" || err != nil:
		return nil, "invalid_arguments"
	case length <= 0 || length > mostFile:
		return nil, "file_upload_size_restricted"
	}
	f := &stored{id: e.fileID(), name: c.args.Get("filename"), ticket: rand.Text(), length: length, private: true}
	e.files = append(e.files, f)
	return object{"upload_url": fileHost + uploadPath + f.ticket, "file_id": f.id}, ""
}

func (e *Emulator) fileID() string { return "F0" + rand.Text()[:9] }

func (e *Emulator) fileOf(id string) *stored {
	for _, f := range e.files {
		if f.id == id {
			return f
		}
	}
	return nil
}

// serveUpload takes the content of a file. Whoever knows the address may send it,
// once.
func (e *Emulator) serveUpload(w http.ResponseWriter, r *http.Request) {
	content, err := io.ReadAll(r.Body)
	e.mu.Lock()
	defer e.mu.Unlock()
	ticket := strings.TrimPrefix(r.URL.Path, uploadPath)
	i := slices.IndexFunc(e.files, func(f *stored) bool { return ticket != "" && f.ticket == ticket })
	switch {
	case err != nil || r.Method != http.MethodPost:
		http.Error(w, "bad request", http.StatusBadRequest)
	case i < 0:
		http.Error(w, "not found", http.StatusNotFound)
	case e.refusing[""] != "":
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	case int64(len(content)) != e.files[i].length || r.ContentLength != e.files[i].length:
		http.Error(w, "the length is not what was announced", http.StatusBadRequest)
	default:
		f := e.files[i]
		f.content, f.ticket, f.mimeType = string(content), "", "application/octet-stream"
		_, _ = io.WriteString(w, "OK - "+strconv.Itoa(len(content)))
	}
}

// complete shares files in a thread, under the app's name. Sharing one again posts
// it again.
func (e *Emulator) complete(c call) (object, string) {
	var a struct {
		Files []struct {
			ID    string `json:"id"`
			Title string `json:"title"`
		} `json:"files"`
		Channel  string `json:"channel_id"`
		ThreadTS string `json:"thread_ts"`
	}
	if word := c.strict(&a, "files", "channel_id", "thread_ts"); word != "" {
		return nil, word
	}
	if len(a.Files) == 0 {
		return nil, "invalid_arguments"
	}
	parent := e.find(a.ThreadTS)
	switch {
	case a.Channel != Channel:
		return nil, "channel_not_found"
	case parent == nil || parent.thread != "":
		return nil, "invalid_thread_ts"
	}
	p := &post{ts: e.stamp(), thread: a.ThreadTS, user: botUser, bot: botID}
	var told []any
	for _, given := range a.Files {
		f := e.fileOf(given.ID)
		if f == nil || f.ticket != "" {
			return nil, "file_not_found"
		}
		f.title, f.private = given.Title, false
		p.files = append(p.files, f)
		told = append(told, object{"id": f.id, "title": f.title, "shares": object{}}) // it comes to be shared later
	}
	e.posts = append(e.posts, p)
	return object{"files": told}, ""
}

// shown is a file as messages show it.
func (f *stored) shown() object {
	return object{
		"id": f.id, "name": f.name, "title": f.title, "mimetype": f.mimeType, "size": len(f.content), "mode": "hosted", "is_external": false,
		"file_access": "visible", "url_private": f.address() + url.PathEscape(f.name),
		"url_private_download": f.address() + "download/" + url.PathEscape(f.name),
	}
}

// attaches has a member share a file in a thread.
func (e *Emulator) attaches(who member, card *post, a emulator.Act) *post {
	file := emulator.File{Name: "empty.txt"}
	if a.File != nil {
		file = *a.File
	}
	mimeType, _, _ := strings.Cut(http.DetectContentType([]byte(file.Content)), ";")
	f := &stored{id: e.fileID(), name: file.Name, title: file.Name, mimeType: mimeType, content: file.Content}
	e.files = append(e.files, f)
	p := &post{ts: e.stamp(), thread: card.ts, user: who.id, text: typed(a.Text), files: []*stored{f}}
	e.posts = append(e.posts, p)
	return p
}

// serveFile gives out a file's content. Whoever has no token gets the page to log
// in, as a success.
func (e *Emulator) serveFile(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.used[Download] = true
	allowed := e.Scopes == nil || slices.Contains(e.Scopes, Download)
	if r.Header.Get("Authorization") != "Bearer "+e.token || e.revoked || !allowed {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><title>Sign in | Slack</title></html>")
		return
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, filePath+team+"-"), "/")
	f := e.fileOf(id)
	if f == nil || f.private {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", f.mimeType)
	_, _ = io.WriteString(w, f.content)
}

// shownFiles are the files of a message as a human sees them.
func (p *post) shownFiles() []emulator.File {
	files := make([]emulator.File, 0, len(p.files))
	for _, f := range p.files {
		files = append(files, emulator.File{Name: f.title, Content: f.content})
	}
	return files
}
