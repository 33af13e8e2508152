package rows

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/human-handoff/handoff/bench/internal/measure"
	"github.com/human-handoff/handoff/bench/internal/target"
	"github.com/human-handoff/handoff/bench/internal/yardstick"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

// Recorded figures of others, which are guards and not comparisons: they were
// taken on another day.
const (
	outpostDelivered  = 2316.0    // hookdeck/outpost, messages delivered a second
	centrifugoOne     = 98_000.0  // centrifugo, one event at a time to 1,000 streams
	centrifugoFlights = 394_000.0 // centrifugo, 8 events in flight
)

// gateway is a gateway with a vendor of its own behind it, seen from outside.
type gateway struct {
	server *target.Process
	vendor *target.Vendor
	ids    []string
	http   *http.Client
	counts []atomic.Int64 // messages of each session so far
	reply  func(ctx context.Context, session, text string) error
}

// ourGateway starts the product with a vendor.
func (e *Env) ourGateway(ctx context.Context) (*gateway, *target.Product, error) {
	vendor, err := target.StartVendor()
	if err != nil {
		return nil, nil, err
	}
	p, ids, err := e.product(ctx, vendor.URL, sessions)
	if err != nil {
		vendor.Close()
		return nil, nil, err
	}
	g := &gateway{server: p.Process, vendor: vendor, ids: ids, http: target.Transport(false), counts: make([]atomic.Int64, len(ids))}
	g.reply = func(ctx context.Context, session, text string) error {
		body, _ := json.Marshal(map[string]any{"conversation_id": session, "timestamp": time.Now().UnixMilli(), "body": text})
		return g.post(ctx, "/v1/human/message/receive", body, map[string]string{"Authorization": "Bearer " + target.Key})
	}
	return g, p, nil
}

// bareGateway starts the yardstick with a vendor.
func (e *Env) bareGateway(ctx context.Context) (*gateway, error) {
	vendor, err := target.StartVendor()
	if err != nil {
		return nil, err
	}
	p, err := e.yardstick(ctx, "gateway", vendor.URL)
	if err != nil {
		vendor.Close()
		return nil, err
	}
	ids := make([]string, sessions)
	for i := range ids {
		ids[i] = "ses_" + strconv.Itoa(1_000_000+i) // ids of one length
	}
	g := &gateway{server: p, vendor: vendor, ids: ids, http: target.Transport(false), counts: make([]atomic.Int64, len(ids))}
	g.reply = func(ctx context.Context, session, text string) error {
		return g.post(ctx, "/hook/"+session, []byte(text), map[string]string{"X-Signature": yardstick.Sign([]byte(text)), "X-Event-Id": text[:30]})
	}
	return g, nil
}

// gateways starts both.
func (e *Env) gateways(ctx context.Context) (ours, bare *gateway, p *target.Product, err error) {
	if ours, p, err = e.ourGateway(ctx); err != nil {
		return nil, nil, nil, err
	}
	if bare, err = e.bareGateway(ctx); err != nil {
		ours.stop()
		return nil, nil, nil, fmt.Errorf("yardstick: %w", err)
	}
	return ours, bare, p, nil
}

func (g *gateway) stop() {
	g.server.Stop()
	g.vendor.Close()
}

func (g *gateway) post(ctx context.Context, path string, body []byte, header map[string]string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.server.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	for k, v := range header {
		r.Header.Set(k, v)
	}
	resp, err := g.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %s", path, resp.Status, answer)
	}
	return err
}

// send sends a message of a session, as JSON over HTTP/1.1, with the number that
// it has there.
func (g *gateway) send(ctx context.Context, session int) error {
	n := g.counts[session].Add(1)
	body, err := json.Marshal(map[string]string{"sessionId": g.ids[session], "clientMessageId": strconv.FormatInt(n, 10), "text": target.Text(n)})
	if err != nil {
		return err
	}
	return g.post(ctx, handoffv1connect.HandoffServiceSendMessageProcedure, body, map[string]string{"Authorization": "Bearer " + target.Key})
}

// sent is how many messages were sent so far.
func (g *gateway) sent() int {
	sum := 0
	for i := range g.counts {
		sum += int(g.counts[i].Load())
	}
	return sum
}

// settle waits until the vendor has all that was sent.
func (g *gateway) settle(ctx context.Context) error {
	want := g.sent()
	if !measure.Until(ctx, settleLimit, func() bool { return g.vendor.Got() >= want }) {
		return fmt.Errorf("%d of %d messages did not reach the vendor", want-g.vendor.Got(), want)
	}
	return g.vendor.Fault()
}

// each lets clients send, each in turn through sessions of its own, so that the
// messages of a session are sent one after the other.
func (g *gateway) each(n int) func(ctx context.Context, client int) error {
	turns := make([]int, n)
	return func(ctx context.Context, client int) error {
		session := client + n*turns[client]
		turns[client]++
		if client+n*turns[client] >= len(g.ids) {
			turns[client] = 0
		}
		return g.send(ctx, session)
	}
}

