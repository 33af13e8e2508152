package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/ent/file"
	"github.com/human-handoff/handoff/ent/predicate"
	"github.com/human-handoff/handoff/ent/session"
	"github.com/human-handoff/handoff/internal/handoff"
)

// isUsed is written so that the index on the age of files serves it.
func isUsed(used bool) predicate.File {
	return literally(file.FieldAttached, " = "+strings.ToUpper(strconv.FormatBool(used)))
}

// isExpected is the condition of the partial index on pending files, word for word.
func isExpected() predicate.File { return literally(file.FieldState, " = 'pending'") }

// CreateFile implements files.Records.
func (s *Store) CreateFile(ctx context.Context, f handoff.File, maxUnused int) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		ses, err := tx.Session.Query().Where(session.PublicID(f.SessionID)).Select(session.FieldID, session.FieldState).Only(ctx)
		switch {
		case ent.IsNotFound(err):
			return refuse(handoff.ErrSessionNotFound)
		case err != nil:
			return err
		case handoff.State(ses.State) == handoff.StateClosed:
			return refuse(handoff.ErrSessionClosed)
		}
		unused, err := tx.File.Query().Where(file.SessionNum(ses.ID), file.Attached(false)).Count(ctx)
		if err != nil {
			return err
		}
		if unused >= maxUnused {
			return refuse(handoff.Errorf(handoff.CodeExhausted, "TOO_MANY_UPLOADS",
				"the session has %d files that no message uses; send some of them, or wait until they are deleted after a day", unused))
		}
		return tx.insertFile(ctx, ses.ID, f)
	})
}

func (tx *transaction) insertFile(ctx context.Context, num int64, f handoff.File) error {
	err := tx.File.Create().SetID(f.ID).SetSessionNum(num).SetMessageID(f.MessageID).SetName(f.Name).SetMimeType(f.MIMEType).
		SetSize(f.Size).SetState(string(f.State)).SetAttached(f.Attached).SetSource(f.Source).
		SetCreateTime(fromTime(f.CreateTime)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("file %s: %w", f.ID, err)
	}
	return nil
}

// checkFiles makes sure, before anything is written, that the files that a
// message uses are there, and that what is said to have arrived was expected.
func (tx *transaction) checkFiles(ctx context.Context, num int64, c *handoff.Changes) error {
	if len(c.Attached) > 0 {
		n, err := tx.File.Query().Where(file.IDIn(c.Attached...), file.SessionNum(num), file.State(string(handoff.FileReady))).Count(ctx)
		if err != nil {
			return err
		}
		if n < distinct(c.Attached) {
			return refuse(handoff.ErrUploadGone)
		}
	}
	for _, f := range c.Arrived {
		pending, err := tx.File.Query().Where(file.ID(f.ID), file.SessionNum(num), isExpected()).Exist(ctx)
		if err != nil {
			return err
		}
		if !pending {
			return refuse(handoff.Errorf(handoff.CodeAborted, "FILE_NOT_PENDING", "file %s is not pending any more", f.ID))
		}
	}
	return nil
}

func distinct(ids []string) int {
	set := map[string]struct{}{}
	for _, id := range ids {
		set[id] = struct{}{}
	}
	return len(set)
}

// files writes what a session has recorded of its files.
func (tx *transaction) files(ctx context.Context, num int64, c *handoff.Changes) error {
	if len(c.Attached) > 0 {
		n, err := tx.File.Update().Where(file.IDIn(c.Attached...), file.State(string(handoff.FileReady))).SetAttached(true).Save(ctx)
		if err != nil {
			return fmt.Errorf("attach files: %w", err)
		}
		if n < distinct(c.Attached) { // where others write at the same time
			return refuse(handoff.ErrUploadGone)
		}
	}
	for _, f := range c.Expected {
		if err := tx.insertFile(ctx, num, f); err != nil {
			return err
		}
	}
	for _, f := range c.Arrived {
		err := tx.File.UpdateOneID(f.ID).SetState(string(f.State)).SetMimeType(f.MIMEType).SetSize(f.Size).ClearSource().Exec(ctx)
		if err != nil {
			return fmt.Errorf("file %s: %w", f.ID, err)
		}
	}
	return nil
}

