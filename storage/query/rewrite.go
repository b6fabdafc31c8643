package query

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// stored is what the database knows of properties.
type stored struct {
	tables  map[string]map[string]string // columns of type VARCHAR by property, by table in lower case; all tables with properties
	columns map[string]map[string]Read   // the property of each promoted column, or column of a typed view, both in lower case
}

// columnName identifies a column of the database.
type columnName struct{ schema, table, column string }

// columnTypes returns the types of the columns of tables, and of the mixduck tables that readStored needs. duckdb_columns()
// is slow in databases with many views, because it binds each of them.
func (r *reader) columnTypes() (map[columnName]string, error) {
	rows, err := fetch(r.session, `SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns()
		WHERE database_name = current_database() AND (schema_name = 'main' OR schema_name = 'mixduck' AND table_name IN ('tables', 'promoted', 'model_columns'))`)
	if err != nil {
		return nil, err
	}
	types := make(map[columnName]string, len(rows))
	for _, row := range rows {
		types[columnName{row[0], row[1], row[2]}] = row[3]
	}
	return types, nil
}

// readStored reads it. Databases of older versions and other programs have less.
func (r *reader) readStored() (stored, error) {
	k := stored{tables: map[string]map[string]string{}, columns: map[string]map[string]Read{}}
	types, err := r.columnTypes()
	if err != nil {
		return k, err
	}
	known := func(table, column string) bool { return types[columnName{"mixduck", table, column}] != "" }
	if !known("tables", "table_name") || !known("promoted", "property") {
		return k, nil
	}
	rows, err := fetch(r.session, "SELECT table_name FROM mixduck.tables")
	if err != nil {
		return k, err
	}
	for _, row := range rows {
		if types[columnName{"main", row[0], "properties"}] == "JSON" {
			k.tables[strings.ToLower(row[0])] = map[string]string{}
		}
	}
	name := "property"
	if known("promoted", "auto") {
		name = "if(auto, 'properties.', '') || property"
	}
	if rows, err = fetch(r.session, "SELECT table_name, property, type, "+name+" FROM mixduck.promoted"); err != nil {
		return k, err
	}
	for _, row := range rows {
		if types[columnName{"main", row[0], row[3]}] != row[2] {
			continue
		}
		table := strings.ToLower(row[0])
		if row[2] == "VARCHAR" && k.tables[table] != nil {
			k.tables[table][row[1]] = row[3]
		}
		k.add(table, row[3], Read{row[0], row[1]})
	}
	if !known("model_columns", "view_name") {
		return k, nil
	}
	rows, err = fetch(r.session, "SELECT view_name, column_name, table_name, property FROM mixduck.model_columns WHERE column_name <> ''")
	for _, row := range rows {
		k.add("model."+strings.ToLower(row[0]), row[1], Read{row[2], row[3]})
	}
	return k, err
}

func (k *stored) add(table, column string, read Read) {
	if k.columns[table] == nil {
		k.columns[table] = map[string]Read{}
	}
	k.columns[table][strings.ToLower(column)] = read
}

// reads returns the properties that the statement reads.
func (k *stored) reads(u *usage) []Read {
	all := map[Read]bool{}
	only := "" // the table of accesses that are not certain
	for table := range u.tables {
		for column := range u.columns {
			if read, ok := k.columns[table][column]; ok {
				all[read] = true
			}
		}
		if k.tables[table] != nil {
			if only != "" {
				only = "?"
			} else {
				only = table
			}
		}
	}
	for _, a := range u.accesses {
		table := a.table
		if k.tables[table] == nil {
			table = only
		}
		all[Read{table, a.property}] = true
	}
	for property := range u.others {
		all[Read{only, property}] = true
	}
	maps.DeleteFunc(all, func(r Read, _ bool) bool { return r.Table == "" || r.Table == "?" || len(r.Property) > maxReadBytes })
	sorted := slices.SortedFunc(maps.Keys(all), func(a, b Read) int { return strings.Compare(a.Table+"\x00"+a.Property, b.Table+"\x00"+b.Property) })
	return sorted[:min(len(sorted), maxReads)]
}

// maxReadBytes is the length of the longest name of a property that is noted.
const maxReadBytes = 256

// useColumns notes what the statement reads, and returns the same statement with columns in place of JSON, or nil.
//
// That the results are the same is proved in three steps. A column of type VARCHAR holds what ->> returns: the same
// function has filled it. An access is replaced only where its table is certain, see usage. And the new text has the
// syntax tree of the old one, with nothing else changed.
func (r *reader) useColumns(ctx context.Context) (*statement, error) {
	if r.gate == nil {
		return nil, nil
	}
	text := strings.ToLower(r.statement.body)
	if !strings.Contains(text, "properties") && !strings.Contains(text, "model") && !strings.Contains(text, "events") {
		return nil, nil
	}
	k, err := r.readStored()
	if err != nil || len(k.tables) == 0 {
		return nil, err
	}
	tree, err := r.gate.tree(ctx, r.statement.body)
	if err != nil {
		return nil, err
	}
	u := newUsage(field(tree, "node"))
	r.res.Reads = k.reads(u)
	if !r.task.canRewind() {
		return nil, nil
	}
	body := r.statement.body
	slices.SortFunc(u.accesses, func(a, b access) int { return b.start() - a.start() })
	replaced := 0
	for _, a := range u.accesses {
		column, ok := k.tables[a.table][a.property]
		if !ok || a.table == "" {
			continue
		}
		if from, to, ok := a.find(r.statement.body); ok {
			body = body[:from] + identifier(a.alias) + "." + identifier(column) + body[to:]
			a.replace(column)
			replaced++
		}
	}
	if replaced == 0 {
		return nil, nil
	}
	got, err := r.gate.tree(ctx, body)
	if err != nil || !reflect.DeepEqual(withoutPlaces(got), withoutPlaces(tree)) {
		return nil, nil //nolint:nilerr // the statement runs without columns
	}
	fast := *r.statement
	fast.body, fast.text = body, body
	if fast.explain != "" {
		fast.text = fast.explain + " " + body
	}
	prepared, err := fast.prepare(r.session, fast.text)
	if err != nil {
		return nil, nil //nolint:nilerr // for example, GROUP BY properties
	}
	prepared.Close()
	return &fast, nil
}

// canRewind reports whether the beginning of a result can be taken back: it is in a file, or in memory for a while.
func (t *task) canRewind() bool {
	text := t.Format != Arrow && t.Format != Parquet
	return !t.AsWritten && !t.SchemaFirst && !t.Describe && (text || t.Output != "")
}

// tree returns the syntax tree of the single statement in text.
func (g *gate) tree(ctx context.Context, text string) (any, error) {
	b, err := g.serialize(ctx, text)
	if err != nil {
		return nil, err
	}
	var s syntax
	if err := json.Unmarshal(b, &s); err != nil || len(s.Statements) != 1 {
		return nil, err
	}
	return s.Statements[0], nil
}

// withoutPlaces removes the places in the text from a syntax tree.
func withoutPlaces(v any) any {
	switch v := v.(type) {
	case []any:
		for _, child := range v {
			withoutPlaces(child)
		}
	case map[string]any:
		delete(v, "query_location")
		for _, child := range v {
			withoutPlaces(child)
		}
	}
	return v
}
