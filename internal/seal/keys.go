package seal

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
)

// KeySize is the size of an encryption key in bytes.
const KeySize = 32

// ParseKeys reads a comma-separated list of keys in standard base64, with or
// without padding. White space around a key is ignored, so that a file may end
// with a line break. Errors say which key is wrong and never show it.
func ParseKeys(list string) ([][]byte, error) {
	parts := strings.Split(list, ",")
	keys := make([][]byte, 0, len(parts))
	for i, part := range parts {
		text := strings.TrimRight(strings.TrimSpace(part), "=")
		if text == "" {
			return nil, fmt.Errorf("%s is empty", name(i, len(parts)))
		}
		// The decoder's own error would quote a byte of the key.
		key, err := base64.RawStdEncoding.Strict().DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("%s is not standard base64; make one with: openssl rand -base64 %d", name(i, len(parts)), KeySize)
		}
		if len(key) != KeySize {
			return nil, sizeError(i, len(parts), len(key))
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// NewKey returns a new random key as ParseKeys reads it.
func NewKey() string {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // it never fails
	return base64.StdEncoding.EncodeToString(key)
}

func name(i, n int) string {
	if n == 1 {
		return "the encryption key"
	}
	return fmt.Sprintf("encryption key %d of %d", i+1, n)
}

func sizeError(i, n, size int) error {
	return fmt.Errorf("%s has %d bytes, not %d; make one with: openssl rand -base64 %d", name(i, n), size, KeySize, KeySize)
}
