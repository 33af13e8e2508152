package provider

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// forms are the ways in which a server or a library may repeat a secret.
func forms(secret string) map[string]string {
	quoted, err := json.Marshal(secret)
	if err != nil {
		panic(err)
	}
	basic := func(user string) string {
		r, _ := http.NewRequest(http.MethodGet, "http://example.com", nil)
		r.SetBasicAuth(user, secret)
		return r.Header.Get("Authorization")
	}
	return map[string]string{
		"as it is":  "got " + secret + " there",
		"query":     "?password=" + url.QueryEscape(secret) + "&x=y",
		"path":      "/bot" + url.PathEscape(secret) + "/send",
		"JSON":      `{"password":` + string(quoted) + `}`,
		"base64":    base64.StdEncoding.EncodeToString([]byte(secret)),
		"URL":       base64.RawURLEncoding.EncodeToString([]byte(secret)),
		"basic":     basic(""),
		"basic u":   basic("u"),
		"basic us":  basic("us"),
		"basic use": basic("use"),
		"cut":       "the end is " + secret[:len(secret)-1],
	}
}

func TestSecretsAreTakenOutInEveryForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[a-zA-Z0-9 "+/=&%<>?\\äß-]{8,40}`).Draw(t, "secret")
		r := newRedactor([]string{"", secret, "another-secret"})
		for name, text := range forms(secret) {
			got := r.text(text)
			if !strings.Contains(got, redacted) {
				t.Fatalf("%s: %q is still %q", name, text, got)
			}
			core := base64.StdEncoding.EncodeToString([]byte(secret))
			if strings.Contains(got, secret) || strings.Contains(got, core[:len(core)-4]) {
				t.Fatalf("%s: %q has the secret in %q", name, text, got)
			}
		}
	})
}

func TestInnocentTextStays(t *testing.T) {
	r := newRedactor([]string{"hunter2hunter2", "abc"})
	for _, text := range []string{"", "no answer within 15 s", "dial tcp: connection refused", "the hunt is on"} {
		assert.Equal(t, text, r.text(text))
	}
	assert.Equal(t, "x", newRedactor(nil).text("x"))
	assert.Equal(t, redacted+" and more", newRedactor([]string{"hunter2", "hunter2hunter2"}).text("hunter2hunter2 and more"), "the longest first")
}

func TestURLsLoseWhatMayBeSecret(t *testing.T) {
	for text, want := range map[string]string{
		`Post "https://u:p@example.com:8443/a/b?token=x#f": EOF`: `Post "https://example.com:8443/a/b": EOF`,
		"see wss://example.com/link?ticket=1 and go":             "see wss://example.com/link and go",
		"plain https://example.com/a, then":                      "plain https://example.com/a, then",
		"bad http://%zz/?token=1 x":                              "bad http://[redacted] x",
		"no address: here":                                       "no address: here",
	} {
		assert.Equal(t, want, stripURLs(text))
	}
}

func TestCleanedErrorsCanBeComparedButNotTakenApart(t *testing.T) {
	secret := "hunter2hunter2"
	cause := &url.Error{Op: "Post", URL: "https://example.com/" + secret + "?x=1", Err: io.ErrUnexpectedEOF}
	err := newRedactor([]string{secret}).error(fmt.Errorf("send: %w", cause))
	assert.EqualError(t, err, `send: Post "https://example.com/[redacted]": unexpected EOF`)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	var taken *url.Error
	assert.NotErrorAs(t, err, &taken)
	assert.Equal(t, ClassTransient, err.Class)
}

func TestSecretAcrossTheQuotesEnd(t *testing.T) {
	secret := strings.Repeat("s3cret", 10)
	body := strings.Repeat("x", maxQuote-30) + secret
	err := newRedactor([]string{secret}).error(FromStatus(400, nil, now, []byte(body)))
	assert.NotContains(t, err.Error(), "s3c")

	// The body itself was cut while it was read, and white space made short.
	body = "a" + strings.Repeat(" ", 5000) + secret[:20]
	err = newRedactor([]string{secret}).error(FromStatus(400, nil, now, []byte(body)))
	assert.NotContains(t, err.Error(), "s3c")
}

func TestErrorsOfOneLine(t *testing.T) {
	err := newRedactor(nil).error(errors.New("one\ntwo\xff " + strings.Repeat("x", 5000)))
	assert.NotContains(t, err.Error(), "\n")
	assert.Less(t, len(err.Error()), 1100)
}
