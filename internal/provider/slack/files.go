package slack

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// Files come to Slack in three steps: it gives out an address, takes the content
// there, and shares the file in a thread
// (https://docs.slack.dev/messaging/working-with-files).
const (
	methodUploadURL = "files.getUploadURLExternal"
	methodComplete  = "files.completeUploadExternal"
	uploadStep      = "the upload of a file"

	maxFileBytes = 10 << 20 // what one call brings there in time over a slow line, too
	maxFileName  = 200

	tooLarge = "file_upload_size_restricted"
)

// notTaken are refusals of a file, in whose place a link goes.
var notTaken = []string{
	"file_type_not_allowed", "blocked_file_type", tooLarge, "file_uploads_disabled",
	"file_uploads_except_images_disabled", "storage_limit_reached",
	"file_not_found", // what was uploaded is gone
}

// sendFiles brings a message with files to a thread. Files bear the app's name there,
// so they follow a message under the customer's. That one carries their ids, by
// which a repeat finds out what of them is there.
func (a *Adapter) sendFiles(ctx context.Context, c provider.Call, m handoff.Message, out outgoing) (string, error) {
	var there found
	if c.Repeat {
		var err error
		if there, err = a.client.found(ctx, out.Channel, out.ThreadTS, c.SessionID, c.Time); err != nil {
			return "", err
		}
	}
	first, known := there.messages[c.IdempotencyKey]
	if !known {
		ids, text, err := a.uploadAll(ctx, m)
		if err != nil {
			return "", untouched(err)
		}
		first.Metadata.Payload.Files = strings.Join(ids, ",")
		out.Text, out.Metadata.Payload.Files = escape(text), first.Metadata.Payload.Files
		if first.TS, err = a.client.post(ctx, out); err != nil {
			return "", untouched(err)
		}
	}
	ids := strings.Split(first.Metadata.Payload.Files, ",")
	for i, file := range m.Attachments[:min(len(ids), len(m.Attachments))] {
		if ids[i] == "" || there.files[ids[i]] {
			continue
		}
		if err := a.share(ctx, c, out, there, part(c.IdempotencyKey, i), ids[i], file); err != nil {
			return "", err
		}
	}
	return first.TS, nil
}

// uploadAll brings the content of a message's files to Slack, where nobody sees it
// yet. It returns their ids, empty for one of which there is a link in the text.
func (a *Adapter) uploadAll(ctx context.Context, m handoff.Message) (ids []string, text string, err error) {
	var names, links []string
	for _, file := range m.Attachments {
		id, err := a.upload(ctx, file)
		switch {
		case isNotTaken(err):
			id, links = "", append(links, a.linkTo(file))
		case err != nil:
			return nil, "", err
		default:
			names = append(names, nameOfFile(file))
		}
		ids = append(ids, id)
	}
	if text = m.Text; text == "" && len(names) > 0 {
		text = "📎 " + strings.Join(names, ", ")
	}
	text = strings.TrimPrefix(strings.Join(append([]string{text}, links...), "\n"), "\n")
	return ids, text, tooLong(text)
}

func (a *Adapter) upload(ctx context.Context, file handoff.Attachment) (id string, err error) {
	var given struct {
		UploadURL string `json:"upload_url"`
		FileID    string `json:"file_id"`
	}
	form := url.Values{"filename": {nameOfFile(file)}, "length": {strconv.FormatInt(file.Size, 10)}}
	rest := a.client.rest
	rest.Judge = judge(methodUploadURL, rest.Now)
	header := http.Header{jsonContentHeader: {formType}}
	if err := rest.Do(ctx, restapi.Call{Method: http.MethodPost, Path: "/api/" + methodUploadURL, Form: form, Into: &given, Header: header}); err != nil {
		return "", err
	}
	address, err := a.client.at(given.UploadURL)
	if err != nil {
		return "", err
	}
	if given.FileID == "" {
		return "", provider.Errorf(provider.ClassTransient, "Slack's answer to %s has no file_id", methodUploadURL)
	}
	content, err := a.files.Content(ctx, file)
	if err != nil {
		return "", provider.Errorf(provider.ClassTransient, "read the file %s: %w", file.ID, err)
	}
	defer func() { _ = content.Close() }()
	return given.FileID, a.client.put(ctx, address, restapi.File{Content: content, Size: file.Size, Type: "application/octet-stream"})
}

