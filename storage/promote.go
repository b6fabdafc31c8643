package storage

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

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

// FillProgress is the progress of filling columns.
type FillProgress struct {
	Done, Total int   // pieces
	Changed     int64 // rows
}

// Promote adds a column for each property that has none, and fills it from the stored rows. It works in pieces of about
// 200,000 rows, each in its own transaction. After each piece the file is closed, so others can use it, and each can
// return an error to stop. On an error, or if ctx ends, finished pieces stay, and the next call continues. Until all
// rows are filled, the columns are called properties.plan, and later loads fill them.
//
// The file grows by the columns. Promoted properties are unchanged, so a second call is harmless. If Mixduck has promoted
// a property by use, it gets a column with its name. For fence see [Engine.Load].
//
// Errors with a hint: the table does not exist, a property is promoted with another type, or the table has another
// column with this name.
func Promote(ctx context.Context, cfg Config, table string, wanted []Promotion, fence int64, each func(FillProgress) error) error {
	err := withEngine(ctx, cfg, func(e *Engine) error { return e.BeginPromotion(ctx, table, wanted, fence) })
	if err != nil {
		return err
	}
	return fillPieces(ctx, cfg, table, fence, each)
}

// fillPieces fills the columns of a table piece by piece.
func fillPieces(ctx context.Context, cfg Config, table string, fence int64, each func(FillProgress) error) error {
	var p FillProgress
	for left := 1; left > 0; {
		err := withEngine(ctx, cfg, func(e *Engine) error {
			rows, more, err := e.FillNext(ctx, table, fence)
			left, p.Changed = more, p.Changed+rows
			return err
		})
		if err != nil {
			return err
		}
		p.Done++
		p.Total = p.Done + left
		if err := each(p); err != nil {
			return err
		}
	}
	return nil
}

// Promote is like the function of this name, in an open database.
func (e *Engine) Promote(ctx context.Context, table string, wanted []Promotion, fence int64) error {
	if err := e.BeginPromotion(ctx, table, wanted, fence); err != nil {
		return err
	}
	return e.Fill(ctx, table, fence)
}

// Fill fills the columns of a table that are not filled.
func (e *Engine) Fill(ctx context.Context, table string, fence int64) error {
	for {
		if _, left, err := e.FillNext(ctx, table, fence); err != nil || left == 0 {
			return err
		}
	}
}

// BeginPromotion adds the columns of [Promote]; [Engine.FillNext] fills them.
func (e *Engine) BeginPromotion(ctx context.Context, table string, wanted []Promotion, fence int64) error {
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
		return beginPromotion(ctx, conn, table, byPerson(wanted), e.pieceRows)
	})
}

// byPerson returns columns that a person has asked for.
func byPerson(wanted []Promotion) []column {
	all := make([]column, len(wanted))
	for i, p := range wanted {
		all[i].Promotion = p
	}
	return all
}

// beginPromotion adds the missing columns. Columns of an empty table are filled at once. The wanted properties must have
// passed [promotion.Check].
func beginPromotion(ctx context.Context, conn *sql.Conn, table string, wanted []column, pieceRows int64) error {
	stored, err := columnsOf(ctx, conn, table)
	if err != nil {
		return err
	}
	if stored, err = takeOver(ctx, conn, table, stored, wanted); err != nil {
		return err
	}
	missing, err := lacking(table, stored, wanted)
	if err != nil || missing == nil {
		return err
	}
	if err := promotion.Check(promotions(slices.Concat(stored, missing))); err != nil {
		return err
	}
	if err := needProperties(ctx, conn, table); err != nil {
		return err
	}
	if err := refuseColumns(ctx, conn, table, missing); err != nil {
		return err
	}
	for i := range missing {
		c := &missing[i]
		c.filling = true
		if err := alter(ctx, conn, table, "ADD COLUMN "+quoteColumn(c.name())+" "+string(c.Type)); err != nil {
			return err
		}
		if err := forgetColumn(ctx, conn, table, c.Property); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, "INSERT INTO mixduck.filling VALUES (?, ?, ?, ?)", table, c.Property, string(c.Type), c.auto); err != nil {
			return err
		}
	}
	pieces, err := cut(ctx, conn, table, cmp.Or(pieceRows, defaultPieceRows))
	if err != nil {
		return err
	}
	if len(pieces) == 0 {
		return finishFilling(ctx, conn, table, slices.Concat(stored, missing))
	}
	return storeUnfilled(ctx, conn, table, pieces)
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

