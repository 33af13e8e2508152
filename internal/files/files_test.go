package files_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/human-handoff/handoff/internal/egress"
	"github.com/human-handoff/handoff/internal/files"
	"github.com/human-handoff/handoff/internal/files/s3test"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/seal"
	"github.com/human-handoff/handoff/internal/store"
	"github.com/human-handoff/handoff/internal/wake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is files and sessions on a database of their own.
type world struct {
	store    *store.Store
	files    *files.Service
	contents files.Store
	sessions *handoff.Service
	folder   string
	now      time.Time
	ids      int
}

func newWorld(t *testing.T, limits ...files.Limits) *world {
	t.Helper()
	w := &world{folder: t.TempDir(), now: time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)}
	clock := func() time.Time { return w.now }
	log := slog.New(slog.DiscardHandler)
	var err error
	w.store, err = store.Open(t.Context(), store.Options{Path: filepath.Join(w.folder, "handoff.db"), Logger: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.store.Close()) })
	w.contents, err = files.NewDisk(filepath.Join(w.folder, "files"))
	require.NoError(t, err)
	sealer, err := seal.New([][]byte{make([]byte, seal.KeySize)})
	require.NoError(t, err)
	out := egress.New(egress.Options{AllowPrivate: true, MaxBodyBytes: handoff.MaxFileBytes + 1})
	t.Cleanup(out.Close)
	newID := func(prefix string) string { w.ids++; return fmt.Sprintf("%s_%04d", prefix, w.ids) }
	w.files = files.New(files.Config{
		Records: w.store, Contents: w.contents, Limits: append(limits, files.Limits{})[0], Sealer: sealer, ReadKeys: sealer.MACKeys(files.ReadLabel), PutKeys: sealer.MACKeys(files.PutLabel),
		BaseURL: "https://handoff.example", HTTP: out.Client(), NewID: newID, Now: clock, Logger: log,
	})
	w.sessions = handoff.NewService(handoff.Config{
		Store: w.store, Waker: wake.NewHub(), Files: w.files, NewID: newID, Now: clock,
		Capabilities: func(string) handoff.Capabilities { return handoff.Capabilities{} },
	})
	w.files.OnArrival(w.sessions)
	_, _, err = w.store.Create(t.Context(), handoff.ConversationKey{AgentID: "shop", ConversationID: "c"}, "", func(epoch uint64) (*handoff.Session, error) {
		return handoff.NewSession(handoff.Session{ID: "ses_1", AgentID: "shop", ConversationID: "c", ConnectionID: "con_1", Provider: "vendor"}, handoff.Start{}, epoch, w.now), nil
	})
	require.NoError(t, err)
	return w
}

// run runs the background work until the returned function is called.
func (w *world) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.files.Run(ctx) }()
	return func() { cancel(); <-done }
}

func (w *world) events(t *testing.T) []handoff.EventBody {
	t.Helper()
	log, err := w.sessions.Log(t.Context(), "ses_1", 0, 100)
	require.NoError(t, err)
	bodies := make([]handoff.EventBody, 0, len(log.Events))
	for _, e := range log.Events {
		bodies = append(bodies, e.Body)
	}
	return bodies
}

func find[T handoff.EventBody](bodies []handoff.EventBody) (found []T) {
	for _, b := range bodies {
		if b, ok := b.(T); ok {
			found = append(found, b)
		}
	}
	return found
}

