package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"
)

const (
	tokenPrefix = "hst_"
	nonceBytes  = 16
	proofLength = 64 // of nonce and MAC, 48 bytes, in base64
)

// TokenGrace is how long a session's tokens stay valid after it closed.
const TokenGrace = 15 * time.Minute

// NewSessionToken mints a token for one session. Tokens are not stored: the MAC
// proves that this server, or another with the same encryption key, made it.
func (a *Authenticator) NewSessionToken(sessionID string) string {
	proof := make([]byte, nonceBytes, nonceBytes+sha256.Size)
	_, _ = rand.Read(proof) // never fails, says its documentation
	proof = append(proof, tokenMAC(a.tokenKeys[0], sessionID, proof)...)
	return tokenPrefix + sessionID + "_" + base64.RawURLEncoding.EncodeToString(proof)
}

// sessionOfToken returns the session that a token was minted for.
func (a *Authenticator) sessionOfToken(token string) (sessionID string, ok bool) {
	body, ok := strings.CutPrefix(token, tokenPrefix)
	cut := len(body) - proofLength - 1
	if !ok || cut < 1 || body[cut] != '_' {
		return "", false
	}
	sessionID = body[:cut]
	proof, err := base64.RawURLEncoding.DecodeString(body[cut+1:])
	if err != nil {
		return "", false
	}
	nonce, mac := proof[:nonceBytes], proof[nonceBytes:]
	for _, key := range a.tokenKeys {
		if hmac.Equal(mac, tokenMAC(key, sessionID, nonce)) {
			return sessionID, true
		}
	}
	return "", false
}

func tokenMAC(key []byte, sessionID string, nonce []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(nonce) // of fixed length, so that the two parts cannot be shifted
	mac.Write([]byte(sessionID))
	return mac.Sum(nil)
}
