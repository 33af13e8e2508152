package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"golang.org/x/term"

	"github.com/human-handoff/handoff/internal/app"
	"github.com/human-handoff/handoff/internal/config"
)

type serveCommand struct {
	config.Flags `embed:""`
}

// Run serves until ctx is done.
func (c *serveCommand) Run(ctx context.Context, io stdio) error {
	checked, err := c.Check(io.errIsTerminal)
	if err != nil {
		return err
	}
	log := newLogger(io, checked.JSONLogs)
	a, err := app.New(ctx, checked, log)
	if err != nil {
		return err
	}
	announce := func(address string) { fmt.Fprintf(io.out, "listening on http://%s\n", address) }
	return a.Run(ctx, announce, func(key string) error { return showKey(io, checked.DatabasePath, key, log) })
}

// showKey hands over the first admin key: on a terminal to whoever sits there,
// else in a file, for logs are kept.
func showKey(io stdio, databasePath, key string, log *slog.Logger) error {
	if io.errIsTerminal {
		fmt.Fprintf(io.err, "\nYour admin key, shown this once:\n\n    %s\n\n", key)
		return nil
	}
	path := databasePath + ".admin-key"
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := app.WriteSecret(path, key); err != nil {
		return err
	}
	log.Info("admin key written", slog.String("path", path))
	return nil
}

func newLogger(io stdio, json bool) *slog.Logger {
	if json {
		return slog.New(slog.NewJSONHandler(io.err, nil))
	}
	return slog.New(slog.NewTextHandler(io.err, nil))
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
