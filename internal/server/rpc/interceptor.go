package rpc

import (
	"context"
	"log/slog"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/server/wire"
)

// errNoRule is the answer to an RPC that the scope table forgot; a test keeps it from happening.
var errNoRule = handoff.Errorf(handoff.CodeInternal, "NO_RULE", "this RPC has no rule in the scope table")

// border is what every RPC passes, unary and streaming alike: it maps errors to
// those of the API, logs one line a call, and lets a caller reach only what its
// scope covers. It authorises before the request is validated, so that a
// stranger learns nothing about what exists.
type border struct {
	authorizer Authorizer
	now        handoff.Clock
	log        *slog.Logger
}

// Authorizer decides whether a caller's scope covers a target.
type Authorizer interface {
	Authorize(ctx context.Context, p auth.Principal, scopes []auth.Scope, t auth.Target) error
}

// WrapUnary wraps unary RPCs.
func (b *border) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		began := b.now()
		err := b.admit(ctx, r.Spec().Procedure, r.Any())
		var response connect.AnyResponse
		if err == nil {
			response, err = next(ctx, r)
		}
		b.logCall(ctx, r.Spec().Procedure, began, err)
		if err != nil {
			return nil, wire.Error(err)
		}
		return response, nil
	}
}

// WrapStreamingClient is not used by servers.
func (b *border) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler wraps streaming RPCs. What a stream is about stands in
// its request message, so it is admitted when that is received.
func (b *border) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		began := b.now()
		err := next(ctx, &admittedConn{StreamingHandlerConn: conn, ctx: ctx, border: b})
		b.logCall(ctx, conn.Spec().Procedure, began, err)
		if err != nil {
			return wire.Error(err)
		}
		return nil
	}
}

type admittedConn struct {
	connect.StreamingHandlerConn

	ctx    context.Context //nolint:containedctx // lives as long as the call that it belongs to
	border *border
}

// Receive receives a message and admits it.
func (c *admittedConn) Receive(message any) error {
	if err := c.StreamingHandlerConn.Receive(message); err != nil {
		return err
	}
	return c.border.admit(c.ctx, c.Spec().Procedure, message)
}

// admit returns nil when the caller may make this call.
func (b *border) admit(ctx context.Context, procedure string, message any) error {
	scopes, ok := scopesOf[procedure]
	if !ok {
		return errNoRule
	}
	if len(scopes) == 0 {
		return nil // open to all; the handler limits it
	}
	p, err := auth.Caller(ctx)
	if err != nil {
		return err
	}
	return b.authorizer.Authorize(ctx, p, scopes, targetOf(message))
}

// targetOf reads what a request is about from the fields that the API names
// alike everywhere.
func targetOf(message any) auth.Target {
	m, ok := message.(proto.Message)
	if !ok {
		return auth.Target{}
	}
	return auth.Target{AgentID: stringField(m, "agent_id"), SessionID: stringField(m, "session_id")}
}

func stringField(m proto.Message, name protoreflect.Name) string {
	r := m.ProtoReflect()
	field := r.Descriptor().Fields().ByName(name)
	if field == nil || field.Kind() != protoreflect.StringKind || field.IsList() {
		return ""
	}
	return r.Get(field).String()
}

func (b *border) logCall(ctx context.Context, procedure string, began time.Time, err error) {
	level, code := slog.LevelDebug, "ok"
	if err != nil {
		level, code = slog.LevelInfo, wire.Error(err).Code().String()
		if code == connect.CodeInternal.String() {
			level = slog.LevelError
		}
	}
	if !b.log.Enabled(ctx, level) {
		return
	}
	p, _ := auth.PrincipalFrom(ctx)
	attrs := []slog.Attr{
		slog.String("procedure", procedure), slog.String("code", code), slog.Duration("took", b.now().Sub(began)),
		slog.String("scope", string(p.Scope)), slog.String("key_id", p.KeyID), slog.String("agent_id", p.AgentID),
	}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	b.log.LogAttrs(ctx, level, "rpc", attrs...)
}
