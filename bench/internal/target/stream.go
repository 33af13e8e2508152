package target

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/human-handoff/handoff/bench/internal/measure"
	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

// opening is how many streams are being opened at a time.
const opening = 64

// Streams are open streams of StreamReplies, and what came through them.
type Streams struct {
	got  atomic.Int64
	last atomic.Int64 // when the last event came, in Unix nanoseconds

	mu        sync.Mutex
	latencies measure.Latencies
	cancel    context.CancelFunc
	wg        sync.WaitGroup
}

// Got is how many texts came so far.
func (s *Streams) Got() int { return int(s.got.Load()) }

// Last is when the last of them came.
func (s *Streams) Last() time.Time { return time.Unix(0, s.last.Load()) }

// Take returns the latencies since the last Take.
func (s *Streams) Take() measure.Latencies {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.latencies
	s.latencies = nil
	return taken
}

// Close cuts the streams.
func (s *Streams) Close() {
	s.cancel()
	s.wg.Wait()
}

func (s *Streams) note(latencies measure.Latencies) {
	if len(latencies) == 0 {
		return
	}
	s.got.Add(int64(len(latencies)))
	s.last.Store(time.Now().UnixNano())
	s.mu.Lock()
	s.latencies = append(s.latencies, latencies...)
	s.mu.Unlock()
}

// open opens n streams, some at a time. one calls up when its stream has
// answered for the first time, and reads on until ctx is done.
func open(ctx context.Context, n int, one func(ctx context.Context, i int, s *Streams, up func()) error) (*Streams, error) {
	s := &Streams{}
	ctx, s.cancel = context.WithCancel(ctx)
	slots := make(chan struct{}, opening)
	opened := make(chan error, n)
	for i := range n {
		slots <- struct{}{}
		s.wg.Go(func() {
			var once sync.Once
			answered := func(err error) {
				once.Do(func() {
					<-slots
					opened <- err
				})
			}
			err := one(ctx, i, s, func() { answered(nil) })
			if err == nil {
				err = errors.New("the stream ended at its start")
			}
			answered(err)
		})
	}
	for range n {
		if err := <-opened; err != nil {
			s.Close()
			return nil, fmt.Errorf("opening a stream: %w", err)
		}
	}
	return s, nil
}

// OpenMultiplexed opens streams of sessions, in turn, over a few connections of
// cleartext HTTP/2.
func OpenMultiplexed(ctx context.Context, url string, sessions []string, n, connections int) (*Streams, error) {
	clients := make([]handoffv1connect.HandoffServiceClient, connections)
	for i := range clients {
		clients[i] = NewClient(url, Transport(true))
	}
	return open(ctx, n, func(ctx context.Context, i int, s *Streams, up func()) error {
		st, err := clients[i%connections].StreamReplies(ctx, &handoffv1.StreamRepliesRequest{SessionId: sessions[i%len(sessions)]})
		if err != nil {
			return err
		}
		defer st.Close()
		for st.Receive() {
			up()
			var latencies measure.Latencies
			now := time.Now()
			for _, e := range st.Msg().GetEvents() {
				if latency, ok := age([]byte(e.GetMessage().GetText()), now); ok {
					latencies = append(latencies, latency)
				}
			}
			s.note(latencies)
		}
		return st.Err()
	})
}

// OpenPlain opens streams of sessions, in turn, each over a connection of its
// own. It speaks HTTP/1.1 by hand and only looks for the texts' marks: a client
// that decodes a thousand streams would be what is measured.
func OpenPlain(ctx context.Context, host string, sessions []string, n int) (*Streams, error) {
	return open(ctx, n, func(ctx context.Context, i int, s *Streams, up func()) error {
		conn, err := subscribe(ctx, host, sessions[i%len(sessions)], 0)
		if err != nil {
			return err
		}
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
		return read(conn, s, up)
	})
}

// subscribe sends the request of a stream.
func subscribe(ctx context.Context, host, session string, after uint64) (net.Conn, error) {
	message, err := proto.Marshal(&handoffv1.StreamRepliesRequest{SessionId: session, AfterSequence: after})
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/connect+proto\r\nConnect-Protocol-Version: 1\r\nContent-Length: %d\r\n\r\n",
		handoffv1connect.HandoffServiceStreamRepliesProcedure, host, Key, 5+len(message))
	request = append(request, 0)
	request = binary.BigEndian.AppendUint32(request, uint32(len(message)))
	_, err = conn.Write(append(request, message...))
	return conn, err
}

// bodyBegin ends the head of an answer.
var bodyBegin = []byte("\r\n\r\n")

func read(conn io.Reader, s *Streams, up func()) error {
	buf := make([]byte, 4096)
	kept, head := 0, true
	var latencies measure.Latencies
	for {
		n, err := conn.Read(buf[kept:])
		if err != nil {
			return err
		}
		b := buf[:kept+n]
		if head {
			at := bytes.Index(b, bodyBegin)
			if at < 0 || len(b) == at+len(bodyBegin) {
				kept = len(b)
				continue
			}
			if !bytes.HasPrefix(b, []byte("HTTP/1.1 200")) {
				return fmt.Errorf("answer %q", b[:min(len(b), 200)])
			}
			up()
			head, b = false, b[at:]
		}
		latencies, b = scan(b, latencies[:0])
		s.note(latencies)
		kept = copy(buf, b)
	}
}

// markSize is that of t=<19 digits>;.
const markSize = 22

// scan finds the marks in b, and returns what may be a mark's beginning.
func scan(b []byte, latencies measure.Latencies) (measure.Latencies, []byte) {
	now := time.Now()
	for {
		at := bytes.Index(b, []byte("t="))
		switch {
		case at < 0 && bytes.HasSuffix(b, []byte("t")):
			return latencies, b[len(b)-1:]
		case at < 0:
			return latencies, nil
		case len(b) < at+markSize:
			return latencies, b[at:]
		}
		if latency, ok := age(b[at:at+markSize], now); ok && b[at+markSize-1] == ';' {
			latencies = append(latencies, latency)
			b = b[at+markSize:]
			continue
		}
		b = b[at+2:]
	}
}
