package slack_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/providertest"
	"github.com/human-handoff/handoff/internal/provider/slack"
	"github.com/human-handoff/handoff/internal/provider/slack/slacktest"
)

// kept is a store of files whose contents follow from their ids.
type kept struct{}

func (kept) Content(_ context.Context, a handoff.Attachment) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(contentOf(a.ID))), nil
}

func (kept) Link(a handoff.Attachment) string { return "https://files.example/" + a.ID }

func contentOf(id string) string { return "content of " + id }

func attachment(id, name string) handoff.Attachment {
	return handoff.Attachment{ID: id, Name: name, MIMEType: "image/png", Size: int64(len(contentOf(id)))}
}

// desk is an adapter in a workspace of its own, with a session.
type desk struct {
	t      *testing.T
	vendor *slacktest.Emulator
	server *providertest.Server
	a      provider.Adapter
	call   provider.Call
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, vendor: slacktest.NewSlack(time.Now)}
	d.server = providertest.NewServer(t, d.vendor)
	var err error
	// Connections that are used again would have the client repeat what was cut.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	d.a, err = slack.Kind{}.Open(d.vendor.Config(d.server.URL()), provider.Deps{HTTP: client, Now: time.Now, Files: kept{}})
	require.NoError(t, err)
	d.call = provider.Call{SessionID: "ses_1", IdempotencyKey: "ses_1-start", Time: time.Now()}
	d.call.Ref, err = d.a.Open(t.Context(), d.call, handoff.Start{Customer: handoff.Customer{Name: "Ann"}, Question: "Hi?"})
	require.NoError(t, err)
	d.call.IdempotencyKey = "msg_1"
	return d
}

func (d *desk) seen() *emulator.Session {
	s, ok := emulator.Find(d.vendor, d.call.Ref.ID)
	require.True(d.t, ok)
	return &s
}

func (d *desk) files() (names []string) {
	for _, f := range d.seen().Files {
		names = append(names, f.Name)
	}
	return names
}

// TestFilesAreThereOnce loses each call of a message with two files of the same name
// in turn, after an equal message: a repeat leaves each there once.
func TestFilesAreThereOnce(t *testing.T) {
	t.Parallel()
	for _, done := range []bool{false, true} {
		steps := 0
		for through := false; !through; steps++ {
			require.Less(t, steps, 20)
			d := newDesk(t)
			m := handoff.Message{Text: "look", Attachments: []handoff.Attachment{attachment("file_1", "a.png"), attachment("file_2", "a.png")}}
			first, err := d.a.Send(t.Context(), d.call, m)
			require.NoError(t, err)
			d.call.IdempotencyKey = "msg_2"
			d.server.Fail(emulator.Fault{Cut: true, Once: true, Done: done, Skip: steps})
			second, err := d.a.Send(t.Context(), d.call, m)
			through = !d.server.Heal()
			require.Equal(t, through, err == nil, "step %d", steps)
			if err != nil {
				require.NotContains(t, err.Error(), "upload/v1", "its secret part lets anybody upload")
				d.call.Repeat = true
				second, err = d.a.Send(t.Context(), d.call, m)
				require.NoError(t, err)
			}
			require.NotEqual(t, first, second)
			require.Equal(t, []string{"look", "look"}, d.seen().Messages(), "step %d", steps)
			require.Equal(t, []string{"a.png", "a.png", "a.png", "a.png"}, d.files(), "step %d, done: %t", steps, done)
			require.Equal(t, contentOf("file_2"), d.seen().Files[3].Content)
		}
		require.Equal(t, 8, steps, "an address and an upload for each, the message, each shared; and all of it")
	}
}

func TestFilesWithoutAWordAreNamed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	long := strings.Repeat("ä", 300) + ".png"
	_, err := d.a.Send(t.Context(), d.call, handoff.Message{Attachments: []handoff.Attachment{attachment("file_1", long), attachment("file_2", "")}})
	require.NoError(t, err)
	names := d.files()
	require.Len(t, names, 2)
	assert.Equal(t, "file", names[1])
	assert.Len(t, []rune(names[0]), 200)
	assert.True(t, strings.HasSuffix(names[0], "ä.png"), "with its ending")
	assert.Equal(t, []string{"📎 " + names[0] + ", file"}, d.seen().Messages())
	assert.Equal(t, "Ann", d.seen().Lines[0].Name, "under the customer's name")
}

// TestWhatSlackDoesNotTakeIsALink has Slack refuse files at each of the steps.
func TestWhatSlackDoesNotTakeIsALink(t *testing.T) {
	t.Parallel()
	const link = "a.png: https://files.example/file_1"
	for method, want := range map[string][]string{
		"files.getUploadURLExternal":   {"look\n" + link},
		"":                             {"look\n" + link},
		"files.completeUploadExternal": {"look", link},
	} {
		d := newDesk(t)
		d.vendor.RefuseFiles(method, "file_uploads_disabled")
		m := handoff.Message{Text: "look", Attachments: []handoff.Attachment{attachment("file_1", "a.png")}}
		for range 2 {
			_, err := d.a.Send(t.Context(), d.call, m)
			require.NoError(t, err, method)
			d.call.Repeat = true
		}
		assert.Equal(t, want, d.seen().Messages(), method)
		assert.Empty(t, d.files())
	}
	d := newDesk(t)
	d.vendor.RefuseFiles("files.getUploadURLExternal", "invalid_arguments")
	_, err := d.a.Send(t.Context(), d.call, handoff.Message{Text: "look", Attachments: []handoff.Attachment{attachment("file_1", "a.png")}})
	require.ErrorContains(t, err, "invalid_arguments")
	require.Equal(t, provider.ClassRejected, provider.ClassOf(err))
	assert.Empty(t, d.seen().Messages())
}

