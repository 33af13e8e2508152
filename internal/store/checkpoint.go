package store

import (
	"context"
	"database/sql"
	"log/slog"
	"time"
)

const (
	// checkpointAfter is how many transactions of the writer make a checkpoint worth
	// its while, and checkpointPause how long the disk is left alone after one.
	checkpointAfter = 64
	checkpointPause = 200 * time.Millisecond
)

// checkpointer brings what was committed from the log into the database file, on
// a connection of its own and beside the writer. Left to SQLite, the commit that
// fills the log would do it, and everybody who waits would wait for that.
type checkpointer struct {
	db   *sql.DB
	log  *slog.Logger
	wake chan struct{} // of size 1
	stop context.CancelFunc
	done chan struct{}

	commits int // since the last wake-up; the writer's own
}

func startCheckpointer(db *sql.DB, log *slog.Logger) *checkpointer {
	ctx, cancel := context.WithCancel(context.Background())
	c := &checkpointer{db: db, log: log, wake: make(chan struct{}, 1), stop: cancel, done: make(chan struct{})}
	go c.loop(ctx)
	return c
}

// committed counts a transaction. It does not block.
func (c *checkpointer) committed() {
	if c.commits++; c.commits < checkpointAfter {
		return
	}
	c.commits = 0
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *checkpointer) loop(ctx context.Context) {
	defer close(c.done)
	for {
		select {
		case <-c.wake:
		case <-ctx.Done():
			return
		}
		// PASSIVE does what it can without making anybody wait.
		if _, err := c.db.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)"); err != nil && ctx.Err() == nil {
			c.log.WarnContext(ctx, "store.checkpoint", slog.Any("error", err))
		}
		select {
		case <-time.After(checkpointPause):
		case <-ctx.Done():
			return
		}
	}
}

func (c *checkpointer) close() {
	c.stop()
	<-c.done
}
