// Package question lists the questions that Mixpanel answers without a database, and defines their parameters.
package question

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"mixduck/internal/day"
	"mixduck/internal/fault"
)

// Question is a request for names, lists or counts. Its JSON form is stored with jobs: fields are only ever added.
type Question struct {
	Name   string              `json:"name"`             // see [List]
	Days   day.Range           `json:"days,omitzero"`    // in the project's time zone, both ends included
	Values map[string][]string `json:"values,omitempty"` // by the names of parameters
}

// maxBytes limits the values of a question.
const maxBytes = 64 << 10

// Text returns the value of a parameter, "" if it is missing.
func (q Question) Text(name string) string { return strings.Join(q.Values[name], ",") }

// Number returns the value of a parameter of kind [Number], 0 if it is missing. The question must be valid.
func (q Question) Number(name string) int64 {
	n, err := strconv.ParseInt(q.Text(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// String returns the question in the form of a command.
func (q Question) String() string {
	words := []string{q.Name}
	for _, name := range slices.Sorted(maps.Keys(q.Values)) {
		for _, v := range q.Values[name] {
			words = append(words, "--"+name, strconv.Quote(v))
		}
	}
	if q.Days != (day.Range{}) {
		words = append(words, "--from", q.Days.From.String(), "--to", q.Days.To.String())
	}
	return strings.Join(words, " ")
}

// Check returns an error with [fault.CodeUsage] and a hint if the question is invalid. Only Mixpanel knows whether names, ids and
// expressions exist.
func (q Question) Check() error {
	info, err := Find(q.Name)
	if err != nil {
		return err
	}
	size := 0
	for name, values := range q.Values {
		i := slices.IndexFunc(info.Params, func(p Param) bool { return p.Name == name })
		if i < 0 {
			return fault.Usage("omit it", "%s takes no %s", q.Name, name)
		}
		if len(values) > 1 && info.Params[i].Kind != Texts {
			return fault.Usage("give it once", "%s takes one %s, not %d", q.Name, name, len(values))
		}
		for _, v := range values {
			if size += len(v); size > maxBytes {
				return fault.Usage("ask for less at a time", "the question has more than %d bytes", maxBytes)
			}
			if err := info.Params[i].Check(v); err != nil {
				return fault.Usage(info.Params[i].hint(), "%s: %w", name, err)
			}
		}
	}
	for _, p := range info.Params {
		if p.Required && len(q.Values[p.Name]) == 0 {
			return fault.Usage(p.hint(), "%s needs %s", q.Name, p.Name)
		}
	}
	return info.checkDays(q.Days)
}

func (i Info) checkDays(days day.Range) error {
	given := days != day.Range{}
	switch {
	case given && i.Days == Undated:
		return fault.Usage("omit the days", "%s takes no days", i.Name)
	case !given && i.Days == Dated:
		return fault.Usage("--from 7d", "%s needs the first day", i.Name)
	case !given:
		return nil
	case days.Len() == 0:
		return fault.Usage("put the earlier date first", "the range ends before it starts: %s to %s", days.From, days.To)
	}
	return days.From.CheckEarliest()
}

// Kind says which values a parameter takes.
type Kind int

// The kinds.
const (
	Text   Kind = iota // any text but ""
	Texts              // several of them
	Number             // a whole number above 0
	Choice             // one of Choices
)

// Param is a parameter of a question.
type Param struct {
	Name     string // of the flag
	Kind     Kind
	Value    string // what help calls the value
	Usage    string
	Choices  []string
	Most     int64 // of a number; 0 means no limit
	Argument bool  // commands take it as an argument
	Required bool
}

// Check returns an error if the parameter cannot have a value.
func (p Param) Check(value string) error {
	switch p.Kind {
	case Number:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n <= 0 {
			return fmt.Errorf("%q is not a whole number above 0", value)
		}
		if p.Most > 0 && n > p.Most {
			return fmt.Errorf("%d is above %d", n, p.Most)
		}
	case Choice:
		if !slices.Contains(p.Choices, value) {
			return fmt.Errorf("must be one of %s", strings.Join(p.Choices, "|"))
		}
	case Text, Texts:
		if value == "" {
			return fmt.Errorf("the %s is empty", p.Value)
		}
		if !utf8.ValidString(value) {
			return fmt.Errorf("%q is not valid UTF-8", value)
		}
	}
	return nil
}

func (p Param) hint() string {
	switch {
	case p.Kind == Choice:
		return "use one of " + strings.Join(p.Choices, ", ")
	case p.Argument:
		return "give the " + p.Value + " as an argument"
	}
	return "--" + p.Name + " " + strings.ToUpper(p.Value)
}
