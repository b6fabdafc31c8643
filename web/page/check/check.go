// Package check compares answers of ready-made questions with Mixpanel's numbers. It knows which question to Mixpanel has
// these numbers. It sends nothing, and knows neither queues nor HTTP.
package check

import (
	"encoding/json"
	"strconv"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/question"
	"mixduck/web/page/answer"
)

// Check is a comparison of an answer with Mixpanel's numbers.
type Check struct {
	Ask  question.Question // to Mixpanel
	Keys []string          // what identifies a number, for example day and event
	Note string            // why numbers can differ although no data is missing; "" for nothing

	ours, theirs reader

	// among returns which numbers are compared. Nil means all; a number that one side does not have is 0.
	among func(ours, theirs numbers) func(key []string) bool
}

// numbers are numbers by their key.
type numbers map[string]int64

// reader returns the numbers of a row.
type reader func(row []string) []number

type number struct {
	key   []string
	value string
}

// Of returns the check of an answer, from the name, the parameters and all rows of a ready-made question. It returns false if
// Mixpanel has no numbers that must be equal.
func Of(name string, params map[string][]string, rows [][]answer.Cell) (Check, bool) {
	f := form{params}
	from, fromErr := day.Parse(f.text("from"))
	to, toErr := day.Parse(f.text("to"))
	build, ok := map[string]func(form, [][]answer.Cell) (Check, bool){
		"trend": trend, "breakdown": breakdown, "retention": retention, "top-events": topEvents, "active-users": activeUsers,
	}[name]
	if !ok || fromErr != nil || toErr != nil {
		return Check{}, false
	}
	c, ok := build(f, rows)
	if !ok {
		return Check{}, false
	}
	c.Ask.Days = day.Range{From: from, To: to}
	return c, c.Ask.Check() == nil
}

// Possible says which answers have a check.
const Possible = "use Trend with names of events, Breakdown, Top events, Active users of one event, or Retention by calendar days"

// form has the parameters of a question.
type form struct{ params map[string][]string }

