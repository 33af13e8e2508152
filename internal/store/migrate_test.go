package store

import (
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/store/migrations"
)

var discard = slog.New(slog.DiscardHandler)

func openDB(t *testing.T) *sql.DB {
	t.Helper()
	var s Store
	db, err := s.openPool(filepath.Join(t.TempDir(), "x.db"), writerPragmas, 1)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.closeDatabases()) })
	return db
}

func up(t *testing.T, db *sql.DB, steps ...migrations.Migration) error {
	t.Helper()
	return migrate(t.Context(), db, dialect.SQLite, steps, discard)
}

func versions(t *testing.T, db *sql.DB) (text string) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COALESCE(GROUP_CONCAT(version || ' ' || name), '') FROM "+versionTable).Scan(&text))
	return text
}

var (
	one   = migrations.Migration{Version: 1, Name: "one", SQL: "CREATE TABLE a (id integer PRIMARY KEY); CREATE TABLE b (a integer REFERENCES a (id) ON DELETE CASCADE); INSERT INTO a VALUES (1); INSERT INTO b VALUES (1);"}
	two   = migrations.Migration{Version: 2, Name: "two", SQL: "CREATE TABLE new_a (id integer PRIMARY KEY, name text); INSERT INTO new_a SELECT id, 'x' FROM a; DROP TABLE a; ALTER TABLE new_a RENAME TO a;"}
	three = migrations.Migration{Version: 3, Name: "three", SQL: "CREATE TABLE c (id integer); INSERT INTO nowhere VALUES (1);"}
)

func TestMigrate(t *testing.T) {
	t.Parallel()

	t.Run("from nothing and again", func(t *testing.T) {
		t.Parallel()
		db := openDB(t)
		require.NoError(t, up(t, db, one, two))
		require.Equal(t, "1 one,2 two", versions(t, db))
		require.NoError(t, up(t, db, one, two))
		require.Equal(t, "1 one,2 two", versions(t, db))
	})

	t.Run("goes on from where it is and keeps the rows", func(t *testing.T) {
		t.Parallel()
		db := openDB(t)
		require.NoError(t, up(t, db, one))
		require.NoError(t, up(t, db, one, two))
		require.Equal(t, "1 one,2 two", versions(t, db))
		var rows int
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM b JOIN a ON a.id = b.a WHERE a.name = 'x'").Scan(&rows))
		require.Equal(t, 1, rows, "a table that is made anew does not drag its children along")
		require.NoError(t, checkPragmas(t.Context(), db), "foreign keys are on again")
	})

	t.Run("a newer database", func(t *testing.T) {
		t.Parallel()
		db := openDB(t)
		require.NoError(t, up(t, db, one, two))
		err := up(t, db, one)
		require.ErrorIs(t, err, ErrNewerDatabase)
		require.ErrorContains(t, err, "version 2")
		require.ErrorContains(t, err, "up to 1")
		require.Equal(t, "1 one,2 two", versions(t, db))
	})

	t.Run("a step that fails leaves nothing", func(t *testing.T) {
		t.Parallel()
		db := openDB(t)
		require.ErrorContains(t, up(t, db, one, two, three), "0003_three")
		require.Equal(t, "1 one,2 two", versions(t, db))
		_, err := db.ExecContext(t.Context(), "SELECT * FROM c")
		require.ErrorContains(t, err, "no such table")
		require.NoError(t, checkPragmas(t.Context(), db))
	})

	t.Run("a step that breaks a foreign key", func(t *testing.T) {
		t.Parallel()
		db := openDB(t)
		err := up(t, db, one, migrations.Migration{Version: 2, Name: "orphans", SQL: "DELETE FROM a;"})
		require.ErrorContains(t, err, "of b would point at no row of a")
		require.Equal(t, "1 one", versions(t, db))
	})
}

func TestOpenRefusesANewerDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	s, err := Open(t.Context(), Options{Path: path, Logger: discard})
	require.NoError(t, err)
	exec(t, s.writeDB(), "INSERT INTO "+versionTable+" VALUES (9999, 'from the future')")
	require.NoError(t, s.Close())
	_, err = Open(t.Context(), Options{Path: path, Logger: discard})
	require.ErrorIs(t, err, ErrNewerDatabase)
	require.ErrorContains(t, err, "9999")
	require.ErrorContains(t, err, path)
}

