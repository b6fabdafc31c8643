package query

import (
	"embed"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/storage"
)

// Question is a named question for [Inspect].
type Question struct {
	Name  string
	Args  []string // arguments, in order; those in brackets are optional
	About string

	columns []string // required columns of the table
}

// Questions returns all questions.
func Questions() []Question {
	const table, maybeTable, maybeDay = "TABLE", "[TABLE]", "[DAY]"
	return []Question{
		{Name: "tables", About: "the tables, their rows and days"},
		{Name: "schema", Args: []string{table}, About: "the columns of a table"},
		{Name: "sample", Args: []string{table, "[N]"}, About: "a random sample of N rows (default 10)"},
		{Name: "summarize", Args: []string{table}, About: "minimum, maximum and typical values of each column"},
		{Name: "breakdown", Args: []string{table}, About: "rows, users, first and last time of each event", columns: []string{"event_name", "event_time", "distinct_id"}},
		{Name: "keys", Args: []string{table, "[EVENT]"}, About: "property names and their row counts", columns: []string{"properties"}},
		{Name: "properties", Args: []string{"[TABLE|EVENT]", "[EVENT]"}, About: "properties with types, rows, days, example and description"},
		{Name: "column", Args: []string{table, "NAME"}, About: "the most frequent values of a column or property"},
		{Name: "info", About: "the file: size, version, tables, rows"},
		{Name: "coverage", Args: []string{maybeTable}, About: "which days are stored, and how completely"},
		{Name: "receipts", Args: []string{maybeTable, maybeDay}, About: "the content of each loaded window"},
		{Name: "changes", Args: []string{maybeTable, maybeDay}, About: "how already stored days have changed"},
		{Name: "quarantine", Args: []string{maybeTable, maybeDay}, About: "lines that could not be stored as events"},
	}
}

//go:embed inspect/*.sql
var inspectFiles embed.FS

// find returns the question, if the number of arguments is right.
func (q *Inspect) find() (Question, error) {
	all := Questions()
	i := slices.IndexFunc(all, func(known Question) bool { return known.Name == q.Name })
	if i < 0 {
		names := make([]string, len(all))
		for i, known := range all {
			names[i] = known.Name
		}
		return Question{}, fault.Usage("use one of "+strings.Join(names, ", "), "unknown inspection %q", q.Name)
	}
	found := all[i]
	needed := slices.IndexFunc(found.Args, func(arg string) bool { return arg[0] == '[' })
	if needed < 0 {
		needed = len(found.Args)
	}
	if len(q.Args) < needed || len(q.Args) > len(found.Args) {
		return Question{}, fault.Usage("use "+strings.Join(append([]string{q.Name}, found.Args...), " "), "%s does not take %d arguments", q.Name, len(q.Args))
	}
	return found, nil
}

// arg returns argument i, or "" if it is missing.
func (q *Inspect) arg(i int) string {
	if i < len(q.Args) {
		return q.Args[i]
	}
	return ""
}

// statement returns the statement that answers the question. User input becomes part of its text only as an identifier
// that matches one in the catalog. Everything else is a parameter.
func (q *Inspect) statement(s *storage.Session, path string) (*statement, error) {
	question, err := q.find()
	if err != nil {
		return nil, err
	}
	c, err := readCatalog(s)
	if err != nil {
		return nil, err
	}
	file, params, parts := q.Name, map[string]string{}, map[string]string{}
	switch q.Name {
	case "tables":
		parts["{counts}"] = c.counts()
		if !c.isMixduck() {
			file = "foreign_tables"
		}
	case "info":
		parts["{counts}"] = c.counts()
		params = map[string]string{"path": path, "bytes": size(path), "wal_bytes": size(path + ".wal")}
	case "coverage", "receipts", "changes", "quarantine":
		if !c.isMixduck() {
			return nil, fault.New(fault.CodeNotFound, "use 'tables'", "%s was not created by Mixduck", path)
		}
		if err := q.aboutDays(c, params); err != nil {
			return nil, err
		}
		if _, err := c.find("mixduck.changes", nil); err != nil && q.Name == "changes" {
			file = "no_changes"
		}
	case "properties":
		if err := q.aboutProperties(s, c, path, parts, params); err != nil {
			return nil, err
		}
	default:
		t, err := c.find(q.arg(0), question.columns)
		if err != nil {
			return nil, err
		}
		parts["{table}"] = t.quoted()
		if err := q.aboutTable(t, parts, params); err != nil {
			return nil, err
		}
		if q.Name == "keys" {
			if counted, err := c.counted(s, t); err != nil {
				return nil, err
			} else if counted {
				file, params["table"] = "counted_keys", t.name
			}
		}
	}
	b, err := inspectFiles.ReadFile("inspect/" + file + ".sql")
	if err != nil {
		return nil, err
	}
	text := string(b)
	for name, part := range parts {
		text = strings.ReplaceAll(text, name, part)
	}
	return &statement{text: text, body: text, params: params}, nil
}

