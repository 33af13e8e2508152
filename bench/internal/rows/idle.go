package rows

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/human-handoff/handoff/bench/internal/measure"
	"github.com/human-handoff/handoff/bench/internal/target"
)

// idleStreams is row 7. Each figure is that of a server that was just started:
// memory that a server once had it does not give back at once.
func idleStreams(ctx context.Context, e *Env) error {
	const n = 1000 // of fewer, the server's first growth would be the greater part
	plain := func(ctx context.Context, p *target.Process, id string) (*target.Streams, error) {
		return target.OpenPlain(ctx, p.Host(), []string{id}, n)
	}
	multiplexed := func(ctx context.Context, p *target.Process, id string) (*target.Streams, error) {
		return target.OpenMultiplexed(ctx, p.URL, []string{id}, n, connections)
	}
	for range e.Runs {
		if err := e.compareIdle(ctx, fmt.Sprintf("%d streams, HTTP/1.1", n), n, goal(AtMost(32)), plain); err != nil {
			return err
		}
		if err := e.compareIdle(ctx, fmt.Sprintf("%d streams, h2c on %d connections", n, connections), n, goal(AtMost(25)), multiplexed); err != nil {
			return err
		}
	}
	most := 10_000
	if e.Quick {
		return nil
	}
	if limit := descriptors(); limit < most+1000 {
		most = max(n, limit/2)
	}
	return e.compareIdle(ctx, fmt.Sprintf("%d streams, HTTP/1.1", most), most, goal(AtMost(32)), func(ctx context.Context, p *target.Process, id string) (*target.Streams, error) {
		return target.OpenPlain(ctx, p.Host(), []string{id}, most)
	})
}

// descriptors is how many files and connections a process may have open.
func descriptors() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	return int(min(limit.Cur, 1<<20))
}

type opener func(ctx context.Context, p *target.Process, session string) (*target.Streams, error)

func (e *Env) compareIdle(ctx context.Context, what string, n int, g *Goal, open opener) error {
	bare, err := e.yardstick(ctx, "fanout")
	if err != nil {
		return err
	}
	defer bare.Stop()
	b, err := idleKiB(ctx, bare, "session", n, open, nil)
	if err != nil {
		return fmt.Errorf("yardstick: %w", err)
	}
	ours, ids, err := e.product(ctx, "", 1)
	if err != nil {
		return err
	}
	defer ours.Stop()
	heap := func() error {
		if e.Profile == "" {
			return nil
		}
		return ours.Heap(ctx, filepath.Join(e.Profile, "row7 "+strings.NewReplacer(",", "", "/", "").Replace(what)+".heap"))
	}
	o, err := idleKiB(ctx, ours.Process, ids[0], n, open, heap)
	if err != nil {
		return err
	}
	e.Report.Note(Metric{what + ", each", "KiB", g}, o, b)
	return nil
}

// idleKiB returns the resident memory that each stream costs. look, if given, is
// called while they are open.
func idleKiB(ctx context.Context, p *target.Process, session string, n int, open opener, look func() error) (float64, error) {
	before := measure.ResidentKiB(p.PID)
	s, err := open(ctx, p, session)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	time.Sleep(time.Second)
	each := (measure.ResidentKiB(p.PID) - before) / float64(n)
	if look != nil {
		err = look()
	}
	return each, err
}

// startAndIdle is row 9.
func startAndIdle(ctx context.Context, e *Env) error {
	info, err := os.Stat(e.Binary)
	if err != nil {
		return err
	}
	e.Report.Note(Metric{"the stripped binary", "MB", goal(AtMost(30))}, float64(info.Size())/1e6, alone)
	vendor, err := target.StartVendor()
	if err != nil {
		return err
	}
	defer vendor.Close()
	database, err := e.fullDatabase(ctx, vendor)
	if err != nil {
		return fmt.Errorf("a database with a history: %w", err)
	}
	for range e.Runs {
		if err := e.compareStart(ctx, database, vendor); err != nil {
			return err
		}
	}
	for range min(e.Runs, 3) { // each takes the time of a beat
		if err := e.compareIdling(ctx); err != nil {
			return err
		}
	}
	return nil
}

// compareStart measures from the start of the program to its first answer.
func (e *Env) compareStart(ctx context.Context, database string, vendor *target.Vendor) error {
	begin := time.Now()
	bare, err := e.yardstick(ctx, "gateway", vendor.URL)
	if err != nil {
		return err
	}
	defer bare.Stop()
	if err := healthy(ctx, bare); err != nil {
		return err
	}
	b := time.Since(begin)
	begin = time.Now()
	ours, err := target.StartProduct(ctx, e.Binary, database, false)
	if err != nil {
		return err
	}
	defer ours.Kill() // what is pending stays pending
	if err := healthy(ctx, ours.Process); err != nil {
		return err
	}
	o := time.Since(begin)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	what := fmt.Sprintf("start with %d events and %d pending deliveries, against the empty reference gateway", e.many(history), e.many(sessions))
	e.Report.Note(Metric{what, "ms", goal(AtMost(50))}, ms(o), ms(b))
	return nil
}

func healthy(ctx context.Context, p *target.Process) error {
	ok := measure.Until(ctx, 10*time.Second, func() bool {
		r, err := target.Get(ctx, p.URL+"/healthz")
		return err == nil && r
	})
	if !ok {
		return errors.New("the server is not healthy")
	}
	return nil
}

// compareIdling measures what a server costs that has nothing to do: its memory
// without streams, its wake-ups with them. Streams beat every 15 seconds, all
// within the moment in which they were opened 15 seconds before; the wake-ups
// are counted between two beats, the processor time over a whole beat.
func (e *Env) compareIdling(ctx context.Context) error {
	bare, err := e.yardstick(ctx, "fanout")
	if err != nil {
		return err
	}
	defer bare.Stop()
	ours, ids, err := e.product(ctx, "", 1)
	if err != nil {
		return err
	}
	defer ours.Stop()
	time.Sleep(e.lasting(time.Second))
	e.Report.Note(Metric{"idle server, resident", "MiB", goal(AtMost(25))}, measure.ResidentKiB(ours.PID)/1024, measure.ResidentKiB(bare.PID)/1024)

	n := e.many(1000)
	servers := []*target.Process{ours.Process, bare}
	for i, p := range servers {
		s, err := target.OpenPlain(ctx, p.Host(), []string{append(ids, "session")[i]}, n)
		if err != nil {
			return err
		}
		defer s.Close()
	}
	time.Sleep(2 * time.Second)
	calm := e.lasting(10 * time.Second)
	before := [2]float64{measure.Switches(ours.PID), measure.Switches(bare.PID)}
	cpu := [2]time.Duration{ours.CPU(), bare.CPU()}
	time.Sleep(calm)
	var wakeups [2]float64
	for i, p := range servers {
		wakeups[i] = (measure.Switches(p.PID) - before[i]) / calm.Seconds()
	}
	e.Report.Note(Metric{fmt.Sprintf("wake-ups with %d idle streams, between their beats", n), "/s", goal(AtMost(1))}, wakeups[0], wakeups[1])
	const beat = 15 * time.Second
	if e.Quick {
		return nil
	}
	time.Sleep(beat - calm)
	percent := func(i int) float64 { return (servers[i].CPU() - cpu[i]).Seconds() / beat.Seconds() * 100 }
	e.Report.Note(Metric{fmt.Sprintf("CPU with %d idle streams, with their beats (the bare ones have none)", n), "%", goal(AtMost(0.2))}, percent(0), percent(1))
	return nil
}
