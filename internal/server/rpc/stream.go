package rpc

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/server/wire"
)

// stream runs a server stream until it is done, the client leaves, the caller's
// key is revoked or the server stops. When the server stops, the stream ends
// without an error: the client resumes elsewhere.
func (c Config) stream(ctx context.Context, run func(stream context.Context) error) error {
	p, err := auth.Caller(ctx)
	if err != nil {
		return err
	}
	stream, stop := c.Auth.Guard(ctx, p)
	defer stop()
	defer context.AfterFunc(c.Drain, stop)()
	err = run(stream)
	switch {
	case errors.Is(context.Cause(stream), auth.ErrUnauthenticated):
		return auth.ErrUnauthenticated
	case ctx.Err() != nil:
		return ctx.Err()
	case stream.Err() != nil:
		return nil
	}
	return err
}

// logRequest says which log to print, from where on.
type logRequest interface {
	GetSessionId() string
	GetAfterSequence() uint64
}

// streamLog prints a session's log, and the signals of an author as they come; a
// part without either is a heartbeat. It ends without
// an error after CLOSED.
func (c Config) streamLog(ctx context.Context, r logRequest, from handoff.Author, send func([]*handoffv1.Event, []*handoffv1.Signal) error) error {
	return c.stream(ctx, func(stream context.Context) error {
		for batch, err := range c.Handoff.Stream(stream, r.GetSessionId(), r.GetAfterSequence(), from) {
			if err != nil {
				return err
			}
			if err := send(wire.ToEvents(batch.Events, c.Files.URL), wire.ToSignals(batch.Signals)); err != nil {
				return err
			}
		}
		return nil
	})
}

// WatchSessions streams the latest state of sessions; those of its own agent for
// an agent's key.
func (s *handoffServer) WatchSessions(ctx context.Context, r *handoffv1.WatchSessionsRequest, out *connect.ServerStream[handoffv1.WatchSessionsResponse]) error {
	filter := wire.FromWatchFilter(r)
	if p, _ := auth.PrincipalFrom(ctx); p.Scope != auth.ScopeAdmin {
		filter.AgentID = p.AgentID
	}
	return s.config.stream(ctx, func(stream context.Context) error {
		for part, err := range s.config.Handoff.Watch(stream, filter, r.GetResumeToken()) {
			if err != nil {
				return err
			}
			response := &handoffv1.WatchSessionsResponse{ResumeToken: part.Resume, Restarted: part.Restarted}
			for i := range part.Sessions {
				response.Sessions = append(response.Sessions, wire.ToSession(&part.Sessions[i]))
			}
			if err := out.Send(response); err != nil {
				return err
			}
		}
		return nil
	})
}

// StreamReplies prints a session's log from a sequence on.
func (s *handoffServer) StreamReplies(ctx context.Context, r *handoffv1.StreamRepliesRequest, out *connect.ServerStream[handoffv1.StreamRepliesResponse]) error {
	return s.config.streamLog(ctx, r, handoff.AuthorHuman, func(events []*handoffv1.Event, signals []*handoffv1.Signal) error {
		return out.Send(&handoffv1.StreamRepliesResponse{Events: events, Signals: signals})
	})
}
