package e2e_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// randomSecret makes a secret that no text contains by chance. The characters at
// its end are escaped in a URL, so that the plain form and the escaped differ.
func randomSecret() string {
	raw := make([]byte, 15)
	_, _ = rand.Read(raw)
	return "s3cret" + hex.EncodeToString(raw) + "+/="
}

// vault knows the secrets of one server and all RPC answers that it gave. At the
// end of the test neither the answers nor any file may contain a secret.
type vault struct {
	mu      sync.Mutex
	secrets map[string]secret
	answers []answer
}

// secret is where a secret may appear: answers of which procedures.
type secret struct {
	name   string
	handed string // the procedure that hands it out, once; empty: none
}

type answer struct {
	procedure string
	body      []byte
}

func newVault() *vault { return &vault{secrets: map[string]secret{}} }

// add registers a secret that is configured and never comes back.
func (v *vault) add(name, value string) string { return v.addHanded(name, value, "") }

// addHanded registers a secret that one procedure hands out.
func (v *vault) addHanded(name, value, procedure string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if value != "" {
		v.secrets[value] = secret{name, procedure}
	}
	return value
}

// record keeps an answer. It returns a writer for a body that is still to come.
func (v *vault) record(procedure string) *recording {
	return &recording{vault: v, procedure: procedure}
}

// recording collects the body of one answer.
type recording struct {
	vault     *vault
	procedure string
	body      bytes.Buffer
}

func (r *recording) Write(data []byte) (int, error) { return r.body.Write(data) }

// Close hands the body to the vault.
func (r *recording) Close() error {
	r.vault.mu.Lock()
	defer r.vault.mu.Unlock()
	r.vault.answers = append(r.vault.answers, answer{r.procedure, bytes.Clone(r.body.Bytes())})
	r.body.Reset()
	return nil
}

// forms returns the ways in which a secret could lie somewhere: as it is, escaped
// for a URL, and in base64 at each of the three places within a longer text (then
// without the characters that its neighbours share).
func forms(value string) []string {
	all := []string{value, url.QueryEscape(value), url.PathEscape(value)}
	for offset := range 3 {
		padded := strings.Repeat("\x00", offset) + value
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			encoded := encoding.EncodeToString([]byte(padded))
			skip := (offset*8 + 5) / 6
			all = append(all, encoded[skip:len(encoded)-1])
		}
	}
	return all
}

// checkAnswers looks for secrets in all answers so far.
func (v *vault) checkAnswers(t *testing.T) {
	t.Helper()
	v.checkAnswersWith(t)
}

func (v *vault) checkAnswersWith(t assert.TestingT) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for value, s := range v.secrets {
		for _, form := range forms(value) {
			for _, a := range v.answers {
				if a.procedure != s.handed && bytes.Contains(a.body, []byte(form)) {
					assert.Fail(t, "secret in an answer", "%s in an answer of %s", s.name, a.procedure)
				}
			}
		}
	}
}

// checkFiles looks for secrets in all files below dir, and returns how many files
// it read.
func (v *vault) checkFiles(t *testing.T, dir string) int {
	t.Helper()
	return v.checkFilesWith(t, dir)
}

func (v *vault) checkFilesWith(t assert.TestingT, dir string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	files := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || isKeyFile(path) {
			return err
		}
		data, err := os.ReadFile(path)
		files++
		for value, s := range v.secrets {
			for _, form := range forms(value) {
				if bytes.Contains(data, []byte(form)) {
					assert.Fail(t, "secret in a file", "%s in %s", s.name, filepath.Base(path))
				}
			}
		}
		return err
	})
	assert.NoError(t, err)
	return files
}

// isKeyFile tells whether a file is there to keep a secret: the key beside the
// database, and what a test itself wrote for a …_FILE variable.
func isKeyFile(path string) bool {
	return strings.HasSuffix(path, "-key") || strings.HasSuffix(path, ".secret")
}

func randomBase64() string {
	raw := make([]byte, 24)
	_, _ = rand.Read(raw)
	return base64.StdEncoding.EncodeToString(raw)
}
