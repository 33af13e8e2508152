// Package files keeps the files that belong to messages: what customers and
// humans upload, what is at an address, and what vendors have of their humans.
//
//	files.go    the service: announce, take, open
//	store.go    the port to where contents lie
//	disk.go     contents in a folder
//	s3.go       contents in an S3-compatible store
//	address.go  signed addresses, for reading and for uploading
//	content.go  the size and the type of what is put, while it streams
//	fetch.go    reading from other servers
//	arrive.go   fetching vendors' files in the background
//	janitor.go  deleting what nobody uses
//
// A content is written once, under its file's id, and never changes. The
// database tells which contents are complete; what was cut leaves nothing.
package files

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/human-handoff/handoff/internal/handoff"
)

// Records is what the database knows of files.
type Records interface {
	// CreateFile keeps a new file of a session. handoff.ErrSessionNotFound and
	// handoff.ErrSessionClosed tell that it cannot have one; CodeExhausted that it
	// has maxUnused that no message uses.
	CreateFile(ctx context.Context, f handoff.File, maxUnused int) error

	// File returns one file; handoff.ErrFileNotFound if there is none.
	File(ctx context.Context, id string) (handoff.File, error)

	// FinishUpload makes an announced file ready. It reports false when the file is
	// not announced any more.
	FinishUpload(ctx context.Context, id, mimeType string, size int64) (done bool, err error)

	// PendingFiles returns files that have to be fetched, by id, from after one on.
	PendingFiles(ctx context.Context, afterID string, limit int) ([]handoff.File, error)

	// Doom marks files that no message used since a time, those of messages that came
	// before another, and those whose session is gone, so that no message can use them
	// any more, and returns their ids, at most limit of each sort. Those that were
	// marked before come again.
	Doom(ctx context.Context, unusedBefore, usedBefore time.Time, limit int) (ids []string, err error)

	// ForgetFile deletes a file that is doomed, or was only announced.
	ForgetFile(ctx context.Context, id string) error

	// OldestFile returns when the oldest file was made that a message uses, or that
	// none uses; the zero time if there is none.
	OldestFile(ctx context.Context, used bool) (time.Time, error)
}

// Sealer keeps secret at rest where vendors' files are.
type Sealer interface {
	Seal(plain, context []byte) []byte
	Open(sealed, context []byte) ([]byte, error)
}

// Arriver is told what became of a file that was pending.
type Arriver interface {
	Arrive(ctx context.Context, f handoff.File) error
}

// Locator asks vendors where their files are.
type Locator interface {
	// Locate returns a file that has a VendorID with its address. An error of
	// CodeInvalid tells that there will never be one.
	Locate(ctx context.Context, r handoff.RemoteFile) (handoff.RemoteFile, error)
}

// Service keeps files. It is a [handoff.Files].
type Service struct {
	config  Config
	arriver Arriver
	locator Locator
	expect  chan struct{} // of size 1: there may be pending files
	sweep   chan struct{} // of size 1: there may be something to delete

	mu   sync.Mutex
	busy map[string]struct{} // uploads that are under way, by id
}

// Config is what a Service is made of.
type Config struct {
	Records  Records
	Contents Store
	Limits   Limits
	Sealer   Sealer
	ReadKeys [][]byte     // of addresses to read from; the first signs, all prove
	PutKeys  [][]byte     // of addresses to upload to
	BaseURL  string       // of this server, without a slash at the end
	HTTP     *http.Client // guarded, without redirects, and open to bodies of handoff.MaxFileBytes and a byte
	NewID    func(prefix string) string
	Now      handoff.Clock
	Logger   *slog.Logger
}

// Limits say which files are taken and how long they stay.
type Limits struct {
	MaxBytes int64         // of one file; 0 = handoff.MaxFileBytes
	Types    []string      // media types, or beginnings of them such as "image/"; none = all
	KeepFor  time.Duration // after it came; 0 = as long as its session
}

var _ handoff.Files = (*Service)(nil)

// New returns a Service. Run has to run for it to fetch and to delete.
func New(c Config) *Service {
	c.Limits.MaxBytes = cmp.Or(c.Limits.MaxBytes, handoff.MaxFileBytes)
	return &Service{config: c, expect: make(chan struct{}, 1), sweep: make(chan struct{}, 1), busy: map[string]struct{}{}}
}

// OnArrival sets who is told what became of pending files. It is called once,
// before Run.
func (s *Service) OnArrival(a Arriver) { s.arriver = a }