// aboutDays adds what questions about the days of a table need.
func (q *Inspect) aboutDays(c catalog, params map[string]string) error {
	params["table"] = q.arg(0)
	if q.Name != "coverage" {
		if params["day"] = q.arg(1); q.arg(1) != "" {
			if _, err := day.Parse(q.arg(1)); err != nil {
				return fault.Usage("use yyyy-mm-dd", "%w", err)
			}
		}
	}
	if q.arg(0) == "" {
		return nil
	}
	t, err := c.find(q.arg(0), nil)
	if err != nil {
		return err
	}
	params["table"] = t.title()
	if (q.Name == "coverage" || q.Name == "changes") && t.keyed() {
		return fault.New(fault.CodeNotFound, "use 'receipts "+t.name+"': it shows the refreshes", "table %s has no days", t.name)
	}
	return nil
}

// aboutProperties adds what the question about the catalogue needs. If older versions have loaded days that are not
// counted yet, the first column says how many.
func (q *Inspect) aboutProperties(s *storage.Session, c catalog, path string, parts, params map[string]string) error {
	if _, err := c.find("mixduck.properties", nil); err != nil {
		return fault.New(fault.CodeNotFound, "use 'keys TABLE', or fetch something", "%s has no catalogue of properties yet", path)
	}
	params["name"], parts["{event}"], parts["{partly}"] = q.arg(0), "true", ""
	if event := q.arg(1); event != "" {
		parts["{event}"], params["event"] = "p.event_name = $event", event
	}
	const notCounted = `(SELECT count(*) || ' of ' || (SELECT greatest(1, count(*)) FROM mixduck.coverage AS c WHERE c.table_name = p.table_name AND c.row_count > 0)
		FROM mixduck.uncounted AS u WHERE u.table_name = p.table_name) AS days_not_counted, `
	left, err := fetch(s, "SELECT 'left' FROM mixduck.uncounted LIMIT 1")
	if len(left) > 0 {
		parts["{partly}"] = notCounted
	}
	return err
}

// counted reports whether the catalogue has all properties of a table.
func (c catalog) counted(s *storage.Session, t *catalogTable) (bool, error) {
	if _, err := c.find("mixduck.uncounted", nil); err != nil || t.schema != "main" {
		return false, nil //nolint:nilerr // an older version wrote the file
	}
	found, err := fetch(s, `SELECT t.table_name FROM mixduck.tables AS t
		WHERE t.table_name = `+literal(t.name)+` AND NOT EXISTS (FROM mixduck.uncounted AS u WHERE u.table_name = t.table_name)`)
	return len(found) > 0, err
}

// aboutTable adds what questions about a single table need.
func (q *Inspect) aboutTable(t *catalogTable, parts, params map[string]string) error {
	switch q.Name {
	case "schema":
		params["schema"], params["table"] = t.schema, t.name
	case "sample":
		n := 10
		if text := q.arg(1); text != "" {
			var err error
			if n, err = strconv.Atoi(text); err != nil || n < 1 || n > 1e6 {
				return fault.Usage("use a number from 1 to 1000000", "%q is not a valid number of rows", text)
			}
		}
		parts["{n}"] = strconv.Itoa(n)
	case "keys":
		parts["{event}"] = "true"
		if event := q.arg(1); event != "" {
			parts["{event}"], params["event"] = "event_name = $event", event
		}
	case "column":
		name := q.arg(1)
		switch column, ok := t.column(name); {
		case ok:
			parts["{expression}"] = identifier(column)
		case slices.Contains(t.columns, "properties"):
			parts["{expression}"], params["pointer"] = "json_extract_string(properties, $pointer)", pointer(name)
		default:
			return fault.New(fault.CodeNotFound, "its columns are "+strings.Join(t.columns, ", "), "table %s has no column %q", t.name, name)
		}
	}
	return nil
}

// pointer returns the JSON pointer (RFC 6901) of a property.
func pointer(name string) string {
	return "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// size returns the size of a file, 0 if it does not exist.
func size(path string) string {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err != nil {
		return "0"
	}
	return strconv.FormatInt(info.Size(), 10)
}
