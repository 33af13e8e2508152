package wecom

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The vendor's published sample.
const (
	sampleToken = "QDG6eK"
	sampleKey   = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
	sampleCorp  = "wx5823bf96d3bd56c7"

	sampleEcho    = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
	sampleEncrypt = "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q=="
)

func sample(t *testing.T) *crypt {
	t.Helper()
	c, err := newCrypt(sampleToken, sampleKey, sampleCorp)
	require.NoError(t, err)
	return c
}

func TestPublishedVectors(t *testing.T) {
	c := sample(t)
	require.True(t, c.signed("5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "1409659589", "263014780", sampleEcho))
	echo, err := c.open(sampleEcho)
	require.NoError(t, err)
	assert.Equal(t, "1616140317555161061", string(echo))

	require.True(t, c.signed("477715d11cdb4164915debcba66cb864d751f3e6", "1409659813", "1372623149", sampleEncrypt))
	message, err := c.open(sampleEncrypt)
	require.NoError(t, err)
	for _, want := range []string{"<Content><![CDATA[hello]]></Content>", "<FromUserName><![CDATA[mycreate]]>", "<MsgId>4561255354251345929</MsgId>", "<AgentID>218</AgentID>"} {
		assert.Contains(t, string(message), want)
	}
}

func TestSignaturesAreChecked(t *testing.T) {
	c := sample(t)
	good := "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3"
	for _, signature := range []string{"", strings.ToUpper(good), good[:39], good + "0", strings.Repeat("0", 40)} {
		assert.False(t, c.signed(signature, "1409659589", "263014780", sampleEcho), signature)
	}
	assert.False(t, c.signed(good, "1409659590", "263014780", sampleEcho))
	assert.False(t, c.signed(good, "1409659589", "263014781", sampleEcho))
	assert.False(t, c.signed(good, "1409659589", "263014780", sampleEcho[1:]))
}

// seal encrypts whatever is given, padding included.
func (c *crypt) seal(t *testing.T, plain []byte) string {
	t.Helper()
	block, err := aes.NewCipher(c.key)
	require.NoError(t, err)
	cipher.NewCBCEncrypter(block, c.key[:16]).CryptBlocks(plain, plain)
	return base64.StdEncoding.EncodeToString(plain)
}

func framed(message, receiveID string, length uint32) []byte {
	plain := binary.BigEndian.AppendUint32([]byte("0123456789abcdef"), length)
	return append(append(plain, message...), receiveID...)
}

func padded(plain []byte, n int) []byte {
	return append(plain, []byte(strings.Repeat(string(rune(n)), n))...)
}

func TestEachPadding(t *testing.T) {
	c := sample(t)
	for n := 1; n <= 32; n++ {
		message := strings.Repeat("m", 64-headSize-len(sampleCorp)+32-n)
		got, err := c.open(c.seal(t, padded(framed(message, sampleCorp, uint32(len(message))), n)))
		require.NoError(t, err, n)
		assert.Equal(t, message, string(got), n)
	}
}

func TestWhatDoesNotOpen(t *testing.T) {
	c := sample(t)
	fill := func(plain []byte) []byte { return padded(plain, 32-len(plain)%32) }
	other, err := newCrypt(sampleToken, strings.Repeat("A", 43), sampleCorp)
	require.NoError(t, err)
	for name, encrypted := range map[string]string{
		"nothing":            "",
		"no base64":          "***",
		"half a block":       base64.StdEncoding.EncodeToString(make([]byte, 24)),
		"another key":        other.seal(t, fill(framed("hello", sampleCorp, 5))),
		"too long a length":  c.seal(t, fill(framed("hello", sampleCorp, 500))),
		"the longest length": c.seal(t, fill(framed("hello", sampleCorp, 1<<32-1))),
		"no padding":         c.seal(t, make([]byte, 64)),
		"padding of 33":      c.seal(t, padded(make([]byte, 31), 33)),
		"uneven padding":     c.seal(t, append(make([]byte, 30), 1, 2)),
		"no message":         c.seal(t, padded(make([]byte, 8), 24)),
	} {
		_, err := c.open(encrypted)
		require.ErrorIs(t, err, errCipher, name)
	}
	for _, id := range []string{"", "wx5823bf96d3bd56c8", sampleCorp + "x"} {
		_, err := c.open(c.seal(t, fill(framed("hello", id, 5))))
		require.ErrorIs(t, err, errForeign, id)
	}
}

func TestKeysOfAnotherLength(t *testing.T) {
	for _, key := range []string{"", sampleKey[1:], sampleKey + "A", strings.Repeat("*", 43)} {
		_, err := newCrypt("", key, "")
		assert.ErrorContains(t, err, "43 letters", key)
	}
	_, err := newCrypt("", " "+sampleKey[:42]+"D ", "") // its last bits say nothing
	assert.NoError(t, err)
}
