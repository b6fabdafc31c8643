package query

import "context"

// describe asks DuckDB for the columns of the statement. It returns DuckDB's error if the statement does not fit the
// database.
func (r *reader) describe(ctx context.Context) error {
	given, err := r.statement.prepare(r.session, r.statement.text) // the original text gives the best messages
	if err != nil {
		return err
	}
	names := given.Columns()
	given.Close()
	if r.statement.explain != "" {
		r.keys = []string{"explain_key", "explain_value"}
		r.columns = []Column{{r.keys[0], "VARCHAR"}, {r.keys[1], "VARCHAR"}}
		return nil
	}
	if err := r.readColumns(ctx); err != nil {
		return withoutExcerpt(err)
	}
	if len(names) == len(r.columns) && (len(names) > 1 || len(r.statement.params) == 0) { // DuckDB reports one column also if it does not know
		for i := range r.columns {
			r.columns[i].Name = names[i]
		}
	}
	return nil
}

// readColumns sets the columns, with unique names.
func (r *reader) readColumns(ctx context.Context) error {
	st, err := r.prepare(ctx, "DESCRIBE ", "FROM "+r.statement.subquery(), "")
	if err != nil {
		return err
	}
	defer st.Close()
	rows, err := st.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		name, _ := rows.Text(0)
		kind, _ := rows.Text(1)
		r.keys = append(r.keys, string(name))
		r.columns = append(r.columns, Column{Name: string(name), Type: string(kind)})
	}
	return rows.Err()
}
