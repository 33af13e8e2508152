package chaos_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// patience is how long the harness waits for what should happen at once, on a
// machine that may be busy.
const patience = time.Minute

// server is the gateway: one process after the other on one database and port.
type server struct {
	dir, address, adminKey string

	log *watchedLog
	cmd *exec.Cmd
	out *bufio.Reader // of the process's standard output

	mu sync.Mutex
	is chan struct{} // closed while a process serves
}

func newServer(dir string) (*server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	file, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, err
	}
	return &server{
		dir: dir, address: address, log: &watchedLog{file: file}, is: make(chan struct{}),
		adminKey: fmt.Sprintf("admin-%d-%d", rand.Uint64(), rand.Uint64()),
	}, nil
}

func (s *server) url() string { return "http://" + s.address }

// start starts a process; it does not wait until it serves.
func (s *server) start() error {
	s.cmd = exec.Command(
		binary, "serve", "--listen="+s.address, "--allow-private-destinations", "--log-format=json",
		"--database=sqlite://"+s.database(),
	)
	s.cmd.Dir = s.dir
	s.cmd.Env = append(os.Environ(), "HANDOFF_ADMIN_KEY="+s.adminKey, "GORACE=halt_on_error=0 exitcode=66")
	s.cmd.Stderr = s.log // over a pipe, so that the disk that is full for it is not full for its log
	s.cmd.WaitDelay = 5 * time.Second
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	s.out = bufio.NewReader(out)
	return s.cmd.Start()
}

func (s *server) database() string { return filepath.Join(s.dir, "handoff.db") }

// serve waits until the process serves.
func (s *server) serve() error {
	line := make(chan error, 1)
	out := s.out
	go func() {
		text, err := out.ReadString('\n')
		if err == nil && !strings.HasPrefix(text, "listening on ") {
			err = fmt.Errorf("it wrote %q", text)
		}
		line <- err
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case err := <-line:
		if err != nil {
			return fmt.Errorf("the server does not start: %w\n%s", err, s.log.tail())
		}
	case <-time.After(patience):
		return errors.New("the server does not start in time")
	}
	s.mu.Lock()
	close(s.is)
	s.mu.Unlock()
	return nil
}

// up waits until a process serves, or ctx is done.
func (s *server) up(ctx context.Context) error {
	s.mu.Lock()
	is := s.is
	s.mu.Unlock()
	select {
	case <-is:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leave tells callers that nobody serves.
func (s *server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.is:
		s.is = make(chan struct{})
	default:
	}
}

// signal sends a signal to the process, by its id.
func (s *server) signal(signal syscall.Signal) error { return s.cmd.Process.Signal(signal) }

// end sends a signal that ends the process, and waits for that.
func (s *server) end(signal syscall.Signal) error {
	if err := s.signal(signal); err != nil {
		return err
	}
	s.leave()
	kill := time.AfterFunc(patience, func() { _ = s.signal(syscall.SIGKILL) })
	err := s.cmd.Wait()
	if !kill.Stop() {
		return fmt.Errorf("the server did not end within %s of %s", patience, signal)
	}
	if signal == syscall.SIGTERM && err != nil {
		return fmt.Errorf("the server ended with %w\n%s", err, s.log.tail())
	}
	return nil
}

// watchedLog takes the server's log and looks for what must never be there.
type watchedLog struct {
	mu    sync.Mutex
	file  *os.File
	last  []byte
	signs []string
}

// Write implements io.Writer.
func (l *watchedLog) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, sign := range []string{"DATA RACE", "panic:", "panic serving", "fatal error:", "panic in an update"} {
		if bytes.Contains(data, []byte(sign)) {
			l.signs = append(l.signs, sign)
		}
	}
	l.last = append(l.last, data...)
	l.last = l.last[max(0, len(l.last)-3_000):]
	return l.file.Write(data)
}

func (l *watchedLog) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.last)
}

// firstPort begins a range below the one from which the system picks ports by
// itself, so that whoever is down loses its port to nobody.
var (
	firstPort = 10_000 + rand.Int64N(8_000)
	portsUsed atomic.Int64
)

func freeAddress() (string, error) {
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", firstPort+portsUsed.Add(1))
		listener, err := net.Listen("tcp", address)
		if err == nil {
			return address, listener.Close()
		}
	}
	return "", errors.New("no free port")
}
