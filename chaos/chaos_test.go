package chaos_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// afterwards is how long the end of a run may take: what was kept has to go out,
// and everything is read and compared.
const afterwards = 5 * time.Minute

// TestChaos is one run. Its seed is in its output; with the flag it is replayed.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64N(1_000_000_000)
	}
	p := newPlan(seed, *messagesFlag, *killsFlag)
	t.Logf("again with: make chaos SEED=%d MESSAGES=%d KILLS=%d SESSIONS=%d", seed, p.Messages, p.Kills, *sessionsFlag)
	if *planFlag {
		t.Log(p)
		return
	}
	dir := *keepFlag
	if dir == "" {
		dir = t.TempDir()
	}
	require.NoError(t, os.MkdirAll(dir, 0o700))
	w, err := newWorld(p, dir)
	require.NoError(t, err)
	require.NoError(t, w.server.start())
	t.Cleanup(func() { finish(t, w) })
	require.NoError(t, w.server.serve())
	d := &driver{world: w, report: t.Logf, done: map[fault]int{}}
	began := time.Now()
	d.run(t)
	v := check(&w.record)
	d.summarize(t, v, time.Since(began))
	for _, finding := range v.Findings {
		t.Error(finding)
	}
	assert.Empty(t, w.server.log.signs, "in the server's log")
}

// finish ends what the run has started.
func finish(t *testing.T, w *world) {
	w.stop()
	if t.Failed() {
		t.Logf("the server's log ends with:\n%s", w.server.log.tail())
	}
	assert.NoError(t, w.server.end(syscall.SIGTERM))
	w.vendor.close()
	w.http.CloseIdleConnections()
	assert.NoError(t, w.server.log.file.Close())
}

// run lets everybody take part, carries out the plan and waits for the end.
func (d *driver) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), *durationFlag+afterwards)
	defer cancel()
	require.NoError(t, d.configure(ctx))
	ended := make(chan struct{})
	go func() { defer close(ended); d.customers(ctx, *sessionsFlag) }()
	capped, uncap := context.WithTimeout(ctx, *durationFlag)
	defer uncap()
	err := d.drive(capped)
	d.stop()
	if err != nil {
		cancel()
	}
	<-ended
	require.NoError(t, err)
	require.NoError(t, d.drain(ctx))
	require.NoError(t, d.collect(ctx))
	read := make(chan struct{})
	go func() { defer close(read); d.readers.Wait() }()
	select {
	case <-read:
	case <-time.After(patience):
		cancel()
		<-read // what a stream did not bring, the checker finds
	}
	d.note(func() { d.record.Calls, d.record.Pushed = slices.Clone(d.vendor.calls), slices.Clone(d.vendor.pushed) })
}

// summarize says what was done and what was counted.
func (d *driver) summarize(t *testing.T, v *verdict, took time.Duration) {
	t.Helper()
	if d.kills < d.plan.Kills || v.Messages < d.plan.Messages {
		t.Logf("the time was up before the plan was done: %d of %d kills, %d of %d messages", d.kills, d.plan.Kills, v.Messages, d.plan.Messages)
	}
	t.Logf("seed %d, %s", d.plan.Seed, took.Round(time.Second))
	for _, f := range slices.Sorted(maps.Keys(d.done)) {
		if hits := d.vendor.met(f); hits > 0 {
			t.Logf("  %3d × %s, for %d calls", d.done[f], f, hits)
		} else {
			t.Logf("  %3d × %s", d.done[f], f)
		}
	}
	t.Logf("acknowledged: %d messages in %d sessions, and %d humans' messages, %d of them too late", v.Messages, v.Sessions, v.Replies+v.LateReplies, v.LateReplies)
	t.Logf("logged:       %d events; streams brought %d, over %d cuts by clients", v.Events, v.StreamEvents, d.cut.Load())
	t.Logf("webhook:      %d events in %d calls, %d of them repeats of what was under way at a kill", v.Events, v.Pushed, v.PushedAfterDeath)
	t.Logf("vendor:       %d calls, %d messages refused for good", v.Calls, v.Failed)
	t.Logf("repeats:      %d of calls that were under way at one of %d kills (%d at the worst of them), %d of calls without an answer, %d that the vendor asked for",
		v.AfterDeath, d.kills, most(v.PerDeath), v.Withheld, v.Asked)
	t.Logf("full disk:    %d times, %d callers were refused, after %s at most",
		d.done[full]+d.done[killFull], d.refused.Load(), longest(d.record.Refusals))
	t.Logf("findings:     %d", len(v.Findings))
	assert.Positive(t, d.kills)
	assert.Positive(t, v.Messages)
}

func most(counts map[int]int) int {
	if len(counts) == 0 {
		return 0
	}
	return slices.Max(slices.Collect(maps.Values(counts)))
}

func longest(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	return slices.Max(all).Round(time.Millisecond)
}
