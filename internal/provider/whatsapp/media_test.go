package whatsapp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/whatsapp"
)

// The desk is what keeps the customers' files, too: the content is the id, as often
// as the size says.

// Content implements provider.Files.
func (d *desk) Content(_ context.Context, a handoff.Attachment) (io.ReadCloser, error) {
	if a.ID == "gone" {
		return nil, handoff.ErrFileNotFound
	}
	return io.NopCloser(io.LimitReader(endless(a.ID[0]), a.Size)), nil
}

// Link implements provider.Files.
func (d *desk) Link(a handoff.Attachment) string { return "https://files.example/" + a.ID }

type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func file(id, mimeType string, size int64) handoff.Attachment {
	return handoff.Attachment{ID: id, Name: id + " file", MIMEType: mimeType, Size: size}
}

// seen returns what a phone shows of files and texts.
func (d *desk) seen(phone int) (all []string) {
	for _, m := range d.emulator.Chat(phone).Messages {
		text := m.Text
		if m.File != nil {
			text = fmt.Sprintf("(%s, %d) %s", m.File.Name, len(m.File.Content), text)
		}
		all = append(all, strings.ReplaceAll(text, "\n", "|"))
	}
	return all
}

func TestFilesToPhones(t *testing.T) {
	t.Parallel()
	const head = "#H7K3 Ann Lee"
	long := strings.Repeat("x", 1100)
	for name, c := range map[string]struct {
		text  string
		files []handoff.Attachment
		want  []string
		kinds string
	}{
		"a picture":             {"", []handoff.Attachment{file("a", "image/png", 3)}, []string{"(a file, 3) " + head}, "image "},
		"with words":            {"look", []handoff.Attachment{file("a", "image/jpeg", 3)}, []string{"(a file, 3) " + head + "|look"}, "image "},
		"with many words":       {long, []handoff.Attachment{file("a", "application/pdf", 3)}, []string{head + "|" + long, "(a file, 3) " + head}, "text document "},
		"several":               {"look", []handoff.Attachment{file("a", "video/mp4", 3), file("b", "text/plain; charset=utf-8", 2)}, []string{"(a file, 3) " + head + "|look", "(b file, 2) " + head}, "video document "},
		"a sound":               {"", []handoff.Attachment{file("a", "audio/ogg; codecs=opus", 3)}, []string{head, "(a file, 3) "}, "text audio "},
		"a sound with words":    {"listen", []handoff.Attachment{file("a", "audio/mpeg", 3)}, []string{head + "|listen", "(a file, 3) "}, "text audio "},
		"of a type not taken":   {"", []handoff.Attachment{file("a", "application/zip", 3)}, []string{head + "|a file (application/zip, 3 bytes): https://files.example/a"}, "text "},
		"that is gone":          {"look", []handoff.Attachment{file("gone", "image/png", 3)}, []string{head + "|look|gone file (image/png, 3 bytes): https://files.example/gone"}, "text "},
		"a picture of too much": {"", []handoff.Attachment{file("a", "image/png", 6<<20)}, []string{"(a file, 6291456) " + head}, "document "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			id, err := d.adapter.Send(t.Context(), d.call(ada), handoff.Message{Text: c.text, Attachments: c.files})
			require.NoError(t, err)
			require.Equal(t, c.want, d.seen(0))
			require.Len(t, d.noted[ada], len(c.want), "each can be quoted")
			require.Equal(t, id, d.noted[ada][len(c.want)-1])
			require.Equal(t, c.kinds, d.kinds()[ada])

			// A repeat goes on where the first attempt was cut, and begins nothing again.
			again := d.call(ada)
			again.Repeat, again.Seat.Earlier = true, map[string][]string{ada: d.noted[ada][:len(c.want)-1]}
			d.now = d.now.Add(time.Minute)
			_, err = d.adapter.Send(t.Context(), again, handoff.Message{Text: c.text, Attachments: c.files})
			require.NoError(t, err)
			require.Equal(t, append(c.want, c.want[len(c.want)-1]), d.seen(0))
		})
	}
}

