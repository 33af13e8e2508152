// Command bench measures the product side by side with the bare things that it
// is built on and prints a table of ratios. Absolute figures differ from machine
// to machine; ratios that were taken in one run hold.
//
//	go run . [--rows 1,4] [--runs 5] [--quick] [--json FILE] [--profile FOLDER]
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/human-handoff/handoff/bench/internal/measure"
	"github.com/human-handoff/handoff/bench/internal/rows"
	"github.com/human-handoff/handoff/bench/internal/target"
	"github.com/human-handoff/handoff/bench/internal/yardstick"
)

// rowLimit bounds a row, whatever goes wrong in it.
const rowLimit = 5 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	// The bare servers are this program in a process of its own.
	if len(args) > 1 && args[0] == "yardstick" {
		return yardstick.Serve(ctx, args[1], args[2:])
	}
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	list := flags.String("rows", "", "which rows, such as 1,4 (all)")
	runs := flags.Int("runs", 5, "how often each row is measured")
	quick := flags.Bool("quick", false, "a smoke test: two short runs, whose figures say little")
	jsonFile := flags.String("json", "", "a file for each run's values as JSON lines")
	profile := flags.String("profile", "", "a folder for CPU profiles of the product; they cost time, so the figures are worth less")
	_ = flags.Parse(args) // it exits by itself
	selected, err := selection(*list)
	if err != nil {
		return err
	}
	if *quick {
		*runs = min(*runs, 2)
	}
	e := &rows.Env{Runs: *runs, Quick: *quick, Profile: *profile, Report: &rows.Report{}}
	if *jsonFile != "" {
		f, err := os.Create(*jsonFile)
		if err != nil {
			return err
		}
		defer f.Close()
		e.Report.JSON = f
		_ = json.NewEncoder(f).Encode(map[string]any{"machine": measure.Machine(), "time": time.Now().UTC(), "quick": *quick})
	}
	if *profile != "" {
		if err := os.MkdirAll(*profile, 0o755); err != nil {
			return err
		}
	}
	if e.Dir, err = os.MkdirTemp("", "handoff-bench-*"); err != nil {
		return err
	}
	defer os.RemoveAll(e.Dir)
	return table(ctx, e, selected)
}

// table measures rows and prints each as soon as it is there. A row that fails
// does not hold up the others.
func table(ctx context.Context, e *rows.Env, selected []rows.Row) (err error) {
	if e.Binary, err = target.Build(ctx, e.Dir); err != nil {
		return err
	}
	fmt.Printf("Machine: %s. Runs: %d; median [least..greatest].\n\n%s\n", measure.Machine(), e.Runs, rows.Head)
	var failed []string
	for _, row := range selected {
		fmt.Fprintf(os.Stderr, "row %d: %s\n", row.Number, row.Title)
		limited, cancel := context.WithTimeout(ctx, rowLimit)
		err := e.Run(limited, row)
		cancel()
		e.Report.WriteRow(os.Stdout, row.Number)
		if err != nil {
			fmt.Fprintf(os.Stderr, "row %d: %v\n", row.Number, err)
			failed = append(failed, strconv.Itoa(row.Number))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	fmt.Printf("\nLoad average at the end: %.1f.\n", measure.Load())
	if len(failed) > 0 {
		return fmt.Errorf("not measured: rows %s", strings.Join(failed, ", "))
	}
	return nil
}

// selection returns the rows of a list such as 1,4; all rows for an empty one.
func selection(list string) ([]rows.Row, error) {
	if list == "" {
		return rows.All, nil
	}
	var selected []rows.Row
	for word := range strings.SplitSeq(list, ",") {
		at := slices.IndexFunc(rows.All, func(r rows.Row) bool { return strconv.Itoa(r.Number) == strings.TrimSpace(word) })
		if at < 0 {
			return nil, fmt.Errorf("no row %q", word)
		}
		selected = append(selected, rows.All[at])
	}
	return selected, nil
}
