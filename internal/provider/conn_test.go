package provider

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/human-handoff/handoff/internal/handoff"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is an adapter whose every answer is what do, verify and parse say.
type fake struct {
	do     func(ctx context.Context) error
	verify func() error
	parse  func() (Reply, []handoff.Inbound, error)
}

func (f fake) Check(ctx context.Context) error { return f.do(ctx) }

func (f fake) Open(ctx context.Context, _ Call, _ handoff.Start) (handoff.Ref, error) {
	return handoff.Ref{ID: "ref"}, f.do(ctx)
}

func (f fake) Send(ctx context.Context, _ Call, _ handoff.Message) (string, error) {
	return "vendor-id", f.do(ctx)
}
func (f fake) Close(ctx context.Context, _ Call, _ handoff.CloseReason) error { return f.do(ctx) }
func (f fake) Verify(Request) error                                           { return f.verify() }
func (f fake) Parse(Request) (Reply, []handoff.Inbound, error)                { return f.parse() }

const secret = "hunter2hunter2"

func newConn(a fake) (*Conn, *bytes.Buffer) {
	var logs bytes.Buffer
	return NewConn(ConnOptions{
		Connection: handoff.Connection{ID: "con_1", Kind: "fake"},
		Adapter:    a,
		Secrets:    []string{secret},
		Logger:     slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now:        time.Now,
	}), &logs
}

func calls(c *Conn) map[string]func(context.Context) error {
	call := Call{SessionID: "ses_1", IdempotencyKey: "key_1"}
	return map[string]func(context.Context) error{
		"check": c.Check,
		"open": func(ctx context.Context) error {
			_, err := c.Open(ctx, call, handoff.Start{Question: "customer's words"})
			return err
		},
		"send": func(ctx context.Context) error {
			_, err := c.Send(ctx, call, handoff.Message{Text: "customer's words"})
			return err
		},
		"close": func(ctx context.Context) error { return c.Close(ctx, call, handoff.ClosedByCustomer) },
	}
}

func TestCallsReturnWhatTheAdapterDoes(t *testing.T) {
	c, logs := newConn(fake{do: func(context.Context) error { return nil }})
	ref, err := c.Open(t.Context(), Call{}, handoff.Start{})
	require.NoError(t, err)
	assert.Equal(t, "ref", ref.ID)
	id, err := c.Send(t.Context(), Call{SessionID: "ses_1", IdempotencyKey: "key_1"}, handoff.Message{Text: "customer's words"})
	require.NoError(t, err)
	assert.Equal(t, "vendor-id", id)
	require.NoError(t, c.Check(t.Context()))
	require.NoError(t, c.Close(t.Context(), Call{}, handoff.ClosedByCustomer))
	assert.Equal(t, "con_1", c.Connection().ID)

	lines := strings.Split(strings.TrimSpace(logs.String()), "\n")
	require.Len(t, lines, 4)
	for _, field := range []string{"level=DEBUG", "kind=fake", "connection=con_1", "call=send", "session=ses_1", "idempotency_key=key_1", "class=ok", "duration_ms="} {
		assert.Contains(t, lines[1], field)
	}
	assert.NotContains(t, logs.String(), "words")
}

func TestErrorsAreClassifiedAndCleaned(t *testing.T) {
	for _, tt := range []struct {
		given error
		class Class
		text  string
	}{
		{errors.New("boom"), ClassTransient, "boom"},
		{Errorf(ClassRejected, "no such channel"), ClassRejected, "no such channel"},
		{fmt.Errorf("outer: %w", Errorf(ClassCredentials, "token %s is bad", secret)), ClassCredentials, "outer: token [redacted] is bad"},
		{&Error{Class: ClassRateLimited, RetryAfter: time.Minute, Status: 429, Err: errors.New("slow down")}, ClassRateLimited, "slow down"},
		{FromStatus(400, nil, now, []byte("customer's words "+secret)), ClassRejected, "the provider answered 400 Bad Request: customer's words [redacted]"},
	} {
		c, logs := newConn(fake{do: func(context.Context) error { return tt.given }})
		for name, call := range calls(c) {
			err := call(t.Context())
			var e *Error
			require.ErrorAs(t, err, &e, name)
			assert.Equal(t, tt.class, e.Class, name)
			require.EqualError(t, e, tt.text, name)
			require.ErrorContains(t, err, tt.text, name)
		}
		assert.NotContains(t, logs.String(), secret)
		assert.NotContains(t, logs.String(), "words")
		assert.Equal(t, 4, strings.Count(logs.String(), "level=INFO"))
		assert.Equal(t, 4, strings.Count(logs.String(), "class="+string(tt.class)))
	}
}

