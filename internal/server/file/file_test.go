package file_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/files"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/server/file"
)

var now = time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)

// shelf has one file; every address is good.
type shelf struct {
	file handoff.File
	err  error
}

func (s shelf) CheckPut(string, string) error { return nil }
func (s shelf) Upload(_ context.Context, _ string, content io.Reader) error {
	if _, err := io.Copy(io.Discard, content); err != nil {
		return err
	}
	return s.err
}

func (s shelf) CheckRead(string, string, string) (time.Time, error) {
	return now.Add(time.Hour), nil
}

func (s shelf) Open(context.Context, string) (files.Content, error) {
	return files.Content{File: s.file, ReadSeekCloser: struct {
		io.ReadSeeker
		io.Closer
	}{strings.NewReader("content"), io.NopCloser(nil)}}, s.err
}

// OriginAllowed lets one origin through, of any agent.
func (s shelf) OriginAllowed(_ context.Context, agent, origin string) bool {
	return agent == "" && origin == "https://shop.example"
}

func ask(t *testing.T, s shelf, method, target string, header http.Header) *http.Response {
	t.Helper()
	mux := http.NewServeMux()
	file.Door{Files: s, Origins: s, Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler)}.Mount(mux)
	r := httptest.NewRequest(method, target, strings.NewReader("content"))
	maps.Copy(r.Header, header)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w.Result()
}

// Whatever a file is, it is served so that it cannot run on this origin.
func TestTypes(t *testing.T) {
	t.Parallel()
	for mimeType, want := range map[string][2]string{
		"image/png":                       {"image/png", "inline"},
		"image/JPEG":                      {"image/JPEG", "inline"},
		"image/svg+xml":                   {"image/svg+xml", "attachment"},
		"text/html; charset=utf-8":        {"text/html; charset=utf-8", "attachment"},
		"application/pdf":                 {"application/pdf", "attachment"},
		"text/javascript":                 {"application/octet-stream", "attachment"},
		"application/ecmascript":          {"application/octet-stream", "attachment"},
		"Text/CSS; charset=utf-8":         {"application/octet-stream", "attachment"},
		"application/wasm":                {"application/octet-stream", "attachment"},
		"application/manifest+json":       {"application/octet-stream", "attachment"},
		"text/plain; charset=iso-8859-15": {"text/plain; charset=iso-8859-15", "attachment"},
	} {
		response := ask(t, shelf{file: handoff.File{ID: "f", SessionID: "s", State: handoff.FileReady, MIMEType: mimeType}}, http.MethodGet, "/files/f/proof/a.b", nil)
		require.Equal(t, http.StatusOK, response.StatusCode, mimeType)
		assert.Equal(t, want[0], response.Header.Get("Content-Type"), mimeType)
		assert.Equal(t, want[1]+"; filename=a.b", response.Header.Get("Content-Disposition"), mimeType)
		assert.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
		assert.Equal(t, "sandbox; default-src 'none'", response.Header.Get("Content-Security-Policy"))
		assert.Equal(t, "private, max-age=3600", response.Header.Get("Cache-Control"))
	}
}

// A file that is not there says whether it will be.
func TestMissing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		file   handoff.File
		err    error
		status int
		retry  string
		says   string
	}{
		"pending": {handoff.File{ID: "f", SessionID: "s", State: handoff.FilePending}, handoff.ErrFileNotFound, http.StatusNotFound, "2", "no such file"},
		"failed":  {handoff.File{ID: "f", SessionID: "s", State: handoff.FileFailed}, handoff.ErrFileNotFound, http.StatusGone, "", "could not be fetched"},
		"doomed":  {handoff.File{ID: "f", SessionID: "s", State: handoff.FileDoomed}, handoff.ErrFileNotFound, http.StatusGone, "", "was deleted"},
		"deleted": {handoff.File{}, handoff.ErrFileNotFound, http.StatusGone, "", "was deleted"},
		"with its session": {
			handoff.File{ID: "f", State: handoff.FileReady}, handoff.ErrFileNotFound, http.StatusGone, "", "was deleted",
		},
		"announced": {handoff.File{ID: "f", SessionID: "s", State: handoff.FileAnnounced}, handoff.ErrFileNotFound, http.StatusNotFound, "", "no such file"},
		"lost":      {handoff.File{ID: "f", SessionID: "s", State: handoff.FileReady}, handoff.ErrFileNotFound, http.StatusNotFound, "", "no such file"},
		"broken":    {handoff.File{}, errors.New("the disk is on fire"), http.StatusInternalServerError, "", ""},
	} {
		response := ask(t, shelf{file: tt.file, err: tt.err}, http.MethodGet, "/files/f/proof/a.b", nil)
		assert.Equal(t, tt.status, response.StatusCode, name)
		assert.Equal(t, tt.retry, response.Header.Get("Retry-After"), name)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		assert.Contains(t, string(body), tt.says, name)
		assert.NotContains(t, string(body), "on fire", name)
		assert.Equal(t, "no-store", response.Header.Get("Cache-Control"), name)
		assert.Equal(t, "sandbox; default-src 'none'", response.Header.Get("Content-Security-Policy"), name)
	}
}

func TestUploadsAndOrigins(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]string{"https://shop.example": "https://shop.example", "https://evil.example": "", "": ""} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		response := ask(t, shelf{}, http.MethodPut, "/uploads/f/proof", header)
		assert.Equal(t, http.StatusNoContent, response.StatusCode)
		assert.Equal(t, want, response.Header.Get("Access-Control-Allow-Origin"), origin)
	}
	response := ask(t, shelf{err: handoff.Errorf(handoff.CodeInvalid, "WRONG_SIZE", "too short")}, http.MethodPut, "/uploads/f/proof", nil)
	assert.Equal(t, http.StatusBadRequest, response.StatusCode)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.JSONEq(t, `{"code": "invalid_argument", "message": "too short"}`, string(body))
}
