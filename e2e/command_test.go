package e2e_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBadConfiguration starts a server with each thing wrong, as a flag and as a
// variable.
func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 40)
	for name, c := range map[string]struct{ flag, variable, value string }{
		"listen without port":   {"listen", "HANDOFF_LISTEN", "localhost"},
		"listen on bad port":    {"listen", "HANDOFF_LISTEN", "127.0.0.1:99999"},
		"listen elsewhere":      {"listen", "HANDOFF_LISTEN", "192.0.2.1:8080"},
		"postgres":              {"database", "HANDOFF_DATABASE", "postgres://user:word@localhost/handoff"},
		"database of no kind":   {"database", "HANDOFF_DATABASE", "handoff.db"},
		"database unknown":      {"database", "HANDOFF_DATABASE", "mysql://localhost/handoff"},
		"database without path": {"database", "HANDOFF_DATABASE", "sqlite://"},
		"database in no folder": {"database", "HANDOFF_DATABASE", "sqlite://no/such/folder/handoff.db"},
		"short admin key":       {"admin-key", "HANDOFF_ADMIN_KEY", "only-19-characters-"},
		"encryption key":        {"encryption-key", "HANDOFF_ENCRYPTION_KEY", "not base64!"},
		"encryption key short":  {"encryption-key", "HANDOFF_ENCRYPTION_KEY", base64.StdEncoding.EncodeToString([]byte(long[:31]))},
		"encryption keys":       {"encryption-key", "HANDOFF_ENCRYPTION_KEY", base64.StdEncoding.EncodeToString([]byte(long[:32])) + ",x"},
		"nats with sqlite":      {"nats", "HANDOFF_NATS", "nats://localhost:4222"},
		"log format":            {"log-format", "HANDOFF_LOG_FORMAT", "xml"},
		"public URL":            {"public-url", "HANDOFF_PUBLIC_URL", "handoff.example"},
		"public URL of files":   {"public-url", "HANDOFF_PUBLIC_URL", "file:///tmp"},
		"metrics address":       {"metrics-listen", "HANDOFF_METRICS_LISTEN", "nowhere"},
		"retry horizon":         {"retry-horizon", "HANDOFF_RETRY_HORIZON", "a day"},
		"retry horizon short":   {"retry-horizon", "HANDOFF_RETRY_HORIZON", "999ms"},
		"retry horizon long":    {"retry-horizon", "HANDOFF_RETRY_HORIZON", "721h"},
		"files in a file":       {"files", "HANDOFF_FILES", "/dev/null"},
		"files nowhere":         {"files", "HANDOFF_FILES", "ftp://host/folder"},
		"files without keys":    {"files", "HANDOFF_FILES", "s3://bucket/prefix"},
		"file size":             {"file-max-size", "HANDOFF_FILE_MAX_SIZE", "much"},
		"file size large":       {"file-max-size", "HANDOFF_FILE_MAX_SIZE", "26MiB"},
		"file size small":       {"file-max-size", "HANDOFF_FILE_MAX_SIZE", "1023"},
		"file types":            {"file-types", "HANDOFF_FILE_TYPES", "image/*,pdf"},
		"file types whatever":   {"file-types", "HANDOFF_FILE_TYPES", "*/*"},
		"file retention":        {"file-retention", "HANDOFF_FILE_RETENTION", "30 days"},
		"file retention short":  {"file-retention", "HANDOFF_FILE_RETENTION", "23h59m"},
		"a bool":                {"allow-private-destinations", "HANDOFF_ALLOW_PRIVATE_DESTINATIONS", "perhaps"},
		"admin key file":        {"admin-key", "HANDOFF_ADMIN_KEY_FILE", "no-such-file"},
		"encryption key file":   {"encryption-key", "HANDOFF_ENCRYPTION_KEY_FILE", "no-such-file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs := map[string][]string{"variable": {"serve"}}
			if !strings.HasSuffix(c.variable, "_FILE") {
				runs["flag"] = []string{"serve", "--" + c.flag + "=" + c.value}
			}
			for how, args := range runs {
				env := []string{"HANDOFF_LISTEN=127.0.0.1:0"}
				if how == "variable" {
					env = append(env, c.variable+"="+c.value)
				}
				stderr := requireRefused(t, env, args)
				assert.Contains(t, stderr, "--"+c.flag, how)
				assert.Contains(t, stderr, strings.TrimSuffix(c.variable, "_FILE"), how)
				if c.flag == "admin-key" || c.flag == "encryption-key" {
					if !strings.HasSuffix(c.variable, "_FILE") {
						assert.NotContains(t, stderr, c.value, "a key is not repeated")
					}
				}
				assert.NotContains(t, stderr, "user:word", "a password is not repeated")
			}
		})
	}
	t.Run("unknown flag", func(t *testing.T) { requireRefused(t, nil, []string{"serve", "--no-such-flag"}) })
	t.Run("unknown command", func(t *testing.T) { requireRefused(t, nil, []string{"sreve"}) })
}

