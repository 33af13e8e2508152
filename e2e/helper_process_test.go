package e2e_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long the tests wait for what should happen at once. It is far
// longer than anything takes, for a machine that is busy.
const patience = 30 * time.Second

// process is a program that runs beside the test, with its output.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout *lines
	stderr string // path of the file
	group  bool   // signals go to all processes that it started, too
	done   chan struct{}
}

// startProcess runs a program with an environment of its own. At the end of the
// test it is stopped, by its process id and with a limit in time.
func startProcess(t *testing.T, dir string, env []string, program string, args ...string) *process {
	t.Helper()
	p := &process{t: t}
	p.start(dir, env, program, args...)
	return p
}

// startGroup starts a program as a terminal does: it and what it starts get each
// signal together.
func startGroup(t *testing.T, dir string, env []string, program string, args ...string) *process {
	t.Helper()
	p := &process{t: t, group: true}
	p.start(dir, env, program, args...)
	return p
}

func (p *process) start(dir string, env []string, program string, args ...string) {
	t := p.t
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	stderr, err := os.CreateTemp(dir, filepath.Base(program)+"-*.stderr")
	require.NoError(t, err)
	stdout, err := os.Create(strings.TrimSuffix(stderr.Name(), "stderr") + "stdout")
	require.NoError(t, err)
	p.stdout, p.stderr, p.done = newLines(), stderr.Name(), make(chan struct{})
	p.cmd = exec.Command(program, args...)
	p.cmd.Dir, p.cmd.Env = dir, append(cleanEnv(), env...)
	p.cmd.Stdout, p.cmd.Stderr = io.MultiWriter(stdout, p.stdout), stderr
	p.cmd.WaitDelay = 5 * time.Second
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: p.group}
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		_, _ = stdout.Close(), stderr.Close()
		p.stdout.end()
		close(p.done)
	}()
	t.Cleanup(func() { p.cleanUp() })
}

// cleanEnv is the environment without variables of the program under test.
func cleanEnv() []string {
	var env []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "HANDOFF_") {
			env = append(env, variable)
		}
	}
	return append(env, "GORACE=halt_on_error=0 exitcode=66")
}

func (p *process) cleanUp() {
	if p.running() {
		ask := syscall.SIGTERM
		if p.group {
			ask = syscall.SIGINT // Ctrl-C, for which `go run` waits until its program has ended
		}
		p.signal(ask)
		if _, ok := p.wait(20 * time.Second); !ok {
			p.t.Errorf("%s did not stop within 20 s of a signal", p.name())
			p.kill()
		}
	}
	errors, _ := os.ReadFile(p.stderr)
	for _, sign := range []string{"DATA RACE", "panic:", "panic serving", "goroutine 1 ["} {
		if bytes.Contains(errors, []byte(sign)) {
			p.t.Errorf("%s wrote %q", p.name(), sign)
		}
	}
	if p.t.Failed() {
		p.t.Logf("stderr of %s:\n%s", p.name(), tail(string(errors), 8_000))
	}
	if p.group && p.groupRuns() {
		p.t.Errorf("%s left a process behind", p.name())
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	}
}

func (p *process) name() string { return filepath.Base(p.cmd.Path) }

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// groupRuns reports whether any process of the group is left.
func (p *process) groupRuns() bool { return syscall.Kill(-p.cmd.Process.Pid, 0) == nil }

func (p *process) signal(signal syscall.Signal) {
	send := p.cmd.Process.Signal
	if p.group {
		send = func(os.Signal) error { return syscall.Kill(-p.cmd.Process.Pid, signal) }
	}
	if err := send(signal); err != nil && !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, syscall.ESRCH) {
		p.t.Errorf("signal %s: %v", p.name(), err)
	}
}

// wait returns the exit code once the process has ended.
func (p *process) wait(limit time.Duration) (code int, ended bool) {
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode(), true
	case <-time.After(limit):
		return 0, false
	}
}

// kill ends the process without a chance to tidy up, as a crash would.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// terminate asks the process to stop and returns its exit code.
func (p *process) terminate() int {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	code, ended := p.wait(patience)
	require.True(p.t, ended, "%s did not stop", p.name())
	return code
}

// lineWith waits for a line on standard output and returns what follows prefix.
func (p *process) lineWith(prefix string) string {
	p.t.Helper()
	return p.lineWithin(patience, prefix)
}

func (p *process) lineWithin(limit time.Duration, prefix string) string {
	p.t.Helper()
	deadline := time.After(limit)
	for from := 0; ; {
		all, more, ended := p.stdout.after(from)
		for _, line := range all {
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				return rest
			}
		}
		from += len(all)
		if ended {
			<-p.done
			text, _ := os.ReadFile(p.stderr)
			require.Fail(p.t, p.name()+" ended", "exit code %d\n%s", p.cmd.ProcessState.ExitCode(), text)
		}
		select {
		case <-more:
		case <-deadline:
			require.Fail(p.t, "no line "+prefix)
		}
	}
}

// lines keeps a program's output line by line and tells when there is more.
type lines struct {
	mu      sync.Mutex
	all     []string
	partial []byte
	ended   bool
	more    chan struct{} // closed at the next change
}

func newLines() *lines { return &lines{more: make(chan struct{})} }

func (l *lines) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partial = append(l.partial, data...)
	for {
		line, rest, found := bytes.Cut(l.partial, []byte("\n"))
		if !found {
			break
		}
		l.all = append(l.all, string(line))
		l.partial = rest
	}
	close(l.more)
	l.more = make(chan struct{})
	return len(data), nil
}

func (l *lines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	close(l.more)
	l.more = make(chan struct{})
}

// after returns the lines from an index on, and a channel that is closed when
// there is more.
func (l *lines) after(from int) (all []string, more <-chan struct{}, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all[from:], l.more, l.ended
}

func tail(text string, limit int) string {
	if len(text) > limit {
		return "…" + text[len(text)-limit:]
	}
	return text
}

// runProgram runs a short command to its end.
func runProgram(t *testing.T, dir string, env []string, program string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	p := startProcess(t, dir, env, program, args...)
	code, ended := p.wait(patience)
	require.True(t, ended, "%s %v did not end", p.name(), args)
	all, _, _ := p.stdout.after(0)
	text, err := os.ReadFile(p.stderr)
	require.NoError(t, err)
	return strings.Join(all, "\n"), string(text), code
}

// eventually tries something until it succeeds.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	eventuallyWithin(t, patience, try)
}

func eventuallyWithin(t *testing.T, limit time.Duration, try func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	pause := 5 * time.Millisecond
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			require.NoError(t, err, "still so after %s", limit)
		}
		time.Sleep(pause)
		pause = min(2*pause, 200*time.Millisecond)
	}
}
