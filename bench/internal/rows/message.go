package rows

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	"github.com/human-handoff/handoff/bench/internal/measure"
	"github.com/human-handoff/handoff/bench/internal/target"
	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

// text is a message of 252 bytes.
var text = strings.Repeat("hello handoff ", 18)

// way is a codec over a transport.
type way struct {
	name    string
	h2c     bool
	options []connect.ClientOption
}

var ways = []way{
	{name: "JSON, HTTP/1.1", options: []connect.ClientOption{connect.WithProtoJSON()}},
	{name: "proto, HTTP/1.1"},
	{name: "JSON, h2c", h2c: true, options: []connect.ClientOption{connect.WithProtoJSON()}},
	{name: "proto, h2c", h2c: true},
}

func (w way) clients(url string) []handoffv1connect.HandoffServiceClient {
	n := 1
	if w.h2c {
		n = connections
	}
	list := make([]handoffv1connect.HandoffServiceClient, n)
	for i := range list {
		list[i] = target.NewClient(url, target.Transport(w.h2c), w.options...)
	}
	return list
}

// durableMessage is row 1.
func durableMessage(ctx context.Context, e *Env) error {
	bare, err := e.yardstick(ctx, "echo")
	if err != nil {
		return err
	}
	defer bare.Stop()
	ours, ids, err := e.product(ctx, "", sessions)
	if err != nil {
		return err
	}
	defer ours.Stop()
	for range e.Runs {
		for _, w := range ways {
			if err := e.compareMessage(ctx, w, ours, bare, ids); err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
		}
	}
	return nil
}

func (e *Env) compareMessage(ctx context.Context, w way, ours *target.Product, bare *target.Process, ids []string) error {
	const d = 1200 * time.Millisecond
	b, bareCPU, err := e.messages(ctx, bare, w.clients(bare.URL), ids, d)
	if err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	var o measure.Result
	var ourCPU float64
	name := "row1 " + strings.NewReplacer(", ", " ", "/", "").Replace(w.name)
	err = e.profiled(ctx, ours, name, d, func() (err error) {
		o, ourCPU, err = e.messages(ctx, ours.Process, w.clients(ours.URL), ids, d)
		return err
	})
	if err != nil {
		return err
	}
	e.Report.Note(Metric{"calls, " + w.name, "/s", goal(RatioAtLeast(0.5))}, o.PerSecond(), b.PerSecond())
	e.Report.Note(Metric{"server's CPU a call, " + w.name, "us", goal(RatioAtMost(2.2))}, ourCPU, bareCPU)
	return nil
}

// messages sends messages as fast as they are answered, and returns the CPU of
// the server for each, in microseconds. That includes what the server does after
// its answers: ours has a delivery to make for each message.
func (e *Env) messages(
	ctx context.Context, server *target.Process, list []handoffv1connect.HandoffServiceClient, ids []string, d time.Duration,
) (measure.Result, float64, error) {
	var n atomic.Int64
	start := time.Now().UnixNano()
	call := func(ctx context.Context, client int) error {
		i := n.Add(1)
		_, err := list[client%len(list)].SendMessage(ctx, &handoffv1.SendMessageRequest{
			SessionId: ids[int(i)%len(ids)], ClientMessageId: fmt.Sprintf("%x-%x", start, i), Text: text,
		})
		return err
	}
	cpu := server.CPU()
	warm, err := measure.Closed(ctx, clients, 300*time.Millisecond, call)
	if err != nil {
		return measure.Result{}, 0, err
	}
	r, err := measure.Closed(ctx, clients, e.lasting(d), call)
	if err != nil {
		return measure.Result{}, 0, err
	}
	if !measure.Settle(ctx, server.PID, settleLimit) {
		return measure.Result{}, 0, errBusy
	}
	return r, float64((server.CPU() - cpu).Microseconds()) / float64(warm.Calls+r.Calls), nil
}
