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

// confirmingKind is the webhook provider with a desk that shows what became of what
// its humans did. Each call is told in calls, and answered with what comes from answers.
type confirmingKind struct {
	webhook.Kind

	confirms bool
	calls    chan string
	answers  chan error
}

func (k confirmingKind) Describe() provider.Descriptor {
	d := k.Kind.Describe()
	d.Confirms = k.confirms
	return d
}

func (k confirmingKind) Open(config proto.Message, deps provider.Deps) (provider.Adapter, error) {
	a, err := k.Kind.Open(config, deps)
	return confirmer{a, k}, err
}

type confirmer struct {
	provider.Adapter

	kind confirmingKind
}

func (c confirmer) Confirm(ctx context.Context, call provider.Call, in handoff.Inbound, late bool) error {
	c.kind.calls <- fmt.Sprintf("%s %s late=%t repeat=%t", call.SessionID, in.Key, late, call.Repeat)
	select {
	case err := <-c.kind.answers:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func confirmBench(t *testing.T, confirms bool) (k confirmingKind, confirm func(session, key string, late bool)) {
	t.Helper()
	k = confirmingKind{confirms: confirms, calls: make(chan string, 1000), answers: make(chan error)}
	b := newBench(t)
	b.svc = b.service([]provider.Kind{k})
	v := b.mustConfigure(&handoffv1.WebhookConfig{Url: b.desk.URL, Password: password})
	ctx, cancel := context.WithCancel(t.Context())
	x := agents.NewConfirms(ctx, b.svc)
	t.Cleanup(func() { cancel(); x.Wait() })
	return k, func(session, key string, late bool) {
		x.Confirm(handoff.Session{ID: session, Provider: webhook.Name, ConnectionID: v.Agent.Connection.ID}, handoff.Inbound{Key: key}, late)
	}
}

func TestConfirmationsOfASessionComeInOrder(t *testing.T) {
	t.Parallel()
	k, confirm := confirmBench(t, true)
	confirm("s1", "1", false)
	require.Equal(t, "s1 1 late=false repeat=false", <-k.calls)
	confirm("s1", "2", true)
	confirm("s1", "3", false)
	confirm("s2", "1", false)
	require.Equal(t, "s2 1 late=false repeat=false", <-k.calls, "another session does not wait")
	require.Empty(t, k.calls, "one at a time")
	k.answers <- nil
	k.answers <- nil
	require.Equal(t, "s1 2 late=true repeat=false", <-k.calls)
	k.answers <- nil
	require.Equal(t, "s1 3 late=false repeat=false", <-k.calls)
	k.answers <- nil
}

func TestMoreConfirmationsThanThereIsRoomForAreDropped(t *testing.T) {
	t.Parallel()
	k, confirm := confirmBench(t, true)
	confirm("s1", "0", false)
	<-k.calls
	for i := range 100 {
		confirm("s1", fmt.Sprint(i+1), false)
	}
	for i := range 16 {
		k.answers <- nil
		require.Equal(t, fmt.Sprintf("s1 %d late=false repeat=false", i+1), <-k.calls)
	}
	k.answers <- nil
	confirm("s1", "later", false)
	require.Equal(t, "s1 later late=false repeat=false", <-k.calls)
}

func TestConfirmationsAreRepeatedWhereThatHelps(t *testing.T) {
	t.Parallel()
	k, confirm := confirmBench(t, true)
	confirm("s1", "1", false)
	<-k.calls
	began := time.Now()
	k.answers <- &provider.Error{Class: provider.ClassRateLimited, RetryAfter: 1200 * time.Millisecond}
	require.Equal(t, "s1 1 late=false repeat=true", <-k.calls)
	require.GreaterOrEqual(t, time.Since(began), 1200*time.Millisecond)
	k.answers <- provider.Errorf(provider.ClassRejected, "gone")
	confirm("s1", "2", false)
	require.Equal(t, "s1 2 late=false repeat=false", <-k.calls)
	k.answers <- &provider.Error{Class: provider.ClassRateLimited, RetryAfter: time.Hour}
	confirm("s1", "3", false)
	require.Equal(t, "s1 3 late=false repeat=false", <-k.calls, "nobody waits for an hour")
}

func TestKindsThatShowNothingAreNotAsked(t *testing.T) {
	t.Parallel()
	k, confirm := confirmBench(t, false)
	confirm("s1", "1", false)
	time.Sleep(20 * time.Millisecond)
	require.Empty(t, k.calls)
}
