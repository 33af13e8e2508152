package providertest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Fault is what a vendor does instead of its work: it answers Status, or hangs,
// or cuts the connection.
type Fault struct {
	Status int
	Header http.Header
	Hang   bool // never answers
	Cut    bool // closes the connection without an answer

	// BodyFirst has an answer begin with the body that was sent, not with the
	// headers, since errors quote no more than the beginning.
	BodyFirst bool
}

// Recorded is a call as a vendor got it, and how it was answered; Status 0 = not at all.
type Recorded struct {
	Method string
	Path   string
	Header http.Header
	Body   []byte
	Status int
}

// Server is an HTTP server around the emulator of a vendor: it records all
// calls and can be told to fail. A failing server is the worst that there is: it
// answers with everything that it was sent, credentials included.
type Server struct {
	http *httptest.Server
	next http.Handler
	stop chan struct{}

	mu    sync.Mutex
	fault *Fault
	calls []Recorded
}

// NewServer starts a server, which ends with the test.
func NewServer(t *testing.T, vendor http.Handler) *Server {
	t.Helper()
	s := &Server{next: vendor, stop: make(chan struct{})}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() {
		close(s.stop)
		s.http.Close()
	})
	return s
}

// URL returns the server's address, without a slash at the end.
func (s *Server) URL() string { return s.http.URL }

// Fail makes every call fail until Heal.
func (s *Server) Fail(f Fault) { s.setFault(&f) }

// Heal ends what Fail began.
func (s *Server) Heal() { s.setFault(nil) }

func (s *Server) setFault(f *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Calls returns the calls up to now, the oldest first.
func (s *Server) Calls() []Recorded {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Recorded(nil), s.calls...)
}

func (s *Server) record(c Recorded) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	call := Recorded{Method: r.Method, Path: r.URL.Path, Header: r.Header.Clone(), Body: body}
	s.mu.Lock()
	fault := s.fault
	s.mu.Unlock()
	if fault == nil {
		answer := httptest.NewRecorder()
		s.next.ServeHTTP(answer, r)
		call.Status = answer.Code
		s.record(call)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
		return
	}
	call.Status = fault.Status
	s.record(call)
	switch {
	case fault.Hang:
		select {
		case <-r.Context().Done():
		case <-s.stop:
		}
	case fault.Cut:
		panic(http.ErrAbortHandler) // net/http's way to close the connection, and say nothing
	default:
		maps.Copy(w.Header(), fault.Header)
		w.WriteHeader(fault.Status)
		if fault.BodyFirst {
			_, _ = w.Write(body)
		}
		echo(w, r, body)
	}
}

func echo(w io.Writer, r *http.Request, body []byte) {
	user, password, _ := r.BasicAuth()
	_, _ = fmt.Fprintf(w, "user %s, password %s\n", user, password)
	for name, values := range r.Header {
		_, _ = fmt.Fprintf(w, "%s: %q\n", name, values)
	}
	_, _ = fmt.Fprintf(w, "\x1b[31m%s", body)
}