// put takes content to an address, whose secret part proves that we may.
func (c *client) put(ctx context.Context, address string, file restapi.File) error {
	rest := restapi.Client{HTTP: c.rest.HTTP, Now: c.rest.Now}
	err := rest.Do(ctx, restapi.Call{Method: http.MethodPost, Path: address, File: &file})
	if outer, ok := errors.AsType[*url.Error](err); ok {
		return provider.Errorf(provider.ClassTransient, "%s: %w", uploadStep, outer.Err) // without the address
	}
	e, ok := errors.AsType[*provider.Error](err)
	if !ok || e.Status == 0 || e.Class == provider.ClassRateLimited {
		return err
	}
	if e.Status != http.StatusRequestEntityTooLarge {
		e.Class = provider.ClassTransient // the next attempt gets another address
		return err
	}
	return &refused{code: tooLarge, error: err}
}

// share has a file that was uploaded seen in a thread, or a link to it if Slack
// does not take it after all.
func (a *Adapter) share(ctx context.Context, c provider.Call, out outgoing, there found, key, id string, file handoff.Attachment) error {
	type shared struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	body := struct {
		Files    []shared `json:"files"`
		Channel  string   `json:"channel_id"`
		ThreadTS string   `json:"thread_ts"`
	}{[]shared{{id, nameOfFile(file)}}, out.Channel, out.ThreadTS}
	var into struct{}
	err := a.client.do(ctx, methodComplete, nil, body, &into)
	if !isNotTaken(err) {
		return err
	}
	if _, linked := there.messages[key]; linked {
		return nil
	}
	out.Text, out.Metadata = escape(a.linkTo(file)), mark(c, key)
	_, err = a.client.post(ctx, out)
	return err
}

func isNotTaken(err error) bool { return err != nil && slices.Contains(notTaken, codeOf(err)) }

func (a *Adapter) linkTo(file handoff.Attachment) string {
	return nameOfFile(file) + ": " + a.files.Link(file)
}

func nameOfFile(file handoff.Attachment) string {
	name := cmp.Or(file.Name, "file")
	if utf8.RuneCountInString(name) > maxFileName {
		runes := []rune(name)
		return string(runes[:maxFileName/2]) + "…" + string(runes[len(runes)-maxFileName/2+1:]) // with its ending
	}
	return name
}

// tooLong is the error of a text that Slack would cut.
func tooLong(text string) error {
	if length := utf8.RuneCountInString(escape(text)); length > maxText {
		return provider.Errorf(provider.ClassRejected, "the message has %d characters as Slack counts them, and Slack takes %d; send it in parts", length, maxText)
	}
	return nil
}

// file is a file that somebody shared.
type file struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Title    string `json:"title"`
	MIMEType string `json:"mimetype"`
	Size     int64  `json:"size"`
	Mode     string `json:"mode"`
	External bool   `json:"is_external"`
	URL      string `json:"url_private"`
	Download string `json:"url_private_download"`
}

func (f *file) name() string { return cmp.Or(f.Name, f.Title, "file") }

// heldBySlack are the modes of files whose content Slack has: what is uploaded,
// snippets and posts, and e-mails. Others lie elsewhere, or are gone.
var heldBySlack = []string{"", "hosted", "snippet", "space", "post", "email"}

// filesTold returns the files of a human's message that can be fetched, and lines
// about the others.
func (a *Adapter) filesTold(shared []file) (files []handoff.RemoteFile, lines []string) {
	for _, f := range shared {
		address, err := a.client.fileAt(cmp.Or(f.Download, f.URL))
		if f.External || !slices.Contains(heldBySlack, f.Mode) || err != nil || len(files) == handoff.MaxAttachments {
			lines = append(lines, f.line())
			continue
		}
		files = append(files, handoff.RemoteFile{
			Name: f.name(), MIMEType: f.MIMEType, Size: f.Size, URL: address,
			Header: map[string]string{"Authorization": a.client.rest.Header.Get("Authorization")},
		})
	}
	return files, lines
}

// line tells of a file that is not fetched: with its address if it lies elsewhere,
// where the customer may be let in or not.
func (f *file) line() string {
	if u, err := url.Parse(f.URL); f.External && err == nil && u.Scheme == "https" && u.Host != "" {
		return f.name() + ": " + f.URL
	}
	return "[" + f.name() + "]"
}

// slackHost is below which all of Slack's own addresses are.
const slackHost = "slack.com"

// fileAt returns the address of a file, if it is one of Slack's own: the token is
// for nobody else.
func (c *client) fileAt(address string) (string, error) {
	u, err := url.Parse(address)
	base, errBase := url.Parse(c.base)
	if err != nil || errBase != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != base.Scheme {
		return "", errNotSlacks
	}
	if u.Host != base.Host && !strings.HasSuffix(u.Hostname(), "."+base.Hostname()) && !strings.HasSuffix(u.Hostname(), "."+slackHost) {
		return "", errNotSlacks
	}
	return c.at(address)
}

var errNotSlacks = errors.New("the file is not at Slack's")
