package e2e_test

import (
	"bufio"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

// The demo runs with nothing but the binary: no Node, no shell, no database server.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := []string{"PATH=" + filepath.Join(dir, "empty"), "TMPDIR=" + dir}
	demo := startProcess(t, t.TempDir(), env, bin.handoff, "demo")
	requireDemo(t, demo)
	require.Zero(t, demo.terminate())
	requireNothingLeft(t, dir)
}

// What the README promises a newcomer: in a checkout, with a Go and nothing else,
// one command shows both pages, and Ctrl-C leaves nothing behind.
func TestDemoFromSource(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("may compile everything without cgo")
	}
	compiler, err := exec.LookPath("go")
	require.NoError(t, err)
	compiler, err = filepath.EvalSymlinks(compiler)
	require.NoError(t, err)
	path, dir := t.TempDir(), t.TempDir()
	require.NoError(t, os.Symlink(compiler, filepath.Join(path, "go")))
	checkout, err := filepath.Abs("..")
	require.NoError(t, err)

	// Empty is unset: Go itself has to notice that there is no C compiler.
	env := []string{"PATH=" + path, "TMPDIR=" + dir, "CGO_ENABLED=", "CC=", "PWD=" + checkout}
	demo := startGroup(t, t.TempDir(), env, filepath.Join(path, "go"), "-C", checkout, "run", "./cmd/handoff", "demo")
	demo.lineWithin(10*time.Minute, "listening on ") // when nothing has been compiled before
	requireDemo(t, demo)
	before, err := os.ReadFile(demo.stderr)
	require.NoError(t, err)
	demo.signal(syscall.SIGINT)     // as Ctrl-C does, to the program and to `go run`
	_, ended := demo.wait(patience) // `go run` itself ends with 1 when it is interrupted
	require.True(t, ended, "the demo did not stop")
	after, err := os.ReadFile(demo.stderr)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after), "Ctrl-C is no reason to complain")
	require.False(t, demo.groupRuns(), "the demo outlived its `go run`")
	requireNothingLeft(t, dir)
}

// requireDemo opens both links that a demo prints.
func requireDemo(t *testing.T, demo *process) {
	t.Helper()
	base := demo.lineWith("listening on ")
	customer := strings.TrimSpace(demo.lineWith("    customer"))
	human := strings.TrimSpace(demo.lineWith("    human"))
	require.Equal(t, base+"/chat?agent=demo", customer)
	desk, err := url.Parse(human)
	require.NoError(t, err)
	fragment, err := url.ParseQuery(desk.Fragment)
	require.NoError(t, err)
	require.Equal(t, "demo", fragment.Get("agent"))
	require.Empty(t, desk.RawQuery, "a key stands in the fragment alone")

	queue, err := handoffv1connect.NewDeskServiceClient(bearer{fragment.Get("key")}, base).
		ListQueue(t.Context(), &handoffv1.ListQueueRequest{})
	require.NoError(t, err)
	require.Empty(t, queue.GetSessions())
	for _, page := range []string{customer, human} {
		response, err := http.Get(page)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, response.StatusCode, page)
		require.Contains(t, response.Header.Get("Content-Security-Policy"), "default-src 'none'")
		first, err := bufio.NewReader(response.Body).ReadString('>')
		require.NoError(t, err)
		require.Contains(t, strings.ToLower(first), "<!doctype html>")
		require.NoError(t, response.Body.Close())
	}
}

// requireNothingLeft looks into a demo's folder for temporary files.
func requireNothingLeft(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "nothing of a demo is kept")
}
