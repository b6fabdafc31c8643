package lake

import (
	"context"
	"time"

	"mixduck/internal/day"
	"mixduck/lake/plan"
	"mixduck/storage"
)

// Status compares a table of a database with its lake table.
type Status struct {
	Table       string // namespace.name in the catalog
	Days        int    // published
	Rows        int64  // of these days
	First, Last day.Day
	PublishedAt time.Time // of the last commit; zero before the first one
	Due         int       // days to publish
	DueSince    time.Time // when the first of them was loaded into the database; zero if none is due
	Newer       int       // days that the lake has in a newer state
}

// Status returns the status of a table.
func (l *Lake) Status(ctx context.Context, source storage.Config, database, name string) (Status, error) {
	p := &publisher{Lake: l, r: Request{Source: source, Database: database, Table: name}}
	stored, err := p.survey(ctx)
	if err != nil {
		return Status{Table: p.out.Table}, err
	}
	s := Status{Table: p.out.Table}
	t, records, err := p.load(ctx, p.id, p.owner)
	if err != nil {
		return s, err
	}
	if t != nil && t.CurrentSnapshot() != nil {
		s.PublishedAt = time.UnixMilli(t.CurrentSnapshot().TimestampMs).UTC()
	}
	for d, r := range records {
		if s.Days == 0 || d < s.First {
			s.First = d
		}
		if s.Days == 0 || d > s.Last {
			s.Last = d
		}
		s.Days++
		s.Rows += r.Rows
	}
	due, newer := plan.Due(stored, records, false)
	s.Due, s.Newer = len(due), len(newer)
	for _, d := range due {
		if s.DueSince.IsZero() || d.LoadedAt.Before(s.DueSince) {
			s.DueSince = d.LoadedAt
		}
	}
	return s, nil
}
