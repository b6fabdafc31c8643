package page

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/name"
	"mixduck/internal/stream"
	"mixduck/jobs"
	"mixduck/jobs/schedule"
)

var addScheduleView = &view{name: "addschedule", title: "Add a schedule", tab: "schedules", build: buildAddSchedule}

// scheduleFields are the names of the fields of the form that adds a schedule, in their order.
var scheduleFields = []string{
	"name", "project", "cron", "timezone", "stream", "table", "database", "start", "lookback", "include_today", "where", "promote", "mode", "verify",
	"full_every", "history", "group", "report_ids", "overlap", "priority", "jitter", "catch_up",
}

// addSchedulePage is the form that adds a schedule.
type addSchedulePage struct {
	Values    map[string]string `json:"values"` // of the fields
	Projects  []string          `json:"projects"`
	Databases []string          `json:"databases"`
	Streams   []string          `json:"streams"`
	Bad       badFields         `json:"-"`
}

// More reports whether one of the fields that are rarely needed has a value.
func (a *addSchedulePage) More() bool {
	first := slices.Index(scheduleFields, "include_today")
	return a.Values["events"] != "" || slices.ContainsFunc(scheduleFields[first:], func(field string) bool { return a.Values[field] != "" })
}

func buildAddSchedule(ctx context.Context, p *Page, b *Backend, r *http.Request) (any, error) {
	l, err := p.looks.get(ctx, b)
	if err != nil {
		return nil, err
	}
	return newAddSchedule(l, r.URL.Query()), nil
}

// newAddSchedule returns a form with values.
func newAddSchedule(l *look, q url.Values) *addSchedulePage {
	a := &addSchedulePage{Values: map[string]string{}, Projects: []string{}, Databases: databases(l), Streams: stream.Names(), Bad: badFields{}}
	for _, field := range scheduleFields {
		a.Values[field] = strings.TrimSpace(q.Get(field))
	}
	a.Values["events"] = q.Get("events")
	for key, value := range map[string]string{"stream": stream.Events, "cron": "15 6 * * *", "lookback": strconv.Itoa(jobs.DefaultLookback)} {
		if !q.Has(key) {
			a.Values[key] = value
		}
	}
	for _, known := range l.projects {
		a.Projects = append(a.Projects, known.Name)
	}
	return a
}

// addSchedule adds the schedule of the form, as `enqueue schedules add` does.
func (p *Page) addSchedule(w http.ResponseWriter, r *http.Request, b *Backend) error {
	ctx := r.Context()
	l, err := p.looks.get(ctx, b)
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return fault.Usage("send a form", "the form cannot be read: %w", err)
	}
	form := newAddSchedule(l, r.PostForm)
	now := p.cfg.Now()
	s := form.read(l, now)
	if len(form.Bad) == 0 {
		err := b.Schedules.Add(ctx, s)
		switch code := fault.CodeOf(err); {
		case err == nil:
			return p.goOnToSchedule(w, r, b, s.Name)
		case code != fault.CodeUsage && code != fault.CodeExists:
			return err
		case code == fault.CodeExists:
			form.Bad.add("name", err)
		default:
			form.Bad.add("", err)
		}
	}
	if !wantsHTML(r) {
		return form.Bad.err(scheduleFields...)
	}
	p.write(w, r, http.StatusBadRequest, addScheduleView, form)
	return nil
}

// goOnToSchedule goes on to the page of a schedule.
func (p *Page) goOnToSchedule(w http.ResponseWriter, r *http.Request, b *Backend, name string) error {
	now := p.cfg.Now()
	s, err := b.Schedules.Get(r.Context(), name, now)
	if err != nil {
		return err
	}
	line, err := readScheduleLine(r.Context(), b, s, nil, now)
	if err == nil {
		p.goOn(w, r, "/schedules/"+url.PathEscape(name), line)
	}
	return err
}

