// Package seal encrypts what is kept at rest and must not be read from a copy
// of the database: the settings of providers. It also derives the keys that
// session tokens are signed with.
//
//	seal.go  sealing and opening; derived keys
//	keys.go  encryption keys as operators write them
//
// Several keys may be in use at once: the first seals, all of them open. To
// change the key, put a new one in front and drop the old one once nothing
// sealed with it is left.
package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// version is the first byte of what is sealed. Version 1 is followed by what
// Tink's AES-256-GCM makes: nonce (12 bytes), ciphertext, tag (16 bytes). The
// version and the context are authenticated with it.
const version = 1

const overhead = 1 + subtle.AESGCMIVSize + subtle.AESGCMTagSize

// Errors of [Sealer.Open].
var (
	// ErrNoKey says that none of the keys opens what was sealed: the key is
	// gone, or what was sealed was changed or belongs to another context. The
	// three cannot be told apart.
	ErrNoKey = errors.New("no encryption key opens this; --encryption-key (HANDOFF_ENCRYPTION_KEY) has to list the key that it was sealed with")

	// ErrFormat says that something is not sealed, or by a newer version of the program.
	ErrFormat = errors.New("this is not sealed in a format that this version knows")
)

// Sealer seals and opens. It is safe for concurrent use.
type Sealer struct {
	aeads []tink.AEAD
	keys  [][]byte
}

// New returns a Sealer of keys of [KeySize] bytes each; the first one seals. It
// fails without a key or with one of another size.
func New(keys [][]byte) (*Sealer, error) {
	if len(keys) == 0 {
		return nil, errors.New("there is no encryption key")
	}
	s := &Sealer{}
	for i, key := range keys {
		if len(key) != KeySize {
			return nil, sizeError(i, len(keys), len(key))
		}
		// An encryption key has several uses, so each gets a key of its own.
		aead, err := subtle.NewAESGCM(derive(key, "handoff seal v1"))
		if err != nil {
			return nil, fmt.Errorf("encryption key %d of %d: %w", i+1, len(keys), err)
		}
		s.aeads = append(s.aeads, aead)
		s.keys = append(s.keys, append([]byte(nil), key...))
	}
	return s, nil
}

// Seal encrypts plain. The context says what it is for, such as the id of the
// row that it is kept in: it opens under the same context only, so that it
// cannot be moved elsewhere. Nonces are random, as is right for up to 2^32
// seals under one key.
func (s *Sealer) Seal(plain, context []byte) []byte {
	sealed, err := s.aeads[0].Encrypt(plain, bind(context))
	if err != nil {
		// Only a text of more than 64 GiB is refused.
		panic(fmt.Sprintf("seal: %v", err))
	}
	return append([]byte{version}, sealed...)
}

// Open decrypts what Seal made under the same context. It fails with
// [ErrNoKey] or [ErrFormat].
func (s *Sealer) Open(sealed, context []byte) ([]byte, error) {
	if len(sealed) < overhead || sealed[0] != version {
		return nil, ErrFormat
	}
	for _, aead := range s.aeads {
		if plain, err := aead.Decrypt(sealed[1:], bind(context)); err == nil {
			return plain, nil
		}
	}
	return nil, ErrNoKey
}

// MACKeys returns 32 bytes for each encryption key, the current one first, from
// which neither that key nor the keys under another label can be found
// (HKDF-SHA256, RFC 5869). Sign with the first, accept all.
func (s *Sealer) MACKeys(label string) [][]byte {
	keys := make([][]byte, len(s.keys))
	for i, key := range s.keys {
		keys[i] = derive(key, "handoff mac "+label)
	}
	return keys
}

func bind(context []byte) []byte { return append([]byte{version}, context...) }

func derive(key []byte, info string) []byte {
	derived, err := hkdf.Key(sha256.New, key, nil, info, KeySize)
	if err != nil {
		// Only a length of more than 255 hashes is refused.
		panic(fmt.Sprintf("seal: %v", err))
	}
	return derived
}
