package lake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"time"

	"github.com/apache/iceberg-go/table"

	"mixduck/internal/day"
	"mixduck/lake/plan"
	"mixduck/storage"
)

// Request asks to publish days of a table.
type Request struct {
	Source   storage.Config // of the database
	Database string         // its name, volume/path
	Table    string
	Days     day.Range // zero for all stored days
	All      bool      // also publish days whose published version is the stored one

	// Attempt is part of the names of files, so it must be different for each call. Fence orders the attempts: once a
	// higher one has committed, a lower one cannot. 0 means without an order.
	Attempt string
	Fence   int64
}

// Progress says how far publishing is.
type Progress struct {
	Days  int   // committed
	Due   int   // to commit in all
	Rows  int64 // committed
	Bytes int64 // of committed files
}

// Outcome is what is known of a lake table after publishing.
type Outcome struct {
	Progress

	Table string // namespace.name in the catalog

	// Newer are days that the lake has in a newer state than the database, which may be an old copy.
	Newer []day.Day
}

// publisher publishes days of one table.
type publisher struct {
	*Lake

	r       Request
	owner   Owner
	id      table.Identifier
	columns []storage.ExportedColumn
	ids     map[string]int // field IDs of the columns
	report  func(Progress)
	stop    <-chan struct{}
	out     Outcome
}

// ErrStopped means that publishing was told to stop between two commits.
var ErrStopped = errors.New("stopped between two commits")

// Publish copies the days that are due into the lake, newest first, in one commit per batch. After an error, or if the
// process dies, each day is published either as before or as now; a second call continues. It stops with
// [ErrStopped] when stop is closed. Each report is of a commit.
func (l *Lake) Publish(ctx context.Context, r Request, stop <-chan struct{}, report func(Progress)) (Outcome, error) {
	p := &publisher{Lake: l, r: r, report: report, stop: stop}
	stored, err := p.survey(ctx)
	if err != nil {
		return p.out, err
	}
	t, records, err := p.load(ctx, p.id, p.owner)
	if err != nil {
		return p.out, err
	}
	if t != nil {
		if err := checkFence(t, r.Fence); err != nil {
			return p.out, err
		}
	}
	due, newer := plan.Due(stored, records, r.All)
	p.out.Due, p.out.Newer = len(due), newer
	report(p.out.Progress)
	for _, batch := range plan.Batches(due) {
		if err := p.pause(ctx); err != nil {
			return p.out, err
		}
		if err := p.batch(ctx, batch); err != nil {
			return p.out, err
		}
	}
	if p.out.Days > 0 {
		p.maintain(ctx)
	}
	return p.out, nil
}

// maintain expires old snapshots. What was published stays, even if that fails; the next job tries again.
func (p *publisher) maintain(ctx context.Context) {
	t, _, err := p.load(ctx, p.id, p.owner)
	if err == nil && t != nil {
		err = p.expire(ctx, t, time.Now())
	}
	if err != nil {
		p.log.LogAttrs(ctx, slog.LevelWarn, "could not delete old snapshots of a lake table", slog.String("table", p.out.Table), slog.Any("err", err))
	}
}

// pause returns an error if publishing must stop.
func (p *publisher) pause(ctx context.Context) error {
	select {
	case <-p.stop:
		return ErrStopped
	default:
		return context.Cause(ctx)
	}
}

// survey reads what the database has.
func (p *publisher) survey(ctx context.Context) (stored []plan.Stored, err error) {
	days := p.r.Days
	if days == (day.Range{}) {
		days = day.Range{From: math.MinInt16, To: day.New(9999, 12, 31)}
	}
	err = storage.Export(ctx, p.r.Source, p.r.Table, func(x *storage.Exporter) error {
		p.owner = Owner{Project: x.Table.Project, Database: p.r.Database, Table: x.Table.Name, Filter: x.Table.Filter}
		p.columns = x.Table.Columns
		all, err := x.Days(ctx, days)
		for _, d := range all {
			stored = append(stored, plan.Stored{Day: d.Day, Published: published(d)})
		}
		return err
	})
	p.id = p.identifier(p.owner.Project, p.r.Table)
	p.out.Table = identifierText(p.id)
	return stored, err
}

func published(d storage.StoredDay) plan.Published {
	return plan.Published{Version: d.Version, LoadedAt: d.LoadedAt, FetchedAt: d.FetchedAt, Partial: d.State == storage.Partial, Rows: d.Rows}
}

// batch publishes some days in one commit.
func (p *publisher) batch(ctx context.Context, days []plan.Stored) error {
	t, err := p.prepare(ctx)
	if err != nil {
		return err
	}
	var all []*copied
	defer func() {
		for _, c := range all {
			if c.local != "" {
				_ = os.Remove(c.local) // if not, the next start empties the spool
			}
		}
	}()
	for len(days) > 0 {
		if err := p.pause(ctx); err != nil {
			return err
		}
		some, rest, err := p.copy(ctx, days)
		all = append(all, some...)
		if errors.Is(err, errColumnsChanged) {
			if t, err = p.prepare(ctx); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		days = rest
	}
	for _, c := range all {
		if err := p.upload(ctx, t, c); err != nil {
			return fmt.Errorf("%s: %w", c.Day, err)
		}
	}
	return p.commit(ctx, all)
}

// prepare loads the lake table, and makes sure that it has all columns.
func (p *publisher) prepare(ctx context.Context) (*table.Table, error) {
	for try := 0; ; try++ {
		t, _, err := p.load(ctx, p.id, p.owner)
		if err != nil {
			return nil, err
		}
		if t == nil {
			if t, err = p.create(ctx, p.id, p.owner, p.columns); err != nil {
				return nil, err
			}
			if err := p.owner.check(t); err != nil { // another process was faster
				return nil, err
			}
		}
		if err := checkFence(t, p.r.Fence); err != nil {
			return nil, err
		}
		var missing []storage.ExportedColumn
		if p.ids, missing, err = fieldIDs(t, p.columns); err != nil {
			return nil, err
		}
		if len(missing) == 0 {
			return t, nil
		}
		if err := addColumns(ctx, t, missing); err != nil {
			if try >= maxTries {
				return nil, err
			}
			if err := wait(ctx, try); err != nil {
				return nil, err
			}
		}
	}
}

var errColumnsChanged = errors.New("properties were promoted meanwhile")

// lockRows is the number of rows after which a copy closes the database, so that writers get their turn.
const lockRows = 100_000
