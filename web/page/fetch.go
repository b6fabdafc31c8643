package page

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/stream"
	"mixduck/jobs"
	"mixduck/jobs/status"
)

// fetchForm asks for days of a table again.
type fetchForm struct {
	What     string // missing: all days that are missing or partial; otherwise From to To
	From, To string // as [day.ParseExpr] reads them; without To only From
	Bad      badFields
}

// find returns what is known about a table.
func (l *look) find(database, table string) (status.Table, error) {
	for _, t := range l.tables {
		if t.State.Database == database && t.State.Table == table {
			return t, nil
		}
	}
	return status.Table{}, fault.New(fault.CodeNotFound, "look at the list of tables", "no table %q in %q has been fetched or scheduled", table, database)
}

// tableOf returns the table that a request is about.
func (p *Page) tableOf(r *http.Request, b *Backend) (*look, status.Table, error) {
	l, err := p.looks.get(r.Context(), b)
	if err != nil {
		return nil, status.Table{}, err
	}
	t, err := l.find(r.FormValue("database"), r.FormValue("table"))
	return l, t, err
}

// fetchAgain submits a fetch of days of a table, or of all of a table without days.
func (p *Page) fetchAgain(w http.ResponseWriter, r *http.Request, b *Backend) error {
	ctx := r.Context()
	l, t, err := p.tableOf(r, b)
	if err != nil {
		return err
	}
	form := fetchForm{What: r.FormValue("what"), From: r.FormValue("from"), To: r.FormValue("to"), Bad: badFields{}}
	fetch, err := fetchLike(ctx, b, t)
	if err != nil {
		return err
	}
	form.choose(&fetch, t, p.cfg.Now())
	if len(form.Bad) == 0 {
		form.Bad.add("", served(l.workers, fetch.Database))
	}
	if len(form.Bad) == 0 {
		job, err := b.Queue.Submit(ctx, jobs.Request{Kind: jobs.KindFetch, Fetch: fetch, IfBusy: jobs.IfBusyJoin})
		if err == nil {
			p.goOn(w, r, "/jobs/"+url.PathEscape(job.ID), newJobLine(job, l.names, p.cfg.Now()))
		}
		if fault.CodeOf(err) != fault.CodeUsage {
			return err
		}
		form.Bad.add("", err)
	}
	if !wantsHTML(r) {
		return form.Bad.err("from", "to")
	}
	page := newTablePage(l, t)
	page.Fetch = form
	p.write(w, r, http.StatusBadRequest, tableView, page)
	return nil
}

// choose sets the days of a fetch.
func (f *fetchForm) choose(fetch *jobs.Fetch, t status.Table, now time.Time) {
	if !t.State.Dated() {
		return
	}
	if f.What == "missing" {
		all := t.Gaps.All()
		for _, failing := range t.State.Failing {
			all = append(all, failing.Days)
		}
		if len(all) == 0 {
			f.Bad.add("", fault.Usage("choose days", "no day is missing"))
			return
		}
		fetch.Due = &jobs.Due{}
		fetch.Days = all[0]
		for _, r := range all {
			fetch.Days = day.Range{From: min(fetch.Days.From, r.From), To: max(fetch.Days.To, r.To)}
		}
		return
	}
	zone, err := jobs.LoadZone(cmp.Or(t.Project.Zone, "UTC"))
	if err != nil {
		f.Bad.add("", err)
		return
	}
	today := day.Of(now.In(zone))
	from := f.parse("from", f.From, today)
	to := from
	if f.To != "" {
		to = f.parse("to", f.To, today)
	}
	fetch.Days = day.Range{From: from.From, To: to.To}
	if len(f.Bad) == 0 && fetch.Days.Len() == 0 {
		f.Bad.add("to", fault.Usage("swap the two days", "the last day is before the first"))
	}
}

// parse returns the days that a field names.
func (f *fetchForm) parse(field, text string, today day.Day) day.Range {
	const hint = "2026-01-31, 2026-01 for a month, yesterday, or 7d"
	days, err := day.ParseExpr(text, today)
	switch {
	case text == "":
		err = fault.Usage(hint, "enter a day")
	case err != nil:
		err = fault.Usage(hint, "%w", err)
	case days.From > today:
		err = fault.Usage("today or an earlier day", "%s is in the future", days.From)
	}
	f.Bad.add(field, err)
	days.To = min(days.To, today)
	return days
}

// served returns an error if no worker can open a database.
func served(workers []jobs.WorkerInfo, database string) error {
	if jobs.Serves(workers, database, jobs.KindFetch) {
		return nil
	}
	return fault.Usage("start a worker for it", "%s; nothing was submitted", status.Nobody(jobs.Record{Database: database}))
}

// fetchLike returns a fetch of a table without days. It fetches the same events as the table's schedule or, without one, as
// its last fetch.
func fetchLike(ctx context.Context, b *Backend, t status.Table) (jobs.Fetch, error) {
	kind := cmp.Or(t.State.Type, stream.Events)
	info, err := stream.Find(kind)
	if err != nil {
		return jobs.Fetch{}, err
	}
	f := jobs.Fetch{Project: t.Project.Name, Database: t.State.Database, Table: t.State.Table, Mode: jobs.Mode(info.Mode())}
	if t.Project.ID != 0 {
		f.Project = strconv.FormatInt(t.Project.ID, 10)
	}
	if kind != stream.Events {
		f.Stream = kind
	}
	known := t.Project.Table(f.Table)
	f.Events, f.Where, f.Promote = known.Events, known.Where, known.Promote
	var like jobs.Fetch
	for _, s := range t.Schedules {
		if like.Table == "" && s.Table == f.Table {
			like = s.Fetch(day.Range{}, jobs.Due{})
		}
	}
	if like.Table == "" && t.State.Job != "" {
		job, err := b.Queue.Job(ctx, t.State.Job)
		if err != nil && fault.CodeOf(err) != fault.CodeNotFound {
			return jobs.Fetch{}, err
		}
		like = job.Fetch
	}
	if like.Table == f.Table && like.StreamName() == kind {
		f.Events, f.Where, f.Promote, f.Profiles, f.History = like.Events, like.Where, like.Promote, like.Profiles, like.History
		if like.Mode == jobs.ModeAppend {
			f.Mode = jobs.ModeAppend
		}
	}
	return f, nil
}
