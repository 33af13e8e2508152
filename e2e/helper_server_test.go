package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// server is a running gateway with a database of its own. It may be killed and
// started again.
type server struct {
	*process

	t        *testing.T
	dir      string
	url      string
	adminKey string
	args     []string
	env      []string
	vault    *vault
	admin    *client
}

type serverOption func(*server)

// withArgs adds flags.
func withArgs(args ...string) serverOption {
	return func(s *server) { s.args = append(s.args, args...) }
}

// withFixedPort makes the server listen on a port that nothing else gets while
// the server is down.
func withFixedPort() serverOption {
	return func(s *server) { s.args[1] = "--listen=" + freeAddress(s.t) }
}

// withoutPrivateDestinations starts the server as it is by default.
func withoutPrivateDestinations() serverOption {
	return func(s *server) { s.args = s.args[:len(s.args)-1] }
}

// startServer starts a gateway for one test. When the test ends, the server is
// stopped and whatever it wrote or answered is searched for secrets.
func startServer(t *testing.T, options ...serverOption) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir(), vault: newVault()}
	s.adminKey = s.vault.add("admin key", randomSecret())
	s.env = []string{"HANDOFF_ADMIN_KEY=" + s.adminKey}
	s.args = []string{
		"serve", "--listen=127.0.0.1:0", "--database=sqlite://" + s.database(),
		"--allow-private-destinations",
	}
	for _, option := range options {
		option(s)
	}
	// Registered first, so that it runs after the process has been stopped.
	t.Cleanup(func() {
		s.vault.checkAnswers(t)
		require.Positive(t, s.vault.checkFiles(t, s.dir))
	})
	s.start()
	return s
}

func (s *server) database() string { return filepath.Join(s.dir, "handoff.db") }

func (s *server) start() {
	s.t.Helper()
	s.process = startProcess(s.t, s.dir, s.env, bin.handoff, s.args...)
	s.url = s.lineWith("listening on ")
	require.True(s.t, strings.HasPrefix(s.url, "http://"), "the line on stdout ends with the address: %s", s.url)
	s.admin = s.client(s.adminKey)
}

// crash kills the server and starts it again on the same database and port.
func (s *server) crash() {
	s.t.Helper()
	s.kill()
	s.start()
}

// restart stops the server as an operator would and starts it again.
func (s *server) restart() {
	s.t.Helper()
	require.Zero(s.t, s.terminate(), "exit code after SIGTERM")
	s.start()
}

// handoff runs another command of the binary on the server's database. It writes
// elsewhere, for a created key may stand on its stdout.
func (s *server) handoff(args ...string) (stdout, stderr string) {
	s.t.Helper()
	args = append(args, "--database=sqlite://"+s.database())
	stdout, stderr, code := runProgram(s.t, s.t.TempDir(), nil, bin.handoff, args...)
	require.Zero(s.t, code, "handoff %v: %s", args, stderr)
	return stdout, stderr
}

// firstPort begins a range below the one from which the system picks ports
// by itself, so that a server which is down loses its port to nobody.
var (
	firstPort = 20_000 + rand.Int64N(8_000)
	portsUsed atomic.Int64
)

func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", firstPort+portsUsed.Add(1))
		listener, err := net.Listen("tcp", address)
		if err == nil {
			require.NoError(t, listener.Close())
			return address
		}
	}
	require.Fail(t, "no free port")
	return ""
}

// path is the part of a URL of this server that stays when the port changes.
func path(t *testing.T, address string) string {
	t.Helper()
	parsed, err := url.Parse(address)
	require.NoError(t, err)
	return parsed.Path
}

// recent tells whether a time lies within the last minutes.
func recent(moment time.Time) bool {
	return time.Since(moment).Abs() < 5*time.Minute
}
