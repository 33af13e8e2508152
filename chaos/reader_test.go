package chaos_test

import (
	"context"
	"errors"
	"time"

	"connectrpc.com/connect"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// follow reads a session's stream to its end, over cuts of its own and the
// server's deaths. Each time it goes on after what it saw last.
func (p *party) follow(ctx context.Context, stream int) {
	random := p.chances(uint64(60 + stream))
	calls := p.calls(p.token)
	ended := false
	for ctx.Err() == nil {
		limit := 100*time.Millisecond + time.Duration(random.Int64N(int64(8*time.Second)))
		if random.IntN(20) == 0 {
			limit = time.Duration(random.Int64N(int64(10 * time.Millisecond)))
		}
		closed, err := p.read(ctx, calls, stream, limit)
		ended = ended || closed
		switch {
		case ended && err == nil:
			return
		case err != nil && !errors.Is(err, errNoAnswer) && !mayTryAgain(err):
			p.unexpected("StreamReplies", err)
			return
		}
		if goal, known := p.goals.Load(p.id); known && p.last(stream) >= goal.(uint64) && !ended {
			return // nothing more comes to a session that stays open
		}
		time.Sleep(time.Duration(random.Int64N(int64(20 * time.Millisecond))))
	}
}

// read opens the stream once and reads it until it ends or the client leaves.
// closed reports whether the log has ended.
func (p *party) read(ctx context.Context, calls rpc, stream int, limit time.Duration) (closed bool, err error) {
	err = p.once(ctx, limit, func(ctx context.Context) error {
		answers, err := calls.StreamReplies(ctx, &handoffv1.StreamRepliesRequest{SessionId: p.id, AfterSequence: p.last(stream)})
		if err != nil {
			return err
		}
		defer answers.Close()
		for answers.Receive() {
			now := time.Now()
			p.note(func() {
				for _, e := range answers.Msg().GetEvents() {
					p.session.Streams[stream] = append(p.session.Streams[stream], seen{e.GetSequence(), digest(e), now})
					closed = closed || e.GetStateChanged().GetState() == handoffv1.SessionState_SESSION_STATE_CLOSED
				}
			})
		}
		return answers.Err()
	})
	if connect.CodeOf(err) == connect.CodeOutOfRange {
		return closed, errors.New("a stream told of events that the log does not have")
	}
	return closed, err
}

// last returns the sequence that a stream saw last.
func (p *party) last(stream int) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	events := p.session.Streams[stream]
	if len(events) == 0 {
		return 0
	}
	return events[len(events)-1].Sequence
}