// A human's file is fetched while its message is there already, and over a
// restart; the log tells what became of it.
func TestVendorsFiles(t *testing.T) {
	w := newWorld(t)
	busy := true
	var seen http.Header
	vendor := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/photo" && busy:
			busy = false
			rw.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/photo":
			seen = r.Header
			_, _ = rw.Write([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR......"))
		case r.URL.Path == "/login":
			_, _ = io.WriteString(rw, "<!DOCTYPE html><title>log in")
		default:
			http.NotFound(rw, r)
		}
	}))
	defer vendor.Close()
	secret := "very-secret-token"
	require.NoError(t, w.sessions.Receive(t.Context(), "con_1", handoff.Inbound{SessionID: "ses_1", Key: "k", Body: handoff.HumanMessage{
		Text: "look", Files: []handoff.RemoteFile{
			{Name: "photo.png", URL: vendor.URL + "/photo", Header: map[string]string{"Authorization": secret}},
			{Name: "plan.pdf", MIMEType: "application/pdf", URL: vendor.URL + "/login"},
			{URL: vendor.URL + "/gone.txt"},
		},
	}}))
	said := find[handoff.MessageLogged](w.events(t))[0].Message
	require.Len(t, said.Attachments, 3)
	assert.Equal(t, []string{"photo.png", "plan.pdf", "gone.txt"}, []string{said.Attachments[0].Name, said.Attachments[1].Name, said.Attachments[2].Name})
	for _, a := range said.Attachments {
		assert.Equal(t, handoff.FilePending, a.State)
		pending, err := w.files.Open(t.Context(), a.ID)
		require.ErrorIs(t, err, handoff.ErrFileNotFound)
		assert.Equal(t, handoff.FilePending, pending.State)
	}
	assertNowhere(t, w.folder, secret)
	require.NoError(t, w.sessions.Receive(t.Context(), "con_1", handoff.Inbound{SessionID: "ses_1", Key: "k", Body: handoff.HumanMessage{
		Files: []handoff.RemoteFile{{URL: vendor.URL + "/photo"}},
	}}), "a repeat")

	stop := w.run(t) // as after a restart: nobody tells it
	defer stop()
	require.Eventually(t, func() bool { return len(find[handoff.AttachmentChanged](w.events(t))) == 3 }, 20*time.Second, 10*time.Millisecond)
	require.Len(t, find[handoff.MessageLogged](w.events(t)), 1)
	now := map[string]handoff.Attachment{}
	for _, c := range find[handoff.AttachmentChanged](w.events(t)) {
		assert.Equal(t, said.ID, c.MessageID)
		now[c.Attachment.Name] = c.Attachment
	}
	assert.Equal(t, "image/png", now["photo.png"].MIMEType)
	assert.Empty(t, now["photo.png"].State)
	assert.Equal(t, handoff.FileFailed, now["plan.pdf"].State, "a page to log in is no plan")
	assert.Equal(t, handoff.FileFailed, now["gone.txt"].State)
	assert.Equal(t, secret, seen.Get("Authorization"))
	content, err := w.files.Open(t.Context(), now["photo.png"].ID)
	require.NoError(t, err)
	defer content.Close()
	assert.EqualValues(t, 22, content.Size)
}

// locating tells where vendors' files are, which only it knows.
type locating map[string]handoff.RemoteFile

func (l locating) Locate(_ context.Context, r handoff.RemoteFile) (handoff.RemoteFile, error) {
	found, ok := l[r.ConnectionID+" "+r.VendorID]
	if !ok {
		return r, handoff.Errorf(handoff.CodeInvalid, "FILE_NOT_FETCHED", "there is none")
	}
	return found, nil
}

// A file of which only an id is told is asked for when it is fetched; a digest has
// to be that of what came.
func TestFilesByTheirIDs(t *testing.T) {
	w := newWorld(t)
	vendor := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "token" {
			rw.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = io.WriteString(rw, "hello")
	}))
	defer vendor.Close()
	const ofHello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	at := func(digest string) handoff.RemoteFile {
		return handoff.RemoteFile{URL: vendor.URL, Header: map[string]string{"Authorization": "token"}, SHA256: digest}
	}
	w.files.OnFetch(locating{
		"con_1 right": at(strings.ToUpper(ofHello)), "con_1 wrong": at(strings.Repeat("0", 64)), "con_2 others": at(""),
	})
	ids := []string{"right", "wrong", "others"}
	message := handoff.HumanMessage{}
	for _, id := range ids {
		message.Files = append(message.Files, handoff.RemoteFile{VendorID: id, Name: id + ".txt"})
	}
	require.NoError(t, w.sessions.Receive(t.Context(), "con_1", handoff.Inbound{SessionID: "ses_1", Key: "k", Body: message}))
	assert.Empty(t, message.Files[0].ConnectionID, "what was handed over stays as it is")
	defer w.run(t)()
	require.Eventually(t, func() bool { return len(find[handoff.AttachmentChanged](w.events(t))) == 3 }, 30*time.Second, 10*time.Millisecond)
	state := map[string]handoff.FileState{}
	for _, c := range find[handoff.AttachmentChanged](w.events(t)) {
		state[c.Attachment.Name] = c.Attachment.State
	}
	assert.Equal(t, map[string]handoff.FileState{"right.txt": "", "wrong.txt": handoff.FileFailed, "others.txt": handoff.FileFailed}, state)
}

