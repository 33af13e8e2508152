package rows

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// storeAlone is row 2. The store is internal to the product, so the product's
// own benchmark measures it; what that prints is read here.
func storeAlone(ctx context.Context, e *Env) error {
	binary, err := e.benchmark(ctx, "store")
	if err != nil {
		return err
	}
	lasting := "1s"
	if e.Quick {
		lasting = "200ms"
	}
	for range e.Runs {
		figures, err := e.goBenchmark(ctx, binary, "StoreRatio", lasting)
		if err != nil {
			return err
		}
		ours, same, one := figures["store"], figures["same-rows"], figures["one-row"]
		e.Report.Note(Metric{"updates, against the same rows", "/s", goal(RatioAtLeast(0.85))}, ours["updates/s"], same["updates/s"])
		e.Report.Note(Metric{"updates, against one row each", "/s", goal(RatioAtLeast(0.85))}, ours["updates/s"], one["updates/s"])
		e.Report.Note(Metric{"p99, against the same rows", "ms", goal(AtMost(3))}, ours["p99-ms"], same["p99-ms"])
	}
	return nil
}

// openSessions is row 10: the timers of some sessions while few and while very
// many others are open. One measurement makes its own number of sessions.
func openSessions(ctx context.Context, e *Env) error {
	binary, err := e.benchmark(ctx, "timer")
	if err != nil {
		return err
	}
	for range min(e.Runs, 3) { // half a minute each
		figures, err := e.goBenchmark(ctx, binary, "OpenSessions", "1x")
		if err != nil {
			return err
		}
		f := figures["OpenSessions"]
		for _, q := range []string{"p50", "p99", "max"} {
			m := Metric{What: "how late timers fire, " + q + ": 100,000 open sessions against 1,000", Unit: "ms"}
			if q == "max" {
				m.Goal = goal(AtMost(250))
			}
			e.Report.Note(m, f[q+"-ms-late-at-100k"], f[q+"-ms-late-at-1k"])
		}
		e.Report.Note(Metric{What: "resident memory: 100,000 open sessions against 1,000", Unit: "MB"}, f["MB-resident-at-100k"], f["MB-resident-at-1k"])
		e.Report.Note(Metric{What: "heap for one more open session", Unit: "B"}, f["heap-B/session"], alone)
	}
	return nil
}

// benchmark builds the Go benchmarks of one of the product's packages, as the
// product is built, so that most of it is built already.
func (e *Env) benchmark(ctx context.Context, name string) (binary string, err error) {
	binary = filepath.Join(e.Dir, name+".test")
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-trimpath", "-o", binary, "./internal/"+name)
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the benchmark: %w\n%s", err, out)
	}
	return binary, nil
}

// goBenchmark runs one benchmark and returns its figures by name.
func (e *Env) goBenchmark(ctx context.Context, binary, name, lasting string) (map[string]map[string]float64, error) {
	dir, err := e.folder()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, binary, "-test.run=^$", "-test.bench=^Benchmark"+name+"$", "-test.benchtime="+lasting)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	figures := benchmarks(out)
	if len(figures) == 0 {
		return nil, fmt.Errorf("the benchmark printed something else:\n%s", out)
	}
	return figures, nil
}

// benchmarks reads lines of Go's benchmark format: the name, the number of
// iterations, then values with their units.
func benchmarks(out []byte) map[string]map[string]float64 {
	all := map[string]map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(words[0], "Benchmark")
		if _, sub, ok := strings.Cut(name, "/"); ok {
			name = sub
		}
		if at := strings.LastIndexByte(name, '-'); at > 0 {
			if _, err := strconv.Atoi(name[at+1:]); err == nil {
				name = name[:at] // the number of processors
			}
		}
		values := map[string]float64{}
		for i := 2; i+1 < len(words); i += 2 {
			values[words[i+1]], _ = strconv.ParseFloat(words[i], 64)
		}
		all[name] = values
	}
	return all
}
