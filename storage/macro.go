package storage

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/zeebo/xxh3"
)

//go:embed macro/*.sql
var macroFiles embed.FS

// Macro is a table macro, which other programs and queries call like a function: FROM active_users('events').
type Macro struct {
	Name       string
	definition string // from the parameters to the end
}

// Macros returns all table macros, by name.
func Macros() []Macro { return macros() }

// macros reads the files once. They are part of the program, so an error is a bug.
var macros = sync.OnceValue(func() []Macro {
	names, err := fs.Glob(macroFiles, "macro/*.sql")
	if err != nil {
		panic(err)
	}
	all, bodies := make([]Macro, len(names)), []string{}
	for i, file := range names {
		text, err := macroFiles.ReadFile(file)
		if err != nil {
			panic(err)
		}
		name := strings.TrimSuffix(path.Base(file), ".sql")
		_, definition, found := strings.Cut(string(text), "\n"+name+"(")
		_, body, isTable := strings.Cut(definition, ") AS TABLE\n")
		if !found || !isTable {
			panic(file + " does not define a table macro of its name")
		}
		all[i] = Macro{Name: name, definition: "(" + definition}
		bodies = append(bodies, "{"+name+"}", body)
	}
	// A macro contains the text of another one instead of calling it, because DuckDB looks up the names in a macro in
	// the schema of the caller.
	fill := strings.NewReplacer(bodies...)
	for i := range all {
		all[i].definition = fill.Replace(all[i].definition)
	}
	return all
})

// Temporary returns a statement that creates the macro for a connection, also to a read-only database.
func (m Macro) Temporary() string {
	return "CREATE OR REPLACE TEMPORARY MACRO " + m.Name + m.definition
}

// macroMark is the start of the comment of macros created by Mixduck.
const macroMark = "created by Mixduck"

// definitionsTable has a hash of all definitions that are stored in the database and derived from the program, as its
// comment. So an upgrade replaces them with the first write, and needs no new version of the schema.
const definitionsTable = "schema_version"

// definitionsComment returns the comment for the definitions of this version.
var definitionsComment = sync.OnceValue(func() string {
	h := xxh3.New()
	for _, m := range Macros() {
		_, _ = h.WriteString(m.Name + m.definition)
	}
	return fmt.Sprintf("definitions %016x", h.Sum64())
})

// syncMacros creates or replaces the macros, unless the database has those of this version. It does not touch macros of
// the same names that somebody else has created. A new database has none of those; the list of all functions is long.
func syncMacros(ctx context.Context, conn *sql.Conn, isNew bool) error {
	var stored string
	err := conn.QueryRowContext(ctx, `SELECT coalesce(comment, '') FROM duckdb_tables()
		WHERE database_name = current_database() AND schema_name = 'mixduck' AND table_name = ?`, definitionsTable).Scan(&stored)
	if err != nil || stored == definitionsComment() {
		return err
	}
	var comments map[string]string
	if !isNew || stored != "" {
		comments, err = textPairs(ctx, conn, `SELECT lower(function_name), coalesce(any_value(comment), '') FROM duckdb_functions()
			WHERE database_name = current_database() AND schema_name = 'main' AND function_type IN ('macro', 'table_macro') GROUP BY ALL`)
		if err != nil {
			return err
		}
	}
	for _, m := range Macros() {
		if comment, exists := comments[m.Name]; exists && comment != macroMark {
			continue
		}
		create := "CREATE OR REPLACE MACRO main." + m.Name + m.definition + "; COMMENT ON MACRO TABLE main." + m.Name + " IS " + text(macroMark)
		if _, err := conn.ExecContext(ctx, create); err != nil {
			return fmt.Errorf("macro %s: %w", m.Name, err)
		}
	}
	_, err = conn.ExecContext(ctx, "COMMENT ON TABLE mixduck."+definitionsTable+" IS "+text(definitionsComment()))
	return err
}
