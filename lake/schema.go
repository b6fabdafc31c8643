package lake

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/table"

	"mixduck/internal/fault"
	"mixduck/storage"
)

// dayColumn is the column by which tables are partitioned.
const dayColumn = "day"

// typeOf returns the type of a column in the lake. All columns are optional, because DuckDB writes all columns of
// Parquet files so.
func typeOf(c storage.ExportedColumn) (iceberg.Type, error) {
	switch c.Type {
	case "VARCHAR":
		return iceberg.PrimitiveTypes.String, nil
	case "TIMESTAMPTZ":
		return iceberg.PrimitiveTypes.TimestampTz, nil
	case "DATE":
		return iceberg.PrimitiveTypes.Date, nil
	case "BIGINT":
		return iceberg.PrimitiveTypes.Int64, nil
	case "DOUBLE":
		return iceberg.PrimitiveTypes.Float64, nil
	case "BOOLEAN":
		return iceberg.PrimitiveTypes.Bool, nil
	}
	return nil, fmt.Errorf("column %s has the type %s, which the lake does not have", c.Name, c.Type)
}

// create creates the lake table, or returns the one that another process has created.
func (l *Lake) create(ctx context.Context, id table.Identifier, owner Owner, columns []storage.ExportedColumn) (*table.Table, error) {
	if err := l.catalog.CreateNamespace(ctx, catalog.NamespaceFromIdent(id), nil); err != nil && !errors.Is(err, catalog.ErrNamespaceAlreadyExists) {
		return nil, err
	}
	fields := make([]iceberg.NestedField, len(columns))
	source := 0
	for i, c := range columns {
		kind, err := typeOf(c)
		if err != nil {
			return nil, err
		}
		fields[i] = iceberg.NestedField{ID: i + 1, Name: c.Name, Type: kind}
		if c.Name == dayColumn {
			source = i + 1
		}
	}
	spec := iceberg.NewPartitionSpec(iceberg.PartitionField{
		SourceIDs: []int{source}, FieldID: iceberg.PartitionDataIDStart, Name: dayColumn, Transform: iceberg.IdentityTransform{},
	})
	properties := owner.properties()
	maps.Copy(properties, iceberg.Properties{
		"format-version":                             "2",
		"write.parquet.compression-codec":            "zstd",
		"write.metadata.delete-after-commit.enabled": "true", // each version of the metadata lists all snapshots
		"write.metadata.previous-versions-max":       "20",
		"commit.manifest-merge.enabled":              "true",
		"commit.manifest.min-count-to-merge":         "20",
		"write.metadata.metrics.column.properties":   "none", // long texts, of no use to planners
	})
	t, err := l.catalog.CreateTable(ctx, id, iceberg.NewSchema(0, fields...), catalog.WithPartitionSpec(&spec), catalog.WithProperties(properties))
	if errors.Is(err, catalog.ErrTableAlreadyExists) {
		return l.catalog.LoadTable(ctx, id)
	}
	return t, err
}

// fieldIDs returns the field IDs of columns in the lake table, and the columns that it lacks.
func fieldIDs(t *table.Table, columns []storage.ExportedColumn) (ids map[string]int, missing []storage.ExportedColumn, err error) {
	ids = make(map[string]int, len(columns))
	for _, c := range columns {
		kind, err := typeOf(c)
		if err != nil {
			return nil, nil, err
		}
		field, found := t.Schema().FindFieldByName(c.Name)
		switch {
		case !found:
			missing = append(missing, c)
		case !field.Type.Equals(kind):
			return nil, nil, fault.New(fault.CodeExists, "rename the lake table's column with another engine; the next publish adds a new one",
				"column %s of the lake table has the type %s, but %s is needed", c.Name, field.Type, kind)
		case field.Required:
			return nil, nil, fault.New(fault.CodeExists, "make it optional with another engine", "column %s of the lake table is required", c.Name)
		default:
			ids[c.Name] = field.ID
		}
	}
	return ids, missing, nil
}

// addColumns adds columns to the lake table. Old files have NULL in them.
func addColumns(ctx context.Context, t *table.Table, missing []storage.ExportedColumn) error {
	tx := t.NewTransaction()
	update := tx.UpdateSchema(true, false)
	for _, c := range missing {
		kind, err := typeOf(c)
		if err != nil {
			return err
		}
		update.AddColumn([]string{c.Name}, kind, "", false, nil)
	}
	if err := update.Commit(); err != nil {
		return err
	}
	_, err := tx.Commit(ctx)
	return err
}