func TestRetryAfterAndStatusPass(t *testing.T) {
	c, _ := newConn(fake{do: func(context.Context) error {
		return &Error{Class: ClassRateLimited, RetryAfter: time.Minute, Status: 429, Err: errors.New("x")}
	}})
	var e *Error
	require.ErrorAs(t, c.Check(t.Context()), &e)
	assert.Equal(t, time.Minute, e.RetryAfter)
	assert.Equal(t, 429, e.Status)
}

func TestNoAnswerWithinTheDeadline(t *testing.T) {
	for _, given := range []func(context.Context) error{
		func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		func(ctx context.Context) error { <-ctx.Done(); return Errorf(ClassTransient, "socket: %w", ctx.Err()) },
	} {
		synctest.Test(t, func(t *testing.T) {
			c, _ := newConn(fake{do: given})
			for name, call := range calls(c) {
				began := time.Now()
				err := call(t.Context())
				assert.Equal(t, CallTimeout, time.Since(began), name)
				assert.Equal(t, ClassTransient, ClassOf(err), name)
				require.ErrorContains(t, err, "no answer within 15 s", name)
				require.ErrorIs(t, err, context.DeadlineExceeded, name)
			}
		})
	}
}

func TestCallerGaveUp(t *testing.T) {
	c, _ := newConn(fake{do: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := c.Check(ctx)
	assert.Equal(t, ClassTransient, ClassOf(err))
	require.ErrorContains(t, err, "broken off by us")
	require.ErrorIs(t, err, context.Canceled)
}

func TestAnswersCountEvenWhenTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newConn(fake{do: func(ctx context.Context) error { <-ctx.Done(); return FromStatus(503, nil, now, nil) }})
		require.ErrorContains(t, c.Check(t.Context()), "503")
		c, _ = newConn(fake{do: func(ctx context.Context) error { <-ctx.Done(); return nil }})
		require.NoError(t, c.Check(t.Context()))
	})
}

func TestPanicsOfAdaptersAreErrors(t *testing.T) {
	for _, value := range []any{"text with " + secret, errors.New("error with " + secret), 42} {
		c, logs := newConn(fake{
			do:     func(context.Context) error { panic(value) },
			verify: func() error { return nil },
			parse:  func() (Reply, []handoff.Inbound, error) { panic(value) },
		})
		for name, call := range calls(c) {
			err := call(t.Context())
			assert.Equal(t, ClassTransient, ClassOf(err), name)
			require.EqualError(t, err, "the adapter failed", name)
		}
		_, inbound, err := c.Receive(Request{})
		assert.Equal(t, handoff.CodeInternal, handoff.CodeOf(err))
		assert.Empty(t, inbound)
		assert.NotContains(t, logs.String(), secret)
		assert.Contains(t, logs.String(), "conn_test.go", "the stack tells where")
	}
}

func TestReceiveVerifiesFirst(t *testing.T) {
	parsed := false
	parse := func() (Reply, []handoff.Inbound, error) {
		parsed = true
		return Reply{Status: 202}, []handoff.Inbound{{Key: "k"}}, nil
	}
	c, _ := newConn(fake{verify: func() error { return errors.New("not signed with " + secret) }, parse: parse})
	_, inbound, err := c.Receive(Request{})
	assert.False(t, parsed)
	assert.Empty(t, inbound)
	assert.Equal(t, handoff.CodeUnauthenticated, handoff.CodeOf(err))
	require.EqualError(t, err, "not signed with [redacted]")

	c, _ = newConn(fake{verify: func() error { panic("verify") }, parse: parse})
	_, _, err = c.Receive(Request{})
	assert.False(t, parsed)
	assert.Equal(t, handoff.CodeInternal, handoff.CodeOf(err))

	c, _ = newConn(fake{verify: func() error { return nil }, parse: parse})
	reply, inbound, err := c.Receive(Request{})
	require.NoError(t, err)
	assert.Equal(t, 202, reply.Status)
	assert.Equal(t, []handoff.Inbound{{Key: "k"}}, inbound)
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		given  error
		code   handoff.Code
		reason string
	}{
		{errors.New("no event"), handoff.CodeInvalid, "WEBHOOK_INVALID"},
		{handoff.Errorf(handoff.CodeNotFound, "UNKNOWN_PATH", "no event"), handoff.CodeNotFound, "UNKNOWN_PATH"},
	} {
		c, _ := newConn(fake{
			verify: func() error { return nil },
			parse: func() (Reply, []handoff.Inbound, error) {
				return Reply{Status: 200}, []handoff.Inbound{{}}, tt.given
			},
		})
		reply, inbound, err := c.Receive(Request{})
		require.ErrorIs(t, err, &handoff.Error{Code: tt.code, Reason: tt.reason})
		require.EqualError(t, err, "no event")
		assert.Zero(t, reply)
		assert.Empty(t, inbound)
	}
}

