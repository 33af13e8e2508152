package rows

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/human-handoff/handoff/bench/internal/measure"
	"github.com/human-handoff/handoff/bench/internal/target"
)

// webhookToStream is row 5.
func webhookToStream(ctx context.Context, e *Env) error {
	ours, bare, p, err := e.gateways(ctx)
	if err != nil {
		return err
	}
	defer ours.stop()
	defer bare.stop()
	all := map[*gateway]*target.Streams{}
	for _, g := range []*gateway{ours, bare} {
		for _, id := range g.ids { // a session's first message makes it active, which is another event
			if err := g.reply(ctx, id, target.Text(0)); err != nil {
				return err
			}
		}
		s, err := target.OpenMultiplexed(ctx, g.server.URL, g.ids, len(g.ids), connections)
		if err != nil {
			return err
		}
		defer s.Close()
		all[g] = s
	}
	for range e.Runs {
		for _, n := range []int{1, clients} {
			b, err := e.replies(ctx, bare, all[bare], n)
			if err != nil {
				return fmt.Errorf("yardstick: %w", err)
			}
			var o flow
			err = e.profiled(ctx, p, fmt.Sprintf("row5 %d", n), time.Second, func() (err error) {
				o, err = e.replies(ctx, ours, all[ours], n)
				return err
			})
			if err != nil {
				return err
			}
			if n == 1 {
				e.Report.Note(Metric{"1 client, p50", "ms", goal(AtMost(0.6))}, o.p50, b.p50)
				e.Report.Note(Metric{"1 client, p99", "ms", goal(AtMost(2))}, o.p99, b.p99)
				continue
			}
			e.Report.Note(Metric{"64 clients", "/s", goal(RatioAtLeast(0.7))}, o.delivered, b.delivered)
			e.Report.Note(Metric{"server's CPU a webhook", "us", nil}, o.cpu, b.cpu)
		}
	}
	return nil
}

// replies lets the vendor's humans speak until the streams have got everything.
func (e *Env) replies(ctx context.Context, g *gateway, s *target.Streams, n int) (flow, error) {
	turns := make([]int, n)
	call := func(ctx context.Context, client int) error {
		session := (client + n*turns[client]) % len(g.ids)
		turns[client]++
		return g.reply(ctx, g.ids[session], target.Text(int64(turns[client])))
	}
	if _, err := measure.Closed(ctx, n, 300*time.Millisecond, call); err != nil {
		return flow{}, err
	}
	if err := quiet(ctx, s); err != nil {
		return flow{}, err
	}
	s.Take()
	got, cpu, begin := s.Got(), g.server.CPU(), time.Now()
	r, err := measure.Closed(ctx, n, e.lasting(time.Second), call)
	if err != nil {
		return flow{}, err
	}
	if !measure.Until(ctx, settleLimit, func() bool { return s.Got() >= got+r.Calls }) {
		return flow{}, fmt.Errorf("%d of %d replies did not reach their stream", got+r.Calls-s.Got(), r.Calls)
	}
	latencies := s.Take()
	return flow{
		delivered: float64(r.Calls) / s.Last().Sub(begin).Seconds(), p50: latencies.Millis(0.5), p99: latencies.Millis(0.99),
		cpu: float64((g.server.CPU() - cpu).Microseconds()) / float64(r.Calls),
	}, nil
}

