package store

import (
	"context"
	"database/sql"
	"errors"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/human-handoff/handoff/ent"
)

// transaction is the writer's open transaction as commands see it: ent for all
// that is rare, prepared statements for what every message needs, and the
// sessions that are open as the last commit left them.
type transaction struct {
	*ent.Client

	hot    *hotStatements
	cache  *sessionCache
	change int64    // the latest place that was given in the order of changes
	placed []placed // those that this transaction gave or stored
	marked bool     // it is noted that places may be lost
}

// writeConn is the one connection that may write. It begins and ends
// transactions itself, so that its statements can be prepared once for all of
// them, which a [sql.Tx] cannot do without a copy for each.
type writeConn struct {
	conn   *sql.Conn
	tx     transaction
	places *places
}

func connect(ctx context.Context, db *sql.DB, order *places) (_ *writeConn, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c := &writeConn{conn: conn, places: order}
	if c.tx.hot, err = prepare(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	c.tx.cache = newSessionCache()
	c.tx.Client = ent.NewClient(ent.Driver(ongoing{entsql.NewDriver(dialect.SQLite, entsql.Conn{ExecQuerier: conn})}))
	return c, nil
}

// begin opens a transaction. What the cache holds counts only as long as nobody
// else writes to the file.
func (c *writeConn) begin(ctx context.Context) error {
	if _, err := c.tx.hot.begin.ExecContext(ctx); err != nil {
		return err
	}
	var version int64
	if err := c.tx.hot.dataVersion.QueryRowContext(ctx).Scan(&version); err != nil {
		c.rollback(ctx)
		return err
	}
	if !c.tx.cache.follow(version) {
		return nil
	}
	var change int64
	if err := c.tx.hot.lastChange.QueryRowContext(ctx).Scan(&change); err != nil {
		c.rollback(ctx)
		return err
	}
	c.tx.change = max(c.tx.change, change)
	return nil
}

// commit makes the transaction and its places in the order of changes known in one
// step: who has read a session finds its place.
func (c *writeConn) commit(ctx context.Context) error {
	c.places.mu.Lock()
	defer c.places.mu.Unlock()
	if _, err := c.tx.hot.commit.ExecContext(ctx); err != nil {
		c.rollback(ctx)
		return err
	}
	c.places.publish(c.tx.placed, c.tx.change)
	c.tx.placed = c.tx.placed[:0]
	return nil
}

// rollback undoes the transaction. Some errors make SQLite do that by itself; the
// error of a second one then says nothing new.
func (c *writeConn) rollback(ctx context.Context) {
	c.tx.cache.drop()
	c.tx.placed, c.tx.marked = c.tx.placed[:0], false
	_, _ = c.tx.hot.rollback.ExecContext(ctx)
}

// close closes the connection; a second time it does nothing.
func (c *writeConn) close() error {
	err := c.conn.Close()
	if errors.Is(err, sql.ErrConnDone) {
		return nil
	}
	return errors.Join(c.tx.hot.close(), err)
}

// ongoing is a driver of whose transactions there is one already.
type ongoing struct{ dialect.Driver }

// Tx returns the transaction that is open.
func (d ongoing) Tx(context.Context) (dialect.Tx, error) { return dialect.NopTx(d), nil }
