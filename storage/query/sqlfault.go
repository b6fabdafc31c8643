package query

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"syscall"

	"mixduck/internal/fault"
	"mixduck/storage"
)

// userKinds are the kinds of DuckDB errors that a change to the SQL or its parameters can fix. Errors of other kinds
// are not blamed on the author of the SQL.
var userKinds = []string{
	"Parser", "Syntax", "Binder", "Catalog", "Planner", "Expression", "Not implemented", "Permission", "Settings", "Missing Extension", "Extension Autoloading",
	"Parameter Not Resolved", "Parameter Not Allowed", "Invalid Input", "Invalid type", "Mismatch Type", "Conversion", "Decimal", "Out of Range",
	"Divide by Zero", "Object Size", "Constraint", "Sequence",
}

// sqlFault turns DuckDB's error about a statement into one for its author. It uses the session to list tables.
func sqlFault(s *storage.Session, err error) error {
	e, ok := errors.AsType[*storage.SQLError](err)
	if !ok {
		return err
	}
	switch {
	case e.IsKind("Out of Memory"), strings.Contains(e.Message, "std::bad_alloc"):
		return fmt.Errorf("%w: %s", ErrOutOfMemory, firstLine(e.Message))
	case errors.Is(e, syscall.EFBIG):
		return ErrTooLarge
	case errors.Is(e, syscall.ENOSPC):
		return fault.New(fault.CodeFailed, "free some disk space for the query's temporary files", "%w: %s", syscall.ENOSPC, firstLine(e.Message))
	case e.IsKind("Internal", "Fatal"):
		return fmt.Errorf("%w: %s", ErrCrashed, firstLine(e.Message))
	case errors.Is(e, storage.ErrInterrupted):
		return ErrStopped
	case e.IsKind(userKinds...):
		return fault.Usage(hintFor(s, e), "%w", e)
	}
	return fault.New(fault.CodeFailed, "", "%s Error: %s", e.Kind, firstLine(e.Message))
}

// withoutExcerpt removes DuckDB's excerpt if it is not from the original text.
func withoutExcerpt(err error) error {
	if e, ok := errors.AsType[*storage.SQLError](err); ok {
		e.Excerpt = ""
	}
	return err
}

// hintFor returns a hint for an error, if there is one.
func hintFor(s *storage.Session, e *storage.SQLError) string {
	switch {
	case e.IsKind("Catalog") && strings.HasPrefix(e.Message, "Table with name"):
		return tableHint(s)
	case e.IsKind("Binder") && strings.HasPrefix(e.Message, "Referenced column"):
		return "'DESCRIBE TABLE' lists the columns of a table; a property is read as " + property(named(missingColumn, e.Message))
	case strings.HasPrefix(e.Message, "JSON path error"):
		return pathHint(e.Message)
	case e.IsKind("Binder") && strings.Contains(e.Message, "STRING_LITERAL"):
		return "parameters are strings: cast to another type, for example $name::INTEGER"
	case e.IsKind("Conversion"):
		return "TRY_CAST(value AS type) returns NULL if a value does not fit"
	}
	return ""
}

// tableHint lists the existing tables.
func tableHint(s *storage.Session) string {
	c, err := readCatalog(s)
	if err != nil {
		return ""
	}
	return c.hint()
}

// pathHint helps with paths in JSON functions. DuckDB's message quotes what follows the $ at the start of a path. Most
// of Mixpanel's own properties also start with $.
func pathHint(message string) string {
	name := named(pathPlace, message)
	if name == "" || strings.ContainsAny(name[:1], ".[") {
		return "a path is '$.name', or '$.\"name\"' if the name has other characters than letters, digits and _"
	}
	return "a name that starts with $ needs quotes: " + property("$"+name)
}

var (
	missingColumn = regexp.MustCompile(`^Referenced column "([^"]*)"`)
	pathPlace     = regexp.MustCompile(`near '(.*)'`)
	plainName     = regexp.MustCompile(`^\w+$`)
)

// named returns the text that matches the group of a pattern, or "".
func named(in *regexp.Regexp, message string) string {
	if m := in.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	return ""
}

// property returns how to read a property of events. Few names cannot be part of a path.
func property(name string) string {
	switch {
	case name == "" || strings.ContainsAny(name, "\"\\\n"):
		return `properties->>'$.name'`
	case plainName.MatchString(name):
		return "properties->>'$." + name + "'"
	}
	return `properties->>'$."` + strings.ReplaceAll(name, "'", "''") + `"'`
}

func missingParam(name string) error {
	return fault.Usage("--param "+name+"=VALUE; a property of this name is read as "+property("$"+name), "the parameter $%s has no value", name)
}

func unusedParam(name string) error {
	return fault.Usage("use $"+name+" in the statement, or remove its value", "the statement has no parameter $%s", name)
}

func wrongNumber(needed, given int) error {
	return fault.Usage("bind a value to each parameter", "the statement has %d parameters, but %d values are bound", needed, given)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