// quiet waits until nothing comes any more.
func quiet(ctx context.Context, s *target.Streams) error {
	for before := -1; before != s.Got(); {
		before = s.Got()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}

// publisher publishes a text to all streams.
type publisher func(ctx context.Context, text string) error

// fanOut is row 6.
func fanOut(ctx context.Context, e *Env) error {
	ours, p, err := e.ourGateway(ctx)
	if err != nil {
		return err
	}
	defer ours.stop()
	bare, err := e.yardstick(ctx, "fanout")
	if err != nil {
		return err
	}
	defer bare.Stop()
	session := ours.ids[0]
	if err := ours.reply(ctx, session, target.Text(0)); err != nil {
		return err
	}
	n := e.many(sessions)
	plain := &gateway{server: bare, http: target.Transport(false)}
	for range e.Runs {
		b, err := e.fan(ctx, bare, session, n, nil, func(ctx context.Context, text string) error {
			return plain.post(ctx, "/publish", []byte(text), nil)
		})
		if err != nil {
			return fmt.Errorf("yardstick: %w", err)
		}
		o, err := e.fan(ctx, ours.server, session, n, p, func(ctx context.Context, text string) error { return ours.reply(ctx, session, text) })
		if err != nil {
			return err
		}
		e.Report.Note(Metric{"one event at a time", "/s", nil}, o[0].delivered, b[0].delivered)
		e.Report.Note(Metric{"one event at a time, p99", "ms", goal(AtMost(12))}, o[0].p99, b[0].p99)
		e.Report.Note(Metric{"guard: centrifugo's recorded best, one at a time", "/s", goal(AtLeast(centrifugoOne))}, o[0].delivered, alone)
		e.Report.Note(Metric{"8 events in flight", "/s", nil}, o[1].delivered, b[1].delivered)
		e.Report.Note(Metric{"server's CPU a delivery, 8 in flight", "us", nil}, o[1].cpu, b[1].cpu)
		e.Report.Note(Metric{"guard: 1.1 times centrifugo's recorded best, 8 in flight", "/s", goal(AtLeast(1.1 * centrifugoFlights))}, o[1].delivered, alone)
	}
	return nil
}

// fan opens streams of one session and publishes to them, at first one event at
// a time, then with 8 in flight. A product, if given, is what may be profiled.
func (e *Env) fan(ctx context.Context, server *target.Process, session string, n int, profiled *target.Product, publish publisher) (flows [2]flow, err error) {
	s, err := target.OpenPlain(ctx, server.Host(), []string{session}, n)
	if err != nil {
		return flows, err
	}
	defer s.Close()
	if err := quiet(ctx, s); err != nil { // a log that is there already comes at first
		return flows, err
	}
	for i, f := range []struct{ events, atOnce int }{{50, 1}, {300, 8}} {
		work := func() (err error) {
			flows[i], err = flight(ctx, server, s, n, e.many(f.events), f.atOnce, publish)
			return err
		}
		if profiled == nil {
			err = work()
		} else {
			err = e.profiled(ctx, profiled, fmt.Sprintf("row6 %d at once", f.atOnce), time.Second, work)
		}
		if err != nil {
			return flows, err
		}
	}
	return flows, nil
}

// flight publishes events, some at a time, and waits until all streams have all.
// With one at a time the next one follows when the last stream has it.
func flight(ctx context.Context, server *target.Process, s *target.Streams, n, events, atOnce int, publish publisher) (flow, error) {
	s.Take()
	base, cpu, begin := s.Got(), server.CPU(), time.Now()
	arrived := func(events int) error {
		if !measure.Until(ctx, settleLimit, func() bool { return s.Got() >= base+n*events }) {
			return fmt.Errorf("%d of %d events did not reach their stream", base+n*events-s.Got(), n*events)
		}
		return nil
	}
	var wg sync.WaitGroup
	errs := make(chan error, events)
	slots := make(chan struct{}, atOnce)
	for i := range events {
		slots <- struct{}{}
		wg.Go(func() {
			errs <- publish(ctx, target.Text(int64(i)))
			<-slots
		})
		if atOnce == 1 {
			if err := arrived(i + 1); err != nil {
				return flow{}, err
			}
		}
	}
	wg.Wait()
	for range events {
		if err := <-errs; err != nil {
			return flow{}, err
		}
	}
	if err := arrived(events); err != nil {
		return flow{}, err
	}
	if surplus := s.Got() - base - n*events; surplus > 0 {
		return flow{}, fmt.Errorf("%d events came twice", surplus)
	}
	return flow{
		delivered: float64(n*events) / s.Last().Sub(begin).Seconds(), p99: s.Take().Millis(0.99),
		cpu: float64((server.CPU() - cpu).Microseconds()) / float64(n*events),
	}, nil
}