// lacking returns the wanted columns that the table does not have.
func lacking(table string, stored, wanted []column) (missing []column, err error) {
	for _, w := range wanted {
		found := findColumn(stored, w.Property)
		switch {
		case found == nil:
			missing = append(missing, w)
		case found.Type != w.Type && !w.auto:
			return nil, fault.Usage("request "+found.String()+", use --replace to refill the table, or first drop the column with DuckDB",
				"table %s has %s promoted as %s, not %s", table, w.Property, found.Type, w.Type)
		}
	}
	return missing, nil
}

// refuseColumns returns an error if one of the properties needs the name of an existing column.
func refuseColumns(ctx context.Context, conn *sql.Conn, table string, wanted []column) error {
	rows, err := conn.QueryContext(ctx, `SELECT column_name FROM duckdb_columns()
		WHERE table_name = ? AND schema_name = 'main' AND database_name = current_database()`, table)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var taken string
		if err := rows.Scan(&taken); err != nil {
			return err
		}
		for _, c := range wanted {
			later := c
			later.filling = false
			if key := promotion.Column(taken); key == promotion.Column(c.name()) || key == promotion.Column(later.name()) {
				return fault.New(fault.CodeExists, "do not promote it; if you have added the column yourself, you can also rename it",
					"%s cannot be promoted: table %s already has a column %s", c.Property, table, taken)
			}
		}
	}
	return rows.Err()
}

func affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// promote prepares the promoted columns of the target table: the ones t requests and, if t replaces a table, the ones
// of that table. In an empty table, it replaces columns of another type. filling reports whether requested columns are
// not filled yet.
func (t *Table) promote(ctx context.Context, conn *sql.Conn, target string, empty bool, pieceRows int64) (filling bool, err error) {
	wanted := byPerson(t.Promote)
	if target != t.Name {
		old, err := columnsOf(ctx, conn, t.Name)
		if err != nil {
			return false, err
		}
		for _, c := range old {
			if c.filling = false; findColumn(wanted, c.Property) == nil {
				wanted = append(wanted, c)
			}
		}
	}
	if err := promotion.Check(promotions(wanted)); err != nil {
		return false, err
	}
	if empty {
		if err := giveWay(ctx, conn, target, wanted); err != nil {
			return false, err
		}
	}
	if err := beginPromotion(ctx, conn, target, wanted, pieceRows); err != nil {
		return false, err
	}
	if target != t.Name {
		_, err := conn.ExecContext(ctx, `UPDATE mixduck.promoted AS n SET since = o.since, last_read = o.last_read FROM mixduck.promoted AS o
			WHERE n.table_name = ? AND o.table_name = ? AND n.property = o.property AND n.auto AND o.auto`, target, t.Name)
		if err != nil {
			return false, err
		}
	}
	stored, err := columnsOf(ctx, conn, target)
	for _, c := range stored {
		filling = filling || c.filling && find(t.Promote, c.Property) != nil
	}
	return filling, err
}

// giveWay drops promoted columns that are wanted with another type.
func giveWay(ctx context.Context, conn *sql.Conn, table string, wanted []column) error {
	stored, err := columnsOf(ctx, conn, table)
	if err != nil {
		return err
	}
	for _, c := range stored {
		if w := findColumn(wanted, c.Property); w != nil && w.Type != c.Type {
			if err := dropColumn(ctx, conn, table, c); err != nil {
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
