package pieces_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/human-handoff/handoff/internal/provider/pieces"
)

func TestPieces(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"nothing":             {"", []string{""}},
		"as much as fits":     {"12345678", []string{"12345678"}},
		"one more":            {"123456789", []string{"12345678", "9"}},
		"at a line":           {"12345\n6789", []string{"12345\n", "6789"}},
		"not so early":        {"12\n3456789", []string{"12\n34567", "89"}},
		"two units each":      {strings.Repeat("🐦", 5), []string{strings.Repeat("🐦", 4), "🐦"}},
		"one unit each":       {strings.Repeat("你", 9), []string{strings.Repeat("你", 8), "你"}},
		"between, not within": {"1234567🐦", []string{"1234567", "🐦"}},
	} {
		assert.Equal(t, c.want, pieces.Of(c.text, 8, pieces.UTF16), name)
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	const text = "a你🐦 b" // 1, 1, 1, 1, 1 characters; 1, 1, 2, 1, 1 units; 1, 3, 4, 1, 1 bytes
	for name, c := range map[string]struct {
		unit  pieces.Unit
		size  int
		first string
		of    []string
	}{
		"characters": {pieces.Characters, 5, "a你🐦…", []string{"a你🐦 ", "b"}},
		"UTF-16":     {pieces.UTF16, 6, "a你…", []string{"a你🐦", " b"}},
		"bytes":      {pieces.Bytes, 10, "a…", []string{"a你", "🐦", " b"}},
	} {
		assert.Equal(t, c.size, pieces.Size(text, c.unit), name)
		assert.Equal(t, c.first, pieces.First(text, 4, c.unit), name)
		assert.Equal(t, c.of, pieces.Of(text, 4, c.unit), name)
		assert.Equal(t, text, pieces.First(text, c.size, c.unit), name)
	}
}
