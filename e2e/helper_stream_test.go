package e2e_test

import (
	"bufio"
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// lastTimestamp makes each reply's time unique: with the same one it would be
// taken as a repeat.
var lastTimestamp atomic.Int64

func nextTimestamp() int64 {
	for {
		before := lastTimestamp.Load()
		now := max(time.Now().UnixMilli(), before+1)
		if lastTimestamp.CompareAndSwap(before, now) {
			return now
		}
	}
}

// follower is an open stream of one session's events.
type follower struct {
	t      *testing.T
	parts  chan *handoffv1.StreamRepliesResponse
	err    chan error
	due    []*handoffv1.Event
	cancel context.CancelFunc
}

// follow opens a stream and reads it in the background.
func (c *client) follow(t *testing.T, session string, after uint64) *follower {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	f := &follower{t: t, parts: make(chan *handoffv1.StreamRepliesResponse, 1024), err: make(chan error, 1), cancel: cancel}
	go func() {
		stream, err := c.StreamReplies(ctx, &handoffv1.StreamRepliesRequest{SessionId: session, AfterSequence: after})
		for err == nil && stream.Receive() {
			select {
			case f.parts <- stream.Msg():
			case <-ctx.Done():
			}
		}
		if err == nil {
			err = stream.Err()
			_ = stream.Close()
		}
		f.err <- err
		close(f.parts)
	}()
	return f
}

// part waits for the next part of the stream, which is a heartbeat when it is empty.
// It is nil at the end.
func (f *follower) part() *handoffv1.StreamRepliesResponse {
	f.t.Helper()
	select {
	case part := <-f.parts:
		return part
	case <-time.After(patience):
		require.Fail(f.t, "nothing came over the stream")
		return nil
	}
}

// next waits for the next event.
func (f *follower) next() *handoffv1.Event {
	f.t.Helper()
	for len(f.due) == 0 {
		part := f.part()
		require.NotNil(f.t, part, "the stream ended")
		f.due = part.GetEvents()
	}
	event := f.due[0]
	f.due = f.due[1:]
	return event
}

// end waits for the end of the stream, and that nothing comes before it.
func (f *follower) end() error {
	f.t.Helper()
	require.Empty(f.t, f.due)
	for part := f.part(); part != nil; part = f.part() {
		require.Empty(f.t, part.GetEvents())
	}
	return <-f.err
}

// sse is an open stream of Server-Sent Events.
type sse struct {
	t        *testing.T
	response *http.Response
	lines    chan string // closed at the end
}

// listen opens a stream of Server-Sent Events.
func (c *client) listen(t *testing.T, session, query string, headers ...string) *sse {
	t.Helper()
	response := c.open(t, http.MethodGet, "/v1/sessions/"+session+"/events"+query, "", headers...)
	e := &sse{t: t, response: response, lines: make(chan string)}
	done := t.Context().Done()
	go func() {
		defer close(e.lines)
		defer response.Body.Close()
		scanner := bufio.NewScanner(response.Body)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			select {
			case e.lines <- scanner.Text():
			case <-done:
				return
			}
		}
	}()
	return e
}

// line waits for one line; ok is false at the end.
func (e *sse) line() (line string, ok bool) {
	e.t.Helper()
	select {
	case line, ok = <-e.lines:
		return line, ok
	case <-time.After(patience):
		require.Fail(e.t, "nothing came over the stream")
		return "", false
	}
}

// next waits for the next event; it is nil at the end.
func (e *sse) next() *handoffv1.Event {
	e.t.Helper()
	var id string
	var event *handoffv1.Event
	for {
		line, ok := e.line()
		if !ok {
			return nil
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			id = value
		case "data":
			event = new(handoffv1.Event)
			require.NoError(e.t, protojson.Unmarshal([]byte(value), event), value)
		case "":
			if line == "" && event != nil {
				require.Equal(e.t, strconv.FormatUint(event.GetSequence(), 10), id, "the id is the sequence")
				return event
			}
		}
	}
}

// drain reads the stream to its end.
func (f *follower) drain() {
	f.t.Helper()
	for f.part() != nil {
		continue
	}
}
