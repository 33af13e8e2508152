package files

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
)

const (
	parallelFetches = 4
	fetchAttempts   = 4
	fetchBackoff    = 2 * time.Second // and twice that each time
	arriveRetry     = 5 * time.Second // after an error of the database
	pendingBatch    = 100
)

// sealSource keeps where a file is fetched from a reader of the database.
func (s *Service) sealSource(id string, r handoff.RemoteFile) []byte {
	plain, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("files: %v", err)) // it is made of strings
	}
	return s.config.Sealer.Seal(plain, []byte(id))
}

func (s *Service) openSource(f handoff.File) (r handoff.RemoteFile, err error) {
	plain, err := s.config.Sealer.Open(f.Source, []byte(f.ID))
	if err == nil {
		err = json.Unmarshal(plain, &r)
	}
	return r, err
}

// fetcher fetches pending files, some at a time. Which they are stands in the
// database, so that a restart goes on with them.
type fetcher struct {
	*Service

	slots chan struct{}
	group sync.WaitGroup
	after string // the last id that was taken up; ids rise
}

// Run fetches vendors' files and deletes what nobody uses, until ctx is done.
// While there is nothing to do it only waits.
func (s *Service) Run(ctx context.Context) {
	var group sync.WaitGroup
	group.Go(func() { s.runJanitor(ctx) })
	f := &fetcher{Service: s, slots: make(chan struct{}, parallelFetches)}
	defer group.Wait()
	defer f.group.Wait()
	for ctx.Err() == nil {
		err := f.takeUp(ctx)
		var again <-chan time.Time
		if err != nil && ctx.Err() == nil {
			s.config.Logger.ErrorContext(ctx, "files.pending", slog.Any("error", err))
			again = time.After(arriveRetry)
		}
		select {
		case <-s.expect:
		case <-again:
		case <-ctx.Done():
		}
	}
}

// takeUp begins with all files that are new. One that was committed later than
// one with a higher id is found by the next look from the start.
func (f *fetcher) takeUp(ctx context.Context) error {
	f.after = ""
	for {
		list, err := f.config.Records.PendingFiles(ctx, f.after, pendingBatch)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, pending := range list {
			f.after = pending.ID
			if !f.begin(pending.ID) {
				continue
			}
			select {
			case f.slots <- struct{}{}:
			case <-ctx.Done():
				f.end(pending.ID)
				return nil
			}
			f.group.Go(func() {
				defer func() { <-f.slots; f.end(pending.ID) }()
				f.bring(ctx, pending)
			})
		}
	}
}

// bring fetches one file and tells what became of it.
func (s *Service) bring(ctx context.Context, f handoff.File) {
	got, err := s.fetchPatiently(ctx, f)
	if ctx.Err() != nil {
		return // the next start begins again
	}
	if err == nil {
		f.State, f.MIMEType, f.Size = handoff.FileReady, got.mimeType, got.size
	} else {
		f.State = handoff.FileFailed
		s.config.Logger.WarnContext(ctx, "files.failed", slog.String("file_id", f.ID), slog.String("session_id", f.SessionID), slog.Any("error", err))
	}
	for {
		err := s.arriver.Arrive(ctx, f)
		if code := handoff.CodeOf(err); err != nil && (code == handoff.CodeAborted || code == handoff.CodeNotFound) {
			s.discard(ctx, f.ID)
			return
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		s.config.Logger.ErrorContext(ctx, "files.arrive", slog.String("file_id", f.ID), slog.Any("error", err))
		if !sleep(ctx, arriveRetry) {
			return
		}
	}
}

// fetchPatiently tries again what may only be a moment's trouble.
func (s *Service) fetchPatiently(ctx context.Context, f handoff.File) (got fetched, err error) {
	remote, err := s.openSource(f)
	if err != nil {
		return got, err
	}
	wait := fetchBackoff
	for attempt := 1; ; attempt++ {
		got, err = s.locateAndFetch(ctx, f.ID, remote)
		if err == nil || attempt == fetchAttempts || handoff.CodeOf(err) == handoff.CodeInvalid || !sleep(ctx, wait) {
			return got, err
		}
		wait *= 2
	}
}

// locateAndFetch asks for the address anew with each attempt, for it may have ended.
func (s *Service) locateAndFetch(ctx context.Context, id string, remote handoff.RemoteFile) (got fetched, err error) {
	if remote.VendorID != "" {
		if s.locator == nil {
			return got, errFetch(true, "nobody can be asked where the file is")
		}
		if remote, err = s.locator.Locate(ctx, remote); err != nil {
			return got, err
		}
	}
	return s.fetch(ctx, id, remote, false)
}

// sleep waits, and reports false if ctx was done before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
