package query

import (
	"slices"
	"strings"

	"mixduck/internal/fault"
	"mixduck/storage"
)

// catalog lists the tables and views of a database.
type catalog []*catalogTable

type catalogTable struct {
	schema, name, kind string // kind is table or view
	columns            []string
}

func readCatalog(s *storage.Session) (catalog, error) {
	rows, err := fetch(s, `SELECT t.table_schema, t.table_name, if(t.table_type = 'VIEW', 'view', 'table'), c.column_name
		FROM information_schema.tables AS t JOIN information_schema.columns AS c USING (table_catalog, table_schema, table_name)
		WHERE t.table_catalog = current_database() ORDER BY t.table_schema, t.table_name, c.ordinal_position`)
	if err != nil {
		return nil, err
	}
	var c catalog
	for _, row := range rows {
		if n := len(c); n == 0 || c[n-1].schema != row[0] || c[n-1].name != row[1] {
			c = append(c, &catalogTable{schema: row[0], name: row[1], kind: row[2]})
		}
		last := c[len(c)-1]
		last.columns = append(last.columns, row[3])
	}
	return c, nil
}

// isMixduck reports whether the database has Mixduck's tables.
func (c catalog) isMixduck() bool {
	return slices.ContainsFunc(c, func(t *catalogTable) bool { return t.schema == "mixduck" && t.name == "tables" })
}

// find returns a table by its name, ignoring case. Tables outside main need their schema.
func (c catalog) find(name string, columns []string) (*catalogTable, error) {
	i := slices.IndexFunc(c, func(t *catalogTable) bool { return strings.EqualFold(t.title(), name) })
	if i < 0 {
		return nil, fault.New(fault.CodeNotFound, c.hint(), "unknown table %s", name)
	}
	for _, column := range columns {
		if _, ok := c[i].column(column); !ok {
			hint := "choose a table of events"
			if column == "properties" {
				hint += " or profiles"
			}
			return nil, fault.Usage(hint, "table %s has no column %s", name, column)
		}
	}
	return c[i], nil
}

// hint lists the tables of main.
func (c catalog) hint() string {
	var names []string
	for _, t := range c {
		if t.schema == "main" {
			names = append(names, t.name)
		}
	}
	if len(names) == 0 {
		return "the database has no tables"
	}
	const most = 20
	if more := len(names) > most; more {
		names = append(names[:most], "…")
	}
	return "the tables are " + strings.Join(names, ", ")
}

// counts returns a SELECT of the tables of main and their row counts.
func (c catalog) counts() string {
	selects := []string{"SELECT NULL::VARCHAR AS table_name, NULL::VARCHAR AS kind, NULL::BIGINT AS row_count WHERE false"}
	for _, t := range c {
		if t.schema == "main" {
			selects = append(selects, "SELECT "+literal(t.name)+", "+literal(t.kind)+", count(*) FROM "+t.quoted())
		}
	}
	return strings.Join(selects, " UNION ALL ")
}

// title returns the name of the table for people.
func (t *catalogTable) title() string {
	if t.schema == "main" {
		return t.name
	}
	return t.schema + "." + t.name
}

// keyed reports whether the table is refreshed as a whole, such as profiles.
func (t *catalogTable) keyed() bool {
	_, hashed := t.column("content_hash")
	return t.schema == "main" && hashed
}

func (t *catalogTable) quoted() string { return identifier(t.schema) + "." + identifier(t.name) }

// column returns a column by its name, ignoring case.
func (t *catalogTable) column(name string) (string, bool) {
	i := slices.IndexFunc(t.columns, func(c string) bool { return strings.EqualFold(c, name) })
	if i < 0 {
		return "", false
	}
	return t.columns[i], true
}

// fetch runs an internal statement that has only text columns, and returns its rows.
func fetch(s *storage.Session, text string) (all [][]string, err error) {
	st, err := s.Prepare(text)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	rows, err := st.Query()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		row := make([]string, len(st.Columns()))
		for i := range row {
			value, _ := rows.Text(i)
			row[i] = string(value)
		}
		all = append(all, row)
	}
	return all, rows.Err()
}
