package web_test

import (
	"compress/gzip"
	"context"
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
	web.Pages{Origins: origins{}}.Mount(mux)
	mux.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), method, target, nil))
	return recorder.Result()
}

// origins allows the shop's pages to hold the chat of the agent "shop".
type origins struct{}

func (origins) AllowedOrigins(_ context.Context, agentID string) []string {
	if agentID != "shop" {
		return nil
	}
	return []string{"https://shop.example", "http://localhost:3000"}
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	content, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return string(content)
}

func TestPagesAreLockedDownAndNeverKept(t *testing.T) {
	t.Parallel()
	for target, frames := range map[string]string{
		"/": "'none'", "/desk": "'none'", "/chat?agent=a": "'self'",
		"/chat?agent=shop": "'self' https://shop.example http://localhost:3000",
	} {
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

// The widget costs those who embed it little.
func TestWidgetIsSmallAndForEveryPage(t *testing.T) {
	t.Parallel()
	response := get(t, http.MethodGet, "/widget.js")
	require.Equal(t, http.StatusOK, response.StatusCode)
	assert.Equal(t, "text/javascript; charset=utf-8", response.Header.Get("Content-Type"))
	assert.Equal(t, "cross-origin", response.Header.Get("Cross-Origin-Resource-Policy"))
	assert.Equal(t, "no-cache", response.Header.Get("Cache-Control"), "its name stays when it changes")
	assert.Len(t, response.Header.Get("ETag"), 66)
	var packed strings.Builder
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	require.NoError(t, err)
	_, err = w.Write([]byte(body(t, response)))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	assert.LessOrEqual(t, packed.Len(), 45_000, "bytes of widget.js in gzip")
}

func TestAccessTellsEachOriginOfItself(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	web.Pages{Origins: origins{}}.Mount(mux)
	for origin, want := range map[string]string{
		"": "true", "http://example.com": "true", "https://shop.example": "true", "http://localhost:3000": "true",
		"https://evil.example": "false", "null": "false", "https://shop.example:8443": "false", "http://shop.example": "false",
	} {
		r, w := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.com/widget/access?agent=shop", nil), httptest.NewRecorder()
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		mux.ServeHTTP(w, r)
		assert.JSONEq(t, `{"allowed":`+want+`}`, w.Body.String(), origin)
		assert.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"))
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	}
}
