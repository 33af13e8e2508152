package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
)

// CallTimeout is how long one call to a provider may take.
const CallTimeout = 15 * time.Second

// Conn is a connection in use: an adapter with what every adapter needs around
// it. The rest of the program calls providers through it alone. It is safe for
// concurrent use.
//
// Every outbound call has [CallTimeout] within its caller's context, writes one
// line to the log, and fails with an [*Error] that holds no secret. An error
// that the adapter did not classify is transient, and so is a panic of it.
type Conn struct {
	connection handoff.Connection
	adapter    Adapter
	redactor   *redactor
	log        *slog.Logger
	now        handoff.Clock
	people     people
}

// ConnOptions is what a Conn is made of; all but Secrets has to be given.
type ConnOptions struct {
	Connection handoff.Connection // whose adapter it is
	Adapter    Adapter
	Secrets    []string // to be kept out of errors and logs: the values of [Secrets]
	Logger     *slog.Logger
	Now        handoff.Clock
}

// NewConn puts a Conn around an adapter.
func NewConn(o ConnOptions) *Conn {
	return &Conn{
		connection: o.Connection,
		adapter:    o.Adapter,
		redactor:   newRedactor(o.Secrets),
		log:        o.Logger.With("kind", o.Connection.Kind, "connection", o.Connection.ID),
		now:        o.Now,
	}
}

// Connection returns the connection that the calls go to, as it was when the Conn was made.
func (c *Conn) Connection() handoff.Connection { return c.connection }

// Check asks the provider whether the configuration works.
func (c *Conn) Check(ctx context.Context) error {
	return c.call(ctx, "check", Call{}, c.adapter.Check)
}

// Open begins the session at the desk and returns what the desk calls it.
func (c *Conn) Open(ctx context.Context, call Call, start handoff.Start) (ref handoff.Ref, err error) {
	err = c.call(ctx, "open", call, func(ctx context.Context) (err error) {
		ref, err = c.adapter.Open(ctx, call, start)
		return err
	})
	return ref, err
}

// Send brings a customer's message to the desk and returns the desk's id of it, if it has one.
func (c *Conn) Send(ctx context.Context, call Call, m handoff.Message) (vendorID string, err error) {
	err = c.call(ctx, "send", call, func(ctx context.Context) (err error) {
		vendorID, err = c.adapter.Send(ctx, call, m)
		return err
	})
	return vendorID, err
}

// Close tells the desk that the session ended.
func (c *Conn) Close(ctx context.Context, call Call, reason handoff.CloseReason) error {
	return c.call(ctx, "close", call, func(ctx context.Context) error {
		return c.adapter.Close(ctx, call, reason)
	})
}

// Signals reports whether the adapter carries signals of a kind.
func (c *Conn) Signals(kind handoff.SignalKind) bool {
	_, types := c.adapter.(Typer)
	_, reads := c.adapter.(Reader)
	return kind == handoff.SignalTyping && types || kind == handoff.SignalRead && reads
}

// Signal passes a customer's signal on, if the adapter carries such.
func (c *Conn) Signal(ctx context.Context, call Call, s handoff.Signal) error {
	if t, ok := c.adapter.(Typer); ok && s.Kind == handoff.SignalTyping {
		return c.call(ctx, "typing", call, func(ctx context.Context) error { return t.Typing(ctx, call, s.Active) })
	}
	if r, ok := c.adapter.(Reader); ok && s.Kind == handoff.SignalRead {
		return c.call(ctx, "read", call, func(ctx context.Context) error { return r.Read(ctx, call) })
	}
	return nil
}

// Confirm is the adapter's [Confirmer]; one that is none has nothing to show.
func (c *Conn) Confirm(ctx context.Context, call Call, in handoff.Inbound, late bool) error {
	confirmer, ok := c.adapter.(Confirmer)
	if !ok {
		return nil
	}
	return c.call(ctx, "confirm", call, func(ctx context.Context) error { return confirmer.Confirm(ctx, call, in, late) })
}

// Install is the adapter's [Installer]; one that is none has nothing to make.
func (c *Conn) Install(ctx context.Context) error {
	i, ok := c.adapter.(Installer)
	if !ok {
		return nil
	}
	return c.call(ctx, "install", Call{}, i.Install)
}

// Reconciles reports whether the adapter is a [Reconciler].
func (c *Conn) Reconciles() bool {
	_, ok := c.adapter.(Reconciler)
	return ok
}

// Since is the adapter's [Reconciler]; one that is none has nothing to tell.
func (c *Conn) Since(ctx context.Context, call Call, since time.Time) (inbound []handoff.Inbound, err error) {
	r, ok := c.adapter.(Reconciler)
	if !ok {
		return nil, nil
	}
	err = c.call(ctx, "reconcile", call, func(ctx context.Context) (err error) {
		inbound, err = r.Since(ctx, call, since)
		return err
	})
	return inbound, err
}

// Queues reports whether the adapter is a [Queuer].
func (c *Conn) Queues() bool {
	_, ok := c.adapter.(Queuer)
	return ok
}

// Place is the adapter's [Queuer]; with one that is none nobody waits in a queue.
func (c *Conn) Place(ctx context.Context, call Call) (place int32, err error) {
	q, ok := c.adapter.(Queuer)
	if !ok {
		return 0, nil
	}
	err = c.call(ctx, "queue", call, func(ctx context.Context) (err error) {
		place, err = q.Place(ctx, call)
		return err
	})
	return place, err
}

// Paces reports whether the adapter is a [Pacer].
func (c *Conn) Paces() bool {
	_, ok := c.adapter.(Pacer)
	return ok
}

