package whatsapp

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/pieces"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

const (
	maxCaption = 1024
	mebibyte   = 1 << 20

	kindText     = "text"
	kindImage    = "image"
	kindAudio    = "audio"
	kindVideo    = "video"
	kindDocument = "document"
	kindSticker  = "sticker"
)

// mediaTypes are the types of files that Meta takes, and as what kind of message. A
// picture, sound or video that is too large for its kind may still be a document.
var mediaTypes = map[string]string{
	"image/jpeg": kindImage, "image/png": kindImage,
	"audio/aac": kindAudio, "audio/mp4": kindAudio, "audio/mpeg": kindAudio, "audio/amr": kindAudio, "audio/ogg": kindAudio,
	"video/mp4": kindVideo, "video/3gpp": kindVideo,
	"text/plain": kindDocument, "application/pdf": kindDocument,
	"application/msword": kindDocument, "application/vnd.ms-excel": kindDocument, "application/vnd.ms-powerpoint": kindDocument,
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   kindDocument,
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         kindDocument,
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": kindDocument,
}

// maxBytes is how large a file of a kind may be.
var maxBytes = map[string]int64{kindImage: 5 * mebibyte, kindAudio: 16 * mebibyte, kindVideo: 16 * mebibyte, kindDocument: 100 * mebibyte}

// typesOfMedia returns the types in their order.
func typesOfMedia() []string {
	types := make([]string, 0, len(mediaTypes))
	for t := range mediaTypes {
		types = append(types, t)
	}
	slices.Sort(types)
	return types
}

// baseType is a media type without its parameters.
func baseType(mimeType string) string {
	base, _, _ := strings.Cut(mimeType, ";")
	return strings.ToLower(strings.TrimSpace(base))
}

// kindOf returns as what kind of message a file goes.
func kindOf(a *handoff.Attachment) string {
	kind := mediaTypes[baseType(a.MIMEType)]
	if kind == "" || a.Size > maxBytes[kind] {
		return kindDocument
	}
	return kind
}

// piece is one message of several that bring a text and files.
type piece struct {
	text string // or the file's caption
	file *handoff.Attachment
}

// shown are the messages for a text with files. Each message costs, so a text that
// fits is the caption of the first file. A sound has no caption: a line before it
// tells whose it is.
func shown(head, text string, files []handoff.Attachment) []piece {
	var all []piece
	first, caption := "", pieces.First(head, maxCaption, pieces.UTF16)
	captioned := len(files) > 0 && kindOf(&files[0]) != kindAudio
	if whole := head + "\n" + text; captioned && text != "" && pieces.Size(whole, pieces.UTF16) <= maxCaption {
		first = whole
	} else if text != "" || !captioned {
		for _, part := range headed(head, text) {
			all = append(all, piece{text: strings.TrimSuffix(part, "\n")})
		}
	}
	for i := range files {
		p := piece{text: caption, file: &files[i]}
		if i == 0 {
			p.text = cmp.Or(first, caption)
		}
		all = append(all, p)
	}
	return all
}

// postPiece sends a message, with its file uploaded before. Of a file that Meta does
// not take, or that is gone, the human gets the name and the address.
func (a *Adapter) postPiece(ctx context.Context, m outgoing, p piece) (string, error) {
	m.kind, m.body = kindText, textBody(p.text)
	if p.file == nil {
		return a.post(ctx, m)
	}
	media, err := a.upload(ctx, p.file)
	if err == nil {
		m.kind = kindOf(p.file)
		m.body = mediaBody(m.kind, media, p)
		id, refused := a.post(ctx, m)
		if refused == nil || codeOf(refused) == codeBarred {
			return id, refused
		}
		err = refused
	}
	if provider.ClassOf(err) != provider.ClassRejected && !errors.Is(err, handoff.ErrFileNotFound) {
		return "", err
	}
	link, _ := handoff.Degrade(handoff.Message{Text: p.text, Attachments: []handoff.Attachment{*p.file}}, handoff.Capabilities{}, a.files.Link)
	m.kind, m.body = kindText, textBody(link.Text)
	return a.post(ctx, m)
}

