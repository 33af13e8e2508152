package listen

import (
	"context"
	"log/slog"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// took is take, and says in the log why an event was not taken.
func (r *Runner) took(ctx context.Context, connectionIDs []string, event provider.Request) error {
	err := r.take(ctx, connectionIDs, event)
	if err != nil && ctx.Err() == nil {
		r.log.ErrorContext(ctx, "listen.not_taken", slog.Any("error", err))
	}
	return err
}

// take takes an event on behalf of all connections that share a line. Each keeps
// what is its own and passes over the rest. An event that nobody understands is in
// quarantine and taken; one that could not be kept is not taken.
func (r *Runner) take(ctx context.Context, connectionIDs []string, event provider.Request) error {
	event.Time = r.now()
	for _, id := range connectionIDs {
		inbound, err := r.connections.Hear(ctx, id, event)
		switch handoff.CodeOf(err) {
		case handoff.CodeInvalid, handoff.CodeInternal, handoff.CodeNotFound:
			if err != nil {
				r.log.WarnContext(ctx, "listen.refused", slog.String("connection_id", id), slog.Any("error", err))
				continue
			}
		default:
		}
		if err != nil {
			return err
		}
		if err := r.apply(ctx, id, inbound); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) apply(ctx context.Context, connectionID string, inbound []handoff.Inbound) error {
	for _, in := range inbound {
		err := r.receiver.Receive(ctx, connectionID, in)
		switch handoff.CodeOf(err) {
		case handoff.CodePrecondition, handoff.CodeNotFound: // too late, or none of our sessions
		default:
			if err != nil {
				return err
			}
		}
	}
	return nil
}
