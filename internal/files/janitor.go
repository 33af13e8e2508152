package files

import (
	"context"
	"log/slog"
	"time"
)

const (
	// unusedFor is how long a file waits for a message that uses it.
	unusedFor = 24 * time.Hour
	// sweepEvery is how often the janitor looks when nobody told it to.
	sweepEvery = 24 * time.Hour
	// sweepRest keeps many uploads from being as many looks.
	sweepRest  = time.Minute
	sweepBatch = 100
)

// runJanitor deletes files that no message used within a day, those that are older
// than is wanted, and those of deleted sessions. It sleeps until the oldest one is due.
func (s *Service) runJanitor(ctx context.Context) {
	for {
		next, err := s.clean(ctx)
		if err != nil && ctx.Err() == nil {
			s.config.Logger.ErrorContext(ctx, "files.clean", slog.Any("error", err))
			next = s.config.Now().Add(sweepRest)
		}
		timer := time.NewTimer(max(0, next.Sub(s.config.Now())))
		select {
		case <-timer.C:
		case <-s.sweep:
			timer.Stop()
			if !sleep(ctx, sweepRest) {
				return
			}
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// clean deletes what is due and returns when to look again.
func (s *Service) clean(ctx context.Context) (next time.Time, err error) {
	now, usedBefore := s.config.Now(), time.Time{}
	if s.config.Limits.KeepFor > 0 {
		usedBefore = now.Add(-s.config.Limits.KeepFor)
	}
	for {
		ids, err := s.config.Records.Doom(ctx, now.Add(-unusedFor), usedBefore, sweepBatch)
		if err != nil {
			return time.Time{}, err
		}
		for _, id := range ids {
			// The content first: what is left of a crash in between is found again.
			if err := s.config.Contents.Delete(ctx, id); err != nil {
				return time.Time{}, err
			}
			if err := s.config.Records.ForgetFile(ctx, id); err != nil {
				return time.Time{}, err
			}
		}
		if len(ids) == 0 {
			break
		}
		s.config.Logger.InfoContext(ctx, "files.cleaned", slog.Int("files", len(ids)))
	}
	return s.nextSweep(ctx, now)
}

// nextSweep returns when the oldest file is due, within a day.
func (s *Service) nextSweep(ctx context.Context, now time.Time) (next time.Time, err error) {
	next = now.Add(sweepEvery)
	for used, keepFor := range map[bool]time.Duration{false: unusedFor, true: s.config.Limits.KeepFor} {
		if keepFor == 0 {
			continue
		}
		oldest, err := s.config.Records.OldestFile(ctx, used)
		if err != nil {
			return next, err
		}
		if due := oldest.Add(keepFor).Add(time.Second); !oldest.IsZero() && due.Before(next) {
			next = due
		}
	}
	return next, nil
}
