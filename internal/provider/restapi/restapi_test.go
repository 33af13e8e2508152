package restapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

func newClient(t *testing.T, answer http.HandlerFunc) *restapi.Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return &restapi.Client{HTTP: server.Client(), Now: time.Now, Base: server.URL, Header: http.Header{"Authorization": {"Bearer x"}}}
}

func TestCall(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		assert.JSONEq(t, `{"text":"<b> & c"}`, string(body))
		assert.Contains(t, string(body), "<b> & c", "as it was written")
		assert.Equal(t, "Bearer x", r.Header.Get("Authorization"))
		assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
		assert.Equal(t, "/a%2Fb?q=1", r.URL.RequestURI())
		w.Header().Set("Set-Cookie", "a=b")
		_, _ = io.WriteString(w, `{"id":"7","more":{}}`)
	})
	var got struct {
		ID string `json:"id"`
	}
	cookie := ""
	err := c.Do(t.Context(), restapi.Call{
		Method: http.MethodPost, Path: "/a%2Fb?q=1", Body: map[string]string{"text": "<b> & c"}, Into: &got,
		Seen: func(h http.Header) { cookie = h.Get("Set-Cookie") },
	})
	require.NoError(t, err)
	assert.Equal(t, "7", got.ID)
	assert.Equal(t, "a=b", cookie)
}

func TestErrorsHaveAClass(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		class  provider.Class
		says   string
	}{
		"refused": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusConflict) }, provider.ClassRejected, "409"},
		"broken":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"secret`) }, provider.ClassTransient, "not the JSON"},
		"cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"a":1}`)
		}, provider.ClassTransient, "cut"},
		"away": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, provider.ClassTransient, "EOF"},
	} {
		var into map[string]any
		err := newClient(t, test.answer).Do(t.Context(), restapi.Call{Method: http.MethodGet, Path: "/", Into: &into})
		assert.Equal(t, test.class, provider.ClassOf(err), name)
		assert.ErrorContains(t, err, test.says, name)
		assert.NotContains(t, err.Error(), "secret", name)
	}
}

func TestFormsAndFiles(t *testing.T) {
	t.Parallel()
	var mediaType, body string
	var size int64
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		mediaType, body, size = r.Header.Get("Content-Type"), string(data), r.ContentLength
		_, _ = io.WriteString(w, "OK, and no JSON")
	})
	require.NoError(t, c.Do(t.Context(), restapi.Call{Method: http.MethodPost, Path: "/", Form: url.Values{"a": {"1 & 2"}}}))
	assert.Equal(t, []any{"application/x-www-form-urlencoded", "a=1+%26+2", int64(9)}, []any{mediaType, body, size})

	for _, content := range []string{"the content", ""} {
		file := restapi.File{Content: io.MultiReader(strings.NewReader(content)), Size: int64(len(content)), Type: "image/png"}
		require.NoError(t, c.Do(t.Context(), restapi.Call{Method: http.MethodPost, Path: "/", File: &file}))
		assert.Equal(t, []any{"image/png", content, file.Size}, []any{mediaType, body, size}, "its size is told, whatever it is read from")
	}
	file := restapi.File{Content: strings.NewReader("short"), Size: 10, Type: "image/png"}
	require.Error(t, c.Do(t.Context(), restapi.Call{Method: http.MethodPost, Path: "/", File: &file}))
}
