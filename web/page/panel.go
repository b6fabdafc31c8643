package page

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/web/page/answer"
)

// inspections are what the page of a table can look up in the database, by the value of its buttons.
var inspections = map[string][]string{
	"day": {"receipts", "quarantine", "changes"}, "receipts": {"receipts"}, "changes": {"changes"}, "quarantine": {"quarantine"}, "properties": {"properties"},
}

// inspectionTitles are the headings of inspections.
var inspectionTitles = map[string]string{
	"receipts": "Fetches", "quarantine": "Lines in quarantine", "changes": "Late changes", "properties": "Properties",
}

// tableTab leads to what is known of a whole table.
type tableTab struct {
	What, Title string
	Count       int64 // 0: it is not known, or there is nothing
	On          bool
}

// Tabs returns what can be looked up of the whole table.
func (t *tablePage) Tabs() []tableTab {
	tabs := []tableTab{{What: "receipts"}, {What: "properties"}}
	if t.Dated {
		tabs = []tableTab{{What: "receipts"}, {What: "changes"}, {What: "quarantine", Count: t.Quarantined}, {What: "properties"}}
	}
	for i := range tabs {
		tabs[i].Title, tabs[i].On = inspectionTitles[tabs[i].What], tabs[i].What == t.Tab
	}
	return tabs
}

const (
	rowsOfInspection = 100
	maxInspections   = 3 // on a page
	inspectedFor     = 2 * time.Second
)

// panel shows what was looked up in the database.
type panel struct {
	askAnswer

	Title   string `json:"title"`
	Inspect string `json:"-"`                // name of the inspection
	Behind  string `json:"behind,omitempty"` // ID of the job that writes to the database, for which this waits
}

// inspect asks the database about a table, or about a day of it, and goes on to the page of the table.
func (p *Page) inspect(w http.ResponseWriter, r *http.Request, b *Backend) error {
	ctx := r.Context()
	l, t, err := p.tableOf(r, b)
	if err != nil {
		return err
	}
	names, ok := inspections[r.FormValue("what")]
	if !ok {
		return fault.Usage("day, receipts, changes, quarantine or properties", "%q cannot be looked up", r.FormValue("what"))
	}
	args := []string{t.State.Table}
	q := url.Values{"database": {t.State.Database}, "table": {t.State.Table}}
	if text := r.FormValue("day"); text != "" {
		if _, err := day.Parse(text); err != nil {
			return fault.Usage("2026-01-31", "%w", err)
		}
		q.Set("day", text)
		args = append(args, text)
	}
	if err := served(l.workers, t.State.Database); err != nil {
		return err
	}
	var ids []string
	for _, name := range names {
		query := jobs.Query{Database: t.State.Database, Inspect: name, Args: args, Format: jobs.FormatRows, NestedJSON: true, Limit: rowsOfInspection, Attended: true}
		job, err := b.Queue.Submit(ctx, jobs.Request{Kind: jobs.KindQuery, Query: query})
		if err != nil {
			return err
		}
		p.visits.extend(b.Queue, job.ID)
		ids = append(ids, job.ID)
	}
	waiting, stop := context.WithTimeout(ctx, inspectedFor)
	defer stop()
	for _, id := range ids {
		_ = b.Queue.Watch(waiting, id, func(jobs.Record) {}) // the page shows how far it is
	}
	q.Set("look", strings.Join(ids, "."))
	to := "/table?" + q.Encode()
	if q.Has("day") {
		to += "#panel" // below the calendar
	}
	p.goOn(w, r, to, map[string]any{"jobs": ids})
	return nil
}

// panels returns the panels that the URL of a table's page names.
func (p *Page) panels(ctx context.Context, b *Backend, l *look, t tableLine, look string) ([]panel, error) {
	all := []panel{}
	if look == "" {
		return all, nil
	}
	ids := strings.SplitN(look, ".", maxInspections+1)
	for _, id := range ids[:min(maxInspections, len(ids))] {
		job, err := b.Queue.Job(ctx, id)
		if err == nil && (inspectionTitles[job.Query.Inspect] == "" || job.Database != t.Database) {
			err = jobs.ErrNoJob
		}
		if fault.CodeOf(err) == fault.CodeNotFound {
			continue // its record was deleted
		}
		if err != nil {
			return nil, err
		}
		found, err := newAnswer(ctx, b, job, 1, p.cfg.Now())
		if err != nil {
			return nil, err
		}
		found.showBlobs()
		one := panel{askAnswer: *found, Title: inspectionTitles[job.Query.Inspect], Inspect: job.Query.Inspect}
		if !job.State.Final() {
			p.visits.extend(b.Queue, job.ID)
			one.Behind = l.writer(job.Database)
		}
		all = append(all, one)
	}
	return all, nil
}

// showBlobs makes BLOBs readable: lines in quarantine.
func (a *askAnswer) showBlobs() {
	for i, column := range a.Columns {
		if column.Type != "BLOB" {
			continue
		}
		for _, row := range a.Rows {
			if row[i] != nil {
				text := answer.Readably(*row[i])
				row[i] = &text
			}
		}
	}
}

// writer returns the ID of the job that writes to a database; "" if none does.
func (l *look) writer(database string) string {
	i := slices.IndexFunc(l.running, func(job jobs.Record) bool { return job.Database == database && job.Kind != jobs.KindQuery })
	if i < 0 {
		return ""
	}
	return l.running[i].ID
}