// read returns the schedule that the form describes. What is wrong with a field is in a.Bad.
func (a *addSchedulePage) read(l *look, now time.Time) jobs.Schedule {
	v := a.Values
	s := jobs.Schedule{
		Name: v["name"], Stream: v["stream"], Table: v["table"], Database: v["database"], Cron: v["cron"], Zone: v["timezone"],
		Mode: jobs.Mode(v["mode"]), Overlap: jobs.Overlap(v["overlap"]), Priority: jobs.Priority(v["priority"]), Where: v["where"], Promote: v["promote"],
		IncludeToday: v["include_today"] != "", History: v["history"] != "", Group: v["group"], Verify: v["verify"],
	}
	s.Jitter, s.CatchUp, s.FullEvery = a.span("jitter"), a.span("catch_up"), a.span("full_every")
	a.Bad.add("name", jobs.CheckScheduleName(s.Name))
	project := a.project(l)
	s.Project, s.ProjectZone = strconv.FormatInt(project.ID, 10), project.Zone
	s.Database = cmp.Or(s.Database, project.Database)
	if _, err := stream.Find(s.Stream); err != nil {
		a.Bad.add("stream", err)
	}
	var err error
	if s.ReportIDs, err = stream.ParseReportIDs(strings.FieldsFunc(v["report_ids"], isSeparator)...); err != nil {
		a.Bad.add("report_ids", err)
	}
	s = s.WithDefaults()
	a.Bad.add("table", name.Table(s.Table))
	if s.Database != "" {
		a.Bad.add("database", name.Target(s.Database))
	}
	if s.Zone != "" {
		_, err := jobs.LoadZone(s.Zone)
		a.Bad.add("timezone", err)
		if err == nil {
			_, err = s.Ticks()
			a.Bad.add("cron", err)
		}
	}
	if s.Dated() {
		a.readDays(&s, project, now)
	}
	if len(a.Bad) == 0 {
		a.Bad.add("", s.Validate())
	}
	return s
}

// isSeparator reports whether r separates the items of a list.
func isSeparator(r rune) bool { return r == ',' || unicode.IsSpace(r) }

// readDays reads what only concerns schedules of events.
func (a *addSchedulePage) readDays(s *jobs.Schedule, project jobs.ProjectInfo, now time.Time) {
	for name := range strings.SplitSeq(a.Values["events"], "\n") {
		if name = strings.TrimSuffix(name, "\r"); name != "" {
			s.Events = append(s.Events, name)
		}
	}
	known := project.Table(s.Table)
	s.Where, s.Promote = cmp.Or(s.Where, known.Where), cmp.Or(s.Promote, known.Promote)
	if len(s.Events) == 0 {
		s.Events = known.Events
	}
	if text := a.Values["lookback"]; text != "" {
		n, err := strconv.Atoi(strings.TrimSuffix(text, "d"))
		if err != nil {
			err = fault.Usage(strconv.Itoa(jobs.DefaultLookback), "%q is no number of days", text)
		}
		s.Lookback = n
		a.Bad.add("lookback", err)
	}
	text := a.Values["start"]
	if zone, err := jobs.LoadZone(project.Zone); err == nil && text != "" {
		today := day.Of(now.In(zone))
		days, err := day.ParseExpr(text, today)
		switch {
		case err != nil:
			err = fault.Usage("2026-01-01", "%w", err)
		case days.From > today:
			err = fault.Usage("2026-01-01", "%s is in the future", days.From)
		}
		s.Start = days.From
		a.Bad.add("start", err)
	}
}

// span returns the duration in a field, such as 10m or 7d.
func (a *addSchedulePage) span(field string) time.Duration {
	text := a.Values[field]
	if text == "" {
		return 0
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < maxSpanDays {
			return time.Duration(n) * 24 * time.Hour
		}
	}
	span, err := time.ParseDuration(text)
	if err != nil || span < 0 {
		a.Bad.add(field, fault.Usage("10m, 6h or 7d", "%q is no duration", text))
	}
	return span
}

const maxSpanDays = 36_500

// project returns the chosen project; without a choice, the only one.
func (a *addSchedulePage) project(l *look) jobs.ProjectInfo {
	called := a.Values["project"]
	if called == "" && len(l.projects) == 1 {
		return l.projects[0]
	}
	for _, known := range l.projects {
		if known.Called(called) {
			return known
		}
	}
	err := fault.Usage("choose a project of the list", "no worker has a project %q", called)
	if called == "" {
		err = fault.Usage("choose a project of the list", "choose a project")
	}
	a.Bad.add("project", err)
	return jobs.ProjectInfo{}
}

// removeSchedule removes a schedule that no configuration file has.
func (p *Page) removeSchedule(w http.ResponseWriter, r *http.Request, b *Backend, s schedule.State) error {
	if len(s.Files) > 0 {
		return fault.Usage("remove its entry there, and restart the worker", "schedule %s is in the configuration file of worker %s", s.Name, strings.Join(s.Files, ", "))
	}
	if err := b.Schedules.Remove(r.Context(), s.Name); err != nil {
		return err
	}
	p.goOn(w, r, "/schedules", map[string]any{"name": s.Name, "removed": true})
	return nil
}
