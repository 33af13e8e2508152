package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	lru "github.com/hashicorp/golang-lru/v2"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/internal/agents"
	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/store/migrations"
	"github.com/human-handoff/handoff/internal/timer"
)

// Options say where the database is and who hears of it.
type Options struct {
	Path    string       // of the SQLite file; it is made, for its owner alone, if there is none
	Logger  *slog.Logger // required
	Readers int          // connections that read at the same time; 0 = DefaultReaders
}

// DefaultReaders is how many connections read at the same time.
const DefaultReaders = 4

// Store is a SQLite database. It is safe for concurrent use.
type Store struct {
	writer      *writer
	checkpoints *checkpointer
	places      *places

	savingPlaces sync.WaitGroup
	identities   *lru.Cache[string, handoff.Identity]
	read         *ent.Client // of connections that cannot write
	dbs          []*sql.DB   // in the order of closing
}

// A Store is what all these packages ask for.
var (
	_ handoff.Store  = (*Store)(nil)
	_ dispatch.Store = (*Store)(nil)
	_ agents.Store   = (*Store)(nil)
	_ auth.Store     = (*Store)(nil)
	_ timer.Store    = (*Store)(nil)
)

// Open opens the database, makes it if there is none, and brings its tables up
// to date. ErrNewerDatabase if a newer program has written it; other errors say
// what is wrong with the file. The caller closes the store.
func Open(ctx context.Context, o Options) (*Store, error) {
	s, err := open(ctx, o, defaultQueue)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", o.Path, err)
	}
	return s, nil
}

func open(ctx context.Context, o Options, queue int) (_ *Store, err error) {
	if o.Path == "" || o.Logger == nil {
		return nil, errors.New("the store needs a path and a logger")
	}
	steps, err := migrations.For("sqlite")
	if err != nil {
		return nil, err
	}
	if err := createFile(o.Path); err != nil {
		return nil, err
	}
	identities, err := lru.New[string, handoff.Identity](maxIdentities)
	if err != nil {
		return nil, err
	}
	s := &Store{identities: identities}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.closeDatabases())
		}
	}()
	writeDB, err := s.openPool(o.Path, writerPragmas, 1)
	if err != nil {
		return nil, err
	}
	if err := checkPragmas(ctx, writeDB); err != nil {
		return nil, err
	}
	if err := migrate(ctx, writeDB, dialect.SQLite, steps, o.Logger); err != nil {
		return nil, err
	}
	return s, s.start(ctx, o, writeDB, queue)
}

// start opens the other connections and starts what runs beside the callers.
func (s *Store) start(ctx context.Context, o Options, writeDB *sql.DB, queue int) error {
	readers := o.Readers
	if readers < 1 {
		readers = DefaultReaders
	}
	readDB, err := s.openPool(o.Path, readerPragmas, readers)
	if err != nil {
		return err
	}
	checkpointDB, err := s.openPool(o.Path, checkpointPragmas, 1)
	if err != nil {
		return err
	}
	s.places = newPlaces()
	writing, err := connect(ctx, writeDB, s.places)
	if err != nil {
		return err
	}
	s.read = client(readDB)
	s.checkpoints = startCheckpointer(checkpointDB, o.Logger)
	s.writer = startWriter(writing, s.checkpoints.committed, queue, o.Logger)
	if err := s.learnPlaces(ctx); err != nil {
		return errors.Join(err, s.stop())
	}
	s.savingPlaces.Go(func() { s.savePlacesWhenNeeded(o.Logger) })
	return nil
}

// Close lets the updates that wait finish, then closes the database. Later calls
// of any method get ErrClosed; Close itself may be called again.
func (s *Store) Close() error {
	s.places.close()
	s.savingPlaces.Wait()
	return errors.Join(s.stop(), s.closeDatabases())
}

// stop ends what runs beside the callers.
func (s *Store) stop() error {
	s.writer.stop()
	s.checkpoints.close()
	return s.writer.db.close()
}

func (s *Store) closeDatabases() error {
	var errs []error
	for _, db := range s.dbs {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}

// The pragmas stand in the connection string, since they hold for a connection
// and a pool makes new ones as it likes.
var (
	// synchronous=FULL makes a commit wait for the disk. The checkpointer keeps the
	// log short; should it not get to it, a commit does so in the end.
	writerPragmas = url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "wal_autocheckpoint(100000)", "cache_size(-32768)"},
	}
	checkpointPragmas = url.Values{"_pragma": {"synchronous(FULL)", "wal_autocheckpoint(0)"}}
	readerPragmas     = url.Values{"_pragma": {"busy_timeout(5000)", "query_only(1)", "foreign_keys(1)"}}
)

func (s *Store) openPool(path string, params url.Values, size int) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	dsn := url.URL{Scheme: "file", Path: abs, RawQuery: params.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size) // a connection is dear to open and cheap to keep
	s.dbs = append([]*sql.DB{db}, s.dbs...)
	return db, nil
}

func client(db *sql.DB) *ent.Client {
	return ent.NewClient(ent.Driver(entsql.OpenDB(dialect.SQLite, db)))
}

// createFile makes the file before SQLite would, which lets everybody read it.
func createFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// checkPragmas reads back what keeping the promise of a commit depends on: builds
// of SQLite differ in their defaults, and some file systems refuse WAL.
func checkPragmas(ctx context.Context, db *sql.DB) error {
	for _, want := range []struct{ pragma, value, why string }{
		{"synchronous", "2", "a commit would not wait for the disk"},
		{"journal_mode", "wal", "readers and the writer would block each other; a network file system cannot hold the database"},
		{"foreign_keys", "1", "rows could outlive what they belong to"},
	} {
		var got string
		if err := db.QueryRowContext(ctx, "PRAGMA "+want.pragma).Scan(&got); err != nil {
			return fmt.Errorf("reading the pragma %s: %w", want.pragma, err)
		}
		if got != want.value {
			return fmt.Errorf("the pragma %s is %s, not %s: %s", want.pragma, got, want.value, want.why)
		}
	}
	return nil
}
