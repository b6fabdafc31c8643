package workspace

import (
	"context"
	"fmt"
	"math"
	"strings"
	"unicode"

	"mixduck/internal/day"
	"mixduck/storage"
)

// warnOfNames adds a warning for each requested event name that no event has: it is often a typing error. Rare events
// in a recurring fetch are normal, so for those any stored day counts.
func (f *fetch) warnOfNames(ctx context.Context, e *storage.Engine) error {
	if len(f.req.Events) == 0 {
		return nil
	}
	r, where := f.req.Days, " in "+f.req.Days.String()
	if f.req.Due != nil || !f.req.LateSince.IsZero() {
		r, where = day.Range{To: day.New(9999, 12, 31)}, ""
	}
	missing, err := e.MissingEvents(ctx, f.req.Table, r, f.req.Events)
	if err != nil || len(missing) == 0 {
		return err
	}
	known, err := e.KnownEvents(ctx)
	if err != nil {
		return err
	}
	for _, warning := range NoEvents(missing, where, known) {
		f.progress.warn(warning)
	}
	return nil
}

// maxNamed is the maximum number of missing event names with separate warnings.
const maxNamed = 10

// NoEvents returns warnings about event names without events: one for each of the first names, and one for the rest.
func NoEvents(names []string, where string, known []string) (warnings []string) {
	for i, name := range names {
		if i == maxNamed {
			return append(warnings, fmt.Sprintf("no event named any of %d more of the requested names%s", len(names)-i, where))
		}
		warnings = append(warnings, NoEvent(name, where, known))
	}
	return warnings
}

// NoEvent returns a warning about an event name that no event has, with the most similar known name. where is either
// "" or starts with a space.
func NoEvent(name, where string, known []string) string {
	text := fmt.Sprintf("no event named %q%s", name, where)
	if near := nearest(name, known); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	return text
}

// nearest returns the known name most similar to name, or "" if none is similar. A name that differs only in case,
// spaces and punctuation wins. Otherwise it is the name with the fewest changed letters, at most a quarter of them.
func nearest(name string, known []string) string {
	best, least, plain := "", math.MaxInt, plainName(name)
	for _, k := range known {
		if k == name {
			continue
		}
		letters := plainName(k)
		if n := distance(plain, letters); n < least && n <= max(1, len(plain)/4) && len(letters) > n {
			best, least = k, n
		}
	}
	return best
}

// plainName returns the letters of a name in lower case, without spaces, quotes and punctuation.
func plainName(name string) (letters []rune) {
	for _, r := range strings.ToLower(name) {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsSymbol(r) {
			letters = append(letters, r)
		}
	}
	return letters
}

// distance returns the number of letters to insert, delete or change to turn a into b.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range a {
		before := row[0]
		row[0] = i + 1
		for j, s := range b {
			change := before
			if r != s {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, before+1, row[j]+1)
		}
	}
	return row[len(b)]
}
