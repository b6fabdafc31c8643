// Package analysis holds questions about tables of events as SQL with parameters, such as funnels and retention. It
// runs no SQL, and knows neither databases nor queues.
package analysis

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"mixduck/internal/day"
	"mixduck/internal/fault"
)

// Question is a SELECT with parameters, and what forms and help need to ask for their values.
// Its fields and their JSON form are only ever added to.
type Question struct {
	Name   string  `json:"name"` // of its file, without the extension
	Title  string  `json:"title"`
	About  string  `json:"about"`
	Params []Param `json:"params"` // in the order of forms
	SQL    string  `json:"sql"`    // one statement, with parameters as $name
	Check  string  `json:"check"`  // the question of `enqueue ask` with which answers can be compared; "" if there is none
}

// Param is a parameter of a question.
type Param struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"` // see [Types]
	About    string   `json:"about"`
	Default  string   `json:"default"`
	Required bool     `json:"required"`          // it has no default
	Choices  []string `json:"choices,omitempty"` // all allowed values of a text; empty if any is allowed
}

// Types of parameters. The values of parameters are texts. [Question.Values] checks and encodes them.
const (
	Date     = "date"     // yyyy-mm-dd, a day of the project
	Text     = "text"     // any text, or one of the choices
	Event    = "event"    // the name of an event
	Events   = "events"   // any number of names of events
	Property = "property" // the name of a property
	Number   = "number"   // a whole number, 0 or more
	Interval = "interval" // a length of time, such as 7 days
)

// Types returns all types of parameters.
func Types() []string { return []string{Date, Text, Event, Events, Property, Number, Interval} }

//go:embed questions/*.sql
var files embed.FS

// Questions returns all questions, by name.
func Questions() []Question { return all() }

// all parses the files once. They are part of the program, and a test parses them, so an error is a bug.
var all = sync.OnceValue(func() []Question {
	names, err := fs.Glob(files, "questions/*.sql")
	if err != nil {
		panic(err)
	}
	questions := make([]Question, len(names))
	for i, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			panic(err)
		}
		if questions[i], err = parse(path.Base(name), string(text)); err != nil {
			panic(err)
		}
	}
	return questions
})

// Find returns a question by its name. It returns errors with [fault.CodeUsage].
func Find(name string) (Question, error) {
	questions := Questions()
	i := slices.IndexFunc(questions, func(q Question) bool { return q.Name == name })
	if i < 0 {
		names := make([]string, len(questions))
		for i, q := range questions {
			names[i] = q.Name
		}
		return Question{}, fault.Usage("use one of "+strings.Join(names, ", "), "there is no question %q", name)
	}
	return questions[i], nil
}

// Statement returns the SQL of a question and the values of all its parameters, from those that are given. It returns errors with
// [fault.CodeUsage].
func Statement(name string, given map[string][]string, today day.Day) (sql string, values map[string]string, err error) {
	q, err := Find(name)
	if err != nil {
		return "", nil, err
	}
	values, err = q.Values(given, today)
	return q.SQL, values, err
}

// Usage returns the parameter in the form of a flag.
func (p Param) Usage() string {
	value := p.Type
	if len(p.Choices) > 0 {
		value = strings.Join(p.Choices, "|")
	}
	return fmt.Sprintf("--param %s=%s", p.Name, strings.ToUpper(value))
}
