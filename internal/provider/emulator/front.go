package emulator

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
)

// Fault is what a vendor does instead of its work: it answers Status, or hangs,
// or cuts the connection.
type Fault struct {
	Status int         `json:"status,omitempty"`
	Header http.Header `json:"header,omitempty"`
	Hang   bool        `json:"hang,omitempty"` // never answers
	Cut    bool        `json:"cut,omitempty"`  // closes the connection without an answer

	Skip int  `json:"skip,omitempty"` // how many calls go well first
	Once bool `json:"once,omitempty"` // one call fails, and no other
	Done bool `json:"done,omitempty"` // the work is done all the same, and only the answer is lost

	// BodyFirst has an answer begin with the body that was sent, not with the
	// headers, since errors quote no more than the beginning.
	BodyFirst bool `json:"-"`
}

// Recorded is a call as a vendor got it, and how it was answered; Status 0 = not at all.
type Recorded struct {
	Method string
	Path   string
	Header http.Header
	Body   []byte
	Status int
}

// maxRecorded bounds the calls that are remembered.
const maxRecorded = 10_000

// Front stands before an emulator. It records all calls and can be told to fail.
// When it fails it is the worst that there is: it answers with everything that
// it was sent, credentials included.
type Front struct {
	next http.Handler
	stop chan struct{}

	// Check, when it is set, looks at each call before anything else.
	Check func(r *http.Request, body []byte)

	mu     sync.Mutex
	fault  *Fault
	failed bool // since the fault was set
	calls  []Recorded
	begun  int
}

// NewFront puts a front before an emulator.
func NewFront(next http.Handler) *Front {
	return &Front{next: next, stop: make(chan struct{})}
}

// Stop ends the calls that hang.
func (f *Front) Stop() { close(f.stop) }

// Fail makes calls fail until Heal.
func (f *Front) Fail(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.failed = &fault, false
}

// Heal ends what Fail began. It reports whether any call has failed since.
func (f *Front) Heal() (failed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = nil
	return f.failed
}

// Begun returns how many calls have come up to now, those under way included.
func (f *Front) Begun() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.begun
}

// Calls returns the calls up to now, the oldest first.
func (f *Front) Calls() []Recorded {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Recorded(nil), f.calls...)
}

func (f *Front) record(c Recorded) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.calls) < maxRecorded {
		f.calls = append(f.calls, c)
	}
}

// due returns the fault that a call meets, if any.
func (f *Front) due() *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun++
	switch fault := f.fault; {
	case fault == nil:
		return nil
	case fault.Skip > 0:
		fault.Skip--
		return nil
	default:
		f.failed = true
		if fault.Once {
			f.fault = nil
		}
		return fault
	}
}

// ServeHTTP implements http.Handler.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if f.Check != nil {
		f.Check(r, body)
	}
	call := Recorded{Method: r.Method, Path: r.URL.Path, Header: r.Header.Clone(), Body: body}
	fault := f.due()
	if fault == nil || fault.Done {
		r.Body = io.NopCloser(bytes.NewReader(body))
		a := &answer{header: http.Header{}, status: http.StatusOK}
		f.next.ServeHTTP(a, r)
		if fault == nil {
			call.Status = a.status
			f.record(call)
			maps.Copy(w.Header(), a.header)
			w.WriteHeader(a.status)
			_, _ = w.Write(a.body.Bytes())
			return
		}
	}
	call.Status = fault.Status
	f.record(call)
	f.fail(w, r, fault, body)
}

func (f *Front) fail(w http.ResponseWriter, r *http.Request, fault *Fault, body []byte) {
	switch {
	case fault.Hang:
		select {
		case <-r.Context().Done():
		case <-f.stop:
		}
	case fault.Cut:
		panic(http.ErrAbortHandler) // net/http's way to close the connection, and say nothing
	default:
		maps.Copy(w.Header(), fault.Header)
		w.WriteHeader(fault.Status)
		if fault.BodyFirst {
			_, _ = w.Write(body)
		}
		user, password, _ := r.BasicAuth()
		_, _ = fmt.Fprintf(w, "user %s, password %s\n", user, password)
		for name, values := range r.Header {
			_, _ = fmt.Fprintf(w, "%s: %q\n", name, values)
		}
		_, _ = fmt.Fprintf(w, "\x1b[31m%s", body)
	}
}

// answer is an answer that is not sent yet.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) { a.status = status }

// Write implements http.ResponseWriter.
func (a *answer) Write(data []byte) (int, error) { return a.body.Write(data) }
