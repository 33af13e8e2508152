package target

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"
	"time"
)

// TestRead finds each text once, however the connection cuts what it carries.
func TestRead(t *testing.T) {
	const texts = 100
	var answer bytes.Buffer
	answer.WriteString("HTTP/1.1 200 OK\r\nContent-Type: application/connect+proto\r\n\r\n")
	for i := range texts {
		answer.WriteString("not a mark: t=12; tt=" + Text(int64(i)))
	}
	for name, r := range map[string]io.Reader{
		"whole":  bytes.NewReader(answer.Bytes()),
		"halves": iotest.HalfReader(bytes.NewReader(answer.Bytes())),
		"bytes":  iotest.OneByteReader(bytes.NewReader(answer.Bytes())),
	} {
		s, up := &Streams{}, 0
		if err := read(r, s, func() { up++ }); err != io.EOF {
			t.Errorf("%s: %v", name, err)
		}
		if s.Got() != texts || up != 1 {
			t.Errorf("%s: got %d texts, up %d times", name, s.Got(), up)
		}
		for _, latency := range s.Take() {
			if latency < 0 || latency > time.Minute {
				t.Errorf("%s: latency %v", name, latency)
			}
		}
	}
}
