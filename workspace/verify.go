package workspace

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/mixpanel"
	"mixduck/storage"
	"mixduck/storage/query"
)

const (
	// usualVerified is the default number of days to compare: Mixpanel lists the event names of about as many.
	usualVerified = 30

	// mostVerifyRequests is the most that a comparison sends. It first omits names that only Lexicon knows, and then names
	// that do not fit.
	mostVerifyRequests = 30

	// longestAsked is the maximum length of a requested event name, in bytes. Mixpanel's own limit is 255 characters.
	longestAsked = 2000
)

// VerifyRequest says which counts to compare with Mixpanel's.
type VerifyRequest struct {
	Table string    // "" means events
	Days  day.Range // in the project's zone, both ends included; zero means the stored days among the last 30, until yesterday
}

// Verification is a comparison of a table with Mixpanel.
type Verification struct {
	Table       string
	Days        day.Range // compared
	Events      int       // number of compared names
	Only        []string  // event names that the table is limited to; empty means all
	Differences []Difference
	Requests    int    // sent
	Warnings    string // about what could not be compared, one per line
}

// Difference is an event on a day with different counts in the table and in Mixpanel. Its JSON form is the output of
// commands.
type Difference struct {
	Day    day.Day `json:"day"`
	Event  string  `json:"event"`
	Ours   int64   `json:"ours"`
	Theirs int64   `json:"theirs"`
	Cause  Cause   `json:"cause"`
}

// Repair returns the differing days that a fetch can repair, ascending.
func (v *Verification) Repair() []day.Range {
	var days []day.Day
	for _, d := range v.Differences {
		if d.Cause.curable() {
			days = append(days, d.Day)
		}
	}
	return union(ranges(days))
}

// Statement returns a statement that returns the differences as rows, and its parameters. This makes them available in
// every format of queries.
func (v *Verification) Statement() (sql string, params map[string]string, err error) {
	return query.Given(v.Differences, query.Column{Name: "day", Type: "DATE"}, query.Column{Name: "event", Type: "VARCHAR"},
		query.Column{Name: "ours", Type: "BIGINT"}, query.Column{Name: "theirs", Type: "BIGINT"}, query.Column{Name: "cause", Type: "VARCHAR"})
}

// Verify compares the number of events of a table by day and name with the counts of Mixpanel's Query API. It reads
// the database first, like a query: it does not block other processes for longer than a load. Requests are booked in
// [Config.QueryBudget]. A table with a where filter cannot be compared.
func (w *Workspace) Verify(ctx context.Context, r VerifyRequest) (Verification, error) {
	r.Table = cmp.Or(r.Table, "events")
	c := &comparison{today: w.cfg.Project.Today(w.cfg.Now()), days: r.Days}
	switch {
	case r.Days == day.Range{}:
		c.days = day.Range{From: c.today - usualVerified, To: c.today - 1}
	case r.Days.Len() == 0:
		return Verification{}, fault.Usage("put the earlier date first", "the range ends before it starts: %s to %s", r.Days.From, r.Days.To)
	case r.Days.To > c.today:
		return Verification{}, fault.Usage("end the range today or earlier", "%s is in the future: today is %s in the project's time zone", r.Days.To, c.today)
	}
	if err := storage.CheckTable(r.Table); err != nil {
		return Verification{}, err
	}
	err := w.reading(ctx, func(e *storage.Engine) (err error) {
		c.ours, err = e.CountEvents(ctx, r.Table, c.days, w.cfg.Project.location())
		return err
	})
	if err != nil {
		return Verification{}, err
	}
	c.inZone = !w.cfg.Project.Shifted && w.cfg.Project.location().String() != "UTC"
	if r.Days == (day.Range{}) && len(c.ours.Coverage) > 0 {
		c.days.From = slices.Min(slices.Collect(maps.Keys(c.ours.Coverage)))
	}
	only, err := c.filter(r.Table, strconv.FormatInt(w.cfg.Project.ID, 10))
	if err != nil {
		return Verification{}, err
	}
	v := Verification{Table: r.Table, Days: c.days, Only: only}
	a := &asking{refreshing: refreshing{Workspace: w, stream: &streamSource{name: "verify"}, most: mostVerifyRequests}, c: c}
	if c.ours.TimeWarning != "" {
		a.progress.warn(c.ours.TimeWarning)
	}
	err = a.ask(ctx, only)
	v.Requests, v.Events, v.Warnings = int(a.sent.Load()), len(a.names), a.progress.Warnings
	if err != nil {
		return v, err
	}
	v.Differences = c.differences()
	return v, nil
}

// KeepVerified stores what a comparison has found. For fence see [storage.Engine.Load].
func (w *Workspace) KeepVerified(ctx context.Context, table, job string, v storage.Verified, fence int64) error {
	return w.withEngine(ctx, func(e *storage.Engine) error { return e.KeepVerified(ctx, table, job, v, fence) })
}

// filter returns the event names that the table is limited to, none for all.
func (c *comparison) filter(table, project string) ([]string, error) {
	if c.ours.Project != project {
		return nil, fault.Usage("name the table's project, or another table", "table %s contains events of project %s", table, c.ours.Project)
	}
	if c.ours.Filter == "" {
		return nil, nil
	}
	var filter struct {
		Events []string `json:"events"`
		Where  string   `json:"where"`
	}
	if err := json.Unmarshal([]byte(c.ours.Filter), &filter); err != nil {
		return nil, fmt.Errorf("the filter of table %s: %w", table, err)
	}
	if filter.Where != "" {
		return nil, fault.Usage("verify a table without a where filter", "table %s only contains events that match %s, which Mixpanel does not count by day",
			table, filter.Where)
	}
	return filter.Events, nil
}

