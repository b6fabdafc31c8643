package storage

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"mixduck/internal/fault"
	"mixduck/internal/promotion"
)

// Promotion is a property with its own column, and the column's type: VARCHAR, BIGINT, DOUBLE, BOOLEAN, TIMESTAMP or
// DATE. The column has the property's name.
type Promotion = promotion.Promotion

// ParsePromotions parses a list of properties such as plan,$city:VARCHAR,"a,b":DOUBLE. The default type is VARCHAR.
// All problems are in one error with a hint.
func ParsePromotions(text string) ([]Promotion, error) { return promotion.Parse(text) }

// ParseColumns parses promoted columns like [ParsePromotions]. Without a type, Type is "". A blank text means no
// columns.
func ParseColumns(text string) ([]Promotion, error) { return promotion.ParseColumns(text) }

// CheckPromotions returns all reasons why the properties cannot be columns of one table, as one error with a hint, or
// nil.
func CheckPromotions(all []Promotion) error { return promotion.Check(all) }

// Promote adds a column for each property that has none, and fills it from the stored rows, in one transaction. On any
// error, or if ctx ends, the table is unchanged. Later loads fill the columns. Promoted properties are unchanged, so a
// second call is harmless.
//
// It rewrites every row within the memory limit. The file grows by the size of the table; later loads reuse this
// space. Readers in this process see the table without the columns until the end; readers in other processes wait, as
// for any writer. For fence see [Engine.Load].
//
// Errors with a hint: the table does not exist, a property is promoted with another type, or the table has another
// column with this name.
func (e *Engine) Promote(ctx context.Context, table string, wanted []Promotion, fence int64) error {
	if err := CheckTable(table); err != nil {
		return err
	}
	if err := promotion.Check(wanted); err != nil {
		return err
	}
	return e.write(ctx, fence, func(conn *sql.Conn) error {
		if err := refuseForeign(ctx, conn, table); err != nil {
			return err
		}
		found, err := lookUp(ctx, conn, table)
		if err != nil {
			return err
		}
		if found == nil {
			return fault.New(fault.CodeNotFound, "fetch events or profiles into it first", "unknown table %s", table)
		}
		return promote(ctx, conn, table, wanted)
	})
}

// promoted returns the promoted properties of a table, in column order. A property whose column was dropped is no
// longer promoted.
func promoted(ctx context.Context, conn *sql.Conn, table string) ([]Promotion, error) {
	rows, err := conn.QueryContext(ctx, `SELECT p.property, p.type
		FROM mixduck.promoted AS p JOIN duckdb_columns() AS c ON c.table_name = p.table_name AND c.column_name = p.property
		WHERE p.table_name = ? AND c.schema_name = 'main' AND c.database_name = current_database() ORDER BY c.column_index`, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Promotion
	for rows.Next() {
		var p Promotion
		if err := rows.Scan(&p.Property, &p.Type); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, rows.Err()
}

// promote adds the missing columns and fills them. The wanted properties must have passed [promotion.Check].
func promote(ctx context.Context, conn *sql.Conn, table string, wanted []Promotion) error {
	stored, err := promoted(ctx, conn, table)
	if err != nil {
		return err
	}
	missing, err := lacking(table, stored, wanted)
	if err != nil || missing == nil {
		return err
	}
	if err := promotion.Check(slices.Concat(stored, missing)); err != nil {
		return err
	}
	if err := needProperties(ctx, conn, table); err != nil {
		return err
	}
	if err := refuseColumns(ctx, conn, table, missing); err != nil {
		return err
	}
	quoted, err := quote(table)
	if err != nil {
		return err
	}
	for _, p := range missing {
		if _, err := conn.ExecContext(ctx, "ALTER TABLE "+quoted+" ADD COLUMN "+quoteColumn(p.Property)+" "+string(p.Type)); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, "DELETE FROM mixduck.promoted WHERE table_name = ? AND property = ?", table, p.Property); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, "INSERT INTO mixduck.promoted VALUES (?, ?, ?)", table, p.Property, string(p.Type)); err != nil {
			return err
		}
	}
	return rewrite(ctx, conn, quoted, missing, "true")
}

// needProperties returns an error if the table has no column properties, for example one of cohorts.
func needProperties(ctx context.Context, conn *sql.Conn, table string) error {
	var has bool
	err := conn.QueryRowContext(ctx, `SELECT count(*) > 0 FROM duckdb_columns()
		WHERE table_name = ? AND column_name = 'properties' AND schema_name = 'main' AND database_name = current_database()`, table).Scan(&has)
	if err == nil && !has {
		err = fault.Usage("choose a table of events or profiles", "table %s has no properties to promote", table)
	}
	return err
}

