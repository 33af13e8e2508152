package seal

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func newSealer(t *testing.T, first byte, others ...byte) *Sealer {
	t.Helper()
	keys := make([][]byte, 0, 1+len(others))
	for _, k := range append([]byte{first}, others...) {
		keys = append(keys, bytes.Repeat([]byte{k}, KeySize))
	}
	s, err := New(keys)
	require.NoError(t, err)
	return s
}

func TestOpenReturnsWhatWasSealed(t *testing.T) {
	s := newSealer(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		plain, context := rapid.SliceOf(rapid.Byte()).Draw(t, "plain"), rapid.SliceOf(rapid.Byte()).Draw(t, "context")
		sealed := s.Seal(plain, context)
		opened, err := s.Open(sealed, context)
		if err != nil || !bytes.Equal(opened, plain) {
			t.Fatalf("got %x, %v", opened, err)
		}
	})
}

func TestSealedIsUnreadableAndNeverTheSame(t *testing.T) {
	s := newSealer(t, 1)
	plain := []byte("a secret of the vendor")
	one, two := s.Seal(plain, nil), s.Seal(plain, nil)
	assert.NotEqual(t, one, two)
	assert.NotContains(t, string(one), "secret")
	assert.Equal(t, byte(1), one[0])
}

func TestEveryChangedByteIsNoticed(t *testing.T) {
	s := newSealer(t, 1)
	sealed := s.Seal([]byte("secret"), []byte("row 1"))
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		_, err := s.Open(changed, []byte("row 1"))
		want := ErrNoKey
		if i == 0 {
			want = ErrFormat
		}
		require.ErrorIs(t, err, want, "byte %d", i)
	}
	for n := range sealed {
		_, err := s.Open(sealed[:n], []byte("row 1"))
		require.Error(t, err, "cut after %d", n)
	}
	_, err := s.Open(append(bytes.Clone(sealed), 0), []byte("row 1"))
	require.ErrorIs(t, err, ErrNoKey)
}

func TestAnotherContextDoesNotOpen(t *testing.T) {
	s := newSealer(t, 1)
	sealed := s.Seal([]byte("secret"), []byte("row 1"))
	for _, context := range [][]byte{nil, []byte("row 2"), []byte("row 10")} {
		_, err := s.Open(sealed, context)
		require.ErrorIs(t, err, ErrNoKey)
	}
}

func TestNotSealed(t *testing.T) {
	s := newSealer(t, 1)
	for _, text := range []string{"", "\x01", `{"url":"https://example.com","password":"0123456789"}`, "\x02" + strings.Repeat("x", 60)} {
		_, err := s.Open([]byte(text), nil)
		require.ErrorIs(t, err, ErrFormat, "%q", text)
	}
}

func TestRotation(t *testing.T) {
	before := newSealer(t, 1)
	sealed := before.Seal([]byte("secret"), nil)

	during := newSealer(t, 2, 1)
	opened, err := during.Open(sealed, nil)
	require.NoError(t, err)
	assert.Equal(t, "secret", string(opened))

	again := during.Seal(opened, nil)
	after := newSealer(t, 2)
	opened, err = after.Open(again, nil)
	require.NoError(t, err)
	assert.Equal(t, "secret", string(opened))

	_, err = after.Open(sealed, nil)
	require.ErrorIs(t, err, ErrNoKey)
	require.ErrorContains(t, err, "--encryption-key")
	_, err = before.Open(again, nil)
	require.ErrorIs(t, err, ErrNoKey)
}

func TestMACKeys(t *testing.T) {
	s := newSealer(t, 2, 1)
	keys := s.MACKeys("session")
	require.Len(t, keys, 2)
	assert.Len(t, keys[0], 32)
	assert.NotEqual(t, keys[0], keys[1])
	assert.Equal(t, keys[:1], newSealer(t, 2).MACKeys("session"), "the same after a restart")
	assert.Equal(t, keys[1:], newSealer(t, 1).MACKeys("session"), "an earlier key's is still there")
	assert.NotEqual(t, keys, s.MACKeys("upload"))
	assert.NotContains(t, keys, bytes.Repeat([]byte{2}, KeySize))
}

func TestNewRefusesBadKeys(t *testing.T) {
	for _, keys := range [][][]byte{nil, {nil}, {make([]byte, 16)}, {make([]byte, 32), make([]byte, 33)}} {
		_, err := New(keys)
		require.Error(t, err)
	}
}

func TestNewCopiesItsKeys(t *testing.T) {
	key := bytes.Repeat([]byte{7}, KeySize)
	s, err := New([][]byte{key})
	require.NoError(t, err)
	before := s.MACKeys("x")
	clear(key)
	assert.Equal(t, before, s.MACKeys("x"))
}

func TestParseKeys(t *testing.T) {
	one, two := bytes.Repeat([]byte{0xff}, KeySize), bytes.Repeat([]byte{2}, KeySize)
	padded, bare := base64.StdEncoding.EncodeToString(one), base64.RawStdEncoding.EncodeToString(two)
	for list, want := range map[string][][]byte{
		padded:                             {one},
		bare:                               {two},
		padded + "," + bare:                {one, two},
		" " + padded + " , " + bare + "\n": {one, two},
	} {
		keys, err := ParseKeys(list)
		require.NoError(t, err)
		assert.Equal(t, want, keys)
	}
}

func TestParseKeysSaysWhatIsWrong(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(make([]byte, KeySize))
	for _, tt := range []struct{ list, want string }{
		{"", "the encryption key is empty"},
		{"not base64!", "the encryption key is not standard base64"},
		{base64.URLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, KeySize)), "not standard base64"},
		{"c2hvcnQ=", "the encryption key has 5 bytes, not 32"},
		{good + ",", "encryption key 2 of 2 is empty"},
		{good + ",zzz", "encryption key 2 of 2"},
		{strings.Repeat("a", 64), "has 48 bytes"}, // 32 bytes in hexadecimal look like base64
	} {
		_, err := ParseKeys(tt.list)
		require.ErrorContains(t, err, tt.want)
		if len(tt.list) > 3 {
			assert.NotContains(t, err.Error(), tt.list)
		}
	}
}

func TestNewKey(t *testing.T) {
	one, two := NewKey(), NewKey()
	assert.NotEqual(t, one, two)
	keys, err := ParseKeys(one + "," + two)
	require.NoError(t, err)
	_, err = New(keys)
	require.NoError(t, err)
}
