package store

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/internal/handoff"
)

// ErrNewerDatabase is what Open returns, with both versions in its text, for a
// database that a newer program has written.
var ErrNewerDatabase = errors.New("the database is newer than this program")

// ErrClosed is returned by every method after Close.
var ErrClosed = &handoff.Error{Code: handoff.CodeUnavailable, Reason: "STORE_CLOSED", Message: "the server is shutting down; try again in a moment"}

// ErrOverloaded is returned when more updates wait than the writer takes on.
var ErrOverloaded = &handoff.Error{Code: handoff.CodeExhausted, Reason: "STORE_OVERLOADED", Message: "more updates are waiting for the database than it can take; try again in a moment"}

// ErrStuck is returned when an update has waited too long for its turn.
var ErrStuck = &handoff.Error{Code: handoff.CodeUnavailable, Reason: "DATABASE_STUCK", Message: "the database has not taken a write for some seconds and nothing was stored; check its disk, then try again"}

// translate tells a caller what an error of the database means to it. Errors of
// the domain and of contexts stay as they are.
func translate(err error) error {
	var known *handoff.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var s *sqlite.Error
	if !errors.As(err, &s) {
		return fmt.Errorf("store: %w", err)
	}
	fault := func(code handoff.Code, reason, message string) error {
		return &handoff.Error{Code: code, Reason: reason, Message: message, Err: err}
	}
	switch s.Code() & 0xff { // the rest of an extended code only says where
	case sqlite3.SQLITE_FULL:
		return fault(handoff.CodeExhausted, "DISK_FULL", "the disk that holds the database is full and nothing was stored; free some space, then try again")
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fault(handoff.CodeUnavailable, "DATABASE_BUSY", "another process kept the database locked and nothing was stored; try again, and end the other process if it stays")
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM:
		return fault(handoff.CodeUnavailable, "DATABASE_UNAVAILABLE", "the database file cannot be read or written and nothing was stored; check its disk, its permissions and the server's log, then try again")
	default:
		return fmt.Errorf("store: %w", err)
	}
}

// refusal marks an error that comes from a caller's own function, or from what
// it asked for, before anything was written: it concerns nobody else.
type refusal struct{ err error }

func (r refusal) Error() string { return r.err.Error() }
func (r refusal) Unwrap() error { return r.err }

func refuse(err error) error {
	if err == nil {
		return nil
	}
	return refusal{err}
}

// notFound replaces ent's error for a missing row by what the port promises.
func notFound(err error, instead error) error {
	if ent.IsNotFound(err) {
		return instead
	}
	return err
}

// ignoreNotFound lets a list be empty when what it is filtered by does not exist.
func ignoreNotFound(err error) error {
	if errors.Is(err, handoff.ErrSessionNotFound) {
		return nil
	}
	return err
}

// readError tells a caller what an error of a read means to it. A read that was
// interrupted ended because its context did.
func (s *Store) readError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case s.writer.isClosed():
		return ErrClosed
	default:
		return translate(err)
	}
}
