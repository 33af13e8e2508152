package restapi

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
	"sync"

	"github.com/human-handoff/handoff/internal/provider"
)

// Field is a named text of a multipart form.
type Field struct{ Name, Value string }

// Part is a file of a multipart form.
type Part struct {
	Field string // under which it is sent
	Name  string // of the file
	Type  string // media type; empty = application/octet-stream
	Size  int64  // has to be what Open gives

	// Open opens the content, once, when the files before it are through.
	Open func() (io.ReadCloser, error)
}

// Multipart returns a multipart form as content to send. It is read while it is sent,
// one file at a time, so it takes no memory. Close the result after the call.
func Multipart(fields []Field, parts []Part) (*MultipartFile, error) {
	f := &MultipartFile{}
	var frame bytes.Buffer
	w := multipart.NewWriter(&frame)
	for _, field := range fields {
		if err := w.WriteField(field.Name, field.Value); err != nil {
			return nil, fmt.Errorf("write the form: %w", err)
		}
	}
	var all []io.Reader
	flush := func() {
		f.Size += int64(frame.Len())
		all = append(all, bytes.NewReader(bytes.Clone(frame.Bytes())))
		frame.Reset()
	}
	for _, part := range parts {
		header := textproto.MIMEHeader{}
		header.Set("Content-Disposition", multipart.FileContentDisposition(part.Field, part.Name))
		header.Set("Content-Type", orBinary(part.Type))
		if _, err := w.CreatePart(header); err != nil {
			return nil, fmt.Errorf("write the form: %w", err)
		}
		flush()
		content := &lateReader{open: part.Open}
		f.open = append(f.open, content)
		f.Size += part.Size
		all = append(all, content)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write the form: %w", err)
	}
	flush()
	f.Content, f.Type = io.MultiReader(all...), w.FormDataContentType()
	return f, nil
}

func orBinary(mediaType string) string {
	if mediaType == "" {
		return "application/octet-stream"
	}
	return mediaType
}

// MultipartFile is a multipart form to be sent.
type MultipartFile struct {
	File

	open []*lateReader
}

// Close closes what was opened and not read to its end.
func (f *MultipartFile) Close() {
	for _, r := range f.open {
		r.close()
	}
}

// lateReader opens what it reads when it is read first, and closes it at its end. A
// client may still read when its call is answered already, hence the lock.
type lateReader struct {
	open func() (io.ReadCloser, error)

	mu      sync.Mutex
	content io.ReadCloser
	done    bool
}

// Read implements io.Reader.
func (r *lateReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done {
		return 0, io.EOF
	}
	if r.content == nil {
		content, err := r.open()
		if err != nil {
			r.done = true
			return 0, provider.Errorf(provider.ClassTransient, "read the file: %w", err)
		}
		r.content = content
	}
	n, err := r.content.Read(p)
	if err != nil {
		r.drop()
	}
	return n, err
}

func (r *lateReader) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop()
}

func (r *lateReader) drop() {
	r.done = true
	if r.content != nil {
		_ = r.content.Close() // it was read as far as it was needed
		r.content = nil
	}
}
