// Package target starts what is measured, the product and the yardsticks, and
// has the client's side of them: callers, streams and a vendor.
package target

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/human-handoff/handoff/bench/internal/measure"
	"github.com/human-handoff/handoff/bench/internal/yardstick"
)

// startLimit is how long a server may take until it says where it listens, and
// stopLimit how long until it has ended after it was asked to.
const (
	startLimit = 30 * time.Second
	stopLimit  = 15 * time.Second
)

// Process is a server that runs.
type Process struct {
	PID    int
	URL    string // http://ADDRESS
	cmd    *exec.Cmd
	stderr string
	ended  chan struct{}
}

// start runs a server and waits for the line with its address. It is killed when
// ctx ends, and when this program does.
func start(ctx context.Context, stderr string, env []string, program string, args ...string) (*Process, error) {
	log, err := os.OpenFile(stderr, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Stderr = env, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{PID: cmd.Process.Pid, cmd: cmd, stderr: stderr, ended: make(chan struct{})}
	address := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if url, ok := strings.CutPrefix(lines.Text(), yardstick.Announcement); ok {
				address <- url
			}
		}
		_ = cmd.Wait()
		close(p.ended)
	}()
	select {
	case p.URL = <-address:
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("%s ended at its start: %s", filepath.Base(program), lastLines(stderr))
	case <-time.After(startLimit):
		p.Stop()
		return nil, errors.New(filepath.Base(program) + " did not say where it listens")
	}
}

// Stop ends the server, at first politely.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopLimit):
		p.Kill()
	}
}

// Kill ends the server at once.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// Host is the address without the scheme.
func (p *Process) Host() string { return strings.TrimPrefix(p.URL, "http://") }

// CPU is the processor time of the server so far.
func (p *Process) CPU() time.Duration { return measure.CPU(p.PID) }

func lastLines(path string) string {
	text, _ := os.ReadFile(path)
	return string(text[max(0, len(text)-2000):])
}

// Yardstick starts a bare server in a process of its own.
func Yardstick(ctx context.Context, dir, name string, args ...string) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, filepath.Join(dir, name+".stderr"), os.Environ(), self, append([]string{"yardstick", name}, args...)...)
}
