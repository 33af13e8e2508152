// Package stdwebhook signs webhooks and checks their signatures, as in Standard
// Webhooks
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
package stdwebhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a signed call.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

const (
	// tolerance is how far a timestamp may be off: what was recorded cannot be sent again later.
	tolerance = 5 * time.Minute
	// version stands before each signature by HMAC-SHA256.
	version = "v1,"
	// secretPrefix stands before a secret that is written in base64.
	secretPrefix = "whsec_"
	// newSecretBytes is how long a new secret is; the specification wants 24 to 64.
	newSecretBytes = 32
	minSecretBytes = 24
	maxSecretBytes = 64
)

// Sign adds the headers that prove a call to come from us, with a signature for
// each key. The id is the same for each attempt, the timestamp is the attempt's.
func Sign(header http.Header, id string, now time.Time, body []byte, keys ...[]byte) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	signatures := make([]string, len(keys))
	for i, key := range keys {
		signatures[i] = version + base64.StdEncoding.EncodeToString(mac(key, id, timestamp, body))
	}
	header.Set(HeaderID, id)
	header.Set(HeaderTimestamp, timestamp)
	header.Set(HeaderSignature, strings.Join(signatures, " "))
}

// Verify checks the headers of a call to us. Several signatures may be given,
// separated by spaces, for instance while a secret is changed; one has to match.
func Verify(header http.Header, key []byte, now time.Time, body []byte) error {
	id, timestamp, signatures := header.Get(HeaderID), header.Get(HeaderTimestamp), header.Get(HeaderSignature)
	if id == "" || timestamp == "" || signatures == "" {
		return errors.New("the headers webhook-id, webhook-timestamp and webhook-signature are needed")
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return errors.New("webhook-timestamp is not a number of seconds")
	}
	at := time.Unix(seconds, 0)
	if at.Before(now.Add(-tolerance)) || at.After(now.Add(tolerance)) {
		return errors.New("webhook-timestamp is more than 5 minutes off")
	}
	want := mac(key, id, timestamp, body)
	for signature := range strings.SplitSeq(signatures, " ") {
		encoded, ok := strings.CutPrefix(signature, version)
		if !ok {
			continue
		}
		if got, err := base64.StdEncoding.DecodeString(encoded); err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return errors.New("webhook-signature does not match; sign with this provider's signing_secret")
}

func mac(key []byte, id, timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id + "." + timestamp + "."))
	h.Write(body)
	return h.Sum(nil)
}

// NewSecret returns a secret that nobody can guess.
func NewSecret() string {
	key := make([]byte, newSecretBytes)
	_, _ = rand.Read(key) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// Key returns the bytes of a secret: those in base64 after the prefix of Standard
// Webhooks, else the text's own. No secret, no key.
func Key(secret string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return []byte(secret), nil
	}
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil || len(key) == 0 {
		return nil, errors.New("signing_secret: what follows whsec_ is not standard base64")
	}
	return key, nil
}

// StrictKey is Key for secrets that every library of Standard Webhooks takes.
func StrictKey(secret string) ([]byte, error) {
	key, err := Key(secret)
	if err == nil && (!strings.HasPrefix(secret, secretPrefix) || len(key) < minSecretBytes || len(key) > maxSecretBytes) {
		err = errors.New("signing_secret: give whsec_ followed by 24 to 64 random bytes in base64, or leave it out to get one")
	}
	if err != nil {
		return nil, err
	}
	return key, nil
}
