package restapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
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
