package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/human-handoff/handoff/internal/config"
	"github.com/human-handoff/handoff/internal/egress"
	"github.com/human-handoff/handoff/internal/provider/all"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

type emulateCommand struct {
	Provider   string `arg:"" help:"Kind of provider: chatwoot, dingtalk, intercom, livechat, qiyu, slack, webhook, wecom, whatsapp, zendesk." name:"provider"`
	Listen     string `default:"127.0.0.1:8090" env:"HANDOFF_EMULATE_LISTEN" help:"Address to listen on; port 0 picks a free one." placeholder:"HOST:PORT"`
	ReceiveURL string `env:"HANDOFF_EMULATE_RECEIVE_URL" help:"Receive URL that ConfigureProvider returned; it can be entered on the page, too." name:"receive-url" placeholder:"URL"`
}

// stopTimeout is how long calls that are under way may take at the end.
const stopTimeout = 2 * time.Second

// Run plays a vendor until ctx is done. Nothing of it is kept.
func (c *emulateCommand) Run(ctx context.Context, io stdio) error {
	traits, ok := all.Emulators()[c.Provider]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(all.Emulators())), ", ")
		return &usageError{fmt.Errorf("there is no emulator of %q; there are %s", c.Provider, known)}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return &config.Error{Flag: "listen", Env: "HANDOFF_EMULATE_LISTEN", Problem: err.Error()}
	}
	guarded := egress.New(egress.Options{AllowPrivate: true})
	defer guarded.Close()

	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	vendor := traits.New(time.Now)
	front := emulator.NewFront(vendor)
	sender := emulator.NewSender(sending, guarded.Client(), traits.Retries)
	sender.EmptyAnswers = traits.EmptyAnswers
	if r, ok := vendor.(emulator.Reporter); ok {
		r.Report(sender.Later)
	}
	play := emulator.NewPlayground(title(c.Provider), vendor, front, sender)
	server := &http.Server{Handler: play, ReadHeaderTimeout: stopTimeout}
	defer func() {
		stop()
		sender.Wait()
	}()
	if c.ReceiveURL != "" {
		if _, err := play.Enter(c.ReceiveURL); err != nil {
			return &config.Error{Flag: "receive-url", Env: "HANDOFF_EMULATE_RECEIVE_URL", Problem: err.Error()}
		}
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err := c.greet(io, "http://"+listener.Addr().String(), vendor); err != nil {
		return err
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	front.Stop()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := server.Shutdown(ending); errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return nil
}

func title(kind string) string {
	for _, k := range all.Kinds() {
		if d := k.Describe(); d.Name == kind {
			return d.Title
		}
	}
	return kind
}

func (c *emulateCommand) greet(io stdio, address string, vendor emulator.Emulator) error {
	settings, err := protojson.Marshal(vendor.Config(address))
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"agentId": "shop", c.Provider: json.RawMessage(settings)})
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, `listening on %s

    human's page   %[1]s%s

Configure an agent of a server that runs with --allow-private-destinations by this
request of ConfigureProvider, and enter the receiveUrl of its answer on the page:

configuration %s

All of it is gone when you stop it with Ctrl-C.
`, address, emulator.PagePath, body)
	return nil
}
