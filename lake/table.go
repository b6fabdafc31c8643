package lake

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/table"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/lake/plan"
)

// Properties of lake tables. A table without the first three was made by another program.
const (
	propertyProject  = "mixduck.project"
	propertyDatabase = "mixduck.database"
	propertyTable    = "mixduck.table"
	propertyFilter   = "mixduck.filter" // missing for all events
	propertyFence    = "mixduck.fence"
)

// Owner says which table of which database a lake table contains.
type Owner struct {
	Project  string // id
	Database string // volume/path
	Table    string
	Filter   string // what the table was filled with; "" for all events
}

func (o Owner) properties() iceberg.Properties {
	p := iceberg.Properties{propertyProject: o.Project, propertyDatabase: o.Database, propertyTable: o.Table}
	if o.Filter != "" {
		p[propertyFilter] = o.Filter
	}
	return p
}

// check refuses a lake table that contains something else.
func (o Owner) check(t *table.Table) error {
	p, name := t.Properties(), identifierText(t.Identifier())
	const hint = "publish from that database, or drop the lake table in its catalog"
	switch {
	case p[propertyTable] == "":
		return fault.New(fault.CodeExists, "rename or drop that table in its catalog", "the lake has a table %s of another program", name)
	case p[propertyProject] != o.Project || p[propertyTable] != o.Table || p[propertyDatabase] != o.Database:
		return fault.New(fault.CodeExists, hint, "the lake table %s contains table %s of project %s in database %s",
			name, p[propertyTable], p[propertyProject], p[propertyDatabase])
	case p[propertyFilter] != o.Filter:
		return fault.New(fault.CodeExists, "drop the lake table in its catalog, and publish again", "the lake table %s contains a different selection of events", name)
	}
	return nil
}

func identifierText(id table.Identifier) string {
	return fmt.Sprintf("%s.%s", catalog.NamespaceFromIdent(id)[0], catalog.TableNameFromIdent(id))
}

// FencedError means that a later turn has published already.
type FencedError struct{ stored int64 }

func (*FencedError) Error() string { return "superseded by a newer attempt" }

// StoredFence returns the fence of that turn.
func (e *FencedError) StoredFence() int64 { return e.stored }

// checkFence refuses a turn that is older than the last one that has committed. Fence 0 is never refused.
func checkFence(t *table.Table, fence int64) error {
	stored, err := strconv.ParseInt(t.Properties().Get(propertyFence, "0"), 10, 64)
	if err != nil {
		return fmt.Errorf("property %s of the lake table: %w", propertyFence, err)
	}
	if fence != 0 && stored > fence {
		return &FencedError{stored: stored}
	}
	return nil
}

// load returns a lake table that belongs to the owner, and what it records. The table is nil if there is none.
func (l *Lake) load(ctx context.Context, id table.Identifier, owner Owner) (*table.Table, plan.Records, error) {
	t, err := l.catalog.LoadTable(ctx, id)
	if errors.Is(err, catalog.ErrNoSuchTable) || errors.Is(err, catalog.ErrNoSuchNamespace) {
		return nil, plan.Records{}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if err := owner.check(t); err != nil {
		return nil, nil, err
	}
	records, err := plan.ParseRecords(t.Properties())
	return t, records, err
}

// filesOf returns the current files of days. They must contain nothing else, so that days can be replaced.
func filesOf(ctx context.Context, t *table.Table, days map[day.Day]bool) ([]iceberg.DataFile, error) {
	if t.CurrentSnapshot() == nil || len(days) == 0 {
		return nil, nil
	}
	first, last := bounds(days)
	within := iceberg.NewAnd(
		iceberg.GreaterThanEqual(iceberg.Reference(dayColumn), iceberg.Date(first)),
		iceberg.LessThanEqual(iceberg.Reference(dayColumn), iceberg.Date(last)))
	tasks, err := t.Scan(table.WithRowFilter(within)).PlanFiles(ctx)
	if err != nil {
		return nil, err
	}
	var files []iceberg.DataFile
	seen := map[string]bool{}
	for _, task := range tasks {
		d, err := dayOf(t, task.File)
		if err != nil {
			return nil, err
		}
		if path := task.File.FilePath(); days[d] && !seen[path] { // large files have several tasks
			seen[path] = true
			files = append(files, task.File)
		}
	}
	return files, nil
}

func bounds(days map[day.Day]bool) (first, last day.Day) {
	begun := false
	for d := range days {
		if !begun || d < first {
			first = d
		}
		if !begun || d > last {
			last = d
		}
		begun = true
	}
	return first, last
}

// dayOf returns the only day of a file.
func dayOf(t *table.Table, f iceberg.DataFile) (day.Day, error) {
	refuse := func() error {
		return fault.New(fault.CodeExists, "rewrite the lake table with the partition day, or drop it in its catalog and publish again",
			"the file %s of the lake table is not partitioned by day alone", f.FilePath())
	}
	specs := t.Metadata().PartitionSpecs()
	for i := range specs {
		if specs[i].ID() != int(f.SpecID()) {
			continue
		}
		for _, field := range specs[i].FieldsBySourceID(dayFieldID(t)) {
			if _, identity := field.Transform.(iceberg.IdentityTransform); !identity {
				continue
			}
			if d, ok := f.Partition()[field.FieldID].(iceberg.Date); ok {
				return day.Day(d), nil
			}
		}
	}
	return 0, refuse()
}

func dayFieldID(t *table.Table) int {
	field, _ := t.Schema().FindFieldByName(dayColumn)
	return field.ID
}
