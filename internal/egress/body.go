package egress

import (
	"errors"
	"io"
	"net/http"
)

// ErrBodyTooLarge is what reading an answer fails with beyond the limit. The
// limit counts unpacked bytes, so a small compressed answer cannot fill the memory.
var ErrBodyTooLarge = errors.New("the answer is larger than allowed")

// limited is a RoundTripper whose answers end with an error beyond max bytes.
type limited struct {
	next http.RoundTripper
	max  int64
}

// RoundTrip implements http.RoundTripper.
func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(r)
	// The body of 101 Switching Protocols is the connection itself.
	if err == nil && resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Body = &limitedBody{ReadCloser: resp.Body, left: l.max}
	}
	return resp, err
}

type limitedBody struct {
	io.ReadCloser

	left int64
}

// Read implements io.Reader. It asks for one byte more than is left, for only
// that tells a body of just the size allowed from a larger one.
func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrBodyTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if int64(n) > b.left {
		n, err = int(b.left), ErrBodyTooLarge
		b.left = -1
		return n, err
	}
	b.left -= int64(n)
	return n, err
}
