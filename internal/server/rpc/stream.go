package rpc

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/server/wire"
)

// StreamReplies prints a session's log from a sequence on. An empty message is
// a heartbeat. The stream ends without an error after CLOSED, and when the
// server stops: then the client resumes elsewhere.
func (s *handoffServer) StreamReplies(ctx context.Context, r *handoffv1.StreamRepliesRequest, out *connect.ServerStream[handoffv1.StreamRepliesResponse]) error {
	p, err := auth.Caller(ctx)
	if err != nil {
		return err
	}
	stream, stop := s.config.Auth.Guard(ctx, p)
	defer stop()
	defer context.AfterFunc(s.config.Drain, stop)()
	for events, err := range s.config.Handoff.Tail(stream, r.GetSessionId(), r.GetAfterSequence()) {
		if err == nil {
			err = out.Send(&handoffv1.StreamRepliesResponse{Events: wire.ToEvents(events)})
		}
		if stream.Err() != nil {
			break
		}
		if err != nil {
			return err
		}
	}
	if errors.Is(context.Cause(stream), auth.ErrUnauthenticated) {
		return auth.ErrUnauthenticated
	}
	return ctx.Err() // the client's own end; nil when the log or the server ended
}
