// Command plan writes the next migrations of the store.
//
//	go generate ./ent
//	go run ./internal/store/plan NAME
//
// It replays the files of each dialect on an empty database, compares what they
// make with the ent schema and writes the difference as the next file. SQLite is
// replayed in memory. PostgreSQL needs a server: its URL is taken from
// HANDOFF_TEST_POSTGRES, and a database of its own is made there and dropped again.
// Read what was written before you commit it: a renamed column looks like one
// that went and one that came.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"

	entmigrate "github.com/human-handoff/handoff/ent/migrate"
)

// folder holds the migrations, seen from the module's root.
const folder = "internal/store/migrations"

// postgresEnv names the variable that holds the URL of a PostgreSQL server.
const postgresEnv = "HANDOFF_TEST_POSTGRES"

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./internal/store/plan NAME")
		os.Exit(2)
	}
	written, err := plan(context.Background(), folder, os.Args[1], os.Getenv(postgresEnv))
	for _, file := range written {
		fmt.Println("wrote", file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "plan:", err)
		os.Exit(1)
	}
	if len(written) == 0 {
		fmt.Println("the migrations make what the schema asks for; nothing to write")
	}
}

var validName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// plan writes the next migration of each dialect that needs one and returns the
// paths of what it wrote. It writes nothing unless both dialects can be planned.
func plan(ctx context.Context, root, name, postgresURL string) ([]string, error) {
	if !validName.MatchString(name) {
		return nil, fmt.Errorf("%q does not do as a name: use lower-case letters, digits and _, as in add_timers", name)
	}
	version, err := nextVersion(root)
	if err != nil {
		return nil, err
	}
	format := formatter(fmt.Sprintf("%04d_%s.sql", version, name))
	if postgresURL == "" && version > 1 {
		return nil, fmt.Errorf("set %s to the URL of a PostgreSQL server, on which the migrations so far can be replayed; only the very first one can do without", postgresEnv)
	}
	sqliteFiles, err := diffSQLite(ctx, filepath.Join(root, "sqlite"), format)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	var postgresFiles []migrate.File
	if postgresURL == "" {
		postgresFiles, err = dumpPostgres(ctx, format)
	} else {
		postgresFiles, err = diffPostgres(ctx, postgresURL, filepath.Join(root, "postgres"), format)
	}
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	written, err := write(filepath.Join(root, "sqlite"), sqliteFiles)
	if err != nil {
		return written, err
	}
	more, err := write(filepath.Join(root, "postgres"), postgresFiles)
	return append(written, more...), err
}

// nextVersion returns the number after the highest of both dialects, so that one
// number means the same step in both.
func nextVersion(root string) (int, error) {
	paths, err := filepath.Glob(filepath.Join(root, "*", "*.sql"))
	if err != nil {
		return 0, err
	}
	last := 0
	for _, path := range paths {
		number, _, _ := strings.Cut(filepath.Base(path), "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			return 0, fmt.Errorf("%s is not named NNNN_what.sql", path)
		}
		last = max(last, version)
	}
	return last + 1, nil
}

// formatter puts a plan into one file of a given name.
type formatter string

// Format implements migrate.Formatter.
func (name formatter) Format(p *migrate.Plan) ([]migrate.File, error) {
	var b strings.Builder
	for _, change := range p.Changes {
		if change.Comment != "" {
			fmt.Fprintf(&b, "-- %s\n", change.Comment)
		}
		fmt.Fprintf(&b, "%s;\n", change.Cmd)
	}
	return []migrate.File{migrate.NewLocalFile(string(name), []byte(b.String()))}, nil
}

// dumpPostgres writes the whole schema without a server, as a first migration.
func dumpPostgres(ctx context.Context, format formatter) ([]migrate.File, error) {
	tables, err := schema.CopyTables(entmigrate.Tables)
	if err != nil {
		return nil, err
	}
	ddl, err := schema.DDL(ctx, schema.DDLArgs{Dialect: dialect.Postgres, Version: "15", Tables: tables})
	if err != nil {
		return nil, err
	}
	return []migrate.File{migrate.NewLocalFile(string(format), []byte(ddl))}, nil
}

// write adds files to a folder of migrations and brings its atlas.sum up to date.
func write(path string, files []migrate.File) ([]string, error) {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return nil, err
	}
	dir, err := migrate.NewLocalDir(path)
	if err != nil {
		return nil, err
	}
	var written []string
	for _, f := range files {
		if err := dir.WriteFile(f.Name(), f.Bytes()); err != nil {
			return written, err
		}
		written = append(written, filepath.Join(path, f.Name()))
	}
	sum, err := dir.Checksum()
	return written, errors.Join(err, migrate.WriteSumFile(dir, sum))
}
