package page

import (
	"mixduck/jobs"
	"mixduck/jobs/status"
)

// Calendar returns the label, class and sign of each day of the calendar of a day map, the newest month first.
func Calendar(days jobs.Days) (cells []string) {
	for _, m := range months(days) {
		for i := range m.Cells {
			c := &m.Cells[i]
			if c.Label != "" {
				cells = append(cells, m.Name+" | "+c.Label+" | "+c.Class+c.Sign)
			}
		}
	}
	return cells
}

// Strip returns the class and height of each bar of the strip of a day map.
func Strip(days jobs.Days) (classes []string, heights []int) {
	for _, b := range strip(days) {
		classes, heights = append(classes, b.Class), append(heights, b.Height)
	}
	return classes, heights
}

// MaxStreams is how many live pages can be open at once.
const MaxStreams = maxStreams

// Bundled reports whether `make assets` was run before the build.
func Bundled() bool { return bundle("editor.js") != "" }

// BundledBytes returns how many bytes a program has more with the bundles.
func BundledBytes() (n int) {
	for _, name := range []string{"editor.js", "plot.js", "licences.txt"} {
		n += len(static()[name].data)
	}
	return n
}

// Forget makes the next page look at the queue again.
func (p *Page) Forget() { p.looks.forget() }

// Notices returns the titles of the notices about workers, jobs that wait for another program, and tables.
func Notices(workers []jobs.WorkerInfo, held []jobs.Record, tables []status.Table) (titles []string) {
	for _, n := range notices(&look{workers: workers, held: held, tables: tables}) {
		titles = append(titles, n.Title)
	}
	return titles
}
