package hmacsign_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/human-handoff/handoff/internal/provider/hmacsign"
)

// TestKnownVectors holds to RFC 2202 (SHA-1, case 2) and RFC 4231 (SHA-256, case 2).
func TestKnownVectors(t *testing.T) {
	t.Parallel()
	text := []byte("what do ya want for nothing?")
	sha1s := hmacsign.Scheme{Hash: sha1.New, Prefix: "sha1="}
	assert.Equal(t, "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", sha1s.Sign("Jefe", text))
	sha256s := hmacsign.Scheme{Hash: sha256.New, Encode: base64.StdEncoding.EncodeToString}
	assert.Equal(t, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=", sha256s.Sign("Jefe", text))
	assert.Equal(t, sha256s.Sign("Jefe", text), sha256s.Sign("Jefe", text[:10], text[10:]), "parts stand one after the other")
}

func TestVerify(t *testing.T) {
	t.Parallel()
	s := hmacsign.Scheme{Hash: sha256.New, Prefix: "v0="}
	body := []byte("body")
	good := s.Sign("new", body)
	assert.True(t, s.Verify(good, []string{"new"}, body))
	assert.True(t, s.Verify(good, []string{"old", "new"}, body))
	assert.True(t, s.Verify(s.Sign("old", body), []string{"old", "new"}, body), "while a secret is replaced both hold")
	assert.False(t, s.Verify(good, []string{"other"}, body))
	assert.False(t, s.Verify(good, []string{"new"}, []byte("other")))
	assert.False(t, s.Verify(good[3:], []string{"new"}, body), "without the prefix")
	assert.False(t, s.Verify("", []string{"new"}, body))
	assert.False(t, s.Verify(s.Sign("", body), []string{""}, body), "no key, no proof")
	assert.False(t, s.Verify(good, nil, body))
}
