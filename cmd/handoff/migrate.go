package main

import (
	"context"
	"fmt"

	"github.com/human-handoff/handoff/internal/app"
	"github.com/human-handoff/handoff/internal/config"
)

type migrateCommand struct {
	config.Database `embed:""`
}

// Run migrates; opening a database does.
func (c *migrateCommand) Run(ctx context.Context, io stdio) error {
	path, err := c.Path()
	if err != nil {
		return err
	}
	s, err := app.OpenStore(ctx, path, newLogger(io, !io.errIsTerminal))
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.out, "%s is up to date\n", path)
	return err
}
