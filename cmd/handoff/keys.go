package main

import (
	"context"
	"fmt"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/human-handoff/handoff/internal/app"
	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/config"
)

type keysCommand struct {
	Create keysCreateCommand `cmd:"" help:"Create a key; it is shown this once, as the last word on stdout."`
	List   keysListCommand   `cmd:"" help:"List all keys, without their secrets."`
	Revoke keysRevokeCommand `cmd:"" help:"Revoke a key: a running server refuses it within a second."`
}

type keysCreateCommand struct {
	config.Database `embed:""`

	Scope string `enum:"admin,agent,desk" help:"What the key may do: ${enum}." placeholder:"admin|agent|desk" required:""`
	Agent string `help:"The agent that a key of scope agent or desk belongs to." placeholder:"ID"`
	Name  string `help:"A note for the list of keys." placeholder:"TEXT"`
}

// Run creates a key.
func (c *keysCreateCommand) Run(ctx context.Context, io stdio) error {
	return withKeys(ctx, c.Database, func(a *auth.Authenticator) error {
		secret, key, err := a.CreateKey(ctx, auth.Scope(c.Scope), c.Agent, c.Name)
		if err != nil {
			return &usageError{err}
		}
		_, err = fmt.Fprintf(io.out, "created %s, scope %s: %s\n", key.ID, key.Scope, secret)
		return err
	})
}

type keysListCommand struct {
	config.Database `embed:""`
}

// Run lists the keys.
func (c *keysListCommand) Run(ctx context.Context, io stdio) error {
	return withKeys(ctx, c.Database, func(a *auth.Authenticator) error {
		keys, err := a.Keys(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tSCOPE\tAGENT\tNAME\tCREATED\tLAST USED\tREVOKED")
		for _, k := range keys {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Scope, k.AgentID, k.Name, day(k.CreateTime), day(k.LastUsedTime), day(k.RevokeTime))
		}
		return table.Flush()
	})
}

type keysRevokeCommand struct {
	config.Database `embed:""`

	ID string `arg:"" help:"The key's id, as keys list shows it."`
}

// Run revokes a key.
func (c *keysRevokeCommand) Run(ctx context.Context, io stdio) error {
	return withKeys(ctx, c.Database, func(a *auth.Authenticator) error {
		key, err := a.RevokeKey(ctx, c.ID)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(io.out, "revoked", key.ID)
		return err
	})
}

// withKeys opens the database, beside a server that may be running on it.
func withKeys(ctx context.Context, d config.Database, fn func(*auth.Authenticator) error) (err error) {
	path, err := d.Path()
	if err != nil {
		return err
	}
	s, err := app.OpenStore(ctx, path, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := s.Close(); err == nil {
			err = closeErr
		}
	}()
	return fn(auth.New(auth.Config{Store: s, NewID: app.NewID, Now: time.Now}))
}

func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
