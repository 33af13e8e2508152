package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
)

var fileTests = map[string]func(t *testing.T, db Database){
	"AFileComesBackAsItWas":            testFile,
	"ASessionHasSoManyUnusedFiles":     testUnusedFiles,
	"AnUploadIsFinishedOnce":           testFinishUpload,
	"AMessageUsesFilesThatAreReady":    testUse,
	"AVendorsFileArrivesOnce":          testArrive,
	"FilesAreDoomedByTheirAge":         testDoom,
	"ADoomedFileIsForgotten":           testForget,
	"OldestFileOfEachSortIsKnown":      testOldestFile,
	"ARefusedFileLeavesTheSessionAsIs": testRefusedFile,
}

// announced is an upload to session s1.
func announced(id string, seconds int) handoff.File {
	return handoff.File{
		ID: id, SessionID: "s1", Name: "übersicht.png", MIMEType: "image/png", Size: 7, State: handoff.FileAnnounced, CreateTime: at(seconds),
	}
}

// ready makes an upload with its content.
func ready(t *testing.T, s Store, id string, seconds int) {
	t.Helper()
	require.NoError(t, s.CreateFile(t.Context(), announced(id, seconds), 100))
	done, err := s.FinishUpload(t.Context(), id, "image/gif", 8)
	require.NoError(t, err)
	require.True(t, done)
}

// useFiles sends a message with files.
func useFiles(ctx context.Context, s Store, sessionID string, ids ...string) error {
	return s.Update(ctx, sessionID, "", func(ses *handoff.Session) error {
		m := handoff.Message{ID: "m"}
		for _, id := range ids {
			m.Attachments = append(m.Attachments, handoff.Attachment{ID: id})
		}
		_, err := ses.Accept(m, at(1))
		return err
	})
}

// expectFiles logs a human's message with files that the vendor has.
func expectFiles(t *testing.T, s Store, ids ...string) {
	t.Helper()
	require.NoError(t, s.Update(t.Context(), "s1", "", func(ses *handoff.Session) error {
		for _, id := range ids {
			f := announced(id, 1)
			f.MessageID, f.State, f.Attached, f.Source = "m", handoff.FilePending, true, []byte("source of "+id)
			ses.Changes().Expected = append(ses.Changes().Expected, f)
		}
		ses.Receive(handoff.HumanMessage{Text: "look"}, "m", at(1))
		return nil
	}))
}

func testFile(t *testing.T, db Database) {
	s := db.Open(t)
	create(t, s, "s1")
	f := announced("f1", 1)
	require.NoError(t, s.CreateFile(t.Context(), f, 100))
	got, err := s.File(t.Context(), "f1")
	require.NoError(t, err)
	f.AgentID = "agent"
	assert.Equal(t, f, got)
	_, err = s.File(t.Context(), "f2")
	require.ErrorIs(t, err, handoff.ErrFileNotFound)
	f.SessionID = "unknown"
	require.ErrorIs(t, s.CreateFile(t.Context(), f, 100), handoff.ErrSessionNotFound)
}

func testUnusedFiles(t *testing.T, db Database) {
	s := db.Open(t)
	create(t, s, "s1")
	ready(t, s, "f1", 1)
	require.NoError(t, s.CreateFile(t.Context(), announced("f2", 1), 2))
	require.Equal(t, handoff.CodeExhausted, handoff.CodeOf(s.CreateFile(t.Context(), announced("f3", 1), 2)))
	require.NoError(t, useFiles(t.Context(), s, "s1", "f1"))
	require.NoError(t, s.CreateFile(t.Context(), announced("f3", 1), 2), "one is used now")
	require.NoError(t, s.Update(t.Context(), "s1", "", func(ses *handoff.Session) error {
		ses.Close(handoff.ClosedByCustomer, handoff.Outcome{}, at(2))
		return nil
	}))
	require.ErrorIs(t, s.CreateFile(t.Context(), announced("f4", 1), 100), handoff.ErrSessionClosed)
}

func testFinishUpload(t *testing.T, db Database) {
	s := db.Open(t)
	create(t, s, "s1")
	ready(t, s, "f1", 1)
	got, err := s.File(t.Context(), "f1")
	require.NoError(t, err)
	assert.Equal(t, []any{handoff.FileReady, "image/gif", int64(8)}, []any{got.State, got.MIMEType, got.Size})
	for _, id := range []string{"f1", "unknown"} {
		done, err := s.FinishUpload(t.Context(), id, "image/bmp", 9)
		require.NoError(t, err)
		require.False(t, done, id)
	}
}

func testUse(t *testing.T, db Database) {
	s := db.Open(t)
	create(t, s, "s1")
	create(t, s, "s2")
	ready(t, s, "f1", 1)
	ready(t, s, "f2", 1)
	require.NoError(t, s.CreateFile(t.Context(), announced("f3", 1), 100))
	require.ErrorIs(t, useFiles(t.Context(), s, "s1", "f1", "f3"), handoff.ErrUploadGone, "its content is not there")
	require.ErrorIs(t, useFiles(t.Context(), s, "s1", "unknown"), handoff.ErrUploadGone)
	require.ErrorIs(t, useFiles(t.Context(), s, "s2", "f1"), handoff.ErrUploadGone, "it is another session's")
	require.NoError(t, useFiles(t.Context(), s, "s1", "f1", "f2", "f1"))
	require.NoError(t, useFiles(t.Context(), s, "s1", "f1"), "again")
	for id, used := range map[string]bool{"f1": true, "f2": true, "f3": false} {
		got, err := s.File(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, used, got.Attached, id)
	}
}

