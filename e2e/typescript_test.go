package e2e_test

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// cutter passes connections on to a server until it is told to cut them.
type cutter struct {
	target string
	mu     sync.Mutex
	open   []net.Conn
}

func startCutter(t *testing.T, target string) (*cutter, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &cutter{target: target}
	t.Cleanup(func() { _ = l.Close(); c.cut() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go c.pass(in)
		}
	}()
	return c, "http://" + l.Addr().String()
}

func (c *cutter) pass(in net.Conn) {
	out, err := net.Dial("tcp", c.target)
	if err != nil {
		_ = in.Close()
		return
	}
	c.mu.Lock()
	c.open = append(c.open, in, out)
	c.mu.Unlock()
	go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
	_, _ = io.Copy(in, out)
	_ = in.Close()
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		_ = conn.Close()
	}
	c.open = nil
}

func TestTypeScriptClient(t *testing.T) {
	t.Parallel()
	client, err := filepath.Abs("../gen/ts")
	require.NoError(t, err)
	for _, args := range [][]string{{"ci", "--prefix", client, "--ignore-scripts", "--no-audit", "--no-fund"}, {"run", "--prefix", client, "build"}} {
		_, stderr, code := runProgram(t, t.TempDir(), nil, "npm", args...)
		require.Zero(t, code, "npm %v (scripts/setup.sh installs what the tests need): %s", args, stderr)
	}
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	agent := s.agentClient("shop")
	proxy, url := startCutter(t, strings.TrimPrefix(s.url, "http://"))
	node := startProcess(t, t.TempDir(), []string{"HANDOFF_URL=" + url, "HANDOFF_KEY=" + agent.key}, "node", filepath.Join(client, "examples", "node.mjs"))
	session := node.lineWith("session ")
	say := func(text string) {
		t.Helper()
		status, body := agent.post(t, "/v1/human/message/receive", reply(session, text))
		require.Equal(t, 200, status, body)
	}
	say("Hello, this is Joe.")
	awaitLine(t, node, regexp.MustCompile(`message Hello, this is Joe\.$`))
	proxy.cut()
	say("said while the line was cut")
	awaitLine(t, node, regexp.MustCompile(`message said while the line was cut$`))
	say("bye")
	code, ended := node.wait(patience)
	require.True(t, ended)
	require.Zero(t, code)
	requireEachOnce(t, node)
	require.Len(t, r.await(session, "/conversation/close", 1), 1)
}

func awaitLine(t *testing.T, p *process, want *regexp.Regexp) {
	t.Helper()
	eventually(t, func() error {
		all, _, _ := p.stdout.after(0)
		if slices.ContainsFunc(all, want.MatchString) {
			return nil
		}
		return fmt.Errorf("no line %s in %q", want, all)
	})
}

// requireEachOnce checks that the printed sequences have neither gap nor repeat,
// over the cut, and end with the close.
func requireEachOnce(t *testing.T, p *process) {
	t.Helper()
	all, _, _ := p.stdout.after(0)
	next, cuts, last := 1, 0, ""
	for _, line := range all {
		switch {
		case strings.HasPrefix(line, "cut"):
			cuts++
		case strings.HasPrefix(line, fmt.Sprintf("%d ", next)):
			next, last = next+1, line
		default:
			require.True(t, strings.HasPrefix(line, "session"), "%q in %q", line, all)
		}
	}
	require.NotZero(t, cuts, "the stream was cut")
	require.Contains(t, last, "stateChanged")
}
