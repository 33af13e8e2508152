package wecom

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1" //nolint:gosec // the vendor signs with it
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

const (
	keySize    = 32
	padBlock   = 32 // of PKCS#7, which is not that of AES
	headSize   = 16 + 4
	headRandom = 16
)

// crypt opens what WeCom sends to a receive URL.
type crypt struct {
	token     string
	key       []byte // of AES-256; its first half is the IV, too
	receiveID string // whom it has to be for: the corporation
}

// newCrypt reads the EncodingAESKey: 32 bytes in base64 without its end. Its last two
// bits may be anything.
func newCrypt(token, encodingKey, receiveID string) (*crypt, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encodingKey) + "=")
	if err != nil || len(key) != keySize {
		return nil, errors.New("encoding_aes_key: has to be the 43 letters and digits that WeCom shows as EncodingAESKey")
	}
	return &crypt{token, key, receiveID}, nil
}

// signed reports whether the vendor signed an encrypted text.
func (c *crypt) signed(signature, timestamp, nonce, encrypted string) bool {
	parts := []string{c.token, timestamp, nonce, encrypted}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, ""))) //nolint:gosec // as above
	return subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(signature)) == 1
}

// Why an encrypted text cannot be opened.
var (
	errCipher  = errors.New("it does not decrypt; is encoding_aes_key the app's EncodingAESKey?")
	errForeign = errors.New("it is for another corporation; is corp_id that of the app?")
)

// open decrypts a text: 16 random bytes, the length, the message and whom it is for.
func (c *crypt) open(encrypted string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, errCipher
	}
	block, err := aes.NewCipher(c.key)
	if err != nil {
		return nil, errCipher
	}
	cipher.NewCBCDecrypter(block, c.key[:aes.BlockSize]).CryptBlocks(data, data)
	data, ok := unpad(data)
	if !ok || len(data) < headSize {
		return nil, errCipher
	}
	length, rest := binary.BigEndian.Uint32(data[headRandom:headSize]), data[headSize:]
	if uint64(length) > uint64(len(rest)) {
		return nil, errCipher
	}
	if string(rest[length:]) != c.receiveID {
		return nil, errForeign
	}
	return rest[:length], nil
}

func unpad(data []byte) ([]byte, bool) {
	n := int(data[len(data)-1])
	if n < 1 || n > padBlock || n > len(data) {
		return nil, false
	}
	for _, b := range data[len(data)-n:] {
		if int(b) != n {
			return nil, false
		}
	}
	return data[:len(data)-n], true
}
