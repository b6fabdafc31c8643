package lake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/apache/iceberg-go"
	icebergio "github.com/apache/iceberg-go/io"
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

// copied is a day on its way to the lake.
type copied struct {
	plan.Stored

	columns []storage.ExportedColumn
	sum     storage.Copied
	local   string           // in the spool; "" for a day without rows
	file    iceberg.DataFile // in the warehouse; nil for a day without rows
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

// copy copies some days into the spool, as they are now. Days that are gone meanwhile stay as they are in the lake.
func (p *publisher) copy(ctx context.Context, days []plan.Stored) (some []*copied, rest []plan.Stored, err error) {
	err = storage.Export(ctx, p.r.Source, p.r.Table, func(x *storage.Exporter) error {
		if !slices.Equal(x.Table.Columns, p.columns) {
			p.columns = x.Table.Columns
			return errColumnsChanged
		}
		rows := int64(0)
		for rest = days; len(rest) > 0 && rows < lockRows; rest = rest[1:] {
			now, err := x.Days(ctx, day.Range{From: rest[0].Day, To: rest[0].Day})
			if err != nil {
				return err
			}
			if len(now) == 0 {
				continue
			}
			c := &copied{Stored: plan.Stored{Day: now[0].Day, Published: published(now[0])}, columns: p.columns}
			some = append(some, c)
			if c.Rows == 0 {
				continue
			}
			c.local = p.spoolFile(c.name(p.r.Attempt))
			if c.sum, err = x.Copy(ctx, c.Day, c.local, p.ids); err != nil {
				return err
			}
			if c.sum.Rows != c.Rows {
				return fmt.Errorf("%s has %d rows, but its coverage says %d; fetch the day again", c.Day, c.sum.Rows, c.Rows)
			}
			rows += c.Rows
		}
		return nil
	})
	return some, rest, err
}

// name returns the name of the day's file. It contains the attempt: two copies of a version differ in their bytes, and
// a file that a snapshot names must never change.
func (c *copied) name(attempt string) string {
	return strings.Join([]string{c.Day.String(), c.Version, attempt}, "-") + ".parquet"
}

// upload checks the copy of a day, and puts it into the warehouse. Nothing refers to it yet.
func (p *publisher) upload(ctx context.Context, t *table.Table, c *copied) error {
	if c.local == "" {
		return nil
	}
	sum, err := storage.SumParquet(ctx, p.r.Source, storage.ExportedTable{Columns: c.columns}, c.local)
	if err != nil {
		return err
	}
	if sum != c.sum {
		return fmt.Errorf("the copy has other rows than the database: %d rows with sum %s instead of %d with %s", sum.Rows, sum.Sum, c.sum.Rows, c.sum.Sum)
	}
	fs, err := t.FS(ctx)
	if err != nil {
		return err
	}
	to := t.Location() + "/" + path.Join("data", dayColumn+"="+c.Day.String(), c.name(p.r.Attempt))
	if err := put(fs, c.local, to); err != nil {
		return err
	}
	file, err := table.FileToDataFile(ctx, fs, to, t.Schema(), t.Spec(), 0, t.Properties())
	if err != nil {
		return err
	}
	if file.Count() != c.Rows {
		return fmt.Errorf("%s has %d rows instead of %d", to, file.Count(), c.Rows)
	}
	c.file = file
	return nil
}

// put copies a local file into the warehouse.
func put(fs icebergio.IO, local, to string) (err error) {
	target, ok := fs.(icebergio.WriteFileIO)
	if !ok {
		return errors.New("the warehouse cannot be written to")
	}
	in, err := os.Open(local)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := target.Create(to)
	if err != nil {
		return err
	}
	_, err = out.ReadFrom(in)
	return errors.Join(err, out.Close())
}