// requireRefused runs a command that must exit with 2 after one line, with nothing
// on stdout and nothing created.
func requireRefused(t *testing.T, env, args []string) string {
	t.Helper()
	dir := t.TempDir()
	work := filepath.Join(dir, "work")
	require.NoError(t, os.Mkdir(work, 0o755))
	// The outputs lie beside the working folder, which has to stay empty.
	command := append([]string{"-c", `cd work && exec "$0" "$@"`, bin.handoff}, args...)
	stdout, stderr, code := runProgram(t, dir, env, "/bin/sh", command...)
	assert.Equal(t, 2, code, "%v %v: %s", env, args, stderr)
	assert.Empty(t, stdout)
	assert.Equal(t, 1, strings.Count(stderr, "\n"), "one line on stderr: %s", stderr)
	entries, err := os.ReadDir(work)
	require.NoError(t, err)
	assert.Empty(t, entries, "nothing is created")
	return stderr
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"", "serve", "keys", "keys create", "keys list", "keys revoke", "migrate", "version"} {
		stdout, stderr, code := runProgram(t, t.TempDir(), nil, bin.handoff, append(strings.Fields(command), "--help")...)
		assert.Zero(t, code, command)
		assert.Contains(t, stdout, "Usage: handoff", command)
		assert.Empty(t, stderr, command)
		if command != "serve" {
			continue
		}
		for _, flag := range []string{
			"listen", "database", "public-url", "nats", "admin-key", "encryption-key", "allow-private-destinations",
			"metrics-listen", "log-format", "retry-horizon",
			"files", "file-max-size", "file-types", "file-retention",
		} {
			assert.Contains(t, stdout, "--"+flag)
			assert.Contains(t, stdout, "HANDOFF_"+strings.ToUpper(strings.ReplaceAll(flag, "-", "_")))
		}
	}
	stdout, _, code := runProgram(t, t.TempDir(), nil, bin.handoff, "version")
	assert.Zero(t, code)
	assert.NotEmpty(t, strings.TrimSpace(stdout))
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	database := filepath.Join(dir, "new.db")
	for range 2 {
		_, stderr, code := runProgram(t, t.TempDir(), nil, bin.handoff, "migrate", "--database=sqlite://"+database)
		require.Zero(t, code, stderr)
	}
	assert.FileExists(t, database)
}

func TestStopWithOpenStreams(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	session, _ := s.admin.request(t, "shop", "conversation")
	s.admin.awaitState(t, session.GetId(), waiting)
	var streams []*follower
	for _, over := range transports {
		stream := s.clientOver(over, s.adminKey).follow(t, session.GetId(), 2)
		require.Empty(t, stream.part().GetEvents())
		streams = append(streams, stream)
	}
	events := s.admin.listen(t, session.GetId(), "?after_sequence=1")
	require.EqualValues(t, 2, events.next().GetSequence())
	r.misbehave(`{"path":"/chat","answers":[-1]}`)
	s.admin.send(t, session.GetId(), "m", "under way")
	r.await(session.GetId(), "/chat", 1)

	started := time.Now()
	require.Zero(t, s.terminate())
	assert.Less(t, time.Since(started), 13*time.Second, "ten seconds, on a busy machine")
	for i, stream := range streams {
		stream.drain()
		err := <-stream.err
		if err != nil {
			assert.Equal(t, connect.CodeUnavailable, connect.CodeOf(err), transports[i].name)
			assert.True(t, connect.IsWireError(err), "told by the server, not cut: %s: %v", transports[i].name, err)
		}
	}
	for event := events.next(); event != nil; event = events.next() {
		require.NotNil(t, event)
	}
	s.start()
	r.await(session.GetId(), "/chat", 2)
	assert.Equal(t, []string{"under way"}, r.texts(session.GetId()), "what is left goes out after the next start")
}

func TestFirstStartMakesKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	database := filepath.Join(dir, "handoff.db")
	start := func() *process {
		return startProcess(t, dir, nil, bin.handoff, "serve", "--listen=127.0.0.1:0", "--database=sqlite://"+database)
	}
	p := start()
	url := p.lineWith("listening on ")
	file := database + ".admin-key"
	info, err := os.Stat(file)
	require.NoError(t, err, "stderr is no terminal, so the key is in a file")
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	key := strings.TrimSpace(string(data))
	require.GreaterOrEqual(t, len(key), 20)
	stderr, err := os.ReadFile(p.stderr)
	require.NoError(t, err)
	assert.Contains(t, string(stderr), file, "its path is logged")
	assert.NotContains(t, string(stderr), key)
	for _, name := range []string{database, database + "-wal"} {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.NotContains(t, string(data), key)
	}
	s := &server{t: t, url: url, vault: newVault()}
	require.NoError(t, listAgents(t, s.client(key)))

	require.Zero(t, p.terminate())
	p = start()
	s.url = p.lineWith("listening on ")
	require.NoError(t, listAgents(t, s.client(key)), "it stays")
	matches, err := filepath.Glob(database + ".*key*")
	require.NoError(t, err)
	for _, name := range matches {
		info, err := os.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
	assert.GreaterOrEqual(t, len(matches), 2, "admin key and encryption key: %v", matches)
}

func TestFlagWinsOverVariable(t *testing.T) {
	t.Parallel()
	s := startServer(t, withArgs("--public-url=https://handoff.example/base/", "--log-format=text"), func(s *server) {
		s.env = append(s.env, "HANDOFF_PUBLIC_URL=https://wrong.example", "HANDOFF_LISTEN=127.0.0.1:1", "HANDOFF_LOG_FORMAT=json")
	})
	r := startReceiver(t)
	url := s.configure("shop", r).GetReceiveUrl()
	assert.Regexp(t, `^https://handoff\.example/base/webhooks/webhook/[^/]+$`, url)
}

func TestHealthAndMetrics(t *testing.T) {
	t.Parallel()
	metrics := freeAddress(t)
	s := startServer(t)
	nobody := s.client("")
	for route, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 401} {
		status, body := nobody.do(t, http.MethodGet, route, "")
		assert.Equal(t, want, status, "%s: %s", route, body)
	}
	status, body := s.admin.do(t, http.MethodGet, "/metrics", "")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, "# HELP")
	status, _ = s.agentClient("shop").do(t, http.MethodGet, "/metrics", "")
	assert.Equal(t, http.StatusForbidden, status)

	second := startServer(t, withArgs("--metrics-listen="+metrics))
	second.url = "http://" + metrics
	status, body = second.client("").do(t, http.MethodGet, "/metrics", "")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, "# HELP")
	status, _ = second.client("").do(t, http.MethodGet, "/debug/pprof/", "")
	assert.Equal(t, http.StatusOK, status)
}

func TestAddressInUse(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	stderr := requireRefusedOrFailed(t, "--listen="+strings.TrimPrefix(s.url, "http://"))
	assert.Contains(t, stderr, "--listen")
}

// requireRefusedOrFailed expects one line and some exit code that is not 0.
func requireRefusedOrFailed(t *testing.T, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	args = append([]string{"serve", "--database=sqlite://" + filepath.Join(dir, "handoff.db")}, args...)
	_, stderr, code := runProgram(t, dir, []string{"HANDOFF_ADMIN_KEY=" + fmt.Sprintf("%040d", 7)}, bin.handoff, args...)
	assert.NotZero(t, code, stderr)
	return stderr
}
