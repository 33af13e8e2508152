package agents

import (
	"context"
	"log/slog"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// learn keeps the settings that a genuine webhook tells and the connection lacks,
// and has the connection checked with them.
func (svc *Service) learn(ctx context.Context, o *opened, r provider.Request) {
	learnt := o.conn.Learns(r)
	if len(learnt) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx) // what is learnt changes the line over which it came
	c, err := svc.store.Connection(ctx, o.conn.Connection().ID)
	if err == nil {
		err = svc.keepLearnt(ctx, c, learnt)
	}
	if err != nil {
		svc.log.ErrorContext(ctx, "agents.learn", slog.String("connection_id", o.conn.Connection().ID), slog.Any("error", err))
	}
}

func (svc *Service) keepLearnt(ctx context.Context, c *handoff.Connection, learnt map[string]string) error {
	taken, err := svc.taken(ctx, c, learnt)
	if err != nil || taken {
		return err
	}
	if err := svc.keepSecrets(ctx, c.ID, c.Version, learnt); err != nil {
		return err
	}
	if c, err = svc.store.Connection(ctx, c.ID); err != nil {
		return err
	}
	status, err := svc.checkAgain(ctx, c)
	svc.listens.changed()
	svc.log.InfoContext(ctx, "agents.learnt", slog.String("connection_id", c.ID), slog.String("agent_id", c.AgentID),
		slog.String("provider", c.Kind), slog.String("state", string(status.State)))
	return err
}

// taken reports whether another connection to the account has one of the values: it
// is that one's, and a webhook of an account comes to all of its connections.
func (svc *Service) taken(ctx context.Context, c *handoff.Connection, learnt map[string]string) (bool, error) {
	list, err := svc.store.ConnectionsByAccount(ctx, c.Kind, c.Account)
	if err != nil {
		return false, err
	}
	for i := range list {
		if list[i].ID == c.ID {
			continue
		}
		v, err := svc.openVault(&list[i])
		if err != nil {
			continue // it is sealed by a key that is lost
		}
		if has(v.config, learnt) {
			return true, nil
		}
	}
	return false, nil
}

func has(config proto.Message, values map[string]string) bool {
	m := config.ProtoReflect()
	for name, value := range values {
		field := m.Descriptor().Fields().ByName(protoreflect.Name(name))
		if field != nil && field.Kind() == protoreflect.StringKind && m.Get(field).String() == value {
			return true
		}
	}
	return false
}
