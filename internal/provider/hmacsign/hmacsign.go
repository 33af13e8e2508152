// Package hmacsign makes and checks the signatures that most vendors put on
// their webhooks: an HMAC in letters, often with a prefix.
package hmacsign

import (
	"crypto/hmac"
	"encoding/hex"
	"hash"
	"strings"
)

// Scheme is how a vendor signs.
type Scheme struct {
	Hash   func() hash.Hash // for instance sha1.New
	Prefix string           // in front of the signature, for instance "sha1="

	// Encode writes the MAC in letters; nil = as hex digits in lower case.
	Encode func(mac []byte) string
}

// Sign returns the signature of some parts, one after the other.
func (s Scheme) Sign(key string, parts ...[]byte) string {
	mac := hmac.New(s.Hash, []byte(key))
	for _, part := range parts {
		mac.Write(part)
	}
	encode := s.Encode
	if encode == nil {
		encode = hex.EncodeToString
	}
	return s.Prefix + encode(mac.Sum(nil))
}

// Verify reports whether a signature is that of the parts by any of the keys:
// a vendor's secret is replaced without a break when the old one is accepted for
// a while. An empty key, and no signature, prove nothing. How long it takes tells
// nothing of where a wrong signature differs.
func (s Scheme) Verify(signature string, keys []string, parts ...[]byte) bool {
	signature = strings.TrimSpace(signature)
	genuine := false
	for _, key := range keys {
		if key != "" && hmac.Equal([]byte(signature), []byte(s.Sign(key, parts...))) {
			genuine = true
		}
	}
	return genuine && signature != ""
}
