package ical

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"

	"github.com/human-handoff/handoff/internal/hours"
)

// The limits of a file and of what it may become.
const (
	MaxBytes  = 1 << 20
	MaxEvents = 5000
	maxNote   = 512    // bytes, what a closed date holds
	maxName   = 80     // bytes of an event's name in an error
	maxDays   = 366    // that one event may last
	maxYears  = 20000  // that the rules of one file may go through
	maxClosed = 100000 // days that its events may close, counted once for each event
)

// ClosedDates returns the holidays of an iCalendar file, sorted by date, yearly
// ones first. Single dates are those from the first day to the last, both
// included; yearly ones hold from the first day on, whatever the last. Holidays of one date share an entry that has the notes of all.
//
// It fails if r does, if the file is no iCalendar file in UTF-8, is over a limit
// or has no all-day event, if an event cannot be understood (the error names it),
// and if more than [hours.MaxClosedDates] dates come out. Its errors are meant to
// be shown to whoever chose the file.
func ClosedDates(r io.Reader, from, to hours.Date) ([]hours.ClosedDate, error) {
	if to.Compare(from) < 0 {
		return nil, fmt.Errorf("the range ends on %s, before it starts on %s", to, from)
	}
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the calendar: %w", err)
	}
	text, err := unfold(data)
	if err != nil {
		return nil, err
	}
	cal, err := ics.ParseCalendar(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("this is not a valid iCalendar file: %w", err)
	}
	events, err := readEvents(cal.Events())
	if err != nil {
		return nil, err
	}
	b := newBook(from, to, events)
	for _, e := range events {
		if err := b.add(&e); err != nil {
			return nil, fmt.Errorf("the event %s: %w", e.name, err)
		}
	}
	return b.closedDates(), nil
}

func readEvents(all []*ics.VEvent) ([]event, error) {
	if len(all) > MaxEvents {
		return nil, fmt.Errorf("the calendar has %d events, more than %d; export fewer", len(all), MaxEvents)
	}
	var events []event
	for i, v := range all {
		e, allDay, err := readEvent(v)
		if err != nil {
			return nil, fmt.Errorf("the event %s (number %d of the file): %w", e.name, i+1, err)
		}
		if allDay {
			events = append(events, e)
		}
	}
	if len(events) == 0 {
		return nil, errors.New("the calendar has no all-day event; choose one that holds holidays")
	}
	return events, nil
}

// book collects closed dates within a range.
type book struct {
	from, to hours.Date
	notes    map[string][]string
	moved    map[string]dateSet // by UID: occurrences that have an event of their own
	years    int                // gone through so far
	closed   int                // days noted so far
}

type dateSet map[hours.Date]bool

func newBook(from, to hours.Date, events []event) *book {
	b := &book{from: from, to: to, notes: make(map[string][]string), moved: make(map[string]dateSet)}
	for _, e := range events {
		if e.replaces == nil || e.uid == "" {
			continue
		}
		if b.moved[e.uid] == nil {
			b.moved[e.uid] = make(dateSet)
		}
		b.moved[e.uid][*e.replaces] = true
	}
	return b
}

// add notes the days of an event with all its occurrences.
func (b *book) add(e *event) error {
	if e.cancelled {
		return nil
	}
	if e.replaces != nil {
		return b.dated(e, e.start)
	}
	moved := b.moved[e.uid]
	if e.everyYear(b.from) && len(e.extra)+len(e.except)+len(moved) == 0 {
		return b.yearly(e)
	}
	starts := []hours.Date{e.start}
	if e.rule != nil {
		var err error
		// An occurrence that began before the range can reach into it.
		starts, err = e.rule.dates(e.start, b.from.AddDays(1-e.days), b.to, &b.years)
		if err != nil {
			return err
		}
	}
	for _, d := range starts {
		e.extra[d] = true
	}
	for d := range e.extra {
		if e.except[d] || moved[d] {
			continue
		}
		if err := b.dated(e, d); err != nil {
			return err
		}
	}
	return nil
}

func (b *book) yearly(e *event) error {
	for i := range e.days {
		d := e.start.AddDays(i)
		if err := b.note(fmt.Sprintf("%02d-%02d", d.Month, d.Day), e.note); err != nil {
			return err
		}
	}
	return nil
}

func (b *book) dated(e *event, start hours.Date) error {
	if start.Compare(b.to) > 0 || start.AddDays(e.days-1).Compare(b.from) < 0 {
		return nil
	}
	for i := range e.days {
		d := start.AddDays(i)
		if d.Compare(b.from) < 0 || d.Compare(b.to) > 0 {
			continue
		}
		if err := b.note(d.String(), e.note); err != nil {
			return err
		}
	}
	return nil
}

func (b *book) note(date, note string) error {
	if b.closed++; b.closed > maxClosed {
		return errors.New("it and the events before it repeat too often; choose a shorter range")
	}
	notes, known := b.notes[date]
	if !known && len(b.notes) == hours.MaxClosedDates {
		return fmt.Errorf("it is beyond the %d closed dates that are allowed; choose a shorter range", hours.MaxClosedDates)
	}
	if note != "" && !slices.Contains(notes, note) {
		notes = append(notes, note)
	}
	b.notes[date] = notes
	return nil
}

func (b *book) closedDates() []hours.ClosedDate {
	out := make([]hours.ClosedDate, 0, len(b.notes))
	for date, notes := range b.notes {
		out = append(out, hours.ClosedDate{Date: date, Note: shorten(strings.Join(notes, ", "), maxNote)})
	}
	slices.SortFunc(out, func(a, b hours.ClosedDate) int {
		if len(a.Date) != len(b.Date) {
			return len(a.Date) - len(b.Date) // yearly dates are the shorter ones
		}
		return strings.Compare(a.Date, b.Date)
	})
	return out
}

// shorten cuts between characters.
func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	const more = "…"
	cut := most - len(more)
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + more
}

// oneLine makes a note of a summary: control characters and runs of spaces become
// one space.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
}
