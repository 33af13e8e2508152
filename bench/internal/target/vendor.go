package target

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/human-handoff/handoff/bench/internal/measure"
)

// padding brings a text to the 252 bytes of a usual message.
var padding = strings.Repeat("x", 200)

// Text is a message that tells when it was sent and which one of its session it
// is: t=<19 digits>;n=<number>; and padding.
func Text(number int64) string {
	return "t=" + strconv.FormatInt(time.Now().UnixNano(), 10) + ";n=" + strconv.FormatInt(number, 10) + ";" + padding
}

// age tells how long ago the text in b was made.
func age(b []byte, now time.Time) (time.Duration, bool) {
	sent, ok := number(b, "t=")
	return time.Duration(now.UnixNano() - sent), ok
}

// number reads the digits after a mark.
func number(b []byte, mark string) (n int64, ok bool) {
	_, b, ok = bytes.Cut(b, []byte(mark))
	if !ok {
		return 0, false
	}
	end := bytes.IndexFunc(b, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(b[:end]), 10, 64)
	return n, err == nil
}

// Vendor is a fake desk on loopback. It notes when messages came, and whether
// each session's came in order, once.
type Vendor struct {
	URL string

	listener net.Listener
	got      atomic.Int64
	refuse   atomic.Bool

	mu         sync.Mutex
	latencies  measure.Latencies
	last       map[string]int64 // number of the last message of each session
	duplicates int
	gaps       int
}

// StartVendor starts a vendor.
func StartVendor() (*Vendor, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	v := &Vendor{URL: "http://" + l.Addr().String(), listener: l, last: map[string]int64{}}
	go func() { _ = http.Serve(l, v) }()
	return v, nil
}

// Close ends the vendor.
func (v *Vendor) Close() { _ = v.listener.Close() }

// Refuse lets the vendor answer that it is too busy.
func (v *Vendor) Refuse(refuse bool) { v.refuse.Store(refuse) }

// ServeHTTP takes what a gateway delivers.
func (v *Vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	now := time.Now()
	if err != nil || v.refuse.Load() && r.URL.Path == "/chat" {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	latency, ok := age(body, now)
	if !ok {
		return // the start of a session
	}
	n, _ := number(body, ";n=")
	_, rest, _ := bytes.Cut(body, []byte(`"conversation_id":"`))
	session, _, _ := strings.Cut(string(rest[:min(len(rest), 64)]), `"`)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.got.Add(1)
	v.latencies = append(v.latencies, latency)
	switch last := v.last[session]; {
	case n == last+1:
		v.last[session] = n
	case n <= last:
		v.duplicates++
	default: // one was left out, or comes too late
		v.gaps++
		v.last[session] = n
	}
}

// Got is how many messages came so far.
func (v *Vendor) Got() int { return int(v.got.Load()) }

// Take returns the latencies since the last Take.
func (v *Vendor) Take() measure.Latencies {
	v.mu.Lock()
	defer v.mu.Unlock()
	taken := v.latencies
	v.latencies = nil
	return taken
}

// Fault tells what was wrong so far; nil when each session's messages came in
// order and once.
func (v *Vendor) Fault() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.duplicates+v.gaps > 0 {
		return fmt.Errorf("the vendor got %d messages twice or too late and missed %d", v.duplicates, v.gaps)
	}
	return nil
}
