package store

import (
	"context"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/human-handoff/handoff/ent"
	"github.com/human-handoff/handoff/ent/key"
	"github.com/human-handoff/handoff/internal/auth"
)

// AddKey implements auth.Store. An id or hash that is there already is an error.
func (s *Store) AddKey(ctx context.Context, k auth.Key) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		return tx.Key.Create().SetID(k.ID).SetHash(k.Hash).SetScope(string(k.Scope)).SetAgentID(k.AgentID).SetName(k.Name).
			SetCreateTime(fromTime(k.CreateTime)).SetLastUsedTime(fromTime(k.LastUsedTime)).SetRevokeTime(fromTime(k.RevokeTime)).
			Exec(ctx)
	})
}

// Keys implements auth.Store.
func (s *Store) Keys(ctx context.Context) ([]auth.Key, error) {
	rows, err := s.read.Key.Query().Order(key.ByCreateTime(sql.OrderDesc()), key.ByID(sql.OrderDesc())).All(ctx)
	if err != nil {
		return nil, s.readError(ctx, err)
	}
	keys := make([]auth.Key, len(rows))
	for i, row := range rows {
		keys[i] = toKey(row)
	}
	return keys, nil
}

// KeyByHash implements auth.Store.
func (s *Store) KeyByHash(ctx context.Context, hash []byte) (auth.Key, error) {
	row, err := s.read.Key.Query().Where(key.Hash(hash)).Only(ctx)
	if err != nil {
		return auth.Key{}, s.readError(ctx, notFound(err, auth.ErrKeyNotFound))
	}
	return toKey(row), nil
}

// RevokeKey implements auth.Store.
func (s *Store) RevokeKey(ctx context.Context, id string, at time.Time) (revoked auth.Key, err error) {
	err = s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		row, err := tx.Key.Get(ctx, id)
		if ent.IsNotFound(err) {
			return refuse(auth.ErrKeyNotFound)
		}
		if err != nil {
			return err
		}
		if row.RevokeTime == 0 {
			row.RevokeTime = fromTime(at)
			if err := tx.Key.Update().Where(key.ID(id)).SetRevokeTime(row.RevokeTime).Exec(ctx); err != nil {
				return err
			}
		}
		revoked = toKey(row)
		return nil
	})
	if err != nil {
		return auth.Key{}, err
	}
	return revoked, nil
}

// TouchKeys implements auth.Store. A use that is older than the one noted, or of
// a key that is not there, changes nothing.
func (s *Store) TouchKeys(ctx context.Context, used map[string]time.Time) error {
	return s.writer.do(ctx, func(ctx context.Context, tx *transaction) error {
		for id, at := range used {
			err := tx.Key.Update().Where(key.ID(id), key.LastUsedTimeLT(fromTime(at))).SetLastUsedTime(fromTime(at)).Exec(ctx)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
