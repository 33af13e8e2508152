package providertest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
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

// A human gets every file: as a file where the capabilities say that the desk
// carries it, else as its name and an address in the text.
func filesArrive(e *env) {
	t := e.t
	files := []handoff.Attachment{
		{ID: "file_1", Name: "photo of it.png", MIMEType: "image/png", Size: 12_345},
		{ID: "file_2", Name: "Übersicht & more.pdf", MIMEType: "application/pdf", Size: 7},
		{ID: "file_3", Name: "program.exe", MIMEType: "application/vnd.microsoft.portable-executable", Size: 1},
	}
	for _, text := range []string{"", "look at this"} {
		c := e.open(t)
		c.IdempotencyKey = "msg-" + text
		m, _ := handoff.Degrade(handoff.Message{Text: text, Attachments: files}, e.caps, contents{}.Link)
		if !e.caps.Attachments {
			require.Empty(t, m.Attachments)
		}
		_, err := e.conn.Send(t.Context(), c, m)
		e.saw(err)
		require.NoError(t, err)
		s, ok := e.vendor.Session(c)
		require.True(t, ok)
		said := strings.Join(s.Messages, "\n")
		assert.Contains(t, said, text)
		carried := map[string]string{}
		for _, f := range s.Files {
			carried[f.Name] = f.Content
		}
		for _, a := range m.Attachments {
			assert.Equal(t, contentOf(a), carried[a.Name], a.Name)
		}
		assert.Len(t, s.Files, len(m.Attachments))
		for _, a := range files {
			if _, ok := carried[a.Name]; !ok {
				assert.Contains(t, said, a.Name)
				assert.Contains(t, said, contents{}.Link(a))
			}
		}
	}
}

// A human's file comes as a place from which it can be fetched.
func humanFiles(e *env) {
	t := e.t
	desk, ok := e.vendor.(Filing)
	if !ok {
		return // what its humans send is text
	}
	c := e.open(t)
	for _, text := range []string{"", "look at this"} {
		sent := File{Name: "Übersicht & more.pdf", Content: "%PDF-1.7 of the desk"}
		request := desk.HumanFile(c, text, sent)
		in := e.receive(t, request)
		assert.True(t, belongs(in, c))
		assert.NotEmpty(t, in.Key)
		m, ok := in.Body.(handoff.HumanMessage)
		require.True(t, ok)
		assert.Equal(t, text, m.Text)
		require.Len(t, m.Files, 1)
		assert.Equal(t, sent.Name, m.Files[0].Name)
		assert.Equal(t, sent.Content, e.fetch(t, m.Files[0]))
	}
}

// fetch reads a file as the program does, but for redirects.
func (e *env) fetch(t *testing.T, f handoff.RemoteFile) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.URL, http.NoBody)
	require.NoError(t, err)
	for name, value := range f.Header {
		r.Header.Set(name, value)
	}
	response, err := e.client.Client().Do(r)
	require.NoError(t, err)
	content, err := io.ReadAll(response.Body)
	require.NoError(t, errors.Join(err, response.Body.Close()))
	require.Equal(t, http.StatusOK, response.StatusCode)
	return string(content)
}

// signal passes a customer's signal on. Those that cannot carry it drop it, and
// the second result says so.
func (e *env) signal(c provider.Call, declared bool, s handoff.Signal) (carried bool) {
	t := e.t
	require.Equal(t, declared, e.conn.Signals(s.Kind), "the capability and the adapter say the same of %s", s.Kind)
	err := e.conn.Signal(t.Context(), c, s)
	require.NoError(t, err)
	if declared {
		e.saw(err)
	}
	return declared
}

func typing(e *env) {
	t := e.t
	c, other := e.open(t), e.open(t)
	for _, active := range []bool{true, false} {
		if !e.signal(c, e.caps.Typing, handoff.Signal{Author: handoff.AuthorCustomer, Kind: handoff.SignalTyping, Active: active}) {
			continue
		}
		desk, ok := e.vendor.(Typing)
		require.True(t, ok, "the emulator of a vendor with the capability shows it")
		assert.Equal(t, active, desk.Typing(c))
		assert.False(t, desk.Typing(other))
		if r, ok := desk.HumanTyping(c, active); ok {
			in := e.receive(t, r)
			assert.True(t, belongs(in, c))
			assert.Equal(t, handoff.HumanTyping{Active: active}, in.Body)
		}
	}
}

func read(e *env) {
	t := e.t
	c, other := e.open(t), e.open(t)
	if !e.signal(c, e.caps.ReadReceipts, handoff.Signal{Author: handoff.AuthorCustomer, Kind: handoff.SignalRead, UpTo: 1}) {
		return
	}
	desk, ok := e.vendor.(Reading)
	require.True(t, ok, "the emulator of a vendor with the capability shows it")
	assert.True(t, desk.Read(c))
	assert.False(t, desk.Read(other))
	if r, ok := desk.HumanRead(c); ok {
		in := e.receive(t, r)
		assert.True(t, belongs(in, c))
		assert.Equal(t, handoff.HumanRead{}, in.Body)
	}
}
