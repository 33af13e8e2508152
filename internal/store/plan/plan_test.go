package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const committed = "../migrations"

func TestSQLiteMigrationsMakeTheSchema(t *testing.T) {
	t.Parallel()
	missing, err := diffSQLite(t.Context(), filepath.Join(committed, "sqlite"), "missing.sql")
	require.NoError(t, err)
	for _, f := range missing {
		t.Errorf("the ent schema has moved on; run go run ./internal/store/plan NAME\n%s", f.Bytes())
	}
}

func TestPostgresMigrationsMakeTheSchema(t *testing.T) {
	t.Parallel()
	missing, err := diffPostgres(t.Context(), postgres(t), filepath.Join(committed, "postgres"), "missing.sql")
	require.NoError(t, err)
	for _, f := range missing {
		t.Errorf("the ent schema has moved on; run go run ./internal/store/plan NAME\n%s", f.Bytes())
	}
}

func postgres(t *testing.T) string {
	t.Helper()
	url := os.Getenv(postgresEnv)
	if url == "" {
		t.Skip("needs a PostgreSQL server in " + postgresEnv)
	}
	return url
}

func TestPlanTheFirstMigrations(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	written, err := plan(t.Context(), root, "initial", "")
	require.NoError(t, err)
	require.Equal(t, []string{
		filepath.Join(root, "sqlite", "0001_initial.sql"), filepath.Join(root, "postgres", "0001_initial.sql"),
	}, written)
	missing, err := diffSQLite(t.Context(), filepath.Join(root, "sqlite"), "missing.sql")
	require.NoError(t, err)
	require.Empty(t, missing)
	for _, path := range written {
		require.FileExists(t, filepath.Join(filepath.Dir(path), "atlas.sum"))
	}

	_, err = plan(t.Context(), root, "second", "")
	require.ErrorContains(t, err, postgresEnv, "without a server there is no second one")
}

func TestPlanTheNextMigrations(t *testing.T) {
	t.Parallel()
	url := postgres(t)
	root := t.TempDir()
	require.NoError(t, os.CopyFS(root, os.DirFS(committed)))
	written, err := plan(t.Context(), root, "nothing", url)
	require.NoError(t, err)
	require.Empty(t, written, "the committed ones make the schema")

	// Without the index of the lanes, both dialects have something to write.
	for _, dialect := range []string{"sqlite", "postgres"} {
		path := filepath.Join(root, dialect, "0001_initial.sql")
		var kept []string
		sql, err := os.ReadFile(path)
		require.NoError(t, err)
		for line := range strings.Lines(string(sql)) {
			if !strings.Contains(line, "delivery_lane") {
				kept = append(kept, line)
			}
		}
		require.NoError(t, os.WriteFile(path, []byte(strings.Join(kept, "")), 0o600))
		require.NoError(t, os.Remove(filepath.Join(root, dialect, "atlas.sum")))
		_, err = write(filepath.Join(root, dialect), nil)
		require.NoError(t, err)
	}
	next, err := nextVersion(root)
	require.NoError(t, err)
	written, err = plan(t.Context(), root, "lanes", url)
	require.NoError(t, err)
	require.Len(t, written, 2)
	for _, path := range written {
		require.Contains(t, filepath.Base(path), "lanes")
		sql, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Contains(t, string(sql), "CREATE INDEX")
	}
	after, err := nextVersion(root)
	require.NoError(t, err)
	require.Equal(t, next+1, after)
	written, err = plan(t.Context(), root, "nothing", url)
	require.NoError(t, err)
	require.Empty(t, written)
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "Add", "1st", "a b", "../x"} {
		_, err := plan(t.Context(), t.TempDir(), name, "")
		require.ErrorContains(t, err, "lower-case", name)
	}
	root := t.TempDir()
	require.NoError(t, os.CopyFS(root, os.DirFS(committed)))
	f, err := os.OpenFile(filepath.Join(root, "sqlite", "0001_initial.sql"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("-- edited\n")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	_, err = diffSQLite(t.Context(), filepath.Join(root, "sqlite"), "missing.sql")
	require.ErrorContains(t, err, "atlas.sum")
}
