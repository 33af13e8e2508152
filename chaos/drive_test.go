package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	stepPatience = 5 * time.Second // for the messages before a step; in bad weather there are few
	fullPatience = 10 * time.Second
	hitPatience  = 5 * time.Second        // for calls that meet the weather at the vendor
	startWindow  = 300 * time.Millisecond // in which a process that starts is killed again
)

// driver carries out the plan.
type driver struct {
	*world

	report  func(format string, args ...any)
	done    map[fault]int
	kills   int
	clearUp *time.Timer
}

// drive carries out the plan step by step, until it is done or ctx is.
func (d *driver) drive(ctx context.Context) error {
	for i, s := range d.plan.Steps {
		d.await(ctx, s.After, stepPatience)
		if ctx.Err() != nil {
			break
		}
		if err := d.act(s); err != nil {
			return fmt.Errorf("step %d, %s: %w", i, s, err)
		}
		d.done[s.Fault]++
		if (i+1)%20 == 0 {
			d.report("step %d of %d, %d messages, %d kills", i+1, len(d.plan.Steps), d.acknowledged.Load(), d.kills)
		}
	}
	d.await(ctx, d.plan.Messages-int(d.acknowledged.Load()), time.Hour)
	d.fine()
	return d.vendor.set(step{})
}

// awaitHits waits until some calls have met the weather. Who is refused a
// connection is not seen.
func (d *driver) awaitHits(f fault) {
	before := d.vendor.met(f)
	for deadline := time.Now().Add(hitPatience); f != down && d.vendor.met(f) < before+3 && time.Now().Before(deadline); {
		time.Sleep(2 * time.Millisecond)
	}
}

// await waits until so many more messages are acknowledged, but not for ever.
func (d *driver) await(ctx context.Context, more int, limit time.Duration) {
	goal := d.acknowledged.Load() + int64(more)
	deadline := time.Now().Add(limit)
	for d.acknowledged.Load() < goal && ctx.Err() == nil && time.Now().Before(deadline) {
		time.Sleep(2 * time.Millisecond)
	}
}

func (d *driver) act(s step) error {
	switch s.Fault {
	case kill, killTwice, killStopped, killFull:
		return d.kill(s)
	case stop:
		return errors.Join(d.server.signal(syscall.SIGSTOP), d.later(s.For), d.server.signal(syscall.SIGCONT))
	case terminate:
		return d.replace(syscall.SIGTERM)
	case full:
		return d.fill(s, func() error { return setFileLimit(d.server.cmd.Process.Pid, noLimit) })
	default:
		d.fine()
		if err := d.vendor.set(s); err != nil {
			return err
		}
		d.awaitHits(s.Fault)
		d.clearUp = time.AfterFunc(s.For, func() { _ = d.vendor.set(step{}) })
		return nil
	}
}

// fine takes back what would end the weather of before.
func (d *driver) fine() {
	if d.clearUp != nil {
		d.clearUp.Stop()
	}
}

func (d *driver) later(pause time.Duration) error {
	time.Sleep(pause)
	return nil
}

func (d *driver) kill(s step) error {
	d.kills++
	switch s.Fault {
	case killFull:
		return d.fill(s, func() error { return d.replace(syscall.SIGKILL) })
	case killStopped:
		if err := d.server.signal(syscall.SIGSTOP); err != nil {
			return err
		}
		time.Sleep(s.For)
	case killTwice:
		if err := d.end(syscall.SIGKILL); err != nil {
			return err
		}
		if err := d.server.start(); err != nil {
			return err
		}
		time.Sleep(s.For % startWindow)
		d.kills++
	default:
	}
	return d.replace(syscall.SIGKILL)
}

// replace ends the process and starts another one.
func (d *driver) replace(signal syscall.Signal) error {
	if err := d.end(signal); err != nil {
		return err
	}
	if err := d.server.start(); err != nil {
		return err
	}
	return d.server.serve()
}

// end ends the process.
func (d *driver) end(signal syscall.Signal) error {
	d.note(func() {
		d.record.Deaths = append(d.record.Deaths, death{At: time.Now(), Asked: signal == syscall.SIGTERM})
	})
	if err := d.server.end(signal); err != nil {
		return err
	}
	return d.vendor.nextProcess()
}

// noLimit lifts the limit on the size of files.
const noLimit = ^uint64(0)

// fill makes the disk full until somebody was told so, for a while longer, and
// then lets done end it: in half of the cases not a byte can be written, in the
// others what files have now can be written over.
func (d *driver) fill(s step, done func() error) error {
	if !canFill {
		if s.Fault == killFull {
			return done()
		}
		return nil
	}
	limit := uint64(4096)
	if info, err := os.Stat(d.server.database() + "-wal"); err == nil && s.Share < 60 {
		limit = uint64(info.Size())
	}
	told := d.refused.Load()
	if err := setFileLimit(d.server.cmd.Process.Pid, limit); err != nil {
		return err
	}
	d.full.Store(true)
	for deadline := time.Now().Add(fullPatience); d.refused.Load() == told && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(s.For)
	d.full.Store(false)
	return done()
}