// PaceBurst is the adapter's [BurstPacer]; one that is none lends nothing.
func (c *Conn) PaceBurst() int {
	if p, ok := c.adapter.(BurstPacer); ok {
		return max(1, p.PaceBurst())
	}
	return 1
}

// Pace is the adapter's [Pacer]; one that is none, or that panics, lets every call go.
func (c *Conn) Pace(call Call) (key string, interval time.Duration) {
	p, ok := c.adapter.(Pacer)
	if !ok {
		return "", 0
	}
	defer func() {
		if p := recover(); p != nil {
			c.logPanic(context.Background(), "pace", p)
			key, interval = "", 0
		}
	}()
	return p.Pace(call)
}

// call is the one way out: the deadline, the adapter, the judgement, the log.
func (c *Conn) call(ctx context.Context, name string, call Call, do func(context.Context) error) error {
	began := c.now()
	err := c.judge(ctx, name, func(ctx context.Context) error { return c.guarded(ctx, name, do) })
	attrs := []slog.Attr{
		slog.String("call", name),
		slog.String("session", call.SessionID),
		slog.String("idempotency_key", call.IdempotencyKey),
		slog.Int64("duration_ms", c.now().Sub(began).Milliseconds()),
	}
	if err == nil {
		c.log.LogAttrs(ctx, slog.LevelDebug, "provider call", append(attrs, slog.String("class", "ok"))...)
		return nil
	}
	c.log.LogAttrs(ctx, slog.LevelInfo, "provider call", append(attrs,
		slog.String("class", string(err.Class)),
		slog.Int("status", err.Status),
		slog.Duration("retry_after", err.RetryAfter),
		slog.String("error", err.Summary()))...)
	return err
}

// judge runs do within the deadline and turns whatever it returns into an Error.
func (c *Conn) judge(ctx context.Context, name string, do func(context.Context) error) *Error {
	limited, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	err := do(limited)
	if err == nil {
		return nil
	}
	e := c.redactor.error(err)
	if limited.Err() == nil || e.Class != ClassTransient || e.Status != 0 {
		return e
	}
	// What the adapter says of a call that was cut off is about sockets and
	// contexts; this is what happened.
	text := fmt.Sprintf("no answer within %d s", CallTimeout/time.Second)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		text = "the call was broken off by us"
	case ctx.Err() != nil:
		text = "no answer in time"
	}
	e.Err = &cleaned{text: text + " (" + name + ")", cause: errors.Join(limited.Err(), err)}
	return e
}

// guarded turns a panic of the adapter into an error: one vendor's odd answer
// must not stop everybody else's sessions.
func (c *Conn) guarded(ctx context.Context, name string, do func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = Errorf(ClassTransient, "the adapter failed")
			c.logPanic(ctx, name, p)
		}
	}()
	return do(ctx)
}

// logPanic logs what an adapter panicked with. Its text may be anything's, so
// only the type is told, and an error's without secrets.
func (c *Conn) logPanic(ctx context.Context, name string, p any) {
	text := fmt.Sprintf("%T", p)
	if err, ok := p.(error); ok {
		text = c.redactor.error(err).Summary()
	}
	c.log.LogAttrs(ctx, slog.LevelError, "provider adapter panicked",
		slog.String("call", name), slog.String("panic", text), slog.String("stack", string(debug.Stack())))
}

// Receive verifies a webhook and, only when it is genuine, parses it. It returns
// the answer to give once what it tells is on disk, and what it tells, which may
// be nothing. Its errors are [*handoff.Error]:
//
//   - CodeUnauthenticated: it is not from the provider, or cannot be told to be
//   - CodeInvalid: it is from the provider but makes no sense (or another code
//     that the adapter gave)
//   - CodeInternal: the adapter failed
func (c *Conn) Receive(r Request) (Reply, []handoff.Inbound, error) {
	_, err := contained(c, "verify", func() (struct{}, error) { return struct{}{}, c.adapter.Verify(r) })
	if err != nil {
		return Reply{}, nil, c.refusal(err, handoff.CodeUnauthenticated, "WEBHOOK_NOT_VERIFIED")
	}
	return c.Parse(r)
}

// Parse is Receive of a webhook that was verified before.
func (c *Conn) Parse(r Request) (Reply, []handoff.Inbound, error) {
	type parsed struct {
		reply   Reply
		inbound []handoff.Inbound
	}
	r = c.introduce(r)
	p, err := contained(c, "parse", func() (p parsed, err error) {
		p.reply, p.inbound, err = c.adapter.Parse(r)
		return p, err
	})
	if err != nil {
		return Reply{}, nil, c.refusal(err, handoff.CodeInvalid, "WEBHOOK_INVALID")
	}
	return p.reply, p.inbound, nil
}

// contained turns a panic of the adapter over a webhook into an error.
func contained[T any](c *Conn, call string, do func() (T, error)) (result T, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.logPanic(context.Background(), call, p)
			err = handoff.Errorf(handoff.CodeInternal, "ADAPTER_FAILED", "the adapter failed to %s a webhook", call)
		}
	}()
	return do()
}

// Strip takes out of a webhook what the vendor proved itself with, so that it can be kept.
func (c *Conn) Strip(r Request) Request {
	if s, ok := c.adapter.(Stripper); ok {
		return s.Strip(r)
	}
	return r
}

// refusal gives an adapter's error a code, unless it has one, and takes the secrets out.
func (c *Conn) refusal(err error, code handoff.Code, reason string) error {
	if known, ok := errors.AsType[*handoff.Error](err); ok {
		code, reason = known.Code, known.Reason
	}
	return &handoff.Error{Code: code, Reason: reason, Message: c.redactor.error(err).Error()}
}
