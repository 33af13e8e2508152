package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/handoff"
)

func openTest(t *testing.T, queue int) *Store {
	t.Helper()
	o := Options{Path: filepath.Join(t.TempDir(), "handoff.db"), Logger: slog.New(slog.DiscardHandler)}
	s, err := open(t.Context(), o, queue)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// writeDB returns the one writing connection.
func (s *Store) writeDB() *sql.Conn { return s.writer.db.conn }

func newSession(t *testing.T, s *Store, id string) {
	t.Helper()
	c := handoff.ConversationKey{AgentID: "a", ConversationID: id}
	_, _, err := s.Create(t.Context(), c, "", func(epoch uint64) (*handoff.Session, error) {
		return handoff.NewSession(handoff.Session{ID: id, AgentID: "a", ConversationID: id}, handoff.Start{}, epoch, time.Unix(1, 0)), nil
	})
	require.NoError(t, err)
}

func send(ctx context.Context, s *Store, id string) error {
	return s.Update(ctx, "s1", id, func(ses *handoff.Session) error {
		_, err := ses.Accept(handoff.Message{ID: id}, time.Unix(2, 0))
		return err
	})
}

// together lets callers wait until all of them are in the queue, then frees the
// writer, and returns what each of them got.
func together(t *testing.T, s *Store, callers ...func() error) []error {
	t.Helper()
	begun, free := make(chan struct{}), make(chan struct{})
	errs := make([]error, len(callers))
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = s.Update(t.Context(), "s1", "", func(*handoff.Session) error {
			close(begun)
			<-free
			return nil
		})
	})
	<-begun
	for i, caller := range callers {
		wg.Go(func() { errs[i] = caller() })
	}
	for len(s.writer.queue) < len(callers) {
		runtime.Gosched()
	}
	close(free)
	wg.Wait()
	return errs
}

func messages(t *testing.T, s *Store) int {
	t.Helper()
	log, err := s.Log(t.Context(), "s1", 0, 1<<20)
	require.NoError(t, err)
	require.Len(t, log.Events, int(log.Last))
	return len(log.Events) - 1
}

func TestWriterSharesTransactions(t *testing.T) {
	t.Parallel()
	s := openTest(t, 2*maxBatch)
	newSession(t, s, "s1")
	before := s.writer.tried.Load()
	callers := make([]func() error, maxBatch+10)
	for i := range callers {
		callers[i] = func() error { return send(t.Context(), s, fmt.Sprint(i)) }
	}
	require.NoError(t, errors.Join(together(t, s, callers...)...))
	require.EqualValues(t, 3, s.writer.tried.Load()-before, "the one that was held, a full batch, and the rest")
	require.Equal(t, maxBatch+10, messages(t, s))
}

// A write that fails takes its transaction down, and nobody else's update.
func TestWriterRunsAgainAlone(t *testing.T) {
	t.Parallel()
	s := openTest(t, defaultQueue)
	newSession(t, s, "s1")
	require.NoError(t, s.AddKey(t.Context(), auth.Key{ID: "taken", Hash: []byte("taken")}))
	before := s.writer.tried.Load()
	var runs atomic.Int32
	good := func(id string) func() error {
		return func() error {
			// Without a key, so that nothing hides a message that is stored twice.
			return s.Update(t.Context(), "s1", "", func(ses *handoff.Session) error {
				runs.Add(1)
				_, err := ses.Accept(handoff.Message{ID: id}, time.Unix(2, 0))
				return err
			})
		}
	}
	refused := errors.New("no")
	errs := together(t, s,
		good("m1"),
		func() error { return s.AddKey(t.Context(), auth.Key{ID: "taken", Hash: []byte("other")}) },
		good("m2"),
		func() error {
			return s.Update(t.Context(), "s1", "", func(*handoff.Session) error { return refused })
		},
		func() error { return s.AddKey(t.Context(), auth.Key{ID: "new", Hash: []byte("new")}) },
		good("m3"),
	)
	require.NoError(t, errors.Join(errs[0], errs[2], errs[4], errs[5]))
	require.ErrorContains(t, errs[1], "UNIQUE")
	require.Equal(t, refused, errs[3])
	require.Equal(t, 3, messages(t, s))
	keys, err := s.Keys(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, 2)
	require.EqualValues(t, 2+6, s.writer.tried.Load()-before, "the one that was held, the batch, and each alone")
	require.GreaterOrEqual(t, runs.Load(), int32(3))
}

