package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	entmigrate "github.com/human-handoff/handoff/ent/migrate"
)

// diffSQLite replays a folder in memory and returns what it lacks; nothing if it
// makes what the ent schema asks for.
func diffSQLite(ctx context.Context, path string, format formatter) ([]migrate.File, error) {
	db, err := sql.Open("sqlite", "file::memory:?_pragma=foreign_keys(1)")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // each connection would have a memory of its own
	return diff(ctx, db, dialect.SQLite, path, format)
}

// diffPostgres does the same on a server, in a database that it drops afterwards.
func diffPostgres(ctx context.Context, serverURL, path string, format formatter) (missing []migrate.File, err error) {
	u, err := url.Parse(serverURL)
	if err != nil {
		return nil, fmt.Errorf("%s is no URL", postgresEnv) // the cause would show its password
	}
	server, err := sql.Open("pgx", serverURL)
	if err != nil {
		return nil, fmt.Errorf("the server of %s: %w", postgresEnv, err)
	}
	defer server.Close()
	name := "handoff_plan_" + strings.ToLower(rand.Text())
	if _, err := server.ExecContext(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		return nil, fmt.Errorf("the server of %s, where a database is made for the replay: %w", postgresEnv, err)
	}
	defer func() {
		_, dropErr := server.ExecContext(context.WithoutCancel(ctx), "DROP DATABASE "+name)
		err = errors.Join(err, dropErr)
	}()
	u.Path = "/" + name
	db, err := sql.Open("pgx", u.String())
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return diff(ctx, db, dialect.Postgres, path, format)
}

// diff replays the migrations of a folder on an empty database and returns the
// file that would bring it to the ent schema. It leaves the folder alone.
func diff(ctx context.Context, db *sql.DB, dialectName, path string, format formatter) ([]migrate.File, error) {
	before, err := known(path)
	if err != nil {
		return nil, err
	}
	scratch := &migrate.MemDir{}
	if err := scratch.CopyFiles(before); err != nil {
		return nil, err
	}
	m, err := schema.NewMigrate(entsql.OpenDB(dialectName, db),
		schema.WithDir(scratch), schema.WithFormatter(format), schema.WithMigrationMode(schema.ModeReplay),
		schema.WithDropColumn(true), schema.WithDropIndex(true), schema.WithIndent("  "))
	if err != nil {
		return nil, err
	}
	tables, err := schema.CopyTables(entmigrate.Tables) // the plan fills in what they leave open
	if err != nil {
		return nil, err
	}
	if err := m.NamedDiff(ctx, string(format), tables...); err != nil {
		return nil, err
	}
	after, err := scratch.Files()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(after, func(f migrate.File) bool {
		return slices.ContainsFunc(before, func(b migrate.File) bool { return b.Name() == f.Name() })
	}), nil
}

// known returns the migrations of a folder, once it is sure that none was edited.
func known(path string) ([]migrate.File, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil // before the first migration
	}
	dir, err := migrate.NewLocalDir(path)
	if err != nil {
		return nil, err
	}
	if err := migrate.Validate(dir); err != nil {
		return nil, fmt.Errorf("%s does not agree with its atlas.sum: %w", path, err)
	}
	return dir.Files()
}