// text returns the value of a parameter; "" if it is missing.
func (f form) text(name string) string {
	if values := f.params[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// period returns the first day of the period that contains a day, in the form of the question.
func (f form) period(text string) string {
	d, err := day.Parse(text)
	if err != nil {
		return text
	}
	switch f.text("unit") {
	case "week":
		return (d - day.Day(d.Start(time.UTC).Weekday()+6)%7).String() // Monday
	case "month":
		return d.String()[:len("2006-01-")] + "01"
	case "all":
		return f.text("from")
	}
	return d.String()
}

// trend compares totals. Mixpanel is asked for days, because its first week or month can begin before the first day.
func trend(f form, _ [][]answer.Cell) (Check, bool) {
	events := f.params["events"]
	return Check{
		Ask:    question.Question{Name: "event-counts", Values: map[string][]string{"event": events, "unit": {"day"}}},
		Keys:   []string{f.text("unit"), "event"},
		ours:   func(row []string) []number { return []number{{[]string{row[0], row[1]}, row[2]}} },
		theirs: func(row []string) []number { return []number{{[]string{f.period(row[1]), row[0]}, row[2]}} },
	}, len(events) > 0
}

// topEvents compares totals of the events that are shown.
func topEvents(_ form, rows [][]answer.Cell) (Check, bool) {
	var events []string
	for _, row := range rows {
		if len(row) > 0 && row[0] != nil {
			events = append(events, *row[0])
		}
	}
	return Check{
		Ask:    question.Question{Name: "event-counts", Values: map[string][]string{"event": events, "unit": {"day"}}},
		Keys:   []string{"event"},
		ours:   func(row []string) []number { return []number{{row[:1], row[1]}} },
		theirs: func(row []string) []number { return []number{{row[:1], row[2]}} },
	}, len(events) > 0
}

// activeUsers compares the users of each day, of one event: users of several events cannot be added up.
func activeUsers(f form, _ [][]answer.Cell) (Check, bool) {
	events := f.params["events"]
	return Check{
		Ask:    question.Question{Name: "event-counts", Values: map[string][]string{"event": events, "unit": {"day"}, "type": {"unique"}}},
		Keys:   []string{"day"},
		Note:   mergedUsers,
		ours:   func(row []string) []number { return []number{{row[:1], row[1]}} },
		theirs: func(row []string) []number { return []number{{row[1:2], row[2]}} },
	}, len(events) == 1
}

const mergedUsers = "Mixpanel counts users after merging their identities, so it can count fewer."

// undefined is how Mixpanel names the value of events without the property.
const undefined = "undefined"

// Limits of the values of a breakdown.
const (
	fewValues  = 1000
	mostValues = 10_000 // that Mixpanel returns
)

// breakdown compares totals of values that both sides show, since both leave out rare ones.
func breakdown(f form, _ [][]answer.Cell) (Check, bool) {
	property, err := json.Marshal(f.text("property"))
	shown, numErr := strconv.Atoi(f.text("limit"))
	if err != nil || numErr != nil || shown < 1 || shown > mostValues {
		return Check{}, false
	}
	asked := min(mostValues, max(fewValues, 2*shown))
	return Check{
		Ask: question.Question{Name: "segmentation", Values: map[string][]string{
			"event": f.params["event"], "on": {"properties[" + string(property) + "]"}, "unit": {"day"}, "limit": {strconv.Itoa(asked)},
		}},
		Keys:   []string{"period", "value"},
		ours:   func(row []string) []number { return []number{{[]string{row[0], row[1]}, row[2]}} },
		theirs: func(row []string) []number { return []number{{[]string{f.period(row[1]), row[0]}, row[2]}} },
		among: func(ours, theirs numbers) func([]string) bool {
			stored, sent := valuesOf(ours), valuesOf(theirs)
			return func(key []string) bool {
				return (len(stored) < shown || stored[key[1]]) && (len(sent) < asked || sent[key[1]])
			}
		},
	}, true
}

// valuesOf returns the second parts of keys.
func valuesOf(all numbers) map[string]bool {
	values := map[string]bool{}
	for key := range all {
		values[split(key)[1]] = true
	}
	return values
}

// retention compares calendar days: Mixpanel's weeks and months begin with the first event of a user, on the same day.
func retention(f form, _ [][]answer.Cell) (Check, bool) {
	return Check{
		Ask:  question.Question{Name: "retention", Values: f.some("born", "return", "unit", "intervals")},
		Keys: []string{"cohort", "interval"},
		Note: mergedUsers,
		ours: func(row []string) []number {
			return returns(row[0], row[1], row[2], row[3], row[5] == "true") // otherwise not all days are stored yet
		},
		theirs: func(row []string) []number { return returns(row[0], row[1], row[2], row[3], true) },
		among: func(ours, theirs numbers) func([]string) bool {
			return func(key []string) bool {
				_, known := ours[join(key)]
				_, sent := theirs[join(key)]
				return known && sent || key[1] == cohortUsers
			}
		},
	}, f.text("unit") == "day" && f.text("mode") == "calendar"
}

const cohortUsers = "users" // instead of an interval

// returns returns the numbers of an interval of a cohort. Its users are in each row, and counted with the first.
func returns(cohort, users, interval, returned string, complete bool) (found []number) {
	if interval == "0" || interval == undefined {
		found = append(found, number{[]string{cohort, cohortUsers}, users})
	}
	if complete && interval != undefined {
		found = append(found, number{[]string{cohort, interval}, returned})
	}
	return found
}

// some returns parameters that are not empty.
func (f form) some(names ...string) map[string][]string {
	values := map[string][]string{}
	for _, name := range names {
		if text := f.text(name); text != "" {
			values[name] = []string{text}
		}
	}
	return values
}
