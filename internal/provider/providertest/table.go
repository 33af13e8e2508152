package providertest

import (
	"fmt"
	"slices"
	"strings"
)

// Table tells how each provider passed each case.
type Table struct {
	kinds []string
	cells map[string]map[string]cell // by case and kind
}

type cell struct {
	passed bool
	why    string // it is done without; empty = the vendor has it
}

func newTable() Table { return Table{cells: map[string]map[string]cell{}} }

func (t *Table) set(name, kind string, passed bool, why string) {
	if t == nil {
		return
	}
	if !slices.Contains(t.kinds, kind) {
		t.kinds = append(t.kinds, kind)
	}
	if t.cells[name] == nil {
		t.cells[name] = map[string]cell{}
	}
	t.cells[name][kind] = cell{passed, why}
}

// Complete reports whether every case was run for every provider.
func (t *Table) Complete() bool {
	for _, c := range cases() {
		if len(t.cells[c.name]) != len(t.kinds) {
			return false
		}
	}
	return len(t.kinds) > 0
}

// String returns the table in Markdown, with the reasons below it.
func (t *Table) String() string {
	var b strings.Builder
	var notes []string
	width := 0
	for _, c := range cases() {
		width = max(width, len(c.name))
	}
	fmt.Fprintf(&b, "| %-*s |", width, "case")
	for _, kind := range t.kinds {
		fmt.Fprintf(&b, " %-8s |", kind)
	}
	fmt.Fprintf(&b, "\n| %s |%s\n", strings.Repeat("-", width), strings.Repeat(" -------- |", len(t.kinds)))
	for _, c := range cases() {
		fmt.Fprintf(&b, "| %-*s |", width, c.name)
		for _, kind := range t.kinds {
			text := "FAILED"
			switch got := t.cells[c.name][kind]; {
			case got.passed && got.why == "":
				text = "yes"
			case got.passed:
				note := kind + ": " + got.why
				i := slices.Index(notes, note)
				if i < 0 {
					notes = append(notes, note)
					i = len(notes) - 1
				}
				text = fmt.Sprintf("done without (%d)", i+1)
			}
			fmt.Fprintf(&b, " %-8s |", text)
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	for i, note := range notes {
		fmt.Fprintf(&b, "%d. %s\n", i+1, note)
	}
	return b.String()
}
