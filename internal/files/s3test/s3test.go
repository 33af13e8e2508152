// Package s3test starts a real S3-compatible server for tests: versitygw, which
// checks signatures and checksums and keeps objects as files.
package s3test

import (
	"bytes"
	"context"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// startTimeout is how long the server may take to answer.
	startTimeout = time.Minute
	// Region is where the server says it is.
	Region = "us-east-1"
)

// Server is a running S3-compatible server with one account.
type Server struct {
	URL       string
	AccessKey string
	SecretKey string
	root      string
}

// Start starts a server that accepts one pair of keys, and stops it with the
// test. The first start on a machine builds it, which takes a minute or two.
func Start(t *testing.T, accessKey, secretKey string) *Server {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())

	s := &Server{URL: "http://" + address, AccessKey: accessKey, SecretKey: secretKey, root: t.TempDir()}
	cmd := exec.Command(program(t), "--port", address, "--region", Region, "--quiet", //nolint:gosec,noctx // it is built from tools/go.mod, and is stopped below
		"posix", "--sidecar", t.TempDir(), s.root) // the folder may lie where files have no attributes
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+accessKey, "ROOT_SECRET_KEY="+secretKey)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		_ = cmd.Wait() // it says that it was told to stop
		if t.Failed() {
			t.Log(output.String())
		}
	})
	s.await(t)
	return s
}

// program returns the path of the server's program, which it builds if need be.
func program(t *testing.T) string {
	t.Helper()
	_, here, _, ok := runtime.Caller(0)
	require.True(t, ok)
	root := filepath.Join(filepath.Dir(here), "..", "..", "..")
	cmd := exec.CommandContext(t.Context(), "go", "tool", "-modfile=tools/go.mod", "-n", "versitygw")
	cmd.Dir = root
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	path, err := cmd.Output()
	require.NoError(t, err, complaint.String())
	return strings.TrimSpace(string(path))
}

func (s *Server) await(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, http.NoBody)
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(r)
		if err == nil {
			require.NoError(t, response.Body.Close())
			return
		}
		require.NoError(t, ctx.Err(), "the S3 server does not answer")
		time.Sleep(20 * time.Millisecond)
	}
}

// Bucket makes a bucket.
func (s *Server) Bucket(t *testing.T, name string) {
	t.Helper()
	require.NoError(t, os.Mkdir(filepath.Join(s.root, name), 0o700))
}

// Address returns what --files takes for a place in a bucket.
func (s *Server) Address(bucket, prefix string) string {
	return "s3://" + bucket + "/" + prefix + "?" + url.Values{"region": {Region}, "endpoint": {s.URL}}.Encode()
}

// Objects returns the names of all objects of a bucket, and of whatever else lies
// there, such as a part of one.
func (s *Server) Objects(t *testing.T, bucket string) []string {
	t.Helper()
	var names []string
	top := filepath.Join(s.root, bucket)
	require.NoError(t, filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(top, path)
		names = append(names, name)
		return err
	}))
	return names
}
