package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/human-handoff/handoff/internal/store/migrations"
)

// versionTable remembers which migrations a database has had.
const versionTable = "schema_migrations"

// migrate applies the migrations that a database lacks, each in a transaction
// with its record. ErrNewerDatabase if it has had one that is not among them.
func migrate(ctx context.Context, db *sql.DB, dialectName string, steps []migrations.Migration, log *slog.Logger) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if dialectName == dialect.SQLite {
		// To change a table SQLite makes a new one and drops the old, which must
		// not drag the rows that point at it along. Off only works outside of a
		// transaction; each step checks the keys before it commits.
		if _, err := conn.ExecContext(ctx, "PRAGMA foreign_keys = OFF"); err != nil {
			return err
		}
		defer func() {
			_, onErr := conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA foreign_keys = ON")
			err = errors.Join(err, onErr)
		}()
	}
	for {
		applied, err := migrateStep(ctx, conn, dialectName, steps)
		if err != nil || applied == nil {
			return err
		}
		log.InfoContext(ctx, "database migrated", "version", applied.Version, "migration", applied.Name)
	}
}

// migrateStep applies the next migration and returns it; nil if there is none.
// It looks for the version inside of the transaction, because another process
// may be starting on the same database.
func migrateStep(ctx context.Context, conn *sql.Conn, dialectName string, steps []migrations.Migration) (*migrations.Migration, error) {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	version, err := currentVersion(ctx, tx)
	if err != nil {
		return nil, err
	}
	if known := migrations.Latest(steps); version > known {
		return nil, fmt.Errorf("%w: it has version %d, and this program knows versions up to %d; run the newer program again, or restore a backup from before it", ErrNewerDatabase, version, known)
	}
	for _, step := range steps {
		if step.Version <= version {
			continue
		}
		if err := apply(ctx, tx, dialectName, step); err != nil {
			return nil, fmt.Errorf("migration %04d_%s: %w", step.Version, step.Name, err)
		}
		return &step, tx.Commit()
	}
	return nil, tx.Commit()
}

func currentVersion(ctx context.Context, tx *sql.Tx) (version int, err error) {
	if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+versionTable+" (version bigint NOT NULL PRIMARY KEY, name text NOT NULL)"); err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(version), 0) FROM "+versionTable).Scan(&version)
	return version, err
}

func apply(ctx context.Context, tx *sql.Tx, dialectName string, step migrations.Migration) error {
	if _, err := tx.ExecContext(ctx, step.SQL); err != nil {
		return err
	}
	if dialectName == dialect.SQLite {
		if err := checkForeignKeys(ctx, tx); err != nil {
			return err
		}
	}
	query, args := entsql.Dialect(dialectName).Insert(versionTable).Columns("version", "name").Values(step.Version, step.Name).Query()
	_, err := tx.ExecContext(ctx, query, args...)
	return err
}

func checkForeignKeys(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, "PRAGMA foreign_key_check")
	if err != nil {
		return err
	}
	defer rows.Close()
	if rows.Next() {
		var table, parent string
		var row, key sql.NullInt64
		if err := rows.Scan(&table, &row, &parent, &key); err != nil {
			return err
		}
		return fmt.Errorf("row %d of %s would point at no row of %s", row.Int64, table, parent)
	}
	return rows.Err()
}
