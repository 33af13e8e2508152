package target

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"

	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// Resume opens a stream over a connection of its own and reads on until it has
// as many events as were missed. It fails at a gap and at a repeat.
func Resume(ctx context.Context, host, session string, after uint64, missed int) error {
	conn, err := subscribe(ctx, host, session, after)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	body, err := answerBody(conn)
	if err != nil {
		return err
	}
	defer body.Close()
	for next := after + 1; next <= after+uint64(missed); {
		r, err := receive(body)
		if err != nil {
			return err
		}
		for _, e := range r.GetEvents() {
			if e.GetSequence() != next {
				return fmt.Errorf("got event %d instead of %d", e.GetSequence(), next)
			}
			next++
		}
	}
	return nil
}

// answerBody reads the head of a stream's answer.
func answerBody(conn net.Conn) (io.ReadCloser, error) {
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answer %s", resp.Status)
	}
	return struct {
		io.Reader
		io.Closer
	}{resp.Body, conn}, nil // closing the body itself would read the stream to its end
}

// receive reads one message of a stream: flags, length, message.
func receive(body io.Reader) (*handoffv1.StreamRepliesResponse, error) {
	var head [5]byte
	if _, err := io.ReadFull(body, head[:]); err != nil {
		return nil, err
	}
	message := make([]byte, binary.BigEndian.Uint32(head[1:]))
	if _, err := io.ReadFull(body, message); err != nil {
		return nil, err
	}
	if head[0] != 0 {
		return nil, fmt.Errorf("the stream ended: %s", message)
	}
	r := &handoffv1.StreamRepliesResponse{}
	return r, proto.Unmarshal(message, r)
}