// messageToVendor is row 3.
func messageToVendor(ctx context.Context, e *Env) error {
	ours, bare, p, err := e.gateways(ctx)
	if err != nil {
		return err
	}
	defer ours.stop()
	defer bare.stop()
	plain, err := e.yardstick(ctx, "http")
	if err != nil {
		return err
	}
	defer plain.Stop()
	for range e.Runs {
		trip, err := e.roundTrips(ctx, plain)
		if err != nil {
			return err
		}
		bareSingle, bareSteady, err := e.hop(ctx, bare)
		if err != nil {
			return fmt.Errorf("yardstick: %w", err)
		}
		var single, steady measure.Latencies
		err = e.profiled(ctx, p, "row3", 3*time.Second, func() (err error) {
			single, steady, err = e.hop(ctx, ours)
			return err
		})
		if err != nil {
			return err
		}
		e.Report.Note(Metric{"1 client, p50, against a bare round trip", "ms", goal(RatioAtMost(8))}, single.Millis(0.5), trip)
		e.Report.Note(Metric{"1 client, p50, against the reference gateway", "ms", nil}, single.Millis(0.5), bareSingle.Millis(0.5))
		e.Report.Note(Metric{"200 messages/s, p99, against the reference gateway", "ms", goal(AtMost(2.5))}, steady.Millis(0.99), bareSteady.Millis(0.99))
	}
	return nil
}

// roundTrips returns the median of bare HTTP round trips between two processes.
func (e *Env) roundTrips(ctx context.Context, plain *target.Process) (float64, error) {
	g := &gateway{server: plain, http: target.Transport(false)}
	body := []byte(target.Text(1))
	r, err := e.closed(ctx, 1, time.Second, func(ctx context.Context, _ int) error { return g.post(ctx, "/", body, nil) })
	return r.Latencies.Millis(0.5), err
}

// hop returns the latencies from the message to the vendor's call: with one
// client, and at 200 messages a second.
func (e *Env) hop(ctx context.Context, g *gateway) (single, steady measure.Latencies, err error) {
	if err := g.warm(ctx, 1); err != nil {
		return nil, nil, err
	}
	if _, err := measure.Closed(ctx, 1, e.lasting(time.Second), g.each(1)); err != nil {
		return nil, nil, err
	}
	if err := g.settle(ctx); err != nil {
		return nil, nil, err
	}
	single = g.vendor.Take()
	next := func(ctx context.Context, n int) error { return g.send(ctx, n%len(g.ids)) }
	if _, err := measure.Open(ctx, 200, e.lasting(2*time.Second), next); err != nil {
		return nil, nil, err
	}
	err = g.settle(ctx)
	return single, g.vendor.Take(), err
}

// warm sends some messages that do not count.
func (g *gateway) warm(ctx context.Context, n int) error {
	if _, err := measure.Closed(ctx, n, 300*time.Millisecond, g.each(n)); err != nil {
		return err
	}
	err := g.settle(ctx)
	g.vendor.Take()
	return err
}

// sustained is row 4.
func sustained(ctx context.Context, e *Env) error {
	ours, bare, p, err := e.gateways(ctx)
	if err != nil {
		return err
	}
	defer ours.stop()
	defer bare.stop()
	const d = 3 * time.Second
	for range e.Runs {
		b, err := e.delivered(ctx, bare, d)
		if err != nil {
			return fmt.Errorf("yardstick: %w", err)
		}
		var o flow
		err = e.profiled(ctx, p, "row4", d, func() (err error) {
			o, err = e.delivered(ctx, ours, d)
			return err
		})
		if err != nil {
			return err
		}
		e.Report.Note(Metric{"delivered, 64 clients", "/s", goal(RatioAtLeast(0.7))}, o.delivered, b.delivered)
		e.Report.Note(Metric{"accepted, 64 clients", "/s", nil}, o.accepted, b.accepted)
		e.Report.Note(Metric{"guard: 3.5 times what outpost was recorded to deliver", "/s", goal(AtLeast(3.5 * outpostDelivered))}, o.delivered, alone)
		e.Report.Note(Metric{"message to vendor, p99", "ms", nil}, o.p99, b.p99)
		e.Report.Note(Metric{"server's CPU a message", "us", nil}, o.cpu, b.cpu)
	}
	return nil
}

// flow is what a gateway did with a load.
type flow struct{ accepted, delivered, p50, p99, cpu float64 }

// delivered loads a gateway until the vendor has got everything, in order, once.
func (e *Env) delivered(ctx context.Context, g *gateway, d time.Duration) (flow, error) {
	if err := g.warm(ctx, clients); err != nil {
		return flow{}, err
	}
	cpu, begin := g.server.CPU(), time.Now()
	r, err := measure.Closed(ctx, clients, e.lasting(d), g.each(clients))
	if err != nil {
		return flow{}, err
	}
	if err := g.settle(ctx); err != nil {
		return flow{}, err
	}
	elapsed := time.Since(begin)
	return flow{
		accepted: r.PerSecond(), delivered: float64(r.Calls) / elapsed.Seconds(), p99: g.vendor.Take().Millis(0.99),
		cpu: float64((g.server.CPU() - cpu).Microseconds()) / float64(r.Calls),
	}, nil
}