func mediaBody(kind, media string, p piece) map[string]any {
	body := map[string]any{"id": media}
	if kind != kindAudio {
		body["caption"] = p.text
	}
	if kind == kindDocument {
		body["filename"] = cmp.Or(p.file.Name, "file")
	}
	return body
}

// upload brings a file to Meta and returns its id there, which holds for 30 days.
func (a *Adapter) upload(ctx context.Context, file *handoff.Attachment) (string, error) {
	form, err := restapi.Multipart(
		[]restapi.Field{{Name: "messaging_product", Value: "whatsapp"}, {Name: "type", Value: baseType(file.MIMEType)}},
		[]restapi.Part{{
			Field: "file", Name: cmp.Or(file.Name, "file"), Type: baseType(file.MIMEType), Size: file.Size,
			Open: func() (io.ReadCloser, error) { return a.files.Content(ctx, *file) },
		}},
	)
	if err != nil {
		return "", provider.Errorf(provider.ClassRejected, "the file cannot be sent: %w", err)
	}
	defer form.Close()
	var answer struct {
		ID string `json:"id"`
	}
	err = a.rest.Do(ctx, restapi.Call{
		Method: http.MethodPost, Path: "/" + url.PathEscape(a.number) + "/media", File: &form.File, Into: &answer,
	})
	if err == nil && answer.ID == "" {
		err = provider.Errorf(provider.ClassTransient, "the answer holds no id of the file")
	}
	return answer.ID, err
}

// Locate implements provider.Locator. The address lives for five minutes.
func (a *Adapter) Locate(ctx context.Context, f handoff.RemoteFile) (handoff.RemoteFile, error) {
	var media struct {
		URL      string     `json:"url"`
		MIMEType string     `json:"mime_type"`
		SHA256   string     `json:"sha256"`
		Size     restapi.ID `json:"file_size"`
	}
	path := "/" + url.PathEscape(f.VendorID) + "?phone_number_id=" + url.QueryEscape(a.number)
	err := a.rest.Do(ctx, restapi.Call{Method: http.MethodGet, Path: path, Into: &media})
	if codeOf(err) == codeParameter {
		return f, provider.Errorf(provider.ClassRejected, "WhatsApp has no such file any more: %w", err)
	}
	if err != nil {
		return f, err
	}
	if !a.trusted(media.URL) {
		return f, provider.Errorf(provider.ClassRejected, "WhatsApp has the file at an address that is not Meta's, where the token must not go")
	}
	f.URL, f.MIMEType, f.SHA256 = media.URL, cmp.Or(media.MIMEType, f.MIMEType), digest(media.SHA256)
	f.Header = map[string]string{"Authorization": a.rest.Header.Get("Authorization")}
	return f, nil
}

// metaHosts are the ends of the hosts at which Meta has files.
var metaHosts = []string{".fbsbx.com", ".fbcdn.net", ".whatsapp.net", ".facebook.com"}

// trusted reports whether an address may get the token: at Meta's, or at the address
// that was configured instead.
func (a *Adapter) trusted(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil {
		return false
	}
	if base, err := url.Parse(a.rest.Base); err == nil && u.Scheme == base.Scheme && strings.EqualFold(u.Host, base.Host) {
		return true
	}
	return u.Scheme == "https" && (u.Port() == "" || u.Port() == "443") &&
		slices.ContainsFunc(metaHosts, func(end string) bool { return strings.HasSuffix(strings.ToLower(u.Hostname()), end) })
}

// digest returns a SHA-256 in hex, in which Meta writes it in one place and in
// Base64 in another; empty if it is neither.
func digest(text string) string {
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.StdEncoding.DecodeString} {
		if sum, err := decode(text); err == nil && len(sum) == 32 {
			return hex.EncodeToString(sum)
		}
	}
	return ""
}

// nameOf is what a file is called that has no name, as pictures have none.
func nameOf(kind, mimeType string) string {
	if t := mimetype.Lookup(baseType(mimeType)); t != nil {
		return kind + t.Extension()
	}
	return kind
}
