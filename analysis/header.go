package analysis

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mixduck/internal/day"
)

// parse parses a file. It starts with comments, one value per line, and an empty line:
//
//	-- title: Trend
//	-- about: How often events happened.
//	-- param: from date required "First day, included"
//	-- param: unit text default "day" choices "day|week" "Length of a period"
//	-- check: event-counts
//
// The SQL follows. It uses exactly the parameters of the header.
func parse(file, text string) (Question, error) {
	q := Question{Name: strings.TrimSuffix(file, ".sql")}
	head, body, found := strings.Cut(text, "\n\n")
	if !found {
		return Question{}, fmt.Errorf("%s: an empty line must separate the header from the SQL", file)
	}
	for i, line := range strings.Split(head, "\n") {
		if err := add(&q, line); err != nil {
			return Question{}, fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
	}
	q.SQL = strings.TrimSpace(body)
	if err := check(q); err != nil {
		return Question{}, fmt.Errorf("%s: %w", file, err)
	}
	return q, nil
}

// add adds a line of the header.
func add(q *Question, line string) error {
	key, value, ok := strings.Cut(strings.TrimPrefix(line, "-- "), ": ")
	if !ok || !strings.HasPrefix(line, "-- ") || strings.TrimSpace(value) != value || value == "" {
		return fmt.Errorf("%q is not a line of the form -- key: value", line)
	}
	if key == "param" {
		p, err := parseParam(value)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(q.Params, func(known Param) bool { return known.Name == p.Name }) {
			return fmt.Errorf("parameter %s is declared twice", p.Name)
		}
		q.Params = append(q.Params, p)
		return nil
	}
	field, ok := map[string]*string{"title": &q.Title, "about": &q.About, "check": &q.Check}[key]
	switch {
	case !ok:
		return fmt.Errorf("unknown key %q: use title, about, param or check", key)
	case *field != "":
		return fmt.Errorf("%s is set twice", key)
	}
	*field = value
	return nil
}

// anyDay is a today with which defaults are checked.
const anyDay = day.Day(20_000)

const quoted = `("(?:[^"\\]|\\.)*")`

var (
	paramLine = regexp.MustCompile(`^([a-z_]+) ([a-z]+)( required)?(?: default ` + quoted + `)?(?: choices ` + quoted + `)? ` + quoted + `$`)
	variable  = regexp.MustCompile(`\$([A-Za-z_0-9]+)`)
)

func parseParam(text string) (Param, error) {
	m := paramLine.FindStringSubmatch(text)
	if m == nil {
		return Param{}, fmt.Errorf(`%q is not a parameter: use NAME TYPE [required] [default "…"] [choices "a|b"] "what it means"`, text)
	}
	p := Param{Name: m[1], Type: m[2], Required: m[3] != ""}
	var choices string
	for i, field := range []*string{&p.Default, &choices, &p.About} {
		if m[4+i] == "" {
			continue
		}
		value, err := strconv.Unquote(m[4+i])
		if err != nil {
			return Param{}, fmt.Errorf("parameter %s: %s is not a quoted text", p.Name, m[4+i])
		}
		*field = value
	}
	if choices != "" {
		p.Choices = strings.Split(choices, "|")
	}
	switch {
	case !slices.Contains(Types(), p.Type):
		return Param{}, fmt.Errorf("parameter %s: unknown type %q: use one of %s", p.Name, p.Type, strings.Join(Types(), ", "))
	case p.About == "":
		return Param{}, fmt.Errorf("parameter %s: its meaning is missing", p.Name)
	case p.Required && m[4] != "":
		return Param{}, fmt.Errorf("parameter %s: a required parameter has no default", p.Name)
	case p.Choices != nil && p.Type != Text:
		return Param{}, fmt.Errorf("parameter %s: only a text has choices", p.Name)
	}
	if !p.Required {
		if _, err := p.value([]string{p.Default}, anyDay); err != nil {
			return Param{}, fmt.Errorf("parameter %s: the default: %w", p.Name, err)
		}
	}
	return p, nil
}

// check checks the parsed file as a whole.
func check(q Question) error {
	switch {
	case q.Title == "":
		return errors.New("the title is missing")
	case q.About == "":
		return errors.New("the line about is missing")
	case q.SQL == "":
		return errors.New("the SQL is missing")
	}
	used := map[string]bool{}
	for _, m := range variable.FindAllStringSubmatch(q.SQL, -1) {
		used[m[1]] = true
		if !slices.ContainsFunc(q.Params, func(p Param) bool { return p.Name == m[1] }) {
			return fmt.Errorf("the SQL uses $%s, which is not declared", m[1])
		}
	}
	for _, p := range q.Params {
		if !used[p.Name] {
			return fmt.Errorf("the SQL does not use the parameter %s", p.Name)
		}
	}
	return nil
}
