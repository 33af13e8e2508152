// Package file is the door for the content of files: PUT /uploads/… and GET
// /files/…. Both need no key, for their addresses are signed and stand for one
// file, for a while.
//
// Whatever a file is, no script in it runs on this origin: only pictures that are
// no programs are shown, all else is saved; the type is the one that was found by
// the content, or none where a page could load it as a program, and no browser
// guesses another; and what is opened as a page all the same has an origin of its
// own and may load nothing.
package file

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/human-handoff/handoff/internal/files"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/server/wire"
)

const (
	// stallTimeout ends an upload of which nothing comes any more.
	stallTimeout = 30 * time.Second
	// uploadTimeout is how long one may take in all.
	uploadTimeout = 30 * time.Minute
	// readTimeout is how long a client may take to read a file.
	readTimeout = 30 * time.Minute
	// pendingFor is when to ask again for a file that is still being fetched.
	pendingFor = 2 * time.Second
)

// Files is what the door opens to.
type Files interface {
	CheckPut(id, proof string) error
	Upload(ctx context.Context, id string, content io.Reader) error
	CheckRead(id, proof, name string) (until time.Time, err error)
	Open(ctx context.Context, id string) (files.Content, error)
}

// Origins tells which browser origins an agent lets through.
type Origins interface {
	OriginAllowed(ctx context.Context, agentID, origin string) bool
}

// Door serves the content of files.
type Door struct {
	Files   Files
	Origins Origins
	Now     handoff.Clock
	Logger  *slog.Logger
}

// Mount mounts the routes.
func (d Door) Mount(mux *http.ServeMux) {
	mux.HandleFunc("PUT /uploads/{id}/{proof}", d.put)
	mux.HandleFunc("GET /files/{id}/{proof}/{name}", d.get) // HEAD too
}

// put takes the content of an announced file. 204: it is kept.
func (d Door) put(w http.ResponseWriter, r *http.Request) {
	d.letOrigin(w, r)
	id := r.PathValue("id")
	err := d.Files.CheckPut(id, r.PathValue("proof"))
	if err == nil {
		body := &patientReader{
			body: http.MaxBytesReader(w, r.Body, handoff.MaxFileBytes+1), control: http.NewResponseController(w),
			now: d.Now, until: d.Now().Add(uploadTimeout),
		}
		err = d.Files.Upload(r.Context(), id, body)
	}
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// patientReader lets a body take longer than other requests, but not stall.
type patientReader struct {
	body    io.Reader
	control *http.ResponseController
	now     handoff.Clock
	until   time.Time
}

// Read implements io.Reader.
func (p *patientReader) Read(b []byte) (int, error) {
	// Not every ResponseWriter has deadlines; then the kernel's hold.
	deadline := p.now().Add(stallTimeout)
	if deadline.After(p.until) {
		deadline = p.until
	}
	if err := p.control.SetReadDeadline(deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return p.body.Read(b)
}

// get serves a file to read.
func (d Door) get(w http.ResponseWriter, r *http.Request) {
	d.letOrigin(w, r)
	h := w.Header()
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // the address is worth something
	id, name := r.PathValue("id"), r.PathValue("name")
	until, err := d.Files.CheckRead(id, r.PathValue("proof"), name)
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	content, err := d.Files.Open(r.Context(), id)
	if err != nil {
		d.missing(w, r, content, err)
		return
	}
	defer func() { _ = content.Close() }() // it was only read
	if err := http.NewResponseController(w).SetWriteDeadline(d.Now().Add(readTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		d.refuse(w, r, err)
		return
	}
	h.Set("Content-Type", harmless(content.MIMEType))
	h.Set("Content-Disposition", disposition(content.MIMEType, name))
	h.Set("Cache-Control", "private, max-age="+strconv.Itoa(max(0, int(until.Sub(d.Now()).Seconds()))))
	h.Set("ETag", strconv.Quote(id)) // a file's content never changes
	http.ServeContent(w, r, "", content.CreateTime, content)
}

// missing answers for a file without content: one that comes soon, or never. This
// server has made the address, so that it knew the file once.
func (d Door) missing(w http.ResponseWriter, r *http.Request, f files.Content, err error) {
	deleted := f.ID == "" || f.SessionID == "" || f.State == handoff.FileDoomed
	switch {
	case !errors.Is(err, handoff.ErrFileNotFound):
		d.refuse(w, r, err)
	case f.State == handoff.FileFailed:
		answer(w, http.StatusGone, connect.CodeNotFound, "the file could not be fetched from the desk where it was sent")
	case deleted:
		answer(w, http.StatusGone, connect.CodeNotFound, "the file was deleted, by its age or with its session")
	case f.State == handoff.FilePending:
		w.Header().Set("Retry-After", strconv.Itoa(int(pendingFor.Seconds())))
		d.refuse(w, r, err)
	default:
		d.refuse(w, r, err)
	}
}

// harmless returns the type under which a content is served: none for what a page
// of this origin could load as a program or a style.
func harmless(mimeType string) string {
	kind, _, _ := strings.Cut(strings.ToLower(mimeType), ";")
	for _, program := range []string{"script", "css", "wasm", "manifest"} {
		if strings.Contains(kind, program) {
			return "application/octet-stream"
		}
	}
	return mimeType
}

// pictures are the types that browsers show and that can hold no program.
var pictures = map[string]bool{
	"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/avif": true, "image/bmp": true,
}

func disposition(mimeType, name string) string {
	kind := "attachment"
	if pictures[strings.ToLower(mimeType)] {
		kind = "inline"
	}
	if d := mime.FormatMediaType(kind, map[string]string{"filename": name}); d != "" {
		return d
	}
	return kind // a name that cannot be told
}

// letOrigin lets pages of an allowed origin use the addresses. Nobody is known
// here, but the address that the page has proves enough.
func (d Door) letOrigin(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return
	}
	w.Header().Add("Vary", "Origin")
	if d.Origins.OriginAllowed(r.Context(), "", origin) {
		w.Header().Set("Access-Control-Allow-Origin", origin)
	}
}

// refuse answers like a Connect unary error, so that clients need one parser.
func (d Door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := wire.Error(err)
	if e.Code() == connect.CodeInternal {
		d.Logger.ErrorContext(r.Context(), "file.failed", slog.Any("error", err))
	}
	answer(w, wire.HTTPStatus(e.Code()), e.Code(), e.Message())
}

func answer(w http.ResponseWriter, status int, code connect.Code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"code": code.String(), "message": message}) // the caller is gone if this fails
}