// A commit may fail too; then every update of it runs again.
func TestWriterCommitFails(t *testing.T) {
	t.Parallel()
	s := openTest(t, defaultQueue)
	newSession(t, s, "s1")
	var fail atomic.Int32
	onCommit(t, s, func() bool { return fail.Add(-1) >= 0 })
	callers := []func() error{
		func() error { fail.Store(1); return send(t.Context(), s, "m0") },
		func() error { return send(t.Context(), s, "m1") },
		func() error { return send(t.Context(), s, "m2") },
	}
	fail.Store(1)
	require.NoError(t, errors.Join(together(t, s, callers[1:]...)...), "the second try is better")
	require.Equal(t, 2, messages(t, s))

	require.Error(t, callers[0](), "a caller alone has but one try")
	require.Equal(t, 2, messages(t, s))
	require.NoError(t, send(t.Context(), s, "m0"), "and the writer goes on")
	require.Equal(t, 3, messages(t, s))
}

// onCommit lets commits of the writing connection fail.
func onCommit(t *testing.T, s *Store, fail func() bool) {
	t.Helper()
	require.NoError(t, s.writeDB().Raw(func(c any) error {
		c.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 {
			if fail() {
				return 1
			}
			return 0
		})
		return nil
	}))
}

func TestWriterTurnsAwayWhatItCannotTake(t *testing.T) {
	t.Parallel()
	s := openTest(t, 2)
	newSession(t, s, "s1")
	begun, free, done := make(chan struct{}), make(chan struct{}), make(chan error, 3)
	go func() {
		done <- s.Update(t.Context(), "s1", "", func(*handoff.Session) error { close(begun); <-free; return nil })
	}()
	<-begun
	for i := range 2 {
		go func() { done <- send(t.Context(), s, fmt.Sprint(i)) }()
	}
	for len(s.writer.queue) < 2 {
		runtime.Gosched()
	}
	full := send(t.Context(), s, "one too many")
	require.ErrorIs(t, full, ErrOverloaded)
	require.Equal(t, handoff.CodeExhausted, handoff.CodeOf(full))
	close(free)
	for range 3 {
		require.NoError(t, <-done)
	}
	require.NoError(t, send(t.Context(), s, "later"))
	require.Equal(t, 3, messages(t, s))
}

// A caller whose turn does not come is told so after some seconds, and its update
// never runs; the one that the writer is stuck with waits for its outcome.
func TestWriterIsStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openTest(t, defaultQueue)
		newSession(t, s, "s1")
		begun, free, held := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			held <- s.Update(t.Context(), "s1", "", func(ses *handoff.Session) error {
				close(begun)
				<-free
				_, err := ses.Accept(handoff.Message{ID: "held"}, time.Unix(2, 0))
				return err
			})
		}()
		<-begun
		before := time.Now()
		require.ErrorIs(t, send(t.Context(), s, "m1"), ErrStuck)
		require.Equal(t, maxWait, time.Since(before))
		close(free)
		require.NoError(t, <-held)
		require.Equal(t, 1, messages(t, s))
	})
}

func TestWriterPanicInAWrite(t *testing.T) {
	t.Parallel()
	s := openTest(t, defaultQueue)
	newSession(t, s, "s1")
	errs := together(t, s,
		func() error { return send(t.Context(), s, "m1") },
		func() error {
			return s.Update(t.Context(), "s1", "k", func(ses *handoff.Session) error {
				_, err := ses.Accept(handoff.Message{ID: "m"}, time.Unix(2, 0))
				ses.Changes().Events[0].Body = nil // what no program should do
				return err
			})
		},
		func() error {
			return s.writer.do(t.Context(), func(context.Context, *transaction) error { panic("a bug") })
		},
		func() error { return send(t.Context(), s, "m2") },
	)
	require.NoError(t, errors.Join(errs[0], errs[3]))
	require.ErrorContains(t, errs[1], "<nil>")
	require.ErrorContains(t, errs[2], "a bug")
	require.Equal(t, 2, messages(t, s))
}

