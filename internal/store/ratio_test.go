package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
)

// BenchmarkStoreRatio takes customers' messages of 252 bytes from 64 callers,
// over 1,000 sessions, in three ways, so that what the store adds to the disk
// and the driver shows as a ratio:
//
//	store      Store.Update, with all that a message writes and reads
//	same-rows  the same rows, by prepared statements of the bare driver
//	one-row    one row for each message, the least that keeps it
//
// All three commit in groups. The bench module reads what this prints.
func BenchmarkStoreRatio(b *testing.B) {
	b.Run("store", func(b *testing.B) {
		s := newFile(b).open(b)
		for i := range ratioSessions {
			ratioSession(b, s, i)
		}
		ratioLoad(b, func(session, n int64) error {
			id := fmt.Sprintf("msg_%d", n)
			return s.Update(b.Context(), fmt.Sprint(session), "client:"+id, func(ses *handoff.Session) error {
				_, err := ses.Accept(handoff.Message{ID: id, ClientMessageID: id, Text: ratioText}, time.Now())
				return err
			})
		})
	})
	b.Run("same-rows", func(b *testing.B) {
		f := newFile(b)
		s := f.open(b)
		for i := range ratioSessions {
			ratioSession(b, s, i)
		}
		require.NoError(b, s.Close())
		ratioRaw(b, string(f), sameRows)
	})
	b.Run("one-row", func(b *testing.B) {
		ratioRaw(b, filepath.Join(b.TempDir(), "one.db"), oneRow)
	})
}

const (
	ratioCallers  = 64
	ratioSessions = 1000
	ratioBatch    = 256 // as the store's
)

var ratioText = strings.Repeat("hello handoff ", 18)

func ratioSession(b *testing.B, s handoff.Store, i int) {
	c := handoff.ConversationKey{AgentID: "agent", ConversationID: fmt.Sprint(i)}
	_, _, err := s.Create(b.Context(), c, "", func(epoch uint64) (*handoff.Session, error) {
		return handoff.NewSession(handoff.Session{ID: fmt.Sprint(i), AgentID: c.AgentID, ConversationID: c.ConversationID}, handoff.Start{}, epoch, time.Now()), nil
	})
	require.NoError(b, err)
}

// ratioLoad lets callers take messages one after the other and reports their
// rate and how long the slowest of a hundred took.
func ratioLoad(b *testing.B, take func(session, n int64) error) {
	var n, caller atomic.Int64
	var mu sync.Mutex
	var all []time.Duration
	b.SetParallelism(max(1, ratioCallers/runtime.GOMAXPROCS(0)))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		me := caller.Add(1)
		var mine []time.Duration
		for turn := int64(0); pb.Next(); turn++ {
			start := time.Now()
			if err := take((me+turn*ratioCallers)%ratioSessions, n.Add(1)); err != nil {
				b.Error(err)
				return
			}
			mine = append(mine, time.Since(start))
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, mine...)
	})
	b.StopTimer()
	if len(all) == 0 {
		return
	}
	slices.Sort(all)
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "updates/s")
	b.ReportMetric(float64(all[len(all)*99/100])/float64(time.Millisecond), "p99-ms")
}

// rawWrite writes what one message leads to, and rawPrepare makes one.
type (
	rawWrite   func(session, n, now int64) error
	rawPrepare func(prepare func(text string) *sql.Stmt) rawWrite
)

// ratioRaw is group commit with nothing around it: one goroutine, one connection,
// everything that waits in one transaction.
func ratioRaw(b *testing.B, path string, prepare rawPrepare) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=wal_autocheckpoint(10000)")
	require.NoError(b, err)
	defer db.Close()
	conn, err := db.Conn(b.Context())
	require.NoError(b, err)
	stmt := func(text string) *sql.Stmt {
		s, err := conn.PrepareContext(context.Background(), text)
		require.NoError(b, err)
		return s
	}
	_, err = conn.ExecContext(b.Context(), rawSchema)
	require.NoError(b, err)
	begin, commit, write := stmt("BEGIN IMMEDIATE"), stmt("COMMIT"), prepare(stmt)
	type request struct {
		session, n int64
		done       chan error
	}
	queue := make(chan request, ratioCallers)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var batch []request
		for first := range queue {
			batch = append(batch[:0], first)
			for len(queue) > 0 && len(batch) < ratioBatch {
				batch = append(batch, <-queue)
			}
			_, err := begin.Exec()
			for _, r := range batch {
				if err == nil {
					err = write(r.session, r.n, time.Now().UnixMicro())
				}
			}
			if err == nil {
				_, err = commit.Exec()
			}
			for _, r := range batch {
				r.done <- err
			}
		}
	}()
	ratioLoad(b, func(session, n int64) error {
		r := request{session, n, make(chan error, 1)}
		queue <- r
		return <-r.done
	})
	close(queue)
	<-ended
}

// rawSchema is the table of one row for each message.
const rawSchema = `
CREATE TABLE IF NOT EXISTS raw(id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL, t_ns INTEGER NOT NULL, idem TEXT NOT NULL, body TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS raw_seq ON raw(session_id, seq);
CREATE UNIQUE INDEX IF NOT EXISTS raw_key ON raw(session_id, idem);`

func oneRow(prepare func(string) *sql.Stmt) rawWrite {
	insert := prepare("INSERT INTO raw(session_id, seq, kind, t_ns, idem, body) VALUES(?,?,1,?,?,?)")
	return func(session, n, now int64) error {
		_, err := insert.Exec(fmt.Sprintf("s_%06d", session), n, now, fmt.Sprintf("idem-%016x", n), ratioText)
		return err
	}
}

// sameRows writes the rows of a message as the store has them: the event, its
// delivery, its key and how far the session is. It reads nothing.
func sameRows(prepare func(string) *sql.Stmt) rawWrite {
	event := prepare("INSERT INTO events(id, time, kind, payload) VALUES(?,?,'message',?)")
	delivery := prepare("INSERT INTO deliveries(create_time, kind, sequence, message_id, state, session_num) VALUES(?,'message',?,?,'pending',?)")
	key := prepare("INSERT INTO idempotency_keys(session_num, key, sequence) VALUES(?,?,?)")
	progress := prepare("UPDATE sessions SET last_sequence = ? WHERE num = ?")
	last := make([]int64, ratioSessions)
	return func(session, n, now int64) error {
		num := session + 1
		last[session]++
		sequence := last[session] + 1 // the first event says that the session was requested
		id := fmt.Sprintf("msg_%d", n)
		payload := fmt.Sprintf(`{"id":%q,"client_message_id":%q,"author":"customer","text":%q,"status":"accepted","time":"2026-03-01T09:30:00.123456Z"}`, id, id, ratioText)
		if _, err := event.Exec(num<<32|sequence, now, payload); err != nil {
			return err
		}
		if _, err := delivery.Exec(now, sequence, id, num); err != nil {
			return err
		}
		if _, err := key.Exec(num, "client:"+id, sequence); err != nil {
			return err
		}
		_, err := progress.Exec(sequence, num)
		return err
	}
}
