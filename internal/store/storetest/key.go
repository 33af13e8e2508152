package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/auth"
)

var keyTests = map[string]func(t *testing.T, db Database){
	"KeyKeepsEveryField": func(t *testing.T, db Database) {
		s := db.Open(t)
		k := auth.Key{
			ID: "k1", Hash: []byte{1, 0, 255}, Scope: auth.ScopeAgent, AgentID: "a", Name: "Ann's",
			CreateTime: at(0), LastUsedTime: at(1), RevokeTime: at(2),
		}
		require.NoError(t, s.AddKey(t.Context(), k))
		got, err := s.KeyByHash(t.Context(), k.Hash)
		require.NoError(t, err)
		require.Equal(t, k, got)
		_, err = s.KeyByHash(t.Context(), []byte("unknown"))
		require.ErrorIs(t, err, auth.ErrKeyNotFound)
	},

	"KeysThatAreThereAlready": func(t *testing.T, db Database) {
		s := db.Open(t)
		require.NoError(t, s.AddKey(t.Context(), auth.Key{ID: "k1", Hash: []byte("1"), CreateTime: at(0)}))
		require.Error(t, s.AddKey(t.Context(), auth.Key{ID: "k1", Hash: []byte("2"), CreateTime: at(1)}))
		require.Error(t, s.AddKey(t.Context(), auth.Key{ID: "k2", Hash: []byte("1"), CreateTime: at(1)}))
		keys, err := s.Keys(t.Context())
		require.NoError(t, err)
		require.Equal(t, []auth.Key{{ID: "k1", Hash: []byte("1"), CreateTime: at(0)}}, keys)
	},

	"KeysNewestFirst": func(t *testing.T, db Database) {
		s := db.Open(t)
		for i, id := range []string{"k2", "k1", "k3"} {
			require.NoError(t, s.AddKey(t.Context(), auth.Key{ID: id, Hash: []byte(id), CreateTime: at(i)}))
		}
		_, err := s.RevokeKey(t.Context(), "k1", at(9))
		require.NoError(t, err)
		keys, err := s.Keys(t.Context())
		require.NoError(t, err)
		var ids []string
		for _, k := range keys {
			ids = append(ids, k.ID)
		}
		require.Equal(t, []string{"k3", "k1", "k2"}, ids)
	},

	"RevokeKey": func(t *testing.T, db Database) {
		s := db.Open(t)
		require.NoError(t, s.AddKey(t.Context(), auth.Key{ID: "k1", Hash: []byte("1"), CreateTime: at(0)}))
		want := auth.Key{ID: "k1", Hash: []byte("1"), CreateTime: at(0), RevokeTime: at(5)}
		for _, when := range []time.Time{at(5), at(6)} { // the second time changes nothing
			k, err := s.RevokeKey(t.Context(), "k1", when)
			require.NoError(t, err)
			require.Equal(t, want, k)
			k, err = s.KeyByHash(t.Context(), []byte("1"))
			require.NoError(t, err)
			require.Equal(t, want, k)
		}
		_, err := s.RevokeKey(t.Context(), "nobody", at(5))
		require.ErrorIs(t, err, auth.ErrKeyNotFound)
	},

	"TouchKeys": func(t *testing.T, db Database) {
		s := db.Open(t)
		for _, id := range []string{"k1", "k2", "k3"} {
			require.NoError(t, s.AddKey(t.Context(), auth.Key{ID: id, Hash: []byte(id), CreateTime: at(0)}))
		}
		require.NoError(t, s.TouchKeys(t.Context(), map[string]time.Time{"k1": at(5), "k2": at(6), "nobody": at(7)}))
		require.NoError(t, s.TouchKeys(t.Context(), map[string]time.Time{"k1": at(4)}))
		require.NoError(t, s.TouchKeys(t.Context(), nil))
		for id, want := range map[string]time.Time{"k1": at(5), "k2": at(6), "k3": {}} {
			k, err := s.KeyByHash(t.Context(), []byte(id))
			require.NoError(t, err)
			require.Equal(t, want, k.LastUsedTime, id)
		}
	},

	"MetaIsSetOnce": func(t *testing.T, db Database) {
		s := db.Open(t)
		value, err := s.Meta(t.Context(), "x")
		require.NoError(t, err)
		require.Nil(t, value)
		given := []byte{1, 0, 255}
		stored, err := s.SetMetaIfAbsent(t.Context(), "x", given)
		require.NoError(t, err)
		require.Equal(t, []byte{1, 0, 255}, stored)
		given[0] = 9
		stored, err = s.SetMetaIfAbsent(t.Context(), "x", given)
		require.NoError(t, err)
		require.Equal(t, []byte{1, 0, 255}, stored)
		value, err = s.Meta(t.Context(), "x")
		require.NoError(t, err)
		require.Equal(t, []byte{1, 0, 255}, value)
		_, err = s.SetMetaIfAbsent(t.Context(), "empty", nil)
		require.NoError(t, err)
		value, err = s.Meta(t.Context(), "empty")
		require.NoError(t, err)
		require.Empty(t, value)
	},

	"MetaRace": func(t *testing.T, db Database) {
		s := db.Open(t)
		var wg sync.WaitGroup
		got := make([]string, 50)
		for i := range got {
			wg.Go(func() {
				stored, err := s.SetMetaIfAbsent(t.Context(), "x", fmt.Append(nil, i))
				if err == nil {
					got[i] = string(stored)
				}
			})
		}
		wg.Wait()
		require.NotEmpty(t, got[0])
		for _, value := range got {
			require.Equal(t, got[0], value)
		}
	},
}
