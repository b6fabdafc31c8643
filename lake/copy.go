package lake

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/apache/iceberg-go"
	icebergio "github.com/apache/iceberg-go/io"
	"github.com/apache/iceberg-go/table"

	"mixduck/internal/day"
	"mixduck/lake/plan"
	"mixduck/storage"
)

// copied is a day on its way to the lake.
type copied struct {
	plan.Stored

	columns []storage.ExportedColumn
	sum     storage.Copied
	local   string           // in the spool; "" for a day without rows
	file    iceberg.DataFile // in the warehouse; nil for a day without rows
}

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
