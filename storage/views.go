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

// catalogStateSQL hashes the tables and views, and returns the comment of [viewsTable]. duckdb_columns() is slow in
// databases with many views, because it binds each of them.
const catalogStateSQL = `SELECT coalesce(sum(hash(schema_name, name, comment, sql)::HUGEINT) FILTER (schema_name <> 'mixduck'), 0)::VARCHAR,
		coalesce(max(comment) FILTER (schema_name = 'mixduck'), '')
	FROM (SELECT schema_name, table_name AS name, if(schema_name = 'mixduck', comment, NULL) AS comment, sql FROM duckdb_tables()
			WHERE database_name = current_database() AND (schema_name IN ('main', 'compat', 'model') OR schema_name = 'mixduck' AND table_name = 'model_columns')
		UNION ALL SELECT schema_name, view_name, comment, '' FROM duckdb_views()
			WHERE database_name = current_database() AND schema_name IN ('compat', 'model'))`

// Hashes of data that the views depend on: all, and those of the schema model. One statement for everything would take
// several times as long to plan.
const (
	tablesStateSQL       = "SELECT coalesce(sum(hash(table_name, type, project)::HUGEINT), 0)::VARCHAR FROM mixduck.tables"
	keyedStateSQL        = "SELECT coalesce(sum(hash(table_name, history)::HUGEINT), 0)::VARCHAR FROM mixduck.keyed"
	modelStateSQL        = "SELECT coalesce(sum(hash(c)::HUGEINT), 0)::VARCHAR FROM mixduck.model_columns AS c"
	promotedStateSQL     = "SELECT coalesce(sum(hash(table_name, property, type)::HUGEINT), 0)::VARCHAR FROM mixduck.promoted"
	descriptionsStateSQL = "SELECT coalesce(sum(hash(d)::HUGEINT), 0)::VARCHAR FROM mixduck.property_descriptions AS d"
)

// viewState returns the comment for the views as they are, and the one that the database has.
func viewState(ctx context.Context, conn *sql.Conn) (mark, stored string, err error) {
	var catalog string
	if err := conn.QueryRowContext(ctx, catalogStateSQL).Scan(&catalog, &stored); err != nil {
		return "", "", err
	}
	state := []string{catalog}
	for _, query := range []string{tablesStateSQL, keyedStateSQL, modelStateSQL, promotedStateSQL, descriptionsStateSQL} {
		var data string
		if err := conn.QueryRowContext(ctx, query).Scan(&data); err != nil {
			return "", "", err
		}
		state = append(state, data)
		if query == modelStateSQL && data == "0" {
			break // there are no typed views
		}
	}
	return fmt.Sprintf("views %016x", xxh3.HashString(strings.Join(state, " ")+viewDefinitions())), stored, nil
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
