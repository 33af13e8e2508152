package rows

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	var table, values strings.Builder
	r := &Report{JSON: &values, row: 4}
	for _, v := range []float64{70, 90, 80} {
		r.Note(Metric{"delivered", "/s", goal(RatioAtLeast(0.7))}, v, 100)
		r.Note(Metric{"guard", "/s", goal(AtLeast(100))}, v, alone)
	}
	r.WriteRow(&table, 4)
	want := "| 4 | delivered | 80.0 [70.0..90.0] /s | 100 [100..100] /s | 0.80 [0.70..0.90] | >= 0.70x | yes | `make bench ROWS=4` |\n" +
		"| 4 | guard | 80.0 [70.0..90.0] /s |  |  | >= 100 | no | `make bench ROWS=4` |\n"
	if table.String() != want {
		t.Errorf("got\n%swant\n%s", table.String(), want)
	}
	if lines := strings.Count(values.String(), "\n"); lines != 6 {
		t.Errorf("%d lines of JSON", lines)
	}
}

func TestBenchmarks(t *testing.T) {
	got := benchmarks([]byte("goos: linux\nBenchmarkStoreRatio/same-rows-2 \t 12 \t 98.5 ns/op \t 2.500 p99-ms \t 15000 updates/s\nPASS\n"))
	if v := got["same-rows"]; v["updates/s"] != 15000 || v["p99-ms"] != 2.5 {
		t.Errorf("got %v", got)
	}
}
