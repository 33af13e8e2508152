package restapi_test

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// watched counts how many of the test's files are open.
type watched struct {
	io.Reader

	open *int
}

// Close implements io.Closer.
func (w watched) Close() error {
	*w.open--
	return nil
}

func part(name, content string, open *int) restapi.Part {
	return restapi.Part{Field: "files[]", Name: name, Type: "text/plain", Size: int64(len(content)), Open: func() (io.ReadCloser, error) {
		*open++
		return watched{strings.NewReader(content), open}, nil
	}}
}

func TestAMultipartFormIsSentWithItsLength(t *testing.T) {
	t.Parallel()
	var got []string
	var size int64
	c := newClient(t, func(_ http.ResponseWriter, r *http.Request) {
		size = r.ContentLength
		_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		form := multipart.NewReader(r.Body, params["boundary"])
		for p, err := form.NextPart(); err == nil; p, err = form.NextPart() {
			text, _ := io.ReadAll(p)
			got = append(got, p.FormName()+"|"+p.FileName()+"|"+p.Header.Get("Content-Type")+"|"+string(text))
		}
	})
	open := 0
	form, err := restapi.Multipart([]restapi.Field{{Name: "text", Value: "a & b"}}, []restapi.Part{part(`Ü "x".txt`, "one", &open), part("2.txt", "two", &open)})
	require.NoError(t, err)
	require.NoError(t, c.Do(t.Context(), restapi.Call{Method: http.MethodPost, Path: "/", File: &form.File}))
	form.Close()
	assert.Equal(t, []string{"text|||a & b", `files[]|Ü "x".txt|text/plain|one`, "files[]|2.txt|text/plain|two"}, got)
	assert.Equal(t, form.Size, size)
	assert.Zero(t, open)
}

func TestAFileThatCannotBeReadFailsTheCall(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	open := 0
	first, second := part("1", "one", &open), part("2", "two", &open)
	second.Open = func() (io.ReadCloser, error) { return nil, errors.New("gone") }
	form, err := restapi.Multipart(nil, []restapi.Part{first, second})
	require.NoError(t, err)
	require.ErrorContains(t, c.Do(t.Context(), restapi.Call{Method: http.MethodPost, Path: "/", File: &form.File}), "gone")
	form.Close()
	assert.Zero(t, open)
}

func TestWhatIsNotReadToItsEndIsClosed(t *testing.T) {
	t.Parallel()
	open := 0
	form, err := restapi.Multipart(nil, []restapi.Part{part("1", "a long content", &open)})
	require.NoError(t, err)
	_, err = io.CopyN(io.Discard, form.Content, form.Size-75)
	require.NoError(t, err)
	form.Close()
	assert.Zero(t, open)
}
