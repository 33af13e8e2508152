package target

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

// Key is the admin key of the servers that are measured. The yardsticks get it
// too, and do not look at it.
const Key = "a-key-for-benchmarks"

// Agent is the agent of all sessions.
const Agent = "bench"

// Build builds the product as it is released, and returns the binary's path.
func Build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "handoff")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./cmd/handoff")
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the product: %w\n%s", err, out)
	}
	return binary, nil
}

// Product is the product's server.
type Product struct {
	*Process
	Client  handoffv1connect.HandoffServiceClient
	metrics string // address of pprof; empty = none
}

// StartProduct starts the product on a database file, with pprof when profiled.
func StartProduct(ctx context.Context, binary, database string, profiled bool) (*Product, error) {
	p := &Product{}
	args := []string{"serve", "--listen", "127.0.0.1:0", "--database", "sqlite://" + database, "--allow-private-destinations"}
	if profiled {
		l, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free now
		if err != nil {
			return nil, err
		}
		p.metrics = l.Addr().String()
		_ = l.Close()
		args = append(args, "--metrics-listen", p.metrics)
	}
	var env []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "HANDOFF_") {
			env = append(env, variable)
		}
	}
	var err error
	p.Process, err = start(ctx, database+".stderr", append(env, "HANDOFF_ADMIN_KEY="+Key), binary, args...)
	if err != nil {
		return nil, err
	}
	p.Client = NewClient(p.URL, Transport(false))
	return p, nil
}

// Configure connects the agent to the desk that is built in or, when a vendor's
// address is given, to that. No time-out shall end a session here.
func (p *Product) Configure(ctx context.Context, vendor string) error {
	long := durationpb.New(24 * time.Hour)
	r := &handoffv1.ConfigureProviderRequest{
		AgentId: Agent,
		Settings: &handoffv1.Settings{
			WaitTimeout: long, SessionTimeout: long, MaxSessionDuration: long, EmailPolicy: handoffv1.EmailPolicy_EMAIL_POLICY_OPTIONAL,
		},
		Provider: &handoffv1.ConfigureProviderRequest_Desk{Desk: &handoffv1.DeskConfig{}},
	}
	if vendor != "" {
		r.Provider = &handoffv1.ConfigureProviderRequest_Webhook{Webhook: &handoffv1.WebhookConfig{Url: vendor, SkipProbe: true}}
	}
	_, err := p.Client.ConfigureProvider(ctx, r)
	return err
}

// Sessions opens sessions and returns their ids.
func (p *Product) Sessions(ctx context.Context, n int) ([]string, error) {
	ids, errs := make([]string, n), make([]error, n)
	const atOnce = 16
	var wg sync.WaitGroup
	for worker := range atOnce {
		wg.Go(func() {
			for i := worker; i < n; i += atOnce {
				r, err := p.Client.RequestHandoff(ctx, &handoffv1.RequestHandoffRequest{
					AgentId: Agent, ConversationId: fmt.Sprintf("conversation-%d-%d", i, time.Now().UnixNano()), Question: "Is anybody there?",
				})
				ids[i], errs[i] = r.GetSession().GetId(), err
			}
		})
	}
	wg.Wait()
	for i, id := range ids {
		if errs[i] != nil {
			return nil, errs[i]
		}
		if id == "" {
			return nil, fmt.Errorf("session %d was declined", i)
		}
	}
	return ids, nil
}

// Profile writes what the product's processors do for a while into a file.
func (p *Product) Profile(ctx context.Context, path string, d time.Duration) error {
	return p.save(ctx, path, fmt.Sprintf("/debug/pprof/profile?seconds=%d", max(1, int(d.Seconds()))))
}

// Heap writes what the product's memory holds into a file, and what it is made
// of in whole beside it.
func (p *Product) Heap(ctx context.Context, path string) error {
	if err := p.save(ctx, path+".metrics", "/metrics"); err != nil {
		return err
	}
	return p.save(ctx, path, "/debug/pprof/heap")
}

func (p *Product) save(ctx context.Context, path, from string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.metrics+from, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, resp.Body)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// Transport returns an HTTP client for HTTP/1.1 or for cleartext HTTP/2.
func Transport(h2c bool) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!h2c)
	protocols.SetUnencryptedHTTP2(h2c)
	return &http.Client{Transport: &http.Transport{
		Protocols: protocols, MaxIdleConns: 4096, MaxIdleConnsPerHost: 1024, HTTP2: &http.HTTP2Config{StrictMaxConcurrentRequests: true},
	}}
}

// NewClient returns a client of the product's API, which the yardsticks speak too.
func NewClient(url string, transport *http.Client, options ...connect.ClientOption) handoffv1connect.HandoffServiceClient {
	return handoffv1connect.NewHandoffServiceClient(transport, url, append(options, connect.WithInterceptors(bearer{}))...)
}

// bearer gives each call the key.
type bearer struct{}

func (bearer) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		r.Header().Set("Authorization", "Bearer "+Key)
		return next(ctx, r)
	}
}

func (bearer) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, s connect.Spec) connect.StreamingClientConn {
		c := next(ctx, s)
		c.RequestHeader().Set("Authorization", "Bearer "+Key)
		return c
	}
}

func (bearer) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}
