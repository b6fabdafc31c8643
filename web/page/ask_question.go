package page

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"mixduck/analysis"
	"mixduck/internal/day"
	"mixduck/internal/stream"
)

// questionLink leads to the form of a ready-made question.
type questionLink struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Query string `json:"-"` // of its form
	On    bool   `json:"-"`
}

// field is a parameter in the form of a question.
type field struct {
	analysis.Param

	Label  string
	Values []string // an input for each
	Input  string   // its type: text, date, number, or select
	List   string   // ID of the list with suggestions; "" for none
}

const (
	usualDays  = 30 // of a new form
	fewInputs  = 2  // for several events, at least
	moreInputs = 1  // that are empty
)

// fill sets what the form of the question needs.
func (a *askPage) fill(now time.Time) error {
	for _, q := range analysis.Questions() {
		query := url.Values{"question": {q.Name}, "database": {a.Database}}
		for _, name := range []string{"from", "to"} {
			if values := a.Params[name]; len(values) > 0 {
				query[paramPrefix+name] = values
			}
		}
		a.Questions = append(a.Questions, questionLink{q.Name, q.Title, query.Encode(), q.Name == a.Question})
	}
	if a.Question == "" {
		return nil
	}
	q, err := analysis.Find(a.Question)
	if err != nil {
		return err
	}
	a.Title, a.About = q.Title, q.About
	last := a.lastDay(now)
	usual := map[string]string{"from": (last - usualDays + 1).String(), "to": last.String()}
	for _, p := range q.Params {
		f := newField(p, a.Params[p.Name])
		if usual[p.Name] != "" && p.Type == analysis.Date && strings.Join(a.Params[p.Name], "") == "" {
			f.Values[0] = usual[p.Name]
		}
		a.Fields = append(a.Fields, f)
	}
	return nil
}

// lastDay returns the last complete day of the events of the database, or yesterday.
func (a *askPage) lastDay(now time.Time) day.Day {
	for _, t := range a.Tables {
		if t.Type == stream.Events && t.Last != nil {
			return *t.Last
		}
	}
	return day.Of(now.UTC()) - 1
}

// newField returns the field of a parameter with the given values.
func newField(p analysis.Param, given []string) field {
	f := field{Param: p, Label: labels[p.Name], Input: "text", Values: slices.Clone(given)}
	if f.Label == "" {
		f.Label = p.Name
	}
	if len(f.Values) == 0 {
		f.Values = []string{p.Default}
	}
	switch p.Type {
	case analysis.Date:
		f.Input = "date"
	case analysis.Number:
		f.Input = "number"
	case analysis.Event:
		f.List = "known-events"
	case analysis.Property:
		f.List = "known-properties"
	case analysis.Events:
		f.List = "known-events"
		f.Values = slices.DeleteFunc(f.Values, func(s string) bool { return s == "" })
		for range max(moreInputs, fewInputs-len(f.Values)) {
			f.Values = append(f.Values, "")
		}
	}
	if len(p.Choices) > 0 {
		f.Input = "select"
	}
	return f
}

// labels are the names of parameters where those of the SQL are not good enough.
var labels = map[string]string{"born": "first event", "return": "returns with", "order": "order of steps", "limit": "at most"}

// of returns the form of a question, from its statement.
func (f askForm) of(q analysis.Question) askForm {
	f.Question, f.SQL = q.Name, ""
	for _, p := range q.Params {
		var names []string
		if p.Type == analysis.Events && json.Unmarshal([]byte(f.Value(p.Name)), &names) == nil {
			f.Params[p.Name] = names
		}
	}
	return f
}
