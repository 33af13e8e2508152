package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/web"
)

var reference = regexp.MustCompile(`(?:src|href)="(/assets/[^"]+)"`)

func get(t *testing.T, method, target string) *http.Response {
	t.Helper()
	mux, recorder := http.NewServeMux(), httptest.NewRecorder()
	web.Pages{}.Mount(mux)
	mux.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), method, target, nil))
	return recorder.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	content, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return string(content)
}

func TestPagesAreLockedDownAndNeverKept(t *testing.T) {
	t.Parallel()
	for target, frames := range map[string]string{"/": "'none'", "/desk": "'none'", "/chat?agent=a": "'self'"} {
		response := get(t, http.MethodGet, target)
		require.Equal(t, http.StatusOK, response.StatusCode, target)
		assert.Equal(t, "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "+
			"font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "+frames,
			response.Header.Get("Content-Security-Policy"), target)
		assert.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"), target)
		assert.Equal(t, "no-referrer", response.Header.Get("Referrer-Policy"), target)
		assert.Equal(t, "no-store", response.Header.Get("Cache-Control"), target)
		assert.Equal(t, "text/html; charset=utf-8", response.Header.Get("Content-Type"), target)
	}
}

func TestPagesHoldNoInlineCode(t *testing.T) {
	t.Parallel()
	inline := regexp.MustCompile(`(?i)<script(?:>|\s[^>]*>)\s*[^<\s]|<style|\sstyle=|\son\w+=|javascript:`)
	for _, target := range []string{"/", "/desk", "/chat"} {
		assert.Empty(t, inline.FindString(body(t, get(t, http.MethodGet, target))), target)
	}
}

func TestEveryAssetOfAPageIsServedForGood(t *testing.T) {
	t.Parallel()
	types := map[string]string{"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
	for _, target := range []string{"/", "/desk", "/chat"} {
		found := reference.FindAllStringSubmatch(body(t, get(t, http.MethodGet, target)), -1)
		require.NotEmpty(t, found, target)
		for _, match := range found {
			response := get(t, http.MethodGet, match[1])
			require.Equal(t, http.StatusOK, response.StatusCode, match[1])
			assert.Equal(t, "public, max-age=31536000, immutable", response.Header.Get("Cache-Control"), match[1])
			assert.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"), match[1])
			extension := match[1][strings.LastIndex(match[1], ".")+1:]
			assert.Equal(t, types[extension], response.Header.Get("Content-Type"), match[1])
		}
	}
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/assets/", "/assets/none.js", "/assets/..%2Fchat.html", "/assets/.", "/chat/", "/chat.html", "/package.json"} {
		response := get(t, http.MethodGet, target)
		assert.NotEqual(t, http.StatusOK, response.StatusCode, target)
		assert.NotContains(t, response.Header.Get("Cache-Control"), "immutable", target)
	}
	assert.Equal(t, http.StatusMethodNotAllowed, get(t, http.MethodPost, "/chat").StatusCode)
	assert.Equal(t, http.StatusOK, get(t, http.MethodHead, "/chat").StatusCode)
}