func assertNowhere(t *testing.T, folder, secret string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		assert.NotContains(t, string(text), secret, path)
		return err
	}))
}

// Headers stay with the host that they were meant for.
func TestRedirectsLoseTheHeaders(t *testing.T) {
	w := newWorld(t)
	var got string
	other := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		got = "called with " + r.Header.Get("Authorization")
		_, _ = io.WriteString(rw, "text")
	}))
	defer other.Close()
	first := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer first.Close()
	require.NoError(t, w.sessions.Receive(t.Context(), "con_1", handoff.Inbound{SessionID: "ses_1", Body: handoff.HumanMessage{
		Files: []handoff.RemoteFile{{URL: first.URL + "/a", Header: map[string]string{"Authorization": "secret"}}},
	}}))
	stop := w.run(t)
	defer stop()
	require.Eventually(t, func() bool { return len(find[handoff.AttachmentChanged](w.events(t))) == 1 }, 20*time.Second, 10*time.Millisecond)
	assert.Equal(t, "called with ", got)
}

// put uploads a file with some text.
func (w *world) put(t *testing.T, name string) string {
	t.Helper()
	id, _, err := w.files.Announce(t.Context(), "ses_1", name, "", 4)
	require.NoError(t, err)
	require.NoError(t, w.files.Upload(t.Context(), id, strings.NewReader("text")))
	return id
}

// The janitor takes what no message used in time, and nothing else.
func TestJanitor(t *testing.T) {
	w := newWorld(t)
	put := func(name string) string { return w.put(t, name) }
	used, unused := put("used"), put("unused")
	announced, _, err := w.files.Announce(t.Context(), "ses_1", "never put", "", 4)
	require.NoError(t, err)
	_, err = w.sessions.SendMessage(t.Context(), "ses_1", handoff.Message{}, handoff.AttachmentInput{UploadID: used})
	require.NoError(t, err)
	w.now = w.now.Add(23 * time.Hour)
	young := put("young")
	w.now = w.now.Add(2 * time.Hour)

	stop := w.run(t)
	defer stop()
	require.Eventually(t, func() bool {
		_, err := w.store.File(t.Context(), announced)
		return errors.Is(err, handoff.ErrFileNotFound)
	}, 20*time.Second, 10*time.Millisecond)
	for id, there := range map[string]bool{used: true, young: true, unused: false} {
		content, err := w.contents.Open(t.Context(), id)
		assert.Equal(t, there, err == nil, id)
		if err == nil {
			require.NoError(t, content.Close())
		}
	}
	_, err = w.sessions.SendMessage(t.Context(), "ses_1", handoff.Message{}, handoff.AttachmentInput{UploadID: unused})
	require.ErrorIs(t, err, handoff.ErrUploadGone)
}

// Files that are older than is wanted go, whether a message uses them or not.
func TestRetention(t *testing.T) {
	w := newWorld(t, files.Limits{KeepFor: 48 * time.Hour})
	old := w.put(t, "old")
	_, err := w.sessions.SendMessage(t.Context(), "ses_1", handoff.Message{}, handoff.AttachmentInput{UploadID: old})
	require.NoError(t, err)
	w.now = w.now.Add(47 * time.Hour)
	young := w.put(t, "young")
	_, err = w.sessions.SendMessage(t.Context(), "ses_1", handoff.Message{}, handoff.AttachmentInput{UploadID: young})
	require.NoError(t, err)
	w.now = w.now.Add(2 * time.Hour)
	stop := w.run(t)
	defer stop()
	require.Eventually(t, func() bool {
		_, err := w.contents.Open(t.Context(), old)
		return errors.Is(err, handoff.ErrFileNotFound)
	}, 20*time.Second, 10*time.Millisecond)
	content, err := w.files.Open(t.Context(), young)
	require.NoError(t, err)
	require.NoError(t, content.Close())
	require.Len(t, find[handoff.MessageLogged](w.events(t)), 2, "the log stays")
}

// An upload that is given up while it is under way leaves no content.
func TestLateUpload(t *testing.T) {
	w := newWorld(t)
	id, _, err := w.files.Announce(t.Context(), "ses_1", "late", "", 4)
	require.NoError(t, err)
	err = w.files.Upload(t.Context(), id, io.MultiReader(strings.NewReader("te"), onRead(func() {
		ids, err := w.store.Doom(t.Context(), w.now.Add(time.Hour), time.Time{}, 10)
		require.NoError(t, err)
		require.Equal(t, []string{id}, ids)
	}), strings.NewReader("xt")))
	require.ErrorContains(t, err, "given up")
	_, err = w.contents.Open(t.Context(), id)
	require.ErrorIs(t, err, handoff.ErrFileNotFound)
}

