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
	// Built as the product is, so that most of it is built already.
	binary := filepath.Join(e.Dir, "store.test")
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-trimpath", "-o", binary, "./internal/store")
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the benchmark: %w\n%s", err, out)
	}
	lasting := "1s"
	if e.Quick {
		lasting = "200ms"
	}
	for range e.Runs {
		dir, err := e.folder()
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, binary, "-test.run=^$", "-test.bench=^BenchmarkStoreRatio$", "-test.benchtime="+lasting)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+dir)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		figures := benchmarks(out)
		ours, same, one := figures["store"], figures["same-rows"], figures["one-row"]
		if ours == nil || same == nil || one == nil {
			return fmt.Errorf("the benchmark printed something else:\n%s", out)
		}
		e.Report.Note(Metric{"updates, against the same rows", "/s", goal(RatioAtLeast(0.85))}, ours["updates/s"], same["updates/s"])
		e.Report.Note(Metric{"updates, against one row each", "/s", goal(RatioAtLeast(0.85))}, ours["updates/s"], one["updates/s"])
		e.Report.Note(Metric{"p99, against the same rows", "ms", goal(AtMost(3))}, ours["p99-ms"], same["p99-ms"])
	}
	return nil
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
		_, name, _ := strings.Cut(words[0], "/")
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
