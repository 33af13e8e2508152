package e2e_test

import (
	"bytes"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

const largest = 25 << 20

// noise is size bytes that look like nothing, the same for the same seed.
func noise(size int64, seed byte) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{31: seed}), size)
}

// put puts a content where an upload goes and returns the answer.
func (s *server) put(t *testing.T, address string, content io.Reader) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, address, content)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

// upload announces a file and puts its content.
func (c *client) upload(t *testing.T, session, name, mimeType string, size int64, content io.Reader) string {
	t.Helper()
	up := c.announce(t, session, name, mimeType, size)
	status, body := c.s.put(t, up.GetUploadUrl(), content)
	require.Equal(t, http.StatusNoContent, status, body)
	return up.GetUploadId()
}

func (c *client) announce(t *testing.T, session, name, mimeType string, size int64) *handoffv1.CreateUploadResponse {
	t.Helper()
	up, err := c.CreateUpload(t.Context(), &handoffv1.CreateUploadRequest{SessionId: session, Name: name, MimeType: mimeType, Size: size})
	require.NoError(t, err)
	return up
}

func (c *client) sendFiles(t *testing.T, session, id string, uploads ...string) (*handoffv1.Message, error) {
	t.Helper()
	request := &handoffv1.SendMessageRequest{SessionId: session, ClientMessageId: id}
	for _, upload := range uploads {
		request.Attachments = append(request.Attachments, &handoffv1.AttachmentInput{Source: &handoffv1.AttachmentInput_UploadId{UploadId: upload}})
	}
	answer, err := c.SendMessage(t.Context(), request)
	return answer.GetMessage(), err
}

// get reads a signed address, without a key.
func get(t *testing.T, address string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, body
}

// stored returns the paths of all files below the server's folder of files.
func (s *server) stored(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(s.database()+".files", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, path)
		}
		if os.IsNotExist(err) {
			return nil
		}
		return err
	})
	require.NoError(t, err)
	return found
}