// onRead is an empty reader that calls a function.
type onRead func()

func (f onRead) Read([]byte) (int, error) { f(); return 0, io.EOF }

func TestLimits(t *testing.T) {
	w := newWorld(t, files.Limits{MaxBytes: 100, Types: []string{"image/", "text/csv"}})
	_, _, err := w.files.Announce(t.Context(), "ses_1", "x", "", 101)
	require.Equal(t, handoff.CodeInvalid, handoff.CodeOf(err))
	require.ErrorContains(t, err, "up to 100 bytes")
	for content, taken := range map[string]bool{
		"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR": true, "a,b\n1,2\n3,4\n": true,
		"plain": false, "<!DOCTYPE html>": false, "%PDF-1.7": false,
	} {
		id, _, err := w.files.Announce(t.Context(), "ses_1", "x", "", int64(len(content)))
		require.NoError(t, err)
		err = w.files.Upload(t.Context(), id, strings.NewReader(content))
		if taken {
			require.NoError(t, err, content)
			continue
		}
		require.ErrorContains(t, err, "takes no files of type", content)
		_, err = w.contents.Open(t.Context(), id)
		require.ErrorIs(t, err, handoff.ErrFileNotFound)
	}
	long := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/told" {
			rw.Header().Set("Content-Length", "101")
		} else {
			rw.(http.Flusher).Flush()
		}
		_, _ = io.WriteString(rw, strings.Repeat("a,b\n", 26)[:101])
	}))
	defer long.Close()
	for _, path := range []string{"/told", "/untold"} {
		_, err = w.sessions.SendMessage(t.Context(), "ses_1", handoff.Message{}, handoff.AttachmentInput{URL: long.URL + path})
		require.ErrorContains(t, err, "larger than the 100 bytes")
	}
}

func TestAddresses(t *testing.T) {
	w := newWorld(t)
	a := handoff.Attachment{ID: "file_1", Name: "a b.png"}
	parts := strings.Split(strings.TrimPrefix(w.files.URL(a), "https://handoff.example/files/"), "/")
	require.Equal(t, []string{"file_1", parts[1], "a%20b.png"}, parts)
	check := func() error { _, err := w.files.CheckRead("file_1", parts[1], "a b.png"); return err }
	require.NoError(t, check())
	for _, bad := range [][3]string{{"file_2", parts[1], "a b.png"}, {"file_1", parts[1], "a b.exe"}, {"file_1", parts[1] + "A", "a b.png"}, {"file_1", "", "a b.png"}} {
		_, err := w.files.CheckRead(bad[0], bad[1], bad[2])
		require.Equal(t, handoff.CodePermission, handoff.CodeOf(err), bad)
	}
	require.Error(t, w.files.CheckPut("file_1", parts[1]), "to read is not to write")
	w.now = w.now.Add(time.Hour)
	require.NoError(t, check())
	w.now = w.now.Add(6 * time.Minute)
	require.ErrorContains(t, check(), "expired")
}

// stores are all implementations of the port.
func stores(t *testing.T) map[string]kept {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "files")
	disk, err := files.NewDisk(folder)
	require.NoError(t, err)
	server := s3test.Start(t, "handoff", "a secret that nobody knows")
	server.Bucket(t, "bucket")
	o, err := files.ParseS3(server.Address("bucket", "a/prefix"))
	require.NoError(t, err)
	o.AccessKey, o.SecretKey = "handoff", "a secret that somebody guessed"
	_, err = files.NewS3(t.Context(), o)
	require.Error(t, err, "the server checks who signs")
	o.SecretKey = server.SecretKey
	bucket, err := files.NewS3(t.Context(), o)
	require.NoError(t, err)
	return map[string]kept{
		"disk": {disk, func() []string {
			found, err := filepath.Glob(filepath.Join(folder, "*", "*"))
			require.NoError(t, err)
			return found
		}},
		"S3": {bucket, func() []string { return server.Objects(t, "bucket") }},
	}
}

// kept is a store, and what lies where it keeps contents.
type kept struct {
	files.Store

	objects func() []string
}

