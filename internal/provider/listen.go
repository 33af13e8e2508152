package provider

import (
	"context"
	"log/slog"
)

// Listener is an [Adapter] whose vendor can send its events over a long connection
// that we open, so that no public address is needed. Keeping a connection open is
// the core's work; the adapter opens one and hands over what comes.
type Listener interface {
	// ListenKey names the connection that events come over; empty = they come as
	// webhooks. Adapters with the same key share one, for a vendor gives each event
	// to one connection of an app alone. It is pure, and holds no secret.
	ListenKey() string

	// Listen opens a connection and hands over what comes, in its order, until the
	// connection ends or ctx is done. It returns nil when the vendor ended it as it
	// does in its usual course, else an [*Error].
	Listen(ctx context.Context, line Line) error
}

// Line is where a [Listener] hands over what comes over one connection. Its
// functions may be called until Listen returns.
type Line struct {
	// Up tells that the connection works.
	Up func()

	// Renew tells that the vendor is about to end the connection, so that the next
	// one is opened now. What still comes over this one is handed over.
	Renew func()

	// Take takes an event in the form of a webhook; nothing else has to prove that it
	// is genuine. Once it returns nil, what the event tells is on disk: the event is
	// acknowledged then and not before. After an error it is not, and the vendor
	// sends it again.
	Take func(ctx context.Context, r Request) error
}

// ListenKey is the adapter's [Listener.ListenKey]; empty for one that is no [Listener].
func (c *Conn) ListenKey() string {
	l, ok := c.adapter.(Listener)
	if !ok {
		return ""
	}
	key, err := contained(c, "listen", func() (string, error) { return l.ListenKey(), nil })
	if err != nil {
		return ""
	}
	return key
}

// Listen is the adapter's [Listener.Listen]: for as long as it takes, and with
// errors that hold no secret. It writes one line to the log when the connection ends.
func (c *Conn) Listen(ctx context.Context, line Line) error {
	l, ok := c.adapter.(Listener)
	if !ok {
		return Errorf(ClassRejected, "%s sends no events over a connection of ours", c.connection.Kind)
	}
	began := c.now()
	err := c.guarded(ctx, "listen", func(ctx context.Context) error { return l.Listen(ctx, line) })
	attrs := []slog.Attr{slog.String("call", "listen"), slog.Int64("duration_ms", c.now().Sub(began).Milliseconds())}
	if ctx.Err() != nil {
		err = nil // it was ended here
	}
	if err == nil {
		c.log.LogAttrs(ctx, slog.LevelDebug, "provider connection ended", attrs...)
		return nil
	}
	e := c.redactor.error(err)
	c.log.LogAttrs(ctx, slog.LevelWarn, "provider connection ended", append(attrs,
		slog.String("class", string(e.Class)), slog.Duration("retry_after", e.RetryAfter), slog.String("error", e.Summary()))...)
	return e
}
