package console

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"mixduck/internal/day"
	"mixduck/internal/wording"
)

// The symbols of days in a calendar. They can be told apart without letters or colors.
const (
	dayStored  = "█"
	dayPartial = "▒"
	dayStrange = "!" // stored, with quarantined lines
	dayMissing = "·"
	dayGone    = "×" // not stored, and no longer available
	dayOutside = " "
)

// covered holds the days of a table.
type covered struct {
	table                          string
	days                           map[day.Day]string
	stored, partial, strange, gone int
	first, last                    day.Day
}

// drawCalendar draws a line of days per month and table.
func drawCalendar(w io.Writer, rows *rowScanner, _ int) error {
	tables, err := readCoverage(rows)
	if err != nil {
		return err
	}
	return drawTables(w, tables, dayStrange+" with lines in quarantine  ")
}

// drawTables draws the calendars of tables, and a legend with another symbol.
func drawTables(w io.Writer, tables []*covered, more string) error {
	out := bufio.NewWriter(w)
	for i, t := range tables {
		if i > 0 {
			fmt.Fprintln(out)
		}
		t.draw(out)
	}
	if len(tables) > 0 {
		fmt.Fprintf(out, "\n%s stored  %s partial  %s%s missing  %s unavailable\n", dayStored, dayPartial, more, dayMissing, dayGone)
	}
	return out.Flush()
}

// Calendar holds the days of a table for [Calendars]. Days that were not added are missing.
type Calendar struct{ c covered }

// NewCalendar returns a calendar from its first day on.
func NewCalendar(title string, first day.Day) *Calendar {
	return &Calendar{covered{table: title, days: map[day.Day]string{}, first: first}}
}

// Add adds a day after all others. The state is complete, partial or unavailable.
func (c *Calendar) Add(d day.Day, state string) { c.c.add(d, state, "") }

// Calendars draws calendars as the inspection coverage does, without marks for quarantined lines.
func Calendars(w io.Writer, all []*Calendar) error {
	tables := make([]*covered, len(all))
	for i, c := range all {
		tables[i] = &c.c
	}
	return drawTables(w, tables, "")
}

// readCoverage reads the result of the inspection coverage: a row per day, one table after another.
func readCoverage(rows *rowScanner) ([]*covered, error) {
	var at [4]int
	for i, name := range []string{"table_name", "day", "state", "quarantined"} {
		at[i] = slices.IndexFunc(rows.columns, func(c Column) bool { return c.Name == name })
		if at[i] < 0 {
			return nil, fmt.Errorf("the result has no column %s", name)
		}
	}
	var tables []*covered
	for {
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			return tables, nil
		}
		if err != nil {
			return nil, err
		}
		var v [4]string
		for i, n := range at {
			if row[n] != nil {
				v[i] = *row[n]
			}
		}
		d, err := day.Parse(v[1])
		if err != nil {
			return nil, err
		}
		if len(tables) == 0 || tables[len(tables)-1].table != v[0] {
			tables = append(tables, &covered{table: v[0], days: map[day.Day]string{}, first: d})
		}
		tables[len(tables)-1].add(d, v[2], v[3])
	}
}

func (c *covered) add(d day.Day, state, quarantined string) {
	c.last = d
	switch {
	case state == "partial":
		c.days[d] = dayPartial
		c.partial++
	case state == "unavailable":
		c.days[d] = dayGone
		c.gone++
	case quarantined != "" && quarantined != "0":
		c.days[d] = dayStrange
		c.strange++
		c.stored++
	default:
		c.days[d] = dayStored
		c.stored++
	}
}

func (c *covered) draw(w io.Writer) {
	missing := int(c.last-c.first) + 1 - c.stored - c.partial - c.gone
	fmt.Fprintf(w, "%s: %s..%s, %s stored, %d partial, %d missing", wording.Printable(c.table), c.first, c.last,
		wording.Counted(int64(c.stored), "day"), c.partial, missing)
	if c.gone > 0 {
		fmt.Fprintf(w, ", %d unavailable", c.gone)
	}
	fmt.Fprintln(w)
	for d := c.first; d <= c.last; {
		month, line := d.String()[:7], strings.Builder{}
		for from := d; from.String()[8:] != "01"; from-- {
			line.WriteString(dayOutside)
		}
		for ; d <= c.last && d.String()[:7] == month; d++ {
			cell, ok := c.days[d]
			if !ok {
				cell = dayMissing
			}
			line.WriteString(cell)
		}
		fmt.Fprintf(w, "%s  %s\n", month, line.String())
	}
}