// lacking returns the wanted properties that are not promoted yet.
func lacking(table string, stored, wanted []Promotion) (missing []Promotion, err error) {
	for _, p := range wanted {
		found := find(stored, p.Property)
		switch {
		case found == nil:
			missing = append(missing, p)
		case found.Type != p.Type:
			return nil, fault.Usage("request "+found.String()+", use --replace to refill the table, or first drop the column with DuckDB",
				"table %s has %s promoted as %s, not %s", table, p.Property, found.Type, p.Type)
		}
	}
	return missing, nil
}

// refuseColumns returns an error if one of the properties needs the name of an existing column.
func refuseColumns(ctx context.Context, conn *sql.Conn, table string, properties []Promotion) error {
	rows, err := conn.QueryContext(ctx, `SELECT column_name FROM duckdb_columns()
		WHERE table_name = ? AND schema_name = 'main' AND database_name = current_database()`, table)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var column string
		if err := rows.Scan(&column); err != nil {
			return err
		}
		for _, p := range properties {
			if promotion.Column(p.Property) == promotion.Column(column) {
				return fault.New(fault.CodeExists, "do not promote it; if you have added the column yourself, you can also rename it",
					"%s cannot be promoted: table %s already has a column %s", p.Property, table, column)
			}
		}
	}
	return rows.Err()
}

// rewrite replaces each row that matches the condition by one with the values of the properties. An UPDATE in place
// costs DuckDB memory and time that grow faster than the table. Changing a column's type by an expression leaves a log
// that DuckDB cannot read after a crash (docs/adr/0008-promoted-columns.md).
func rewrite(ctx context.Context, conn *sql.Conn, quoted string, properties []Promotion, condition string) error {
	var last sql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT max(rowid) FROM "+quoted).Scan(&last); err != nil || !last.Valid {
		return err
	}
	values, err := selectStored(properties)
	if err != nil {
		return err
	}
	for i, p := range properties {
		values[i] += " AS " + quoteColumn(p.Property)
	}
	inserted, err := affected(conn.ExecContext(ctx, "INSERT INTO "+quoted+" BY NAME SELECT * REPLACE ("+strings.Join(values, ", ")+") FROM "+quoted+" WHERE "+condition))
	if err != nil {
		return err
	}
	deleted, err := affected(conn.ExecContext(ctx, "DELETE FROM "+quoted+" WHERE rowid <= ? AND "+condition, last.Int64))
	if err == nil && inserted != deleted {
		err = fmt.Errorf("DuckDB rewrote %d of %d rows", inserted, deleted)
	}
	return err
}

func affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// promote prepares the promoted columns of the target table: the ones t requests and, if t replaces a table, the ones
// of that table. In an empty table, it replaces columns of another type.
func (t *Table) promote(ctx context.Context, conn *sql.Conn, target string, empty bool) error {
	wanted := t.Promote
	if target != t.Name {
		old, err := promoted(ctx, conn, t.Name)
		if err != nil {
			return err
		}
		for _, p := range old {
			if find(wanted, p.Property) == nil {
				wanted = append(slices.Clip(wanted), p)
			}
		}
	}
	if err := promotion.Check(wanted); err != nil {
		return err
	}
	if empty {
		if err := giveWay(ctx, conn, target, wanted); err != nil {
			return err
		}
	}
	return promote(ctx, conn, target, wanted)
}

// giveWay drops promoted columns that are wanted with another type.
func giveWay(ctx context.Context, conn *sql.Conn, table string, wanted []Promotion) error {
	quoted, err := quote(table)
	if err != nil {
		return err
	}
	stored, err := promoted(ctx, conn, table)
	if err != nil {
		return err
	}
	for _, p := range stored {
		if w := find(wanted, p.Property); w != nil && w.Type != p.Type {
			if _, err := conn.ExecContext(ctx, "ALTER TABLE "+quoted+" DROP COLUMN "+quoteColumn(p.Property)); err != nil {
				return err
			}
		}
	}
	return nil
}

// find returns the promotion of a property, or nil.
func find(all []Promotion, property string) *Promotion {
	for i := range all {
		if all[i].Property == property {
			return &all[i]
		}
	}
	return nil
}
