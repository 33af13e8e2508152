// Package e2e_test drives the real binary from the outside: over its RPCs, its
// HTTP routes, its command line and the kill signal. It knows the contract and
// nothing of the code, so a test here that fails is a promise that is broken.
package e2e_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// bin holds the paths of the programs under test.
var bin struct {
	handoff, receiver, goclient, events, grpcurl string
}

func TestMain(m *testing.M) {
	flag.Parse()
	// The tests mostly wait for other processes, so more of them than there are
	// processors run side by side. A choice on the command line wins.
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", "6")
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "handoff-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := build(dir); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: build:", err)
		return 1
	}
	return m.Run()
}

func build(dir string) error {
	own := append([]string{"build"}, raceFlags...)
	own = append(own, "-o", dir, "./cmd/handoff", "./examples/receiver", "./examples/goclient", "./examples/events")
	tool := []string{
		"build", "-modfile=" + filepath.Join("tools", "go.mod"), "-o", dir,
		"github.com/fullstorydev/grpcurl/cmd/grpcurl",
	}
	for _, args := range [][]string{own, tool} {
		cmd := exec.Command("go", args...)
		cmd.Dir = ".."
		var output bytes.Buffer
		cmd.Stdout, cmd.Stderr = &output, &output
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("go %v: %w\n%s", args, err, output.String())
		}
	}
	bin.handoff = filepath.Join(dir, "handoff")
	bin.receiver = filepath.Join(dir, "receiver")
	bin.goclient = filepath.Join(dir, "goclient")
	bin.events = filepath.Join(dir, "events")
	bin.grpcurl = filepath.Join(dir, "grpcurl")
	return nil
}
