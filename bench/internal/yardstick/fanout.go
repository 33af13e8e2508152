package yardstick

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"

	"connectrpc.com/connect"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

// Missed is how many events a stream gets at once that resumes at the fanout.
const Missed = 50

// fanout sends what is published to all streams, from memory. A stream that is
// behind gets all that waits for it in one message.
type fanout struct {
	handoffv1connect.UnimplementedHandoffServiceHandler

	missed []*handoffv1.Event

	mu      sync.RWMutex
	last    int64
	streams map[chan *handoffv1.Event]struct{}
}

func newFanout() *fanout {
	f := &fanout{streams: map[chan *handoffv1.Event]struct{}{}}
	for range Missed {
		f.missed = append(f.missed, humanEvent(0, strings.Repeat("x", 252)))
	}
	return f
}

func (f *fanout) mount(mux *http.ServeMux) {
	mux.Handle(handoffv1connect.NewHandoffServiceHandler(f))
	mux.HandleFunc("POST /publish", func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		f.publish(string(text))
	})
}

func (f *fanout) publish(text string) {
	f.mu.Lock()
	f.last++
	e := humanEvent(f.last, text)
	f.mu.Unlock()
	f.mu.RLock()
	defer f.mu.RUnlock()
	for s := range f.streams {
		s <- e // waits for a stream that is far behind: nothing may get lost here
	}
}

// StreamReplies answers at once: with nothing, or with what a stream that
// resumes has missed.
func (f *fanout) StreamReplies(ctx context.Context, r *handoffv1.StreamRepliesRequest, out *connect.ServerStream[handoffv1.StreamRepliesResponse]) error {
	events := make(chan *handoffv1.Event, 32)
	f.mu.Lock()
	f.streams[events] = struct{}{}
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.streams, events)
		f.mu.Unlock()
	}()
	if r.GetAfterSequence() > 0 {
		missed := make([]*handoffv1.Event, len(f.missed))
		for i, e := range f.missed {
			missed[i] = &handoffv1.Event{Sequence: r.GetAfterSequence() + uint64(i) + 1, Time: e.GetTime(), Body: e.GetBody()}
		}
		if err := out.Send(&handoffv1.StreamRepliesResponse{Events: missed}); err != nil {
			return err
		}
	}
	return forward(ctx, events, out)
}

// forward sends events as they come, all that wait in one message, after an
// empty one that says that the stream is there.
func forward(ctx context.Context, events <-chan *handoffv1.Event, out *connect.ServerStream[handoffv1.StreamRepliesResponse]) error {
	if err := out.Send(&handoffv1.StreamRepliesResponse{}); err != nil {
		return err
	}
	for {
		select {
		case e := <-events:
			batch := []*handoffv1.Event{e}
			for range len(events) {
				batch = append(batch, <-events)
			}
			if err := out.Send(&handoffv1.StreamRepliesResponse{Events: batch}); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}