// File implements files.Records.
func (s *Store) File(ctx context.Context, id string) (handoff.File, error) {
	row, err := s.queryFiles(file.ID(id)).Only(ctx)
	if err != nil {
		return handoff.File{}, s.readError(ctx, notFound(err, handoff.ErrFileNotFound))
	}
	return toFile(row), nil
}

func (s *Store) queryFiles(where ...predicate.File) *ent.FileQuery {
	return s.read.File.Query().Where(where...).WithSession(func(q *ent.SessionQuery) {
		q.Select(session.FieldID, session.FieldPublicID, session.FieldAgentID)
	})
}

func (s *Store) listFiles(ctx context.Context, q *ent.FileQuery) ([]handoff.File, error) {
	rows, err := q.All(ctx)
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	list := make([]handoff.File, len(rows))
	for i, row := range rows {
		list[i] = toFile(row)
	}
	return list, nil
}

func toFile(row *ent.File) handoff.File {
	f := handoff.File{
		ID: row.ID, MessageID: row.MessageID, Name: row.Name, MIMEType: row.MimeType, Size: row.Size,
		State: handoff.FileState(row.State), Attached: row.Attached, Source: row.Source, CreateTime: toTime(row.CreateTime),
	}
	if row.Edges.Session != nil {
		f.SessionID, f.AgentID = row.Edges.Session.PublicID, row.Edges.Session.AgentID
	}
	return f
}

// FinishUpload implements files.Records.
func (s *Store) FinishUpload(ctx context.Context, id, mimeType string, size int64) (done bool, err error) {
	err = s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		n, err := tx.File.Update().Where(file.ID(id), file.State(string(handoff.FileAnnounced))).
			SetState(string(handoff.FileReady)).SetMimeType(mimeType).SetSize(size).Save(ctx)
		done = n > 0
		return err
	})
	return done, err
}

// PendingFiles implements files.Records.
func (s *Store) PendingFiles(ctx context.Context, afterID string, limit int) ([]handoff.File, error) {
	return s.listFiles(ctx, s.queryFiles(isExpected(), file.IDGT(afterID), file.SessionNumNotNil()).Order(file.ByID()).Limit(limit))
}

// Doom implements files.Records.
func (s *Store) Doom(ctx context.Context, unusedBefore, usedBefore time.Time, limit int) ([]string, error) {
	sorts := []predicate.File{
		file.And(isUsed(false), file.CreateTimeLT(fromTime(unusedBefore))),
		file.SessionNumIsNil(),
	}
	if !usedBefore.IsZero() {
		sorts = append(sorts, file.And(isUsed(true), file.CreateTimeLT(fromTime(usedBefore))))
	}
	var doomed []string
	err := s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		doomed = nil
		for _, sort := range sorts {
			ids, err := tx.File.Query().Where(sort).Limit(limit).IDs(ctx)
			if err != nil {
				return err
			}
			if len(ids) == 0 {
				continue
			}
			// The condition again: where others write at the same time, a message may use it by now.
			err = tx.File.Update().Where(file.IDIn(ids...), sort).SetState(string(handoff.FileDoomed)).ClearSource().Exec(ctx)
			if err != nil {
				return err
			}
			ids, err = tx.File.Query().Where(file.IDIn(ids...), file.State(string(handoff.FileDoomed))).IDs(ctx)
			if err != nil {
				return err
			}
			doomed = append(doomed, ids...)
		}
		return nil
	})
	return doomed, err
}

// ForgetFile implements files.Records.
func (s *Store) ForgetFile(ctx context.Context, id string) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		_, err := tx.File.Delete().Where(file.ID(id), file.StateIn(string(handoff.FileDoomed), string(handoff.FileAnnounced))).Exec(ctx)
		return err
	})
}

// OldestFile implements files.Records.
func (s *Store) OldestFile(ctx context.Context, used bool) (time.Time, error) {
	row, err := s.read.File.Query().Where(isUsed(used)).Order(file.ByCreateTime()).Select(file.FieldCreateTime).First(ctx)
	if ent.IsNotFound(err) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, s.readError(ctx, err)
	}
	return toTime(row.CreateTime), nil
}
