package files

import (
	"bytes"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"mime"
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/human-handoff/handoff/internal/handoff"
)

const anyType = "application/octet-stream"

// vague are declarations that say nothing, as stores and downloads have them.
var vague = []string{
	"", anyType, "binary/octet-stream", "application/binary", "application/x-binary",
	"application/download", "application/x-download", "application/force-download",
}

// otherNames are names of types that are in use beside those that are looked up.
var otherNames = map[string]string{
	"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png", "audio/mp3": "audio/mpeg",
	"application/x-zip-compressed": "application/zip", "application/x-zip": "application/zip", "application/x-pdf": "application/pdf",
}

// sniffBytes is how much of a content is looked at to find its type.
const sniffBytes = 3072

// errSize is the answer to a content that is not as long as was said.
var errSize = handoff.Errorf(handoff.CodeInvalid, "WRONG_SIZE", "the content is not as long as was announced; nothing was kept, announce its size in bytes")

// exactReader reads a content that has to have just so many bytes.
type exactReader struct {
	reader io.Reader
	left   int64
	err    error // why it failed
}

// Read implements io.Reader.
func (r *exactReader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if int64(len(p)) > r.left+1 {
		p = p[:r.left+1] // a byte more tells what is too long
	}
	n, err := r.reader.Read(p)
	r.left -= int64(n)
	switch {
	case r.left < 0:
		r.err = errSize
		return 0, errSize
	case errors.Is(err, io.EOF) && r.left == 0:
		return n, io.EOF
	case errors.Is(err, io.EOF):
		r.err = errSize
	case err != nil:
		r.err = broken(err)
	}
	if r.err != nil {
		err = r.err
	}
	return n, err
}

// provedReader reads a content of a known size that has to have a digest.
type provedReader struct {
	reader io.Reader
	left   int64
	hash   hash.Hash
	want   string // in hex
}

// Read implements io.Reader. The last bytes do not come unless the digest is right:
// whoever reads knows the size, and may not wait for the end.
func (r *provedReader) Read(p []byte) (int, error) {
	n, err := r.reader.Read(p)
	_, _ = r.hash.Write(p[:n]) // never fails, says its documentation
	r.left -= int64(n)
	if n > 0 && r.left == 0 && !strings.EqualFold(hex.EncodeToString(r.hash.Sum(nil)), r.want) {
		return 0, errFetch(true, "the file is not the one that was announced: its SHA-256 is another")
	}
	return n, err
}

// broken says of what kind an error is that a content broke off with.
func broken(err error) error {
	if _, known := errors.AsType[*handoff.Error](err); known {
		return err
	}
	return &handoff.Error{Code: handoff.CodeInvalid, Reason: "CONTENT_CUT", Message: "the content broke off; nothing was kept, send it again", Err: err}
}

// sniff finds the type of a content and returns it with the whole content. A
// content that shows another type than was declared is refused: whoever trusts
// the declaration would be misled.
func sniff(content io.Reader, declared string) (mimeType string, whole io.Reader, err error) {
	head := make([]byte, sniffBytes)
	n, err := io.ReadFull(content, head)
	head = head[:n]
	whole = bytes.NewReader(head)
	switch {
	case err == nil:
		whole = io.MultiReader(whole, content)
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return "", nil, broken(err)
	}
	found := mimetype.Detect(head)
	mimeType, ok := agree(declared, found)
	if !ok {
		return "", nil, handoff.Errorf(handoff.CodeInvalid, "TYPE_LIES",
			"the content is %s and not %s, as was declared; nothing was kept, declare its real type or none", found.String(), declared)
	}
	return mimeType, whole, nil
}

// agree returns the type of a content of which one thing was declared and another
// was found; false when they contradict each other.
//
// The content decides where it can. It cannot where many types look alike: a text
// may be Markdown, a ZIP archive a document. What was declared is believed then.
func agree(declared string, found *mimetype.MIME) (string, bool) {
	declared, _, err := mime.ParseMediaType(declared)
	if name, ok := otherNames[declared]; ok {
		declared = name
	}
	if err != nil || slices.Contains(vague, declared) || isSort(found, declared) || isTable(found, declared) {
		return found.String(), true
	}
	known := mimetype.Lookup(declared)
	if known == nil {
		// Nobody here knows how it would look; it is believed unless the content is
		// known to be something.
		return declared, sameContainer(declared, found) || general(found) && !isMedia(declared)
	}
	return declared, sameContainer(declared, found) || isSort(known, found.String())
}

// isSort reports whether a type is a sort of another, as a document is of a ZIP archive.
func isSort(m *mimetype.MIME, of string) bool {
	for ; m != nil && !m.Is(anyType); m = m.Parent() {
		if m.Is(of) {
			return true
		}
	}
	return false
}

// isTable reports whether a text is declared as browsers on machines with Excel
// declare CSV.
func isTable(found *mimetype.MIME, declared string) bool {
	return declared == "application/vnd.ms-excel" && strings.HasPrefix(found.String(), "text/") && !found.Is("text/html")
}

// sameContainer reports whether two types are sound and video in one format, as
// recorders declare them.
func sameContainer(declared string, found *mimetype.MIME) bool {
	kind, format, _ := strings.Cut(declared, "/")
	return kind == "audio" && found.Is("video/"+format) || kind == "video" && found.Is("audio/"+format)
}

// general reports whether a type is the least that can be said of a content.
func general(found *mimetype.MIME) bool {
	least := []string{anyType, "text/plain", "text/xml", "application/json", "application/zip", "application/x-ole-storage"}
	return slices.ContainsFunc(least, found.Is)
}

func isMedia(mimeType string) bool {
	return strings.HasPrefix(mimeType, "image/") || strings.HasPrefix(mimeType, "audio/") || strings.HasPrefix(mimeType, "video/")
}
