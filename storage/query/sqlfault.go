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

// userKinds are the kinds of DuckDB's errors that a change of the SQL, or of its parameters, can cure. An error of any other kind
// is not blamed on the person who wrote the SQL.
var userKinds = []string{
	"Parser", "Syntax", "Binder", "Catalog", "Planner", "Expression", "Not implemented", "Permission", "Settings", "Missing Extension", "Extension Autoloading",
	"Parameter Not Resolved", "Parameter Not Allowed", "Invalid Input", "Invalid type", "Mismatch Type", "Conversion", "Decimal", "Out of Range",
	"Divide by Zero", "Object Size", "Constraint", "Sequence",
}

// sqlFault turns what DuckDB says of a statement into an error for the person who wrote it. The session is asked for the
// tables that there are.
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

// withoutExcerpt takes away what DuckDB shows of a text that is not the one that was given.
func withoutExcerpt(err error) error {
	if e, ok := errors.AsType[*storage.SQLError](err); ok {
		e.Excerpt = ""
	}
	return err
}

// hintFor returns what helps with an error, if anything does.
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

// tableHint names the tables that there are.
func tableHint(s *storage.Session) string {
	c, err := readCatalog(s)
	if err != nil {
		return ""
	}
	return c.hint()
}

// pathHint helps with a path in a JSON function. DuckDB names what follows the $ with which a path begins, and so do most of
// Mixpanel's own properties.
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

// named returns the name that a message has in the place of a pattern's group; "" if it has none.
func named(in *regexp.Regexp, message string) string {
	if m := in.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	return ""
}

// property returns how a property of events is read. The names that a path cannot hold are few.
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

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