// pacer is an adapter with a limit of its own.
type pacer struct {
	fake

	pace func(Call) (string, time.Duration)
}

func (p pacer) Pace(c Call) (string, time.Duration) { return p.pace(c) }

func TestPacePassesWhatTheAdapterSays(t *testing.T) {
	t.Parallel()
	c, _ := newConn(fake{})
	key, interval := c.Pace(Call{SessionID: "s"})
	require.False(t, c.Paces())
	require.Empty(t, key)
	require.Zero(t, interval)

	c.adapter = pacer{pace: func(c Call) (string, time.Duration) { return "channel of " + c.SessionID, time.Second }}
	key, interval = c.Pace(Call{SessionID: "s"})
	require.True(t, c.Paces())
	require.Equal(t, "channel of s", key)
	require.Equal(t, time.Second, interval)

	c.adapter = pacer{pace: func(Call) (string, time.Duration) { panic("odd") }}
	key, _ = c.Pace(Call{})
	require.Empty(t, key, "a panic holds up nobody")

	require.Equal(t, 1, c.PaceBurst(), "it lends nothing")
	c.adapter = lender{}
	require.Equal(t, 7, c.PaceBurst())
}

// lender is an adapter whose vendor lends calls.
type lender struct{ pacer }

func (lender) PaceBurst() int { return 7 }

// reconciler is a fake that can be asked what was told.
type reconciler struct{ fake }

func (r reconciler) Since(ctx context.Context, c Call, since time.Time) ([]handoff.Inbound, error) {
	return []handoff.Inbound{{Ref: c.Ref.ID, Key: since.Format(time.RFC3339)}}, r.do(ctx)
}

func TestSinceAsksWhatTheAdapterKnows(t *testing.T) {
	t.Parallel()
	call := Call{SessionID: "ses_1", Ref: handoff.Ref{ID: "ref"}}
	c, _ := newConn(fake{})
	require.False(t, c.Reconciles())
	inbound, err := c.Since(t.Context(), call, time.Unix(0, 0))
	require.NoError(t, err)
	require.Empty(t, inbound, "an adapter that cannot be asked has nothing to tell")

	good := fake{do: func(context.Context) error { return nil }}
	c.adapter = reconciler{good}
	require.True(t, c.Reconciles())
	inbound, err = c.Since(t.Context(), call, time.Unix(0, 0).UTC())
	require.NoError(t, err)
	require.Equal(t, []handoff.Inbound{{Ref: "ref", Key: "1970-01-01T00:00:00Z"}}, inbound)

	c.adapter = reconciler{fake{do: func(context.Context) error { panic("odd") }}}
	_, err = c.Since(t.Context(), call, time.Time{})
	require.Equal(t, ClassTransient, ClassOf(err), "it is guarded like every call")
}

func TestLimitsHaveDefaults(t *testing.T) {
	t.Parallel()
	require.Equal(t, Limits{Concurrent: DefaultConcurrent}, Limits{}.WithDefaults())
	require.Equal(t, Limits{Concurrent: 3, PerSecond: 20, Burst: 20}, Limits{Concurrent: 3, PerSecond: 20}.WithDefaults())
	require.Equal(t, 1, Limits{PerSecond: 0.1}.WithDefaults().Burst)
	require.Equal(t, 5, Limits{PerSecond: 0.1, Burst: 5}.WithDefaults().Burst)
}
