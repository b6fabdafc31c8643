package storage

import (
	"context"
	"database/sql"
	"slices"
)

// column is the column of a property.
type column struct {
	Promotion
	auto    bool // Mixduck has promoted the property, not a person
	filling bool // it is not filled yet in older rows
}

// pathPrefix begins the names of columns that nobody has asked for by their name. So they never hide an alias in
// somebody's query.
const pathPrefix = "properties."

// name returns the name of the column.
func (c column) name() string {
	if c.auto || c.filling {
		return pathPrefix + c.Property
	}
	return c.Property
}

// columnsOf returns the columns of properties of a table, in their order. Those that somebody has dropped are missing.
func columnsOf(ctx context.Context, conn *sql.Conn, table string) ([]column, error) {
	var known bool // most tables have none, and the columns of all tables take long to read
	err := conn.QueryRowContext(ctx, `SELECT EXISTS (FROM mixduck.promoted WHERE table_name = ?1) OR EXISTS (FROM mixduck.filling WHERE table_name = ?1)`, table).Scan(&known)
	if err != nil || !known {
		return nil, err
	}
	rows, err := conn.QueryContext(ctx, `SELECT p.property, p.type, p.auto, p.filling
		FROM (SELECT *, if(auto OR filling, '`+pathPrefix+`', '') || property AS name FROM (
			SELECT table_name, property, type, coalesce(auto, false) AS auto, false AS filling FROM mixduck.promoted
			UNION ALL SELECT table_name, property, type, auto, true FROM mixduck.filling)) AS p
		JOIN duckdb_columns() AS c ON c.table_name = p.table_name AND c.column_name = p.name
		WHERE p.table_name = ? AND c.schema_name = 'main' AND c.database_name = current_database() ORDER BY c.column_index`, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []column
	for rows.Next() {
		var c column
		if err := rows.Scan(&c.Property, &c.Type, &c.auto, &c.filling); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// filled returns the columns that have the values of all rows.
func filled(all []column) []column {
	return slices.DeleteFunc(slices.Clone(all), func(c column) bool { return c.filling })
}

// promotions returns the properties of columns.
func promotions(all []column) []Promotion {
	properties := make([]Promotion, len(all))
	for i, c := range all {
		properties[i] = c.Promotion
	}
	return properties
}

// findColumn returns the column of a property, or nil.
func findColumn(all []column, property string) *column {
	if i := slices.IndexFunc(all, func(c column) bool { return c.Property == property }); i >= 0 {
		return &all[i]
	}
	return nil
}

// selectColumns returns SQL for the value of each column in a stored row, with its name.
func selectColumns(all []column) ([]string, error) {
	values, err := selectStored(promotions(all))
	for i, c := range all {
		values[i] += " AS " + quoteColumn(c.name())
	}
	return values, err
}

// takeOver makes columns that Mixduck has promoted those of the person who asks for them. It drops those that are wanted
// with another type. It returns the remaining columns.
func takeOver(ctx context.Context, conn *sql.Conn, table string, stored, wanted []column) (left []column, err error) {
	for _, c := range stored {
		w := findColumn(wanted, c.Property)
		switch {
		case w == nil || w.auto || !c.auto:
		case w.Type != c.Type:
			if err := dropColumn(ctx, conn, table, c); err != nil {
				return nil, err
			}
			continue
		default:
			was := c.name()
			if c.auto = false; c.name() != was {
				if err := refuseColumns(ctx, conn, table, []column{c}); err != nil {
					return nil, err
				}
			}
			if err := renameColumn(ctx, conn, table, was, c.name()); err != nil {
				return nil, err
			}
			for _, in := range []string{"mixduck.promoted", "mixduck.filling"} {
				if _, err := conn.ExecContext(ctx, "UPDATE "+in+" SET auto = false WHERE table_name = ? AND property = ?", table, c.Property); err != nil {
					return nil, err
				}
			}
		}
		left = append(left, c)
	}
	return left, nil
}

// renameColumn renames a column, unless both names are the same.
func renameColumn(ctx context.Context, conn *sql.Conn, table, from, to string) error {
	if from == to {
		return nil
	}
	return alter(ctx, conn, table, "RENAME COLUMN "+quoteColumn(from)+" TO "+quoteColumn(to))
}

// dropColumn drops the column of a property.
func dropColumn(ctx context.Context, conn *sql.Conn, table string, c column) error {
	if err := alter(ctx, conn, table, "DROP COLUMN "+quoteColumn(c.name())); err != nil {
		return err
	}
	return forgetColumn(ctx, conn, table, c.Property)
}
