package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxBatch     = 256  // updates in one transaction; more would only make each wait longer
	defaultQueue = 4096 // updates that wait; beyond that callers are turned away

	// maxWait is how long an update waits for its turn. A writer that takes longer
	// is stuck, mostly in a disk, and callers had better hear of it.
	maxWait = 5 * time.Second
)

// command is one caller's update. It reads what it needs, runs the caller's
// function, then writes. A refusal means that it wrote nothing and concerns the
// caller alone; any other error undoes the transaction. It may run more than
// once, so it sets all of its results each time.
type command func(ctx context.Context, tx *transaction) error

// writer commits the updates of many callers, as many as wait at a time in one
// transaction. It never waits for more to come: under load the next batch
// gathers by itself while the disk is busy with this one.
type writer struct {
	db    *writeConn
	after func() // a transaction was committed
	log   *slog.Logger
	queue chan *request
	done  chan struct{} // closed when the goroutine has ended

	mu     sync.RWMutex // guards closed, and the queue against a send after its close
	closed bool

	tried atomic.Int64 // transactions so far, for tests
}

// request is a command on its way through the writer.
type request struct {
	ctx   context.Context // the caller's; says whether it still waits, and is never given to the database
	run   command
	stage atomic.Int32
	err   error         // the outcome, once done is closed
	done  chan struct{} // closed by the writer
}

// The stages of a request. From stageQueued either the writer takes it or the
// caller gives it up, never both.
const (
	stageQueued int32 = iota
	stageBegun
	stageGivenUp
)

func startWriter(db *writeConn, after func(), queue int, log *slog.Logger) *writer {
	w := &writer{db: db, after: after, log: log, queue: make(chan *request, queue), done: make(chan struct{})}
	go w.loop()
	return w
}

// stop turns new requests away, lets the waiting ones finish and ends the goroutine.
func (w *writer) stop() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.mu.Unlock()
	<-w.done
}

// do runs a command and returns its outcome once it is on disk. When ctx ends, or
// too much time passes, before the command has begun, it never runs and do returns
// why; afterwards do waits for the outcome, because the command may be using what
// the caller shares with it.
func (w *writer) do(ctx context.Context, run command) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{ctx: ctx, run: run, done: make(chan struct{})}
	if err := w.enqueue(r); err != nil {
		return err
	}
	patience := time.NewTimer(maxWait)
	defer patience.Stop()
	var given error
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		given = ctx.Err()
	case <-patience.C:
		given = ErrStuck
	}
	if r.stage.CompareAndSwap(stageQueued, stageGivenUp) {
		return given
	}
	<-r.done
	return r.err
}

func (w *writer) enqueue(r *request) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return ErrClosed
	}
	select {
	case w.queue <- r:
		return nil
	default:
		return ErrOverloaded
	}
}

func (w *writer) isClosed() bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.closed
}

func (w *writer) loop() {
	defer close(w.done)
	batch := make([]*request, 0, maxBatch)
	for first := range w.queue {
		batch = w.gather(append(batch[:0], first))
		w.commit(batch)
		clear(batch) // lets go of the callers' closures while nothing comes
	}
}

// gather adds what waits by now, and drops what its caller has given up.
func (w *writer) gather(batch []*request) []*request {
	for len(batch) < maxBatch {
		select {
		case r, open := <-w.queue:
			if !open {
				return begun(batch)
			}
			batch = append(batch, r)
		default:
			return begun(batch)
		}
	}
	return begun(batch)
}

// begun takes the requests over from their callers and returns those that it got.
func begun(batch []*request) []*request {
	kept := batch[:0]
	for _, r := range batch {
		if r.stage.CompareAndSwap(stageQueued, stageBegun) {
			kept = append(kept, r)
		}
	}
	return kept
}

// commit writes a batch in one transaction. When that fails, the one to blame
// is not known for sure, so each request runs again in a transaction of its own.
func (w *writer) commit(batch []*request) {
	if len(batch) == 0 {
		return
	}
	err := w.transact(batch)
	if err == nil || len(batch) == 1 || errors.As(err, new(notBegunError)) {
		finish(batch, err)
		return
	}
	w.log.Warn("a shared transaction failed; its updates run again one by one", "updates", len(batch), "error", err)
	for i := range batch {
		err := w.transact(batch[i : i+1])
		if errors.As(err, new(notBegunError)) { // the rest would only wait for the same lock
			finish(batch[i:], err)
			return
		}
		finish(batch[i:i+1], err)
	}
}

// finish tells the callers. err is that of their transaction; without one each
// has the outcome of its own command.
func finish(batch []*request, err error) {
	for _, r := range batch {
		if err != nil {
			r.err = translate(err)
		}
		close(r.done)
	}
}

// notBegunError says that a transaction could not even begin.
type notBegunError struct{ error }

func (e notBegunError) Unwrap() error { return e.error }

// transact runs the commands of a batch in one transaction. On error nothing of
// it was written. The context is no caller's: one who leaves must not interrupt
// the others.
func (w *writer) transact(batch []*request) error {
	ctx := context.Background()
	w.tried.Add(1)
	if err := w.db.begin(ctx); err != nil {
		return notBegunError{err}
	}
	for _, r := range batch {
		err := r.attempt(ctx, &w.db.tx)
		var refused refusal
		switch {
		case err == nil:
			r.err = nil
		case errors.As(err, &refused):
			r.err = refused.err
		default:
			w.db.rollback(ctx)
			return err
		}
	}
	if err := w.db.commit(ctx); err != nil {
		return err
	}
	w.after()
	return nil
}

// attempt runs the command, unless its caller has left meanwhile. A panic
// becomes an error, which undoes the transaction.
func (r *request) attempt(ctx context.Context, tx *transaction) (err error) {
	if err := r.ctx.Err(); err != nil {
		return refuse(err)
	}
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	return r.run(ctx, tx)
}

// call runs a caller's function. Its error or panic is a refusal: nothing has
// been written for it yet.
func call(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = refuse(panicked(p))
		}
	}()
	return refuse(fn())
}

func panicked(p any) error {
	return fmt.Errorf("panic in an update: %v\n%s", p, debug.Stack())
}