// What a file refuses is refused whole.
func testRefusedFile(t *testing.T, db Database) {
	s := db.Open(t)
	create(t, s, "s1")
	before := len(wholeLog(t, s, "s1"))
	require.ErrorIs(t, useFiles(t.Context(), s, "s1", "unknown"), handoff.ErrUploadGone)
	require.Len(t, wholeLog(t, s, "s1"), before)
	accept(t, s, "s1", "m1", "key")
	require.Len(t, wholeLog(t, s, "s1"), before+1)
}

func testArrive(t *testing.T, db Database) {
	s := db.Open(t)
	create(t, s, "s1")
	expectFiles(t, s, "f1", "f2", "f3")
	require.NoError(t, s.Close())
	s2 := db.Open(t)
	pending, err := s2.PendingFiles(t.Context(), "", 2)
	require.NoError(t, err)
	require.Len(t, pending, 2)
	assert.Equal(t, []any{"f1", "s1", "m", true, "source of f1"}, []any{
		pending[0].ID, pending[0].SessionID, pending[0].MessageID, pending[0].Attached, string(pending[0].Source),
	})
	rest, err := s2.PendingFiles(t.Context(), pending[1].ID, 2)
	require.NoError(t, err)
	require.Len(t, rest, 1)

	arrive := func(id string) error {
		return s2.Update(t.Context(), "s1", "", func(ses *handoff.Session) error {
			f := announced(id, 1)
			f.MessageID, f.State, f.Size = "m", handoff.FileReady, 9
			ses.Arrive(f, at(3))
			return nil
		})
	}
	require.NoError(t, arrive("f1"))
	require.Equal(t, handoff.CodeAborted, handoff.CodeOf(arrive("f1")), "it is here already")
	got, err := s2.File(t.Context(), "f1")
	require.NoError(t, err)
	assert.Equal(t, []any{handoff.FileReady, int64(9)}, []any{got.State, got.Size})
	assert.Empty(t, got.Source, "where it was is of no use any more")
	log := wholeLog(t, s2, "s1")
	assert.Equal(t, handoff.AttachmentChanged{MessageID: "m", Attachment: got.Attachment()}, log[len(log)-1].Body)
}

func testDoom(t *testing.T, db Database) {
	s := db.Open(t)
	create(t, s, "s1")
	for i, id := range []string{"old unused", "old used", "young unused", "young used"} {
		ready(t, s, id, 10*i/2)
	}
	require.NoError(t, useFiles(t.Context(), s, "s1", "old used", "young used"))
	doom := func(unused, used time.Time) []string {
		ids, err := s.Doom(t.Context(), unused, used, 10)
		require.NoError(t, err)
		return ids
	}
	assert.Empty(t, doom(at(0), at(0)))
	assert.Equal(t, []string{"old unused"}, doom(at(7), time.Time{}), "used ones stay")
	assert.ElementsMatch(t, []string{"old unused", "old used"}, doom(at(7), at(7)), "what was doomed before comes again")
	require.ErrorIs(t, useFiles(t.Context(), s, "s1", "old used"), handoff.ErrUploadGone)
	require.NoError(t, useFiles(t.Context(), s, "s1", "young unused", "young used"))
}

func testForget(t *testing.T, db Database) {
	s := db.Open(t)
	create(t, s, "s1")
	ready(t, s, "f1", 1)
	require.NoError(t, s.ForgetFile(t.Context(), "f1"), "it is no error")
	_, err := s.File(t.Context(), "f1")
	require.NoError(t, err, "but what is ready stays")
	_, err = s.Doom(t.Context(), at(9), time.Time{}, 10)
	require.NoError(t, err)
	require.NoError(t, s.ForgetFile(t.Context(), "f1"))
	require.NoError(t, s.CreateFile(t.Context(), announced("f2", 1), 100))
	require.NoError(t, s.ForgetFile(t.Context(), "f2"))
	for _, id := range []string{"f1", "f2"} {
		_, err = s.File(t.Context(), id)
		require.ErrorIs(t, err, handoff.ErrFileNotFound, id)
	}
}

func testOldestFile(t *testing.T, db Database) {
	s := db.Open(t)
	create(t, s, "s1")
	oldest, err := s.OldestFile(t.Context(), false)
	require.NoError(t, err)
	require.Zero(t, oldest)
	for i, id := range []string{"f1", "f2", "f3"} {
		ready(t, s, id, i)
	}
	require.NoError(t, useFiles(t.Context(), s, "s1", "f1", "f3"))
	for used, want := range map[bool]time.Time{true: at(0), false: at(1)} {
		oldest, err := s.OldestFile(t.Context(), used)
		require.NoError(t, err)
		require.Equal(t, want, oldest, used)
	}
}
