package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/human-handoff/handoff/internal/config"
	"github.com/human-handoff/handoff/internal/seal"
	"github.com/human-handoff/handoff/internal/store"
)

// OpenStore opens the database and brings its schema up to date.
func OpenStore(ctx context.Context, path string, log *slog.Logger) (*store.Store, error) {
	s, err := store.Open(ctx, store.Options{Path: path, Logger: log})
	if err != nil {
		return nil, &config.Error{Flag: "database", Env: "HANDOFF_DATABASE", Problem: err.Error()}
	}
	return s, nil
}

// keyFileSuffix names the encryption key's file, beside the database.
const keyFileSuffix = ".encryption-key"

// The check value tells a wrong encryption key at once, not at the first secret.
const (
	checkName  = "encryption-check"
	checkPlain = "handoff"
)

func openSealer(ctx context.Context, c config.Config, s *store.Store) (*seal.Sealer, error) {
	keys := c.EncryptionKeys
	if len(keys) == 0 {
		var err error
		if keys, err = keyFile(c.DatabasePath + keyFileSuffix); err != nil {
			return nil, encryptionError(err)
		}
	}
	sealer, err := seal.New(keys)
	if err != nil {
		return nil, encryptionError(err)
	}
	stored, err := s.SetMetaIfAbsent(ctx, checkName, sealer.Seal([]byte(checkPlain), []byte(checkName)))
	if err != nil {
		return nil, err
	}
	if plain, err := sealer.Open(stored, []byte(checkName)); err != nil || !bytes.Equal(plain, []byte(checkPlain)) {
		return nil, encryptionError(errors.New("this is not the key that the database was sealed with; give that one too, in a comma list"))
	}
	return sealer, nil
}

func encryptionError(err error) error {
	return &config.Error{Flag: "encryption-key", Env: "HANDOFF_ENCRYPTION_KEY", Problem: err.Error()}
}

// keyFile reads the encryption key, or makes one at the first start. A new key
// is on disk before anything is sealed with it.
func keyFile(path string) ([][]byte, error) {
	content, err := os.ReadFile(path)
	if err == nil {
		return seal.ParseKeys(strings.TrimSpace(string(content)))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key := seal.NewKey()
	if err := WriteSecret(path, key); err != nil {
		return nil, err
	}
	return seal.ParseKeys(key)
}

// WriteSecret writes a secret to a new file that its owner alone can read, and
// makes sure that it is on disk.
func WriteSecret(path, secret string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, secret)
	return errors.Join(err, f.Sync(), f.Close())
}
