package agents_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/webhook"
)

// typingKind is the webhook provider with a desk that shows who types. Each call
// is told in calls, and waits until something comes from next.
type typingKind struct {
	webhook.Kind

	calls chan string
	next  chan struct{}
}

func (k typingKind) Open(config proto.Message, deps provider.Deps) (provider.Adapter, error) {
	a, err := k.Kind.Open(config, deps)
	return typer{a, k}, err
}

type typer struct {
	provider.Adapter

	kind typingKind
}

func (t typer) Typing(ctx context.Context, c provider.Call, active bool) error {
	t.kind.calls <- fmt.Sprint(c.SessionID, active)
	select {
	case <-t.kind.next:
	case <-ctx.Done():
	}
	return nil
}

func typingBench(t *testing.T) (k typingKind, signal func(session string, s handoff.Signal), stop func()) {
	t.Helper()
	k = typingKind{calls: make(chan string, 1000), next: make(chan struct{})}
	b := newBench(t)
	b.svc = b.service([]provider.Kind{k})
	v := b.mustConfigure(&handoffv1.WebhookConfig{Url: b.desk.URL, Password: password})
	ctx, cancel := context.WithCancel(t.Context())
	signals := agents.NewSignals(ctx, b.svc)
	stop = func() { cancel(); signals.Wait() }
	t.Cleanup(stop)
	return k, func(session string, s handoff.Signal) {
		signals.Signal(handoff.Session{ID: session, ConnectionID: v.Agent.Connection.ID}, s)
	}, stop
}

func typing(active bool) handoff.Signal {
	return handoff.Signal{Author: handoff.AuthorCustomer, Kind: handoff.SignalTyping, Active: active}
}

// A desk that does not answer holds up nobody: of a session only the latest waits.
func TestSignalsGoOutOneAtATime(t *testing.T) {
	t.Parallel()
	k, signal, _ := typingBench(t)
	signal("s1", typing(true))
	require.Equal(t, "s1true", <-k.calls)
	for range 100 {
		signal("s1", typing(true))
		signal("s1", typing(false))
	}
	signal("s1", handoff.Signal{Author: handoff.AuthorCustomer, Kind: handoff.SignalRead, UpTo: 1}) // which it does not show
	signal("s2", typing(true))
	require.Equal(t, "s2true", <-k.calls, "another session does not wait")
	close(k.next)
	require.Equal(t, "s1false", <-k.calls)
	require.Never(t, func() bool { return len(k.calls) > 0 }, 50*time.Millisecond, 10*time.Millisecond, "the rest was dropped")
}

func TestTooManySignalsAreDropped(t *testing.T) {
	t.Parallel()
	k, signal, stop := typingBench(t)
	for i := range 200 {
		signal(fmt.Sprint("s", i, "-"), typing(true))
	}
	for range 64 {
		<-k.calls
	}
	require.Never(t, func() bool { return len(k.calls) > 0 }, 50*time.Millisecond, 10*time.Millisecond)
	stop()
	signal("late", typing(true))
	require.Empty(t, k.calls, "nothing goes out once the program stops")
}