func TestStores(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			_, err := s.Open(t.Context(), "file_1")
			require.ErrorIs(t, err, handoff.ErrFileNotFound)
			require.Error(t, s.Put(t.Context(), "file_1", io.MultiReader(strings.NewReader("begun "), broken{}), 11))
			require.Error(t, s.Put(t.Context(), "file_1", strings.NewReader("short"), 11))
			_, err = s.Open(t.Context(), "file_1")
			require.ErrorIs(t, err, handoff.ErrFileNotFound, "what was cut is not there")
			require.Empty(t, s.objects(), "nor any part of it")

			require.NoError(t, s.Put(t.Context(), "file_1", strings.NewReader("hello there"), 11))
			content, err := s.Open(t.Context(), "file_1")
			require.NoError(t, err)
			_, err = content.Seek(6, io.SeekStart)
			require.NoError(t, err)
			text, err := io.ReadAll(content)
			require.NoError(t, err)
			require.Equal(t, "there", string(text))
			require.NoError(t, content.Close())
			require.NoError(t, s.Delete(t.Context(), "file_1"))
			require.NoError(t, s.Delete(t.Context(), "file_1"), "again")
			require.Empty(t, s.objects())
			_, err = s.Open(t.Context(), "file_1")
			require.ErrorIs(t, err, handoff.ErrFileNotFound)
		})
	}
	_, err := files.ParseS3("s3://bucket?enpoint=x")
	require.ErrorContains(t, err, "enpoint")
	_, err = files.ParseS3("s3://key:secret@bucket")
	require.ErrorContains(t, err, "AWS_ACCESS_KEY_ID")
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("cut") }

func TestTypes(t *testing.T) {
	w := newWorld(t)
	zip := "PK\x03\x04\x14\x00\x00\x00\x00\x00"
	html := "<!DOCTYPE html><script>alert(1)</script>"
	for _, tt := range []struct{ declared, content, want string }{
		{"", html, "text/html; charset=utf-8"},
		{"application/octet-stream", html, "text/html; charset=utf-8"},
		{"text/plain", html, "text/html; charset=utf-8"},
		{"image/png", html, ""},
		{"binary/octet-stream", "\xff\xd8\xff\xe0JFIF", "image/jpeg"},
		{"image/jpg", "\xff\xd8\xff\xe0JFIF", "image/jpeg"},
		{"image/jpg", html, ""},
		{"application/x-zip-compressed", zip, "application/zip"},
		{"image/svg+xml", html, ""},
		{"image/png", "\xff\xd8\xff\xe0JFIF", ""},
		{"image/jpeg", "\xff\xd8\xff\xe0JFIF", "image/jpeg"},
		{"image/new", "any", ""},
		{"text/markdown", "# head", "text/markdown"},
		{"text/csv", "one line", "text/csv"},
		{"application/vnd.ms-excel", "a,b\n1,2\n3,4\n", "text/csv"},
		{"application/zip", zip, "application/zip"},
		{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", zip, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"application/x-of-ours", "\x00\x01\x02", "application/x-of-ours"},
		{"application/x-of-ours", html, ""},
		{"application/pdf", "\x00\x01\x02", ""},
		{"not a type", "\x00\x01\x02", "application/octet-stream"},
	} {
		id, _, err := w.files.Announce(t.Context(), "ses_1", "x", tt.declared, int64(len(tt.content)))
		require.NoError(t, err)
		err = w.files.Upload(t.Context(), id, strings.NewReader(tt.content))
		if tt.want == "" {
			require.ErrorContains(t, err, "was declared", "%v", tt)
			continue
		}
		require.NoError(t, err, "%v", tt)
		f, err := w.store.File(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, tt.want, f.MIMEType, "%v", tt)
	}
}

func TestUnusedUploadsAreLimited(t *testing.T) {
	w := newWorld(t)
	for range handoff.MaxUnusedUploads {
		_, _, err := w.files.Announce(t.Context(), "ses_1", "x", "", 1)
		require.NoError(t, err)
	}
	_, _, err := w.files.Announce(t.Context(), "ses_1", "x", "", 1)
	require.Equal(t, handoff.CodeExhausted, handoff.CodeOf(err))
	_, _, err = w.files.Announce(t.Context(), "ses_unknown", "x", "", 1)
	require.ErrorIs(t, err, handoff.ErrSessionNotFound)
}
