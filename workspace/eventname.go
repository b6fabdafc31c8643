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

// warnOfNames warns of the names that were asked for and that no event has: they are often mistyped. Rare events of a
// recurring fetch are no mistake, so there any stored day counts.
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
	for _, name := range missing {
		f.progress.warn(NoEvent(name, where, known))
	}
	return nil
}

// NoEvent says that no event has a name, and which of the known ones may be meant. where begins with a space, or is "".
func NoEvent(name, where string, known []string) string {
	text := fmt.Sprintf("no event named %q%s", name, where)
	if near := nearest(name, known); near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	return text
}

// nearest returns the known name that is most like name, "" if none is like it: one that differs in case, spaces and quotes
// only, else the one that takes the fewest changes of letters, at most a quarter of them.
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

// plainName returns the letters of a name in lower case, without what does not show: spaces, quotes, punctuation.
func plainName(name string) (letters []rune) {
	for _, r := range strings.ToLower(name) {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsSymbol(r) {
			letters = append(letters, r)
		}
	}
	return letters
}

// distance returns how many letters have to be inserted, deleted or changed to make b of a.
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
