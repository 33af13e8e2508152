package e2e_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/files/s3test"
)

// An upload that is cut leaves nothing, whether the client goes or the server.
func TestFilesThatAreCut(t *testing.T) {
	t.Parallel()
	s := startServer(t, withFixedPort())
	_ = s.deskOf("care", longSettings())
	agent := s.agentClient("care")
	session, _ := agent.request(t, "care", "chat-1")
	id := session.GetId()

	begin := func(address string) net.Conn {
		u, err := url.Parse(address)
		require.NoError(t, err)
		var conn net.Conn
		eventually(t, func() (err error) { // it is refused as long as the one before has not ended
			if conn, err = net.Dial("tcp", u.Host); err != nil {
				return err
			}
			_, err = fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n", u.Path, u.Host, largest)
			if err == nil {
				_, err = io.Copy(conn, noise(largest/2, 1))
			}
			if err != nil {
				_ = conn.Close()
			}
			return err
		})
		eventually(t, func() error {
			if len(s.stored(t)) == 0 {
				return io.ErrNoProgress
			}
			return nil
		})
		return conn
	}
	up := agent.announce(t, id, "big", "", largest)
	conn := begin(up.GetUploadUrl())
	require.NoError(t, conn.Close())
	eventually(t, func() error {
		if left := s.stored(t); len(left) > 0 {
			return fmt.Errorf("left: %v", left)
		}
		return nil
	})
	conn = begin(up.GetUploadUrl())
	s.crash()
	_ = conn.Close()
	assert.Empty(t, s.stored(t), "the next start tidies up")

	agent = s.client(agent.key)
	status, body := s.put(t, up.GetUploadUrl(), noise(largest, 1))
	require.Equal(t, http.StatusNoContent, status, body)
	sent, err := agent.sendFiles(t, id, "m1", up.GetUploadId())
	require.NoError(t, err)
	s.crash()
	response, content := get(t, sent.GetAttachments()[0].GetUrl())
	require.Equal(t, http.StatusOK, response.StatusCode)
	assert.Len(t, content, largest, "what was answered OK survives")
}

// Files of the largest size go through in constant memory, to a folder and to S3.
func TestFilesInConstantMemory(t *testing.T) {
	t.Run("folder", func(t *testing.T) { roundTrips(t, startServer(t)) })
	t.Run("S3", func(t *testing.T) {
		bucket := s3test.Start(t, "handoff", randomSecret())
		bucket.Bucket(t, "files")
		s := startServer(t, withArgs("--files="+bucket.Address("files", "of/handoff")), func(s *server) {
			s.env = append(s.env, "AWS_ACCESS_KEY_ID="+bucket.AccessKey, "AWS_SECRET_ACCESS_KEY="+s.vault.add("S3 key", bucket.SecretKey))
		})
		roundTrips(t, s)
		assert.Len(t, bucket.Objects(t, "files"), trips+1)
		assert.Empty(t, s.stored(t), "nothing lies on this machine")
	})
}

const trips = 4

func roundTrips(t *testing.T, s *server) {
	t.Helper()
	_ = s.deskOf("care", longSettings())
	agent := s.agentClient("care")
	session, _ := agent.request(t, "care", "chat-1")
	agent.upload(t, session.GetId(), "small", "", 1000, noise(1000, 1))
	idle := s.peakMemory(t)
	uploads := make(chan string, trips-1)
	for i := range trips - 1 {
		up := agent.announce(t, session.GetId(), "big", "", largest)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, up.GetUploadUrl(), noise(largest, byte(i)))
		require.NoError(t, err)
		go func() { // at the same time
			defer func() { uploads <- up.GetUploadId() }()
			response, err := http.DefaultClient.Do(r)
			if assert.NoError(t, err) {
				assert.Equal(t, http.StatusNoContent, response.StatusCode)
				response.Body.Close()
			}
		}()
	}
	for range trips - 1 {
		sent, err := agent.sendFiles(t, session.GetId(), "", <-uploads)
		require.NoError(t, err)
		response, err := http.Get(sent.GetAttachments()[0].GetUrl())
		require.NoError(t, err)
		got := sha256.New()
		n, err := io.Copy(got, response.Body)
		response.Body.Close()
		require.NoError(t, err)
		require.EqualValues(t, largest, n)
		require.Contains(t, noiseSums(), [32]byte(got.Sum(nil)))
	}
	fromAddress(t, agent, session.GetId())
	response, part := get(t, lastURL(t, agent, session.GetId()), "Range", "bytes="+strconv.Itoa(largest-5)+"-")
	assert.Equal(t, http.StatusPartialContent, response.StatusCode)
	assert.Len(t, part, 5)
	grown := s.peakMemory(t) - idle
	t.Logf("idle %d MiB, and %d MiB more for %d files of 25 MiB", idle>>20, grown>>20, trips)
	if len(raceFlags) == 0 {
		assert.Less(t, grown, int64(25<<20))
	}
}

// fromAddress sends a file that lies elsewhere, of a length that is not told.
func fromAddress(t *testing.T, c *client, session string) {
	t.Helper()
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush()
		_, _ = io.Copy(w, noise(largest, 0))
	}))
	defer source.Close()
	_, err := c.SendMessage(t.Context(), &handoffv1.SendMessageRequest{
		SessionId: session, Attachments: []*handoffv1.AttachmentInput{{Source: &handoffv1.AttachmentInput_Url{Url: source.URL}}},
	})
	require.NoError(t, err)
}

func lastURL(t *testing.T, c *client, session string) string {
	t.Helper()
	address := ""
	for _, e := range c.events(t, session) {
		for _, a := range e.GetMessage().GetAttachments() {
			address = a.GetUrl()
		}
	}
	require.NotEmpty(t, address)
	return address
}

func noiseSums() [][32]byte {
	var sums [][32]byte
	for i := range trips - 1 {
		sum := sha256.New()
		_, _ = io.Copy(sum, noise(largest, byte(i)))
		sums = append(sums, [32]byte(sum.Sum(nil)))
	}
	return sums
}

// peakMemory returns the most memory that the server has had.
func (s *server) peakMemory(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "VmHWM:")
	require.True(t, found)
	kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	require.NoError(t, err)
	return kib << 10
}