func TestFilesOutsideTheWindow(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.emulator.RefuseAtOnce = true
	d.emulator.CloseWindows()
	_, err := d.adapter.Send(t.Context(), d.call(ada), handoff.Message{Attachments: []handoff.Attachment{file("a", "image/png", 3), file("b", "image/png", 3)}})
	require.NoError(t, err)
	require.Equal(t, "image template ", d.kinds()[ada], "pressing its button brings the files, too")
}

func TestTellingOfFiles(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	sound := file("a", "audio/mpeg", 3)
	m, ok := d.adapter.(provider.Messenger)
	require.True(t, ok)
	ids, err := m.Tell(t.Context(), provider.Notice{Person: ada, Text: "#H7K3 Ann", File: &sound, SessionID: "ses_1", Heard: d.now, IdempotencyKey: "notice-1"})
	require.NoError(t, err)
	require.Len(t, ids, 2)
	require.Equal(t, []string{"#H7K3 Ann", "(a file, 3) "}, d.seen(0))
}

// TestLocate: a human's file is asked for by its id, at Meta's hosts alone.
func TestLocate(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	request := d.emulator.Send(0, "look", emulator.File{Name: "a.png", Content: "content"}, "")
	require.NoError(t, d.adapter.Verify(request))
	_, inbound, err := d.adapter.Parse(request)
	require.NoError(t, err)
	said, ok := inbound[0].Body.(handoff.PersonSaid)
	require.True(t, ok)
	l, ok := d.adapter.(provider.Locator)
	require.True(t, ok)
	found, err := l.Locate(t.Context(), said.Files[0])
	require.NoError(t, err)
	assert.Equal(t, "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73", found.SHA256)
	get := func(header string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, found.URL, http.NoBody)
		require.NoError(t, err)
		r.Header.Set("Authorization", header)
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response.StatusCode
	}
	require.Equal(t, http.StatusOK, get(found.Header["Authorization"]))
	require.Equal(t, http.StatusUnauthorized, get(""))
	d.now = d.now.Add(6 * time.Minute)
	require.Equal(t, http.StatusNotFound, get(found.Header["Authorization"]), "it is asked for anew with each attempt")
	d.emulator.ForgetMedia()
	_, err = l.Locate(t.Context(), said.Files[0])
	require.Equal(t, provider.ClassRejected, provider.ClassOf(err), "%v", err)
}

func TestTheTokenGoesToMetaAlone(t *testing.T) {
	t.Parallel()
	answer := map[string]string{"mime_type": "image/png", "sha256": "7XACtDnprIRfIjV9giusFERzD722AW0+yUMil7nsn3M="}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(answer) }))
	defer server.Close()
	c := config()
	c.ApiBaseUrl = server.URL
	a, err := whatsapp.Kind{}.Open(c, provider.Deps{HTTP: server.Client(), Now: time.Now})
	require.NoError(t, err)
	l, ok := a.(provider.Locator)
	require.True(t, ok)
	for address, trusted := range map[string]bool{
		"https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1": true,
		"https://scontent.xx.fbcdn.net/a":                                  true,
		server.URL + "/a":                                                  true,
		"http://lookaside.fbsbx.com/a":                                     false,
		"https://lookaside.fbsbx.com.example/a":                            false,
		"https://evilfbsbx.com/a":                                          false,
		"https://lookaside.fbsbx.com@example.com/a":                        false,
		"https://example.com/lookaside.fbsbx.com":                          false,
		"https://lookaside.fbsbx.com:8443/a":                               false,
		"":                                                                 false,
	} {
		answer["url"] = address
		f, err := l.Locate(t.Context(), handoff.RemoteFile{VendorID: "1"})
		if !trusted {
			require.Equal(t, provider.ClassRejected, provider.ClassOf(err), address)
			require.Empty(t, f.Header, address)
			continue
		}
		require.NoError(t, err, address)
		require.Equal(t, "Bearer "+c.GetAccessToken(), f.Header["Authorization"])
		require.Equal(t, "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73", f.SHA256, "whichever way it is written")
	}
}