// Another process that writes to the file is waited for, up to the busy time-out.
func TestWriterAgainstAnotherProcess(t *testing.T) {
	t.Parallel()
	s := openTest(t, defaultQueue)
	newSession(t, s, "s1")
	exec(t, s.writeDB(), "PRAGMA busy_timeout = 1")
	other, err := (&Store{}).openPool(databasePath(t, s), writerPragmas, 1)
	require.NoError(t, err)
	defer other.Close()
	tx, err := other.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	before := s.writer.tried.Load()
	err = send(t.Context(), s, "m1")
	require.Equal(t, handoff.CodeUnavailable, handoff.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "another process")
	errs := inBatch(s, func(context.Context, *transaction) error { return nil }, func(context.Context, *transaction) error { return nil })
	for _, err := range errs {
		require.Equal(t, handoff.CodeUnavailable, handoff.CodeOf(err))
	}
	require.EqualValues(t, 2, s.writer.tried.Load()-before, "none of a batch waits for the lock again by itself")
	require.NoError(t, tx.Rollback())
	require.NoError(t, send(t.Context(), s, "m1"))
}

// inBatch puts commands into one batch, past the queue.
func inBatch(s *Store, commands ...command) []error {
	batch := make([]*request, len(commands))
	for i, run := range commands {
		batch[i] = &request{ctx: context.Background(), run: run, done: make(chan struct{})}
	}
	s.writer.commit(batch)
	errs := make([]error, len(batch))
	for i, r := range batch {
		<-r.done
		errs[i] = r.err
	}
	return errs
}

func TestWriterOnAFullDisk(t *testing.T) {
	t.Parallel()
	s := openTest(t, defaultQueue)
	newSession(t, s, "s1")
	var pages int
	require.NoError(t, s.writeDB().QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&pages))
	exec(t, s.writeDB(), fmt.Sprintf("PRAGMA max_page_count = %d", pages))
	big := string(make([]byte, 1<<20))
	err := s.Update(t.Context(), "s1", "", func(ses *handoff.Session) error {
		_, err := ses.Accept(handoff.Message{ID: "m1", Text: big}, time.Unix(2, 0))
		return err
	})
	require.Equal(t, handoff.CodeExhausted, handoff.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "disk")
	require.Zero(t, messages(t, s))
	exec(t, s.writeDB(), fmt.Sprintf("PRAGMA max_page_count = %d", pages+10_000))
	require.NoError(t, send(t.Context(), s, "m1"))
	require.Equal(t, 1, messages(t, s))
}

func exec(t *testing.T, db *sql.Conn, statement string) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), statement)
	require.NoError(t, err)
}

func databasePath(t *testing.T, s *Store) (path string) {
	t.Helper()
	require.NoError(t, s.writeDB().QueryRowContext(t.Context(), "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path))
	return path
}

func TestReadersCannotWrite(t *testing.T) {
	t.Parallel()
	s := openTest(t, defaultQueue)
	err := s.read.Meta.Create().SetID("k").SetValue([]byte{}).Exec(t.Context())
	require.ErrorContains(t, err, "readonly")
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	s := openTest(t, defaultQueue)
	ctx, cancel := context.WithCancel(t.Context())
	interrupted := errors.New("interrupted")
	require.ErrorIs(t, s.readError(ctx, interrupted), interrupted)
	cancel()
	require.ErrorIs(t, s.readError(ctx, interrupted), context.Canceled, "since its caller left")
	require.NoError(t, s.readError(ctx, nil))
}

func TestCheckPragmas(t *testing.T) {
	t.Parallel()
	for name, pragmas := range map[string][]string{
		"synchronous":  {"synchronous(NORMAL)", "journal_mode(WAL)", "foreign_keys(1)"},
		"journal_mode": {"synchronous(FULL)", "journal_mode(DELETE)", "foreign_keys(1)"},
		"foreign_keys": {"synchronous(FULL)", "journal_mode(WAL)", "foreign_keys(0)"},
	} {
		var s Store
		db, err := s.openPool(filepath.Join(t.TempDir(), "x.db"), map[string][]string{"_pragma": pragmas}, 1)
		require.NoError(t, err)
		require.ErrorContains(t, checkPragmas(t.Context(), db), name)
		require.NoError(t, s.closeDatabases())
	}
}
