package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"

	"github.com/human-handoff/handoff/internal/app"
	"github.com/human-handoff/handoff/internal/config"
)

type demoCommand struct {
	Listen string `default:"127.0.0.1:0" env:"HANDOFF_LISTEN" help:"Address to listen on; port 0 picks a free one." placeholder:"HOST:PORT"`
}

// Run serves a demo until ctx is done; nothing of it is kept.
func (c *demoCommand) Run(ctx context.Context, io stdio) (err error) {
	dir, err := os.MkdirTemp("", "handoff-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	flags := config.Flags{Database: config.Database{Database: "sqlite://" + filepath.Join(dir, "handoff.db")}, Listen: c.Listen}
	checked, err := flags.Check(io.errIsTerminal)
	if err != nil {
		return err
	}
	// Whoever tries it wants to see the links, not a log of what works.
	log := slog.New(slog.NewTextHandler(io.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	a, err := app.New(ctx, checked, log)
	if err != nil {
		return err
	}
	deskKey, err := a.SetUpDemo(ctx)
	if err != nil {
		a.Close(ctx)
		return err
	}
	return a.Run(ctx, func(address string) { c.greet(io, address, deskKey) }, nil)
}

func (c *demoCommand) greet(io stdio, address, deskKey string) {
	base := "http://" + address
	fragment := url.Values{"agent": {app.DemoAgent}, "key": {deskKey}}.Encode()
	fmt.Fprintf(io.out, `listening on %[1]s

Open these two side by side, and talk with yourself:

    customer   %[1]s/chat?agent=%[2]s
    human      %[1]s/desk#%[3]s

All of it is gone when you stop it with Ctrl-C. Next: connect a desk of your own
with five curl commands; see "Five minutes with curl" in the README.
`, base, app.DemoAgent, fragment)
}
