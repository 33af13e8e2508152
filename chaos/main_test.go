// Package chaos puts the real binary under load and everything around it in
// trouble: it is killed, stopped and run out of disk, its vendor is away, slow,
// busy or silent, humans say things twice and out of order, clients leave in
// mid-call. What everybody was told in the meantime is recorded, and a checker
// that knows the contract and nothing of the code compares it at the end.
//
//	plan      what happens, from a seed alone
//	world     who takes part: customer, human, reader, vendor, server
//	drive     carries out the plan
//	collect   asks the server what it says at the end
//	record    all that was told, as data
//	check     what must not be
package chaos_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The size of a run. The defaults are the short one, which is part of the tests.
var (
	seedFlag     = flag.Uint64("seed", 0, "seed of the plan; 0 picks one")
	messagesFlag = flag.Int("messages", 2_000, "acknowledged messages, at least")
	killsFlag    = flag.Int("kills", 8, "SIGKILLs")
	durationFlag = flag.Duration("duration", time.Minute, "when to stop though the plan is not done")
	sessionsFlag = flag.Int("sessions", 24, "sessions at a time")
	keepFlag     = flag.String("keep", "", "directory in which database and log of the run stay")
	planFlag     = flag.Bool("plan", false, "print the plan and do nothing")
)

// binary is the path of the program under test.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "handoff-chaos-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "handoff")
	args := append([]string{"build"}, raceFlags...)
	cmd := exec.Command("go", append(args, "-o", binary, "./cmd/handoff")...)
	cmd.Dir = ".."
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "chaos: build: %v\n%s", err, output.String())
		return 1
	}
	return m.Run()
}
