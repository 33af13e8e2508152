package store_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/store"
	"github.com/human-handoff/handoff/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// file is a SQLite database in a folder of its test.
type file string

func newFile(t testing.TB) file { return file(filepath.Join(t.TempDir(), "handoff.db")) }

func (f file) Open(t *testing.T) storetest.Store { return f.open(t) }

func (f file) open(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Path: string(f), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Database { return newFile(t) })
}

func TestOpen(t *testing.T) {
	t.Parallel()

	t.Run("makes a file for its owner alone", func(t *testing.T) {
		t.Parallel()
		f := newFile(t)
		s := f.open(t)
		require.NoError(t, s.TouchKeys(t.Context(), map[string]time.Time{"k": time.Now()})) // so that there is a log
		for _, suffix := range []string{"", "-wal", "-shm"} {
			info, err := os.Stat(string(f) + suffix)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), suffix)
		}
	})

	t.Run("takes any path", func(t *testing.T) {
		t.Parallel()
		f := file(filepath.Join(t.TempDir(), "what? 100% #1 ü&x=y.db"))
		f.open(t)
		require.FileExists(t, string(f))
	})

	t.Run("tells what is wrong", func(t *testing.T) {
		t.Parallel()
		log := slog.New(slog.DiscardHandler)
		broken := filepath.Join(t.TempDir(), "broken.db")
		require.NoError(t, os.WriteFile(broken, []byte("this is a text and no database, in a few more words"), 0o600))
		for name, o := range map[string]store.Options{
			"no path":   {Logger: log},
			"no logger": {Path: filepath.Join(t.TempDir(), "x.db")},
			"no folder": {Path: filepath.Join(t.TempDir(), "no", "x.db"), Logger: log},
			"a folder":  {Path: t.TempDir(), Logger: log},
			"a text":    {Path: broken, Logger: log},
		} {
			_, err := store.Open(t.Context(), o)
			require.ErrorContains(t, err, o.Path, name)
		}
	})
}

// BenchmarkUpdate takes messages, each under a key, from 64 callers at the same
// time, in a session of their own each.
func BenchmarkUpdate(b *testing.B) {
	s := newFile(b).open(b)
	const callers = 64
	for i := range callers {
		c := handoff.ConversationKey{AgentID: "agent", ConversationID: fmt.Sprint(i)}
		_, _, err := s.Create(b.Context(), c, "", func(epoch uint64) (*handoff.Session, error) {
			return handoff.NewSession(handoff.Session{ID: fmt.Sprint(i), AgentID: c.AgentID, ConversationID: c.ConversationID}, handoff.Start{}, epoch, time.Now()), nil
		})
		require.NoError(b, err)
	}
	text := string(make([]byte, 252))
	var caller, message atomic.Int64
	b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		session := fmt.Sprint(caller.Add(1) % callers)
		for pb.Next() {
			id := fmt.Sprintf("msg_%d", message.Add(1))
			err := s.Update(b.Context(), session, "client:"+id, func(ses *handoff.Session) error {
				_, err := ses.Accept(handoff.Message{ID: id, ClientMessageID: id, Text: text}, time.Now())
				return err
			})
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
