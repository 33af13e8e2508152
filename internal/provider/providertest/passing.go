package providertest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// contents is a provider.Files whose contents follow from the attachment.
type contents struct{}

var _ provider.Files = contents{}

// Content implements provider.Files.
func (contents) Content(_ context.Context, a handoff.Attachment) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(contentOf(a))), nil
}

// Link implements provider.Files.
func (contents) Link(a handoff.Attachment) string { return "https://files.example/" + a.ID }

func contentOf(a handoff.Attachment) string { return strings.Repeat("x", int(a.Size)) }

func someFiles() []handoff.Attachment {
	return []handoff.Attachment{
		{ID: "file_1", Name: "photo of it.png", MIMEType: "image/png", Size: 12_345},
		{ID: "file_2", Name: "Übersicht & more.pdf", MIMEType: "application/pdf", Size: 7},
		{ID: "file_3", Name: "program.exe", MIMEType: "application/vnd.microsoft.portable-executable", Size: 1},
	}
}

// filesArrive sends files as the core does, which makes links of those that the
// capabilities do not cover. Each reaches the human, in the one way or the other.
func filesArrive(e *env) {
	t := e.t
	if !e.caps.Attachments {
		e.why = "files go as links"
	}
	for _, text := range []string{"", "look at this"} {
		c := e.open(t)
		c.IdempotencyKey = "files-" + text
		m, _ := handoff.Degrade(handoff.Message{ID: "msg_1", Text: text, Attachments: someFiles()}, e.caps, contents{}.Link)
		_, err := e.desk.Send(t.Context(), c, m)
		e.saw(err)
		require.NoError(t, err)
		s := e.seen(t, c)
		said := strings.Join(s.Messages(), "\n")
		assert.Contains(t, said, text)
		shown := map[string]string{}
		for _, f := range s.Files {
			shown[f.Name] = f.Content
		}
		assert.Len(t, s.Files, len(m.Attachments), "what is a file is shown as one")
		for _, a := range m.Attachments {
			assert.Equal(t, contentOf(a), shown[a.Name], a.Name)
		}
		for _, a := range someFiles() {
			if _, carried := shown[a.Name]; !carried {
				assert.Contains(t, said, a.Name)
				assert.Contains(t, said, contents{}.Link(a))
			}
		}
	}
}

// signal passes a customer's signal on. It returns false when the vendor cannot
// show it, so that it was dropped.
func (e *env) signal(c provider.Call, declared bool, s handoff.Signal) (shown bool) {
	t := e.t
	require.Equal(t, declared, e.conn.Signals(s.Kind), "the capability and the adapter say the same of %s", s.Kind)
	err := e.conn.Signal(t.Context(), c, s)
	require.NoError(t, err)
	if declared {
		e.saw(err)
		return true
	}
	e.why = "the desk cannot show it"
	return false
}

func customerTypes(e *env) {
	c, other := e.open(e.t), e.open(e.t)
	for _, active := range []bool{true, false} {
		shown := e.signal(c, e.caps.Typing, handoff.Signal{Author: handoff.AuthorCustomer, Kind: handoff.SignalTyping, Active: active})
		assert.Equal(e.t, shown && active, e.seen(e.t, c).Typing)
		assert.False(e.t, e.seen(e.t, other).Typing)
	}
}

func customerReads(e *env) {
	c, other := e.open(e.t), e.open(e.t)
	shown := e.signal(c, e.conn.Signals(handoff.SignalRead), handoff.Signal{Author: handoff.AuthorCustomer, Kind: handoff.SignalRead, UpTo: 1})
	assert.Equal(e.t, shown, e.seen(e.t, c).Read)
	assert.False(e.t, e.seen(e.t, other).Read)
}

// humanFile has a human send a file that lies on a server of files, unless the
// vendor has such a server itself. It is fetched as the program does it.
func humanFile(e *env) {
	t := e.t
	c := e.open(t)
	if e.lacks(emulator.Attach) {
		e.tellsNothing(c, emulator.Attach)
		return
	}
	const content = "%PDF-1.7 of the desk"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, content) }))
	t.Cleanup(server.Close)
	for _, text := range []string{"", "look at this"} {
		sent := emulator.File{Name: "Übersicht & more.pdf", Content: content, URL: server.URL + "/a?signed=1&for=us"}
		all := e.do(t, c, emulator.Act{Kind: emulator.Attach, Text: text, File: &sent})
		if e.h.Traits.FilesAlone {
			e.requireFileAlone(all, text, content)
			continue
		}
		require.Len(t, all, 1)
		assert.True(t, belongs(all[0], c))
		assert.NotEmpty(t, all[0].Key)
		m, ok := all[0].Body.(handoff.HumanMessage)
		require.True(t, ok)
		assert.Equal(t, text, m.Text)
		require.Len(t, m.Files, 1)
		assert.Equal(t, sent.Name, m.Files[0].Name)
		assert.Equal(t, content, e.fetch(m.Files[0]))
	}
}

// requireFileAlone is the same where a file has no name, and no text beside it.
func (e *env) requireFileAlone(all []handoff.Inbound, text, content string) {
	t := e.t
	if text != "" {
		require.Len(t, all, 2)
		m, ok := all[1].Body.(handoff.HumanMessage)
		require.True(t, ok)
		assert.Equal(t, text, m.Text)
		assert.NotEqual(t, all[0].Key, all[1].Key)
		all = all[:1]
	}
	require.Len(t, all, 1)
	m, ok := all[0].Body.(handoff.HumanMessage)
	require.True(t, ok)
	assert.Empty(t, m.Text)
	require.Len(t, m.Files, 1)
	assert.NotEmpty(t, m.Files[0].Name, "it is shown under some name")
	assert.Equal(t, content, e.fetch(m.Files[0]))
}

// maxRedirects is how many of them a file may be away.
const maxRedirects = 5

// fetch reads a file as the program does. Its headers are for the first host alone.
func (e *env) fetch(f handoff.RemoteFile) string {
	t := e.t
	if f.VendorID != "" {
		located, err := e.conn.Locate(t.Context(), f)
		e.saw(err)
		require.NoError(t, err)
		f = located
	}
	address, header := f.URL, f.Header
	for range maxRedirects {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
		require.NoError(t, err)
		for name, value := range header {
			r.Header.Set(name, value)
		}
		response, err := e.client.Client().Do(r)
		require.NoError(t, err)
		content, err := io.ReadAll(response.Body)
		require.NoError(t, errors.Join(err, response.Body.Close()))
		if response.StatusCode == http.StatusOK {
			return string(content)
		}
		next, err := response.Location()
		require.NoError(t, err, "status %d", response.StatusCode)
		if next.Host != r.URL.Host {
			header = nil
		}
		address = next.String()
	}
	require.Fail(t, "too many redirects")
	return ""
}

func humanTypes(e *env) {
	t := e.t
	c := e.open(t)
	if e.lacks(emulator.Type) {
		e.tellsNothing(c, emulator.Type)
		return
	}
	all := e.do(t, c, emulator.Act{Kind: emulator.Type})
	require.Len(t, all, 1)
	assert.True(t, belongs(all[0], c))
	assert.Equal(t, handoff.HumanTyping{Active: true}, all[0].Body)
	if e.lacks(emulator.Rest) {
		e.tellsNothing(c, emulator.Rest)
		return
	}
	all = e.do(t, c, emulator.Act{Kind: emulator.Rest})
	require.Len(t, all, 1)
	assert.Equal(t, handoff.HumanTyping{Active: false}, all[0].Body)
}