// OnFetch sets who is asked for the addresses of files that have none. It is called
// once, before Run.
func (s *Service) OnFetch(l Locator) { s.locator = l }

// Announce makes room for an upload to a session and returns its id and where to
// PUT it. Errors as of [Records].CreateFile, and CodeInvalid for one that is too large.
func (s *Service) Announce(ctx context.Context, sessionID, name, mimeType string, size int64) (id, address string, err error) {
	if most := s.config.Limits.MaxBytes; size > most {
		return "", "", handoff.Errorf(handoff.CodeInvalid, "FILE_TOO_LARGE", "size: this server takes files of up to %d bytes", most)
	}
	f := handoff.File{
		ID: s.config.NewID("file"), SessionID: sessionID, Name: cleanName(name), MIMEType: mimeType, Size: size,
		State: handoff.FileAnnounced, CreateTime: s.config.Now(),
	}
	if err := s.config.Records.CreateFile(ctx, f, handoff.MaxUnusedUploads); err != nil {
		return "", "", err
	}
	nudge(s.sweep)
	return f.ID, s.putAddress(f.ID), nil
}

// Errors of uploads.
var (
	errUploadBusy = handoff.Errorf(handoff.CodeAborted, "UPLOAD_BUSY", "this file is being uploaded already; wait for that to end")
	errUploadOver = handoff.Errorf(handoff.CodePrecondition, "UPLOAD_OVER", "this upload was given up; announce the file again with CreateUpload")
)

// Upload takes the content of an announced file. When it is there already,
// nothing is read and nothing changes. Errors of code CodeInvalid say what is
// wrong with the content, which is not kept then.
func (s *Service) Upload(ctx context.Context, id string, content io.Reader) error {
	f, err := s.config.Records.File(ctx, id)
	if err != nil {
		return err
	}
	if f.State == handoff.FileReady {
		return nil
	}
	if f.State != handoff.FileAnnounced || f.SessionID == "" {
		return errUploadOver
	}
	if !s.begin(id) {
		return errUploadBusy
	}
	defer s.end(id)
	mimeType, err := s.put(ctx, id, f.MIMEType, f.Size, content)
	if err != nil {
		return err
	}
	// The content is complete, and stays even if the client is gone by now.
	ctx = context.WithoutCancel(ctx)
	done, err := s.config.Records.FinishUpload(ctx, id, mimeType, f.Size)
	if err == nil && !done && s.discard(ctx, id) {
		return errUploadOver
	}
	return err
}

// discard deletes a content that came after its file was given up, and reports
// whether it was: the janitor has been there already and does not come again.
func (s *Service) discard(ctx context.Context, id string) bool {
	f, err := s.config.Records.File(ctx, id)
	if gone := handoff.CodeOf(err) == handoff.CodeNotFound; !gone && (err != nil || f.State != handoff.FileDoomed) {
		return false
	}
	if err := s.config.Contents.Delete(ctx, id); err != nil {
		s.config.Logger.ErrorContext(ctx, "files.discard", slog.String("file_id", id), slog.Any("error", err))
	}
	return true
}

// begin notes that a file is being uploaded; false if it is already.
func (s *Service) begin(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, busy := s.busy[id]; busy {
		return false
	}
	s.busy[id] = struct{}{}
	return true
}

func (s *Service) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.busy, id)
}

// put stores a content of a size and returns its type.
func (s *Service) put(ctx context.Context, id, declared string, size int64, content io.Reader) (mimeType string, err error) {
	mimeType, content, err = sniff(content, declared)
	if err != nil {
		return "", err
	}
	if types := s.config.Limits.Types; len(types) > 0 && !handoff.TypeIn(types, mimeType) {
		return "", handoff.Errorf(handoff.CodeInvalid, "TYPE_NOT_TAKEN", "this server takes no files of type %s; nothing was kept, send one of another type", mimeType)
	}
	exact := &exactReader{reader: content, left: size}
	err = s.config.Contents.Put(ctx, id, exact, size)
	if exact.err != nil {
		err = exact.err // the store knows only that something went wrong
	}
	return mimeType, err
}

// Take implements handoff.Files.
func (s *Service) Take(ctx context.Context, sessionID string, inputs []handoff.AttachmentInput) ([]handoff.Attachment, error) {
	taken := make([]handoff.Attachment, 0, len(inputs))
	for _, input := range inputs {
		var f handoff.File
		var err error
		if input.URL != "" {
			f, err = s.takeURL(ctx, sessionID, input.URL)
		} else {
			f, err = s.takeUpload(ctx, sessionID, input.UploadID)
		}
		if err != nil {
			return nil, err
		}
		if input.Name != "" {
			f.Name = cleanName(input.Name)
		}
		taken = append(taken, f.Attachment())
	}
	return taken, nil
}