func TestFiles(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	r := startSecuredReceiver(t)
	s.configure("shop", r)
	agent := s.agentClient("shop")
	session, token := agent.request(t, "shop", "chat-1")
	customer := s.client(token)
	id := session.GetId()

	png := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), make([]byte, 100)...)
	upload := customer.upload(t, id, `C:\photos\so "nice".png`, "image/png", int64(len(png)), bytes.NewReader(png))
	sent, err := customer.sendFiles(t, id, "m1", upload)
	require.NoError(t, err)
	require.Len(t, sent.GetAttachments(), 1)
	file := sent.GetAttachments()[0]
	assert.Equal(t, `so "nice".png`, file.GetName())
	assert.Equal(t, "image/png", file.GetMimeType())
	assert.EqualValues(t, len(png), file.GetSize())
	assert.Equal(t, handoffv1.Attachment_STATUS_READY, file.GetStatus())

	response, body := get(t, file.GetUrl())
	require.Equal(t, http.StatusOK, response.StatusCode)
	assert.Equal(t, png, body)
	assert.Equal(t, "image/png", response.Header.Get("Content-Type"))
	assert.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
	assert.Equal(t, "sandbox; default-src 'none'", response.Header.Get("Content-Security-Policy"))
	assert.Equal(t, `inline; filename="so \"nice\".png"`, response.Header.Get("Content-Disposition"))
	response, body = get(t, file.GetUrl(), "Range", "bytes=1-3")
	assert.Equal(t, http.StatusPartialContent, response.StatusCode)
	assert.Equal(t, "PNG", string(body))

	t.Run("the log keeps ids, and addresses are made for the reader", func(t *testing.T) {
		logged := agent.awaitEvent(t, id, func(e *handoffv1.Event) bool { return e.GetMessage() != nil }).GetMessage()
		assert.Equal(t, file.GetId(), logged.GetAttachments()[0].GetId())
		response, _ := get(t, logged.GetAttachments()[0].GetUrl())
		assert.Equal(t, http.StatusOK, response.StatusCode)
	})
	t.Run("an address that was changed opens nothing", func(t *testing.T) {
		for _, change := range []string{
			strings.Replace(file.GetUrl(), file.GetId(), "file_1", 1),
			strings.Replace(file.GetUrl(), ".png", ".svg", 1),
			strings.Replace(file.GetUrl(), "/files/", "/uploads/", 1),
			file.GetUrl()[:strings.LastIndex(file.GetUrl(), "/")-2] + "AA/x.png",
		} {
			require.NotEqual(t, file.GetUrl(), change)
			response, body := get(t, change)
			assert.GreaterOrEqual(t, response.StatusCode, 400, change)
			assert.NotContains(t, string(body), "PNG")
		}
	})
	t.Run("a text-only desk gets an address", func(t *testing.T) {
		text := r.await(id, "/chat", 1)[0].text()
		assert.Contains(t, text, `so "nice".png (image/png, 116 bytes): `)
		response, body := get(t, text[strings.LastIndex(text, " ")+1:])
		assert.Equal(t, http.StatusOK, response.StatusCode)
		assert.Equal(t, png, body)
		status := agent.awaitStatus(t, id, sent.GetId(), delivered)
		note := file.GetId() + " was sent as a link (the provider carries no files)"
		assert.Equal(t, note, status.GetDetail(), "the log says so")
		assert.Equal(t, note, s.admin.ledger(t, sent.GetId()).GetDegraded(), "and so does the ledger")
	})
	t.Run("a repeat is the first message", func(t *testing.T) {
		again, err := customer.sendFiles(t, id, "m1", upload)
		require.NoError(t, err)
		assert.Equal(t, sent.GetId(), again.GetId())
		again, err = customer.sendFiles(t, id, "m1", "file_unknown")
		require.NoError(t, err, "nothing is read for a repeat")
		assert.Equal(t, sent.GetId(), again.GetId())
	})
	t.Run("what is no upload of the session is refused", func(t *testing.T) {
		other, _ := agent.request(t, "shop", "chat-2")
		_, err := agent.sendFiles(t, other.GetId(), "x", upload)
		requireCode(t, connect.CodeInvalidArgument, err)
		_, err = customer.CreateUpload(t.Context(), &handoffv1.CreateUploadRequest{SessionId: other.GetId(), Name: "x", Size: 1})
		requireCode(t, connect.CodePermissionDenied, err)
		_, err = customer.sendFiles(t, id, "x", "file_unknown")
		requireCode(t, connect.CodeInvalidArgument, err)
		_, err = customer.sendFiles(t, id, "x", customer.announce(t, id, "x", "", 3).GetUploadId())
		requireCode(t, connect.CodeFailedPrecondition, err)
	})
	t.Run("a type that lies is refused", func(t *testing.T) {
		before := s.stored(t)
		html := "<!DOCTYPE html><script>alert(1)</script>"
		for declared, content := range map[string]string{
			"image/png": html, "application/pdf": html, "image/jpeg": string(png), "video/mp4": "just text", "image/x-new": html,
		} {
			up := customer.announce(t, id, "x.png", declared, int64(len(content)))
			status, body := s.put(t, up.GetUploadUrl(), strings.NewReader(content))
			assert.Equal(t, http.StatusBadRequest, status, declared)
			assert.Contains(t, body, "invalid_argument")
			_, err := customer.sendFiles(t, id, "lie", up.GetUploadId())
			requireCode(t, connect.CodeFailedPrecondition, err)
		}
		assert.Equal(t, before, s.stored(t))
	})
	t.Run("a size that lies is refused", func(t *testing.T) {
		before := s.stored(t)
		up := customer.announce(t, id, "x", "", 1000)
		for _, size := range []int64{1, 999, 1001, 100_000} {
			status, body := s.put(t, up.GetUploadUrl(), io.MultiReader(noise(size, 1))) // its length is not told
			assert.Equal(t, http.StatusBadRequest, status, "%d: %s", size, body)
		}
		assert.Equal(t, before, s.stored(t))
		status, _ := s.put(t, up.GetUploadUrl(), noise(1000, 1))
		assert.Equal(t, http.StatusNoContent, status, "and after all that the right one is taken")
		_, err := customer.CreateUpload(t.Context(), &handoffv1.CreateUploadRequest{SessionId: id, Name: "x", Size: largest + 1})
		requireCode(t, connect.CodeInvalidArgument, err)
	})
	t.Run("a file from an address", func(t *testing.T) { filesFromAddresses(t, s, customer, id) })
	t.Run("a desk's file", func(t *testing.T) { deskFiles(t, s) })
}