// asking is the part of a comparison that queries Mixpanel.
type asking struct {
	refreshing
	c     *comparison
	names []string
}

// ask requests names and counts from Mixpanel. The names are only; if it is empty, all names that either side knows.
func (a *asking) ask(ctx context.Context, only []string) error {
	project := a.cfg.Project.ID
	var listed []string
	if len(only) == 0 {
		err := a.refreshing.ask(ctx, a.counted(), func() (err error) {
			listed, err = a.source.EventNames(ctx, project, 0)
			return err
		})
		if err != nil {
			return err
		}
		for _, byName := range a.c.ours.Rows {
			listed = slices.AppendSeq(listed, maps.Keys(byName))
		}
	}
	known, err := a.lexicon(ctx)
	if err != nil {
		return err
	}
	if len(only) > 0 {
		listed, known = only, nil
	}
	parts, err := a.parts(listed, known)
	if err != nil {
		return err
	}
	a.c.theirs = map[day.Day]map[string]int64{}
	for i, part := range parts {
		err := a.count(ctx, part)
		if errors.Is(err, errMostRequests) {
			a.leave(parts[i:])
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leave omits the names of requests that are not sent from the comparison, and says so.
func (a *asking) leave(parts []mixpanel.CountsRequest) {
	left := map[string]bool{}
	for _, part := range parts {
		for _, name := range part.Events {
			left[name] = true
		}
	}
	unasked := a.c.unasked
	a.c.unasked = func(n string) bool { return left[n] || unasked != nil && unasked(n) }
	a.names = slices.DeleteFunc(a.names, func(n string) bool { return left[n] })
	a.progress.warn(fmt.Sprintf("%d event names are not compared, because that takes more than %d requests: %s",
		len(left), mostVerifyRequests, listNames(slices.Sorted(maps.Keys(left)))))
}

// listNames lists the first names, each shortened.
func listNames(names []string) string {
	const shown, longest = 5, 40
	var list []string
	for _, name := range names[:min(shown, len(names))] {
		if r := []rune(name); len(r) > longest {
			name = string(r[:longest]) + "…"
		}
		list = append(list, strconv.Quote(name))
	}
	if more := len(names) - shown; more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, ", ")
}

// lexicon returns the event names in Lexicon, and records which of them it hides. If Lexicon does not respond, only
// the causes are less exact.
func (a *asking) lexicon(ctx context.Context) (names []string, _ error) {
	var entries []mixpanel.LexiconEntry
	err := a.refreshing.ask(ctx, a.lookedUp(), func() (err error) {
		entries, err = a.source.Lexicon(ctx, a.cfg.Project.ID)
		return err
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		a.progress.warn("Lexicon did not answer, so hidden events are unknown: " + err.Error())
	}
	a.c.hidden = map[string]bool{}
	for _, e := range entries {
		if e.Kind == "event" {
			names = append(names, e.Name)
			a.c.hidden[e.Name] = e.Hidden || e.Dropped
		}
	}
	return names, nil
}

// parts returns the requests for the counts of the listed names, and of the known ones if that is not too much.
func (a *asking) parts(listed, known []string) ([]mixpanel.CountsRequest, error) {
	r := mixpanel.CountsRequest{Project: a.cfg.Project.ID, Days: a.c.days}
	split := func(names []string) ([]mixpanel.CountsRequest, error) {
		a.names = slices.Compact(slices.Sorted(slices.Values(slices.DeleteFunc(names, func(n string) bool { return n == "" || len(n) > longestAsked }))))
		if r.Events = a.names; len(a.names) == 0 {
			return nil, nil
		}
		return a.source.CountsParts(r)
	}
	if slices.ContainsFunc(listed, func(n string) bool { return n == "" || len(n) > longestAsked }) {
		a.progress.warn("events without a name, or with one of more than 2,000 bytes, are not compared")
		a.c.unasked = func(n string) bool { return n == "" || len(n) > longestAsked }
	}
	parts, err := split(slices.Concat(listed, known))
	if err != nil || len(parts)+int(a.sent.Load()) <= mostVerifyRequests || len(known) == 0 {
		return parts, err
	}
	a.progress.warn("events that only Lexicon lists are not compared: there are too many")
	return split(listed)
}

// count adds Mixpanel's counts of some names. Days that Mixpanel no longer serves have none.
func (a *asking) count(ctx context.Context, r mixpanel.CountsRequest) error {
	r.Days.From = max(r.Days.From, a.c.oldest)
	if r.Days.Len() == 0 {
		return nil
	}
	var counts mixpanel.Segmentation
	err := a.refreshing.ask(ctx, a.counted(), func() (err error) {
		counts, err = a.source.EventCounts(ctx, r)
		return err
	})
	if api, ok := errors.AsType[*mixpanel.Error](err); ok && api.Reason == mixpanel.ReasonTooOld && api.MaxAgeDays > 0 {
		a.c.oldest = max(a.c.today-day.Day(api.MaxAgeDays), r.Days.From+1)
		return a.count(ctx, r)
	}
	if err != nil {
		return err
	}
	for name, byDay := range counts.Values {
		for text, n := range byDay {
			date, _, _ := strings.Cut(text, " ")
			d, err := day.Parse(date)
			if err != nil {
				return fmt.Errorf("counts of %q: %w", name, err)
			}
			count, err := n.Int64()
			if err != nil {
				return fmt.Errorf("counts of %q: %w", name, err)
			}
			if a.c.theirs[d] == nil {
				a.c.theirs[d] = map[string]int64{}
			}
			a.c.theirs[d][name] = count
		}
	}
	return nil
}
