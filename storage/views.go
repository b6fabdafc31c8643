package storage

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"

	"github.com/zeebo/xxh3"

	"mixduck/internal/buildinfo"
)

// viewsTable has the hash of everything that the views depend on as its comment.
const viewsTable = "mixduck.model_columns"

// viewStateSQL hashes what [syncCompat] and [syncModel] read, and the views as they are. It also returns the stored hash.
// duckdb_columns() is slow in databases with many views, because it binds each of them.
const viewStateSQL = `SELECT concat_ws(' ',
		(SELECT sum(hash(schema_name, table_name, sql)::HUGEINT) FROM duckdb_tables() WHERE database_name = current_database() AND schema_name IN ('main', 'compat', 'model')),
		(SELECT sum(hash(schema_name, view_name, comment)::HUGEINT) FROM duckdb_views() WHERE database_name = current_database() AND schema_name IN ('compat', 'model')),
		(SELECT sum(hash(table_name, type, project)::HUGEINT) FROM mixduck.tables),
		(SELECT sum(hash(table_name, history)::HUGEINT) FROM mixduck.keyed),
		(SELECT sum(hash(table_name, property, type)::HUGEINT) FROM mixduck.promoted),
		(SELECT sum(hash(c)::HUGEINT) FROM mixduck.model_columns AS c),
		(SELECT sum(hash(d)::HUGEINT) FROM mixduck.property_descriptions AS d)),
	(SELECT coalesce(comment, '') FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'mixduck' AND table_name = 'model_columns')`

// viewState returns the comment for the views as they are, and the one that the database has.
func viewState(ctx context.Context, conn *sql.Conn) (mark, stored string, err error) {
	err = conn.QueryRowContext(ctx, viewStateSQL).Scan(&mark, &stored)
	return fmt.Sprintf("views %016x", xxh3.HashString(mark+viewDefinitions())), stored, err
}

// viewDefinitions returns a text that differs between versions that define views differently.
var viewDefinitions = sync.OnceValue(func() string {
	var all strings.Builder
	all.WriteString(buildinfo.Version())
	for _, v := range compatViews {
		definition, err := compatFiles.ReadFile("compat/" + v.name + ".sql")
		if err != nil {
			panic(err) // they are part of the program
		}
		all.Write(definition)
	}
	sample := modelView{modelGroup: modelGroup{"events", valid("e")}, name: "e"}
	for _, typ := range []string{"BIGINT", wideInteger, "DOUBLE", "BOOLEAN", "TIMESTAMP", "DATE", "JSON", "VARCHAR"} {
		sample.columns = append(sample.columns, modelColumn{typ, typ, typ})
	}
	all.WriteString(sample.definition(&modelTable{}))
	return all.String()
})

// syncViews makes the views of the schemas compat and model, unless nothing has changed since this version made them.
func syncViews(ctx context.Context, conn *sql.Conn) error {
	mark, stored, err := viewState(ctx, conn)
	if err != nil || mark == stored {
		return err
	}
	if err := syncCompat(ctx, conn); err != nil {
		return err
	}
	if err := syncModel(ctx, conn); err != nil {
		return err
	}
	if mark, _, err = viewState(ctx, conn); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "COMMENT ON TABLE "+viewsTable+" IS "+text(mark))
	return err
}