func filesFromAddresses(t *testing.T, s *server, customer *client, id string) {
	t.Helper()
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/report%20final.txt", http.StatusFound)
		case "/huge":
			_, _ = io.Copy(w, noise(largest+1, 1))
		case "/lie":
			w.Header().Set("Content-Type", "image/png")
			_, _ = io.WriteString(w, "<!DOCTYPE html><p>log in")
		case "/report final.txt":
			_, _ = io.WriteString(w, "all is well")
		default:
			http.NotFound(w, r)
		}
	}))
	defer source.Close()
	send := func(path string) (*handoffv1.Message, error) {
		answer, err := customer.SendMessage(t.Context(), &handoffv1.SendMessageRequest{
			SessionId: id, Attachments: []*handoffv1.AttachmentInput{{Source: &handoffv1.AttachmentInput_Url{Url: source.URL + path}, Name: "report.txt"}},
		})
		return answer.GetMessage(), err
	}
	m, err := send("/moved")
	require.NoError(t, err)
	_, body := get(t, m.GetAttachments()[0].GetUrl())
	assert.Equal(t, "all is well", string(body))
	assert.Equal(t, "report.txt", m.GetAttachments()[0].GetName())
	before := s.stored(t)
	for _, path := range []string{"/huge", "/lie", "/nothing"} {
		_, err := send(path)
		requireCode(t, connect.CodeInvalidArgument, err)
	}
	assert.Equal(t, before, s.stored(t))
}

func deskFiles(t *testing.T, s *server) {
	t.Helper()
	desk := s.deskOf("care", longSettings())
	session, _ := s.agentClient("care").request(t, "care", "chat-1")
	text := "minutes of the meeting"
	up, err := desk.CreateUpload(t.Context(), &handoffv1.DeskServiceCreateUploadRequest{SessionId: session.GetId(), Name: "minutes.txt", Size: int64(len(text))})
	require.NoError(t, err)
	status, _ := s.put(t, up.GetUploadUrl(), strings.NewReader(text))
	require.Equal(t, http.StatusNoContent, status)
	reply, err := desk.Reply(t.Context(), &handoffv1.ReplyRequest{SessionId: session.GetId(), Human: "Joe", Attachments: []*handoffv1.AttachmentInput{
		{Source: &handoffv1.AttachmentInput_UploadId{UploadId: up.GetUploadId()}},
	}})
	require.NoError(t, err)
	response, body := get(t, reply.GetMessage().GetAttachments()[0].GetUrl())
	assert.Equal(t, text, string(body))
	assert.Equal(t, "attachment; filename=minutes.txt", response.Header.Get("Content-Disposition"))
}

// An operator says how large files may be, and of what types.
func TestFileLimits(t *testing.T) {
	t.Parallel()
	s := startServer(t, withArgs("--file-max-size=1KiB", "--file-types=image/*, text/csv", "--file-retention=24h"))
	_ = s.deskOf("care", longSettings())
	agent := s.agentClient("care")
	session, _ := agent.request(t, "care", "chat-1")
	id := session.GetId()
	_, err := agent.CreateUpload(t.Context(), &handoffv1.CreateUploadRequest{SessionId: id, Name: "x", Size: 1025})
	requireCode(t, connect.CodeInvalidArgument, err)
	agent.upload(t, id, "a.csv", "", 1024, strings.NewReader(strings.Repeat("a,b\n", 256)))
	up := agent.announce(t, id, "a.pdf", "", 8)
	status, body := s.put(t, up.GetUploadUrl(), strings.NewReader("%PDF-1.7"))
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, body, "takes no files of type application/pdf")
}
