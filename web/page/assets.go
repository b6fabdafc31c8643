package page

import (
	"embed"
	"fmt"
	"html/template"
	"sync"
	"time"

	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/web/page/answer"
)

//go:embed templates/*.gohtml
var templateFiles embed.FS

// staticFiles has our own files and, where `make assets` was run, in static/built what it made.
//
//go:embed static
var staticFiles embed.FS

// htmlOf marks the output of a template as HTML.
func htmlOf(b []byte) template.HTML { return template.HTML(b) } //nolint:gosec // a template made it

// templates returns the templates of all views.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(functions).ParseFS(templateFiles, "templates/*.gohtml"))
})

// functions can be called by templates.
var functions = template.FuncMap{
	"grouped": func(n any) string { return wording.Grouped(toInt64(n)) },
	"counted": func(n any, one string) string { return wording.Counted(toInt64(n), one) },
	"short":   wording.ShortTime,
	"text":    wording.Printable,
	"size":    size,
	"when":    when,
	"since":   func(now, t time.Time) string { return wording.ShortTime(max(0, now.Sub(t))) },
	"asset":   asset,
	"bundle":  bundle,
	"mul":     func(a, b int) int { return a * b },
	"tab":     newTab,
	"query":   func(q string) template.URL { return template.URL(q) }, //nolint:gosec // url.Values encoded it
	"jobsOf":  func(database string) string { return jobsFilter{Database: database}.query() },

	"daysOfMonth": func() []int {
		days := make([]int, 31)
		for i := range days {
			days[i] = i + 1
		}
		return days
	},
	"add":      func(a, b any) int64 { return toInt64(a) + toInt64(b) },
	"short24":  func(s string) string { return wording.Cut(wording.Printable(s), 24) },
	"lines":    wording.Text,
	"first":    firstRows,
	"ofDay":    rowsOfDay,
	"clip":     clip,
	"isNumber": answer.IsNumber,
	"pagelink": newPageLink,
	"tip":      withoutFlags,

	"cells": cells,
	"bars":  bars,
	"clock": func(t time.Time) string { return t.UTC().Format("15:04") },
	"kinds": jobs.Kinds,
	"field": newBadField,
	"input": newInput,
	"list":  func(all ...string) []string { return all },

	"part": func(b model, data any) model { b.Data = data; return b },
}

// tab is an entry of the navigation.
type tab struct {
	Href, Name string
	On         bool // it is of the view that is shown
}

func newTab(f frame, key, path, name string) tab {
	return tab{Href: f.Base + path, Name: name, On: f.Tab == key}
}

func toInt64(n any) int64 {
	switch n := n.(type) {
	case int:
		return int64(n)
	case int64:
		return n
	}
	panic(fmt.Sprintf("%T is no integer", n)) // a template with this mistake fails its test
}

// when returns t in UTC, with its date unless it is on the day of now.
func when(now, t time.Time) template.HTML {
	t, now = t.UTC(), now.UTC()
	text := t.Format("2 Jan 15:04")
	switch {
	case t.Year() != now.Year():
		text = t.Format("2 Jan 2006 15:04")
	case t.YearDay() == now.YearDay():
		text = t.Format("15:04")
	}
	return htmlOf([]byte(`<time datetime="` + t.Format(time.RFC3339) + `">` + text + `</time>`))
}

// size returns a number of bytes in decimal units.
func size(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	value, i := float64(n), 0
	for value >= 999.5 && i < len(units)-1 {
		value /= 1000
		i++
	}
	if i == 0 || value >= 99.5 {
		return fmt.Sprintf("%.0f %s", value, units[i])
	}
	return fmt.Sprintf("%.1f %s", value, units[i])
}