func (s *Service) takeUpload(ctx context.Context, sessionID, id string) (handoff.File, error) {
	f, err := s.config.Records.File(ctx, id)
	switch {
	case handoff.CodeOf(err) == handoff.CodeNotFound, err == nil && (f.SessionID != sessionID || f.State == handoff.FileDoomed):
		return f, handoff.ErrUploadGone
	case err == nil && f.State == handoff.FileAnnounced:
		return f, handoff.Errorf(handoff.CodePrecondition, "UPLOAD_NOT_DONE",
			"attachments: the content of upload %s is not there yet; PUT it to its upload_url first", id)
	}
	return f, err
}

// takeURL fetches what is at an address into a file of the session.
func (s *Service) takeURL(ctx context.Context, sessionID, address string) (handoff.File, error) {
	f := handoff.File{
		ID: s.config.NewID("file"), SessionID: sessionID, Name: nameOf(address), State: handoff.FileAnnounced, CreateTime: s.config.Now(),
	}
	if err := s.config.Records.CreateFile(ctx, f, handoff.MaxUnusedUploads); err != nil {
		return f, err
	}
	nudge(s.sweep)
	got, err := s.fetch(ctx, f.ID, handoff.RemoteFile{URL: address}, true)
	if err != nil {
		s.forget(context.WithoutCancel(ctx), f.ID)
		return f, err
	}
	f.MIMEType, f.Size, f.State = got.mimeType, got.size, handoff.FileReady
	_, err = s.config.Records.FinishUpload(ctx, f.ID, f.MIMEType, f.Size)
	return f, err
}

// forget deletes a file that nobody will use. If that fails, the janitor does it.
func (s *Service) forget(ctx context.Context, id string) {
	// The content first: what is left of a crash in between is found again.
	err := s.config.Contents.Delete(ctx, id)
	if err == nil {
		err = s.config.Records.ForgetFile(ctx, id)
	}
	if err != nil {
		s.config.Logger.WarnContext(ctx, "files.forget", slog.String("file_id", id), slog.Any("error", err))
	}
}

// Content is a file that can be read from any place in it.
type Content struct {
	handoff.File
	io.ReadSeekCloser
}

// Open opens a file's content. handoff.ErrFileNotFound if there is none, or not
// yet: the file tells which.
func (s *Service) Open(ctx context.Context, id string) (Content, error) {
	f, err := s.config.Records.File(ctx, id)
	if err != nil {
		return Content{}, err
	}
	if f.State != handoff.FileReady || f.SessionID == "" {
		return Content{File: f}, handoff.ErrFileNotFound
	}
	content, err := s.config.Contents.Open(ctx, id)
	return Content{f, content}, err
}

// Content opens the content of an attachment for reading.
func (s *Service) Content(ctx context.Context, a handoff.Attachment) (io.ReadCloser, error) {
	return s.config.Contents.Open(ctx, a.ID)
}

// Expect implements handoff.Files.
func (s *Service) Expect(messageID string, remote []handoff.RemoteFile, now time.Time) []handoff.File {
	pending := make([]handoff.File, 0, len(remote))
	for _, r := range remote {
		f := handoff.File{
			ID: s.config.NewID("file"), MessageID: messageID, Name: cleanName(cmp.Or(r.Name, nameOf(r.URL))), MIMEType: r.MIMEType,
			Size: r.Size, State: handoff.FilePending, CreateTime: now,
		}
		f.Source = s.sealSource(f.ID, r)
		pending = append(pending, f)
	}
	return pending
}

// Expected implements handoff.Files.
func (s *Service) Expected() { nudge(s.expect) }

// SessionsGone tells that sessions were deleted, so that their files are too.
func (s *Service) SessionsGone() { nudge(s.sweep) }

func nudge(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// cleanName makes a name that is fit to be shown and to be saved under: without
// folders, controls and marks that turn the direction of writing, which can make
// one ending look like another.
func cleanName(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, name)
	name = strings.TrimSpace(name)
	for len(name) > handoff.MaxFileNameBytes {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	if name == "" || name == "." || name == ".." || name == "/" {
		return "file"
	}
	return name
}
