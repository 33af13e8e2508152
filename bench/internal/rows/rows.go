// Package rows measures the rows of the table. Each row starts what it needs,
// takes ours and the bare thing in turn within each run, and stops both.
package rows

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/human-handoff/handoff/bench/internal/measure"
	"github.com/human-handoff/handoff/bench/internal/target"
)

const (
	clients  = 64   // closed-loop clients where a server is to be busy
	sessions = 1000 // that the clients' messages are spread over
	// connections carry HTTP/2, as an agent's backend would use it.
	connections = 4
	// settleLimit is how long what was accepted may take until it has arrived.
	settleLimit = time.Minute
)

// Env is what the rows run with.
type Env struct {
	Dir     string // for everything that a run leaves behind
	Binary  string // the product
	Runs    int
	Quick   bool   // a smoke test: short runs, fewer streams and events
	Profile string // folder for the product's CPU profiles; empty = none
	Report  *Report
}

// Row is one row of the table.
type Row struct {
	Number  int
	Title   string
	Measure func(ctx context.Context, e *Env) error
}

// All are the rows of the table.
var All = []Row{
	{1, "A durable SendMessage against a bare Connect echo", durableMessage},
	{2, "The store alone against raw group commit", storeAlone},
	{3, "From the customer's message to the vendor's call", messageToVendor},
	{4, "Accepted and delivered, sustained", sustained},
	{5, "From the vendor's webhook to the stream", webhookToStream},
	{6, "Fan-out to the streams of one session", fanOut},
	{7, "The memory of an idle stream", idleStreams},
	{8, "Streams that were cut and resume", resume},
	{9, "Start, idling and size", startAndIdle},
	{10, "A hundred thousand open sessions with timers", openSessions},
}

// Run measures a row.
func (e *Env) Run(ctx context.Context, row Row) error {
	e.Report.row = row.Number
	return row.Measure(ctx, e)
}

// lasting is how long a load lasts. A profile needs more samples than a figure
// needs calls.
func (e *Env) lasting(d time.Duration) time.Duration {
	switch {
	case e.Profile != "":
		return 4 * d
	case e.Quick:
		return d / 4
	}
	return d
}

// many is a number of streams or events.
func (e *Env) many(n int) int {
	if e.Quick {
		return n / 5
	}
	return n
}

// folder makes a folder for one start of a server.
func (e *Env) folder() (string, error) { return os.MkdirTemp(e.Dir, "server-*") }

// product starts the product on an empty database, connected to the desk that is
// built in or to a vendor, with open sessions.
func (e *Env) product(ctx context.Context, vendor string, n int) (*target.Product, []string, error) {
	dir, err := e.folder()
	if err != nil {
		return nil, nil, err
	}
	p, err := target.StartProduct(ctx, e.Binary, filepath.Join(dir, "handoff.db"), e.Profile != "")
	if err != nil {
		return nil, nil, err
	}
	if err := p.Configure(ctx, vendor); err != nil {
		p.Stop()
		return nil, nil, fmt.Errorf("configuring: %w", err)
	}
	ids, err := p.Sessions(ctx, n)
	if err != nil {
		p.Stop()
		return nil, nil, fmt.Errorf("opening sessions: %w", err)
	}
	if !measure.Settle(ctx, p.PID, settleLimit) { // the sessions' starts are deliveries, too
		p.Stop()
		return nil, nil, errBusy
	}
	return p, ids, nil
}

// errBusy says that a server did not come to rest.
var errBusy = errors.New("the server still works, long after it was left alone")

// yardstick starts a bare server.
func (e *Env) yardstick(ctx context.Context, name string, args ...string) (*target.Process, error) {
	dir, err := e.folder()
	if err != nil {
		return nil, err
	}
	if name == "gateway" {
		args = append([]string{filepath.Join(dir, "gateway.db")}, args...)
	}
	return target.Yardstick(ctx, dir, name, args...)
}

// profiled takes a CPU profile of the product while work runs, when profiles are
// asked for.
func (e *Env) profiled(ctx context.Context, p *target.Product, name string, d time.Duration, work func() error) error {
	if e.Profile == "" {
		return work()
	}
	taken := make(chan error, 1)
	go func() { taken <- p.Profile(ctx, filepath.Join(e.Profile, name+".pprof"), e.lasting(d)) }()
	if err := work(); err != nil {
		return err
	}
	return <-taken
}

// closed warms a server up and then measures it.
func (e *Env) closed(ctx context.Context, n int, d time.Duration, call func(ctx context.Context, client int) error) (measure.Result, error) {
	if _, err := measure.Closed(ctx, n, 300*time.Millisecond, call); err != nil {
		return measure.Result{}, err
	}
	return measure.Closed(ctx, n, e.lasting(d), call)
}

func goal(g Goal) *Goal { return &g }
