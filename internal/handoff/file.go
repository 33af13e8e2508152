package handoff

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Limits on files.
const (
	MaxFileBytes       = 25 << 20
	MaxAttachments     = 20  // of a message
	MaxFileNameBytes   = 512 // longer ones are cut
	MaxUnusedUploads   = 100 // of a session
	MaxRemoteFileBytes = MaxFileBytes
)

// FileState is where the content of a file stands.
type FileState string

// The states of a file.
const (
	FileAnnounced FileState = "announced" // an upload whose content has not come
	FilePending   FileState = "pending"   // at a vendor's, being fetched
	FileReady     FileState = "ready"
	FileFailed    FileState = "failed" // it could not be fetched
	FileDoomed    FileState = "doomed" // about to be deleted
)

// File is what is known of a file. Its content is kept elsewhere, under its id.
type File struct {
	ID         string
	SessionID  string // empty once the session is gone
	AgentID    string // of the session; filled in when read
	MessageID  string // of the message that it came with; empty for uploads
	Name       string
	MIMEType   string // found by the content; before it is there, what was said of it
	Size       int64  // as was announced until the content is there; 0 = not known
	State      FileState
	Attached   bool   // a message uses it
	Source     []byte // of a pending one: where it is, sealed
	CreateTime time.Time
}

// Attachment returns the file as a message shows it.
func (f *File) Attachment() Attachment {
	a := Attachment{ID: f.ID, Name: f.Name, MIMEType: f.MIMEType, Size: f.Size, State: f.State}
	if a.State == FileReady {
		a.State = "" // as it is with all but those that have to be fetched
	}
	return a
}

// AttachmentInput names a file for a new message: an upload or an address.
type AttachmentInput struct {
	UploadID string
	URL      string
	Name     string // empty = the upload's, or the end of the address
}

// RemoteFile is a file at a vendor's: at an address, or under an id by which the
// vendor tells the address for a short while.
type RemoteFile struct {
	Name     string            `json:"name,omitempty"`
	MIMEType string            `json:"mime_type,omitempty"` // as the vendor says; a content that shows another type is refused
	Size     int64             `json:"size,omitempty"`      // as the vendor says; 0 = it does not
	URL      string            `json:"url,omitempty"`
	Header   map[string]string `json:"header,omitempty"` // for the vendor's host alone, above all Authorization
	SHA256   string            `json:"sha256,omitempty"` // of the content, in hex; empty = the vendor does not say

	// VendorID is what the vendor calls it; its address is asked for when it is
	// fetched, of the connection that it came by, which the core notes.
	VendorID     string `json:"vendor_id,omitempty"`
	ConnectionID string `json:"connection_id,omitempty"`
}

// Files keeps the content of files.
type Files interface {
	// Take returns what a new message of a session shows of its files, all of them
	// ready. What is at an address is fetched now. Its errors are for the caller.
	Take(ctx context.Context, sessionID string, inputs []AttachmentInput) ([]Attachment, error)

	// Expect makes pending files of what a vendor has, of which there are at most
	// MaxAttachments, to be written with the message that they came with.
	Expect(messageID string, remote []RemoteFile, now time.Time) []File

	// Expected tells that there are new pending files, so that they are fetched. It
	// does not block.
	Expected()
}

// ErrNoFiles is the answer of a server that keeps no files.
var ErrNoFiles = &Error{Code: CodeUnimplemented, Reason: "NO_FILES", Message: "this server keeps no files; send text"}

// ErrFileNotFound is the answer to an id that belongs to no file.
var ErrFileNotFound = &Error{Code: CodeNotFound, Reason: "FILE_NOT_FOUND", Message: "there is no such file"}

// ErrUploadGone is the answer to an upload that was deleted because no message used it in time.
var ErrUploadGone = &Error{Code: CodeInvalid, Reason: "UPLOAD_UNKNOWN", Message: "attachments: there is no such upload in this session; announce the file with CreateUpload, PUT it and send the message within a day"}

// use notes that a message uses files, so that they are kept as long as the session.
func (s *Session) use(attachments []Attachment) {
	for _, a := range attachments {
		s.changes.Attached = append(s.changes.Attached, a.ID)
	}
}

// attach notes the files of a human's message and returns what it shows of them.
func (s *Session) attach(in HumanMessage, messageID string) []Attachment {
	s.use(in.Attachments)
	all := slices.Clip(in.Attachments)
	for _, f := range in.expected {
		f.SessionID, f.MessageID, f.Attached = s.ID, messageID, true
		s.changes.Expected = append(s.changes.Expected, f)
		all = append(all, f.Attachment())
	}
	return all
}

// Arrive records what became of a file that was pending: the log tells it, unless
// it is closed.
func (s *Session) Arrive(f File, now time.Time) {
	s.changes.Arrived = append(s.changes.Arrived, f)
	if s.State != StateClosed {
		s.log(AttachmentChanged{MessageID: f.MessageID, Attachment: f.Attachment()}, now)
	}
}

// Arrive records what became of a pending file.
func (svc *Service) Arrive(ctx context.Context, f File) error {
	now := svc.now()
	_, err := svc.update(ctx, f.SessionID, "", func(s *Session) error {
		s.Arrive(f, now)
		return nil
	})
	return err
}

// take returns what a new message shows of its files. Where its key is known, or
// the session takes no messages any more, nothing is read or fetched: the session
// will tell.
func (svc *Service) take(ctx context.Context, sessionID, key string, inputs []AttachmentInput) ([]Attachment, error) {
	if len(inputs) == 0 {
		return nil, nil
	}
	if svc.files == nil {
		return nil, ErrNoFiles
	}
	needed := false
	err := svc.store.Update(ctx, sessionID, key, func(s *Session) error {
		needed = s.Repeat == nil && s.State != StateClosed
		return nil
	})
	if err != nil || !needed {
		return nil, err
	}
	return svc.files.Take(ctx, sessionID, inputs)
}

// expect makes pending files of those of a human's message. Those that cannot be
// kept are named in its text.
func (svc *Service) expect(connectionID string, in Inbound, messageID string) Inbound {
	m, ok := in.Body.(HumanMessage)
	if !ok || len(m.Files) == 0 {
		return in
	}
	most := MaxAttachments
	if svc.files == nil {
		most = 0
	}
	if len(m.Files) > most {
		rest := HumanMessage{Text: m.Text, Files: m.Files[most:]}
		m.Text, m.Files = rest.inWords(), m.Files[:most]
	}
	if len(m.Files) > 0 {
		m.Files = slices.Clone(m.Files) // they are the caller's
		for i := range m.Files {
			m.Files[i].ConnectionID = connectionID
		}
		m.expected = svc.files.Expect(messageID, m.Files, svc.now())
	}
	in.Body = m
	return in
}

// inWords is a message's text with the names of its vendor's files, for where
// there are no files.
func (m HumanMessage) inWords() string {
	text := m.Text
	for _, f := range m.Files {
		text = lines(text, "["+cmp.Or(f.Name, "file")+"]")
	}
	return text
}