// Two programs that start on one new file at the same time.
func TestOpenRace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	const programs = 4
	errs := make(chan error, programs)
	for range programs {
		go func() {
			s, err := Open(t.Context(), Options{Path: path, Logger: discard})
			if err == nil {
				err = s.Close()
			}
			errs <- err
		}()
	}
	for range programs {
		require.NoError(t, <-errs)
	}
}

// oldSession writes a session as version 1 did, with no column for its user.
const oldSession = `INSERT INTO sessions (create_time, id, agent_id, conversation_id, connection_id, provider, details, state, last_sequence, epoch)
VALUES (1, '%[1]s', 'shop', 'of %[1]s', 'con', 'webhook', '%[2]s', 'closed', 1, 1)`

// requireUsersFound upgrades a database with sessions of version 1 and looks for
// their users.
func requireUsersFound(t *testing.T, db *sql.DB, folder, dialectName string) {
	t.Helper()
	steps, err := migrations.For(folder)
	require.NoError(t, err)
	require.NoError(t, migrate(t.Context(), db, dialectName, steps[:1], discard))
	for id, details := range map[string]string{
		"backend": `{"customer":{"user_id":"ann \"a\" ü","email":"ann@example.com"},"question":"x"}`,
		"browser": `{"customer":{"anonymous_id":"a1"},"limits":{}}`,
		"nobody":  `{"customer":{}}`,
	} {
		_, err := db.ExecContext(t.Context(), fmt.Sprintf(oldSession, id, details))
		require.NoError(t, err)
	}
	require.NoError(t, migrate(t.Context(), db, dialectName, steps, discard))
	for id, want := range map[string]string{"backend": `ann "a" ü`, "browser": "", "nobody": ""} {
		var userID string
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT user_id FROM sessions WHERE id = '"+id+"'").Scan(&userID))
		require.Equal(t, want, userID, id)
	}
}

func TestUpgradeFindsTheUsersOfOldSessions(t *testing.T) {
	t.Parallel()

	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		requireUsersFound(t, openDB(t), "sqlite", dialect.SQLite)
	})

	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		url := os.Getenv("HANDOFF_TEST_POSTGRES")
		if url == "" {
			t.Skip("HANDOFF_TEST_POSTGRES does not name a server")
		}
		db, err := sql.Open("pgx", url)
		require.NoError(t, err)
		db.SetMaxOpenConns(1) // so that the tables are always those of the test
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		for _, command := range []string{"DROP SCHEMA IF EXISTS %s CASCADE", "CREATE SCHEMA %s", "SET search_path TO %s"} {
			_, err := db.ExecContext(t.Context(), fmt.Sprintf(command, "upgrade_of_users"))
			require.NoError(t, err)
		}
		t.Cleanup(func() {
			_, err := db.Exec("DROP SCHEMA upgrade_of_users CASCADE")
			require.NoError(t, err)
		})
		requireUsersFound(t, db, "postgres", dialect.Postgres)
	})
}

// What an upgraded database holds is what a Store finds.
func TestAnUpgradedDatabaseKnowsTheAddress(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	var old Store
	db, err := old.openPool(path, writerPragmas, 1)
	require.NoError(t, err)
	steps, err := migrations.For("sqlite")
	require.NoError(t, err)
	require.NoError(t, up(t, db, steps[:1]...))
	_, err = db.ExecContext(t.Context(), fmt.Sprintf(oldSession, "s1", `{"customer":{"user_id":"ann","email":"ann@example.com"},"limits":{}}`))
	require.NoError(t, err)
	require.NoError(t, old.closeDatabases())

	s, err := Open(t.Context(), Options{Path: path, Logger: discard})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	email, err := s.KnownEmail(t.Context(), "shop", "ann")
	require.NoError(t, err)
	require.Equal(t, "ann@example.com", email)
}

func TestMigrationFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sqlite", "postgres"} {
		steps, err := migrations.For(name)
		require.NoError(t, err)
		require.NotEmpty(t, steps)
		require.Equal(t, steps[len(steps)-1].Version, migrations.Latest(steps))
		for i, step := range steps {
			require.NotEmpty(t, strings.TrimSpace(step.SQL))
			require.True(t, i == 0 || step.Version > steps[i-1].Version)
		}
	}
	_, err := migrations.For("mysql")
	require.Error(t, err)
}
