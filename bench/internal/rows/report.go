package rows

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Goal is what a metric is held to.
type Goal struct {
	OfRatio bool // the goal is on ours / bare, else on ours
	AtLeast bool // else at most
	Value   float64
}

// RatioAtLeast and its like are the goals that there are.
func RatioAtLeast(v float64) Goal { return Goal{OfRatio: true, AtLeast: true, Value: v} }

// RatioAtMost bounds ours / bare from above.
func RatioAtMost(v float64) Goal { return Goal{OfRatio: true, Value: v} }

// AtLeast bounds what is measured from below.
func AtLeast(v float64) Goal { return Goal{AtLeast: true, Value: v} }

// AtMost bounds what is measured from above.
func AtMost(v float64) Goal { return Goal{Value: v} }

func (g Goal) String() string {
	sign, suffix := "<=", ""
	if g.AtLeast {
		sign = ">="
	}
	if g.OfRatio {
		suffix = "x"
	}
	return sign + " " + figure(g.Value) + suffix
}

func (g Goal) met(ours, ratio float64) bool {
	v := ours
	if g.OfRatio {
		v = ratio
	}
	if g.AtLeast {
		return v >= g.Value
	}
	return v <= g.Value
}

// Metric is a line of the table.
type Metric struct {
	What string
	Unit string
	Goal *Goal // nil = shown alone
}

// line is a metric with what its runs gave.
type line struct {
	Metric

	row        int
	ours, bare []float64
}

// Report collects the table.
type Report struct {
	JSON io.Writer // gets a line for each value; nil = none

	row   int
	lines []*line
}

// alone stands for the bare value of what there is nothing to compare with.
const alone = -1.0

// Note adds the values of one run.
func (r *Report) Note(m Metric, ours, bare float64) {
	at := slices.IndexFunc(r.lines, func(l *line) bool { return l.row == r.row && l.What == m.What })
	if at < 0 {
		at = len(r.lines)
		r.lines = append(r.lines, &line{Metric: m, row: r.row})
	}
	l := r.lines[at]
	l.ours, l.bare = append(l.ours, ours), append(l.bare, bare)
	if r.JSON == nil {
		return
	}
	value := map[string]any{"row": r.row, "what": m.What, "unit": m.Unit, "run": len(l.ours), "ours": ours}
	if bare != alone {
		value["bare"] = bare
	}
	if bare > 0 {
		value["ratio"] = ours / bare
	}
	if m.Goal != nil {
		value["goal"] = m.Goal.String()
	}
	out := json.NewEncoder(r.JSON)
	out.SetEscapeHTML(false) // for the goals' signs
	_ = out.Encode(value)
}

// WriteRow prints the lines of a row as those of a Markdown table.
func (r *Report) WriteRow(w io.Writer, row int) {
	for _, l := range r.lines {
		if l.row == row {
			fmt.Fprintln(w, l.markdown())
		}
	}
}

// Head is the head of the table.
const Head = "| row | what | ours | bare | ours / bare | goal | met | measured by |\n| --- | --- | --- | --- | --- | --- | --- | --- |"

func (l *line) markdown() string {
	ratios := l.ratios()
	goal, met := "", ""
	if l.Goal != nil {
		goal, met = l.Goal.String(), "no"
		if l.Goal.met(median(l.ours), median(ratios)) {
			met = "yes"
		}
	}
	cells := []string{strconv.Itoa(l.row), l.What, spread(l.ours, l.Unit), spread(l.bare, l.Unit), spread(ratios, ""), goal, met, fmt.Sprintf("`make bench ROWS=%d`", l.row)}
	return "| " + strings.Join(cells, " | ") + " |"
}

func (l *line) ratios() []float64 {
	var ratios []float64
	for i := range l.ours {
		if l.bare[i] > 0 {
			ratios = append(ratios, l.ours[i]/l.bare[i])
		}
	}
	return ratios
}

// spread is the median of values with the least and the greatest; nothing for
// what is not there.
func spread(values []float64, unit string) string {
	if len(values) == 0 || values[0] == alone {
		return ""
	}
	text := figure(median(values))
	if len(values) > 1 {
		text += " [" + figure(slices.Min(values)) + ".." + figure(slices.Max(values)) + "]"
	}
	if unit != "" {
		text += " " + unit
	}
	return text
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// figure has about three digits: no more of them mean anything.
func figure(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}
