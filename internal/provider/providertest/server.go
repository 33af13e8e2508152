package providertest

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// Server is an HTTP server on loopback around an emulator, with its front.
type Server struct {
	*emulator.Front

	http *httptest.Server
}

// NewServer starts a server, which ends with the test.
func NewServer(t *testing.T, vendor http.Handler) *Server {
	t.Helper()
	s := &Server{Front: emulator.NewFront(vendor)}
	s.http = httptest.NewServer(s.Front)
	t.Cleanup(func() {
		s.Stop()
		s.http.Close()
	})
	return s
}

// URL returns the server's address, without a slash at the end.
func (s *Server) URL() string { return s.http.URL }
