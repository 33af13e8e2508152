package timer_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/store"
	"github.com/human-handoff/handoff/internal/timer"
	"github.com/human-handoff/handoff/internal/wake"
)

const (
	few, many = 1_000, 100_000 // open sessions
	requested = 5_000          // of the many are asked for, and as many again; the others are copies
	fallDue   = 1_000          // timers that fire among them …
	spread    = 3 * time.Second
	wait      = spread + time.Second // … once all of them are set
	callers   = 256
)

// gateway is the program as internal/app wires it, but for the doors and for the
// calls to providers.
type gateway struct {
	path    string
	store   *store.Store
	service *handoff.Service
	open    int // sessions with timers that are far away

	mu     sync.Mutex
	due    map[string]time.Time
	delays []time.Duration
	done   chan struct{} // closed when all that was due has fired
}

func startGateway(b *testing.B) *gateway {
	b.Helper()
	path := filepath.Join(b.TempDir(), "handoff.db")
	s, err := store.Open(b.Context(), store.Options{Path: path, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	hub := wake.NewHub()
	var ids atomic.Int64
	g := &gateway{path: path, store: s, service: handoff.NewService(handoff.Config{
		Store: s, Waker: hub, Capabilities: func(string) handoff.Capabilities { return handoff.Capabilities{CanClose: true} },
		NewID: func(prefix string) string { return fmt.Sprintf("%s_%032x", prefix, ids.Add(1)) }, Now: time.Now,
	})}
	loop := timer.New(timer.Config{Store: s, Firer: g, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	hub.OnTimer(loop.Nudge)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { loop.Run(ctx) })
	b.Cleanup(func() {
		cancel()
		running.Wait()
		require.NoError(b, s.Close())
	})
	g.configure(b, "long", handoff.WaitTimeout(time.Hour))
	g.configure(b, "short", handoff.WaitTimeout(wait))
	return g
}

func (g *gateway) configure(b *testing.B, agent string, wait handoff.WaitTimeout) {
	b.Helper()
	require.NoError(b, g.store.UpdateAgent(b.Context(), agent, func(rec *agents.Record) error {
		rec.Agent.Settings = handoff.Settings{WaitTimeout: wait, OnWaitTimeout: handoff.WaitTimeoutClose, EmailPolicy: handoff.EmailOptional}
		rec.Agent.Connection = &handoff.Connection{
			ID: "con_" + agent, AgentID: agent, Kind: "desk", Account: "desk://built-in", ReceiveToken: agent,
			Status: handoff.ConnectionStatus{State: handoff.ServiceAvailable},
		}
		return nil
	}))
}

func (g *gateway) request(ctx context.Context, agent string, conversation int) (*handoff.Session, error) {
	s, declined, err := g.service.RequestHandoff(ctx, handoff.Request{
		Conversation: handoff.ConversationKey{AgentID: agent, ConversationID: fmt.Sprintf("conversation-%d", conversation)},
		Start:        handoff.Start{Question: "Where is my order?", Customer: handoff.Customer{Email: "ann@example.com", Name: "Ann"}},
	})
	if err == nil && declined != nil {
		err = fmt.Errorf("declined: %s", declined.Reason)
	}
	return s, err
}

// fill opens sessions until there is a number of them.
func (g *gateway) fill(b *testing.B, sessions int) {
	b.Helper()
	var next atomic.Int64
	next.Store(int64(g.open))
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for n := int(next.Add(1)); n <= sessions; n = int(next.Add(1)) {
				if _, err := g.request(b.Context(), "long", n); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	g.open = sessions
}

// copySessions makes copies of the open sessions until there is a number of them.
// That takes a second, and asking for each of them a minute. The copies have no
// log and no lane: all they do is wait.
func (g *gateway) copySessions(b *testing.B, sessions int) {
	b.Helper()
	db, err := sql.Open("sqlite", g.path)
	require.NoError(b, err)
	defer db.Close()
	_, err = db.ExecContext(b.Context(), "PRAGMA busy_timeout = 5000")
	require.NoError(b, err)
	var columns, values string
	err = db.QueryRowContext(b.Context(), `SELECT group_concat(name), group_concat(CASE name
		WHEN 'num' THEN '(SELECT max(num) FROM sessions) + row_number() OVER ()'
		WHEN 'id' THEN 'id || ?1'
		WHEN 'conversation_id' THEN 'conversation_id || ?1'
		ELSE name END) FROM pragma_table_info('sessions')`).Scan(&columns, &values)
	require.NoError(b, err)
	for g.open < sessions {
		originals := min(g.open, sessions-g.open) // copies are copied too
		_, err = db.ExecContext(b.Context(), "INSERT INTO sessions ("+columns+") SELECT "+values+
			" FROM sessions WHERE agent_id = 'long' ORDER BY num LIMIT ?2", fmt.Sprintf("-%d", g.open), originals)
		require.NoError(b, err)
		g.open += originals
	}
	var open int
	require.NoError(b, db.QueryRowContext(b.Context(), "SELECT count(*) FROM sessions WHERE state <> 'closed' AND due > 0").Scan(&open))
	require.Equal(b, sessions, open)
}

// Fire is the service's, with a watch on how late it is once it is on disk.
func (g *gateway) Fire(ctx context.Context, id string) error {
	err := g.service.Fire(ctx, id)
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if due, ok := g.due[id]; ok && err == nil {
		g.delays = append(g.delays, now.Sub(due))
		delete(g.due, id)
		if len(g.delays) == fallDue {
			close(g.done)
		}
	}
	return err
}

// measure sets timers that fall due one after the other, and returns how late
// they fired, the least first.
func (g *gateway) measure(b *testing.B) []time.Duration {
	b.Helper()
	g.mu.Lock()
	g.due, g.delays, g.done = map[string]time.Time{}, nil, make(chan struct{})
	g.mu.Unlock()
	pace := time.NewTicker(spread / fallDue)
	defer pace.Stop()
	for i := range fallDue {
		<-pace.C
		s, err := g.request(b.Context(), "short", i)
		require.NoError(b, err)
		g.mu.Lock()
		g.due[s.ID] = s.Timers.Next()
		g.mu.Unlock()
	}
	select {
	case <-g.done:
	case <-time.After(time.Minute):
		b.Fatal("timers did not fire")
	}
	slices.Sort(g.delays)
	return g.delays
}

// heap returns the bytes that are in use once the garbage is gone.
func heap() float64 {
	runtime.GC()
	runtime.GC() // what the first one put into the victims of sync.Pool
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// resident returns the process's resident memory in MB; not a number where the
// system does not tell.
func resident() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return math.NaN()
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	var kB float64
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		return math.NaN()
	}
	return kB / 1024
}

// BenchmarkOpenSessions tells what an open session costs that only waits: memory,
// and the punctuality of the timers of others. It makes its own number of
// sessions, whatever b.N is.
func BenchmarkOpenSessions(b *testing.B) {
	g := startGateway(b)
	none := heap()
	g.fill(b, few)
	fewDelays := g.measure(b)
	residentFew := resident()
	g.copySessions(b, many-2*requested)
	began := time.Now()
	g.fill(b, many-requested) // more than the store's cache holds, which from now on does not grow
	full := heap()
	g.fill(b, many)
	rate := 2 * requested / time.Since(began).Seconds()
	all, residentMany := heap(), resident()
	manyDelays := g.measure(b)

	b.ReportMetric(0, "ns/op") // says nothing
	b.ReportMetric(rate, "requests/s")
	b.ReportMetric((all-full)/requested, "heap-B/session")
	b.ReportMetric(none/(1<<20), "MB-heap-at-0")
	b.ReportMetric(all/(1<<20), "MB-heap-at-100k")
	b.ReportMetric(residentFew, "MB-resident-at-1k")
	b.ReportMetric(residentMany, "MB-resident-at-100k")
	for _, q := range []struct {
		name string
		at   int
	}{{"p50", fallDue / 2}, {"p99", fallDue * 99 / 100}, {"max", fallDue - 1}} {
		b.ReportMetric(milliseconds(fewDelays[q.at]), q.name+"-ms-late-at-1k")
		b.ReportMetric(milliseconds(manyDelays[q.at]), q.name+"-ms-late-at-100k")
		b.ReportMetric(float64(manyDelays[q.at])/float64(fewDelays[q.at]), q.name+"-ratio")
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
