package store

import (
	"context"

	"github.com/human-handoff/handoff/ent"
)

// Meta returns what is noted about the database under a key; nil if nothing is.
func (s *Store) Meta(ctx context.Context, key string) ([]byte, error) {
	row, err := s.read.Meta.Get(ctx, key)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	return row.Value, nil
}

// SetMetaIfAbsent notes value under a key unless something is noted there, and
// returns what is noted then. Of several callers that try at the same time, all
// get the value of the one that came first.
func (s *Store) SetMetaIfAbsent(ctx context.Context, key string, value []byte) (stored []byte, err error) {
	if value == nil {
		value = []byte{} // the column takes no NULL
	}
	err = s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		row, err := tx.Meta.Get(ctx, key)
		if err == nil {
			stored = row.Value
			return nil
		}
		if !ent.IsNotFound(err) {
			return err
		}
		stored = value
		return tx.Meta.Create().SetID(key).SetValue(value).Exec(ctx)
	})
	if err != nil {
		return nil, err
	}
	return stored, nil
}

// Ping reads from the database; an error means that it cannot be used now.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.read.Meta.Query().Limit(1).Count(ctx)
	return translate(err)
}