// TestContentGoesToSlackAlone has Slack give out an address of somebody else.
func TestContentGoesToSlackAlone(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"https://evil.example/upload/v1/x", "http://files.slack.com/upload/v1/x", "https://files.slack.com.evil.example/x", ""} {
		client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if !strings.HasSuffix(r.URL.Path, "/files.getUploadURLExternal") {
				assert.Fail(t, "the content went to", "%s", r.URL)
				return nil, errors.New("no")
			}
			body := fmt.Sprintf(`{"ok":true,"upload_url":%q,"file_id":"F1"}`, address)
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		})}
		a, err := slack.Kind{}.Open(withSecret("s"), provider.Deps{HTTP: client, Now: time.Now, Files: kept{}})
		require.NoError(t, err)
		call := provider.Call{SessionID: "ses_1", IdempotencyKey: "msg_1", Ref: handoff.Ref{ID: slacktest.Channel + "/1.2"}, Time: time.Now()}
		_, err = a.Send(t.Context(), call, handoff.Message{Attachments: []handoff.Attachment{attachment("file_1", "a.png")}})
		require.Error(t, err, address)
	}
}

// TestHumansFiles tells which files of humans are fetched, and where from: the token
// goes to Slack's own hosts alone.
func TestHumansFiles(t *testing.T) {
	t.Parallel()
	const address = "https://files.slack.com/files-pri/T1-F1/download/a.png"
	file := func(more map[string]any) map[string]any {
		f := map[string]any{"id": "F1", "name": "a.png", "mimetype": "image/png", "size": 1234, "mode": "hosted", "url_private": "https://files.slack.com/files-pri/T1-F1/a.png", "url_private_download": address}
		maps.Copy(f, more)
		return f
	}
	for name, c := range map[string]struct {
		base, text string
		file       map[string]any
		wantURL    string
		wantText   string
	}{
		"a file":                    {file: file(nil), wantURL: address},
		"with a word":               {text: "look", file: file(nil), wantURL: address, wantText: "look"},
		"a snippet":                 {file: file(map[string]any{"mode": "snippet"}), wantURL: address},
		"only shown":                {file: file(map[string]any{"url_private_download": ""}), wantURL: "https://files.slack.com/files-pri/T1-F1/a.png"},
		"deleted":                   {file: map[string]any{"id": "F1", "mode": "tombstone"}, wantText: "[file]"},
		"beyond the free plan":      {file: file(map[string]any{"mode": "hidden_by_limit"}), wantText: "[a.png]"},
		"to be looked up":           {file: map[string]any{"id": "F1", "file_access": "check_file_info"}, wantText: "[file]"},
		"of another storage":        {text: "look", file: file(map[string]any{"mode": "external", "is_external": true, "url_private": "https://drive.example/1"}), wantText: "look\na.png: https://drive.example/1"},
		"at another host":           {file: file(map[string]any{"url_private_download": "https://evil.example/a.png"}), wantText: "[a.png]"},
		"at a host that looks so":   {file: file(map[string]any{"url_private_download": "https://notslack.com/a.png"}), wantText: "[a.png]"},
		"in the clear":              {file: file(map[string]any{"url_private_download": "http://files.slack.com/a.png"}), wantText: "[a.png]"},
		"in the clear over a proxy": {base: "https://proxy.example", file: file(map[string]any{"url_private_download": "http://files.slack.com/a.png"}), wantText: "[a.png]"},
		"external by its mark":      {file: file(map[string]any{"is_external": true}), wantText: "a.png: https://files.slack.com/files-pri/T1-F1/a.png"},
		"of a government":           {base: "https://slack-gov.com", file: file(map[string]any{"url_private_download": "https://files.slack-gov.com/a.png"}), wantURL: "https://files.slack-gov.com/a.png"},
		"over a proxy":              {base: "https://proxy.example/slack", file: file(nil), wantURL: "https://proxy.example/slack/files-pri/T1-F1/download/a.png"},
		"elsewhere over a proxy":    {base: "https://proxy.example/slack", file: file(map[string]any{"url_private_download": "https://evil.example/a.png"}), wantText: "[a.png]"},
	} {
		config := &handoffv1.SlackConfig{BotToken: "xoxb-1", SigningSecret: "s", ChannelId: slacktest.Channel, ApiBaseUrl: c.base}
		_, inbound, err := adapterOf(t, config).Parse(event(map[string]any{"subtype": "file_share", "text": c.text, "files": []any{c.file}}))
		require.NoError(t, err)
		require.Len(t, inbound, 1, name)
		want := handoff.HumanMessage{AuthorName: "Bob", Text: c.wantText}
		if c.wantURL != "" {
			want.Files = []handoff.RemoteFile{{Name: "a.png", MIMEType: "image/png", Size: 1234, URL: c.wantURL, Header: map[string]string{"Authorization": "Bearer xoxb-1"}}}
		}
		assert.Equal(t, want, inbound[0].Body, name)
	}
	many := make([]any, 25)
	for i := range many {
		many[i] = file(nil)
	}
	m := parse(t, event(map[string]any{"subtype": "file_share", "text": "", "files": many}))[0].Body.(handoff.HumanMessage)
	assert.Len(t, m.Files, handoff.MaxAttachments)
	assert.Equal(t, strings.TrimSuffix(strings.Repeat("[a.png]\n", 5), "\n"), m.Text)
}
