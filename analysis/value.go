package analysis

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"mixduck/internal/day"
	"mixduck/internal/fault"
)

// Values returns the values for the parameters of the SQL. Only a parameter of type [Events] can be given several times:
// its value is a JSON array of names. An empty value is the same as none. Days may be given as [day.ParseExpr] reads them;
// of a month, from is the first day and every other parameter the last. today is that of the project. It returns errors
// with [fault.CodeUsage].
func (q Question) Values(given map[string][]string, today day.Day) (map[string]string, error) {
	for name := range given {
		if !slices.ContainsFunc(q.Params, func(p Param) bool { return p.Name == name }) {
			names := make([]string, len(q.Params))
			for i, p := range q.Params {
				names[i] = p.Name
			}
			return nil, fault.Usage("use "+strings.Join(names, ", "), "the question %s has no parameter %q", q.Name, name)
		}
	}
	values := make(map[string]string, len(q.Params))
	for _, p := range q.Params {
		texts := slices.DeleteFunc(slices.Clone(given[p.Name]), func(s string) bool { return s == "" })
		if len(texts) == 0 {
			if p.Required {
				return nil, fault.Usage(p.Usage(), "the question %s needs the parameter %s: %s", q.Name, p.Name, p.About)
			}
			texts = []string{p.Default}
		}
		v, err := p.value(texts, today)
		if err != nil {
			return nil, err
		}
		values[p.Name] = v
	}
	if from, to := values["from"], values["to"]; from != "" && to != "" && from > to { // both are yyyy-mm-dd
		return nil, fault.Usage("--param from="+to+" --param to="+from, "the day to (%s) is before the day from (%s)", to, from)
	}
	return values, nil
}

// interval matches a length that is the same at any time: a month is not.
var interval = regexp.MustCompile(`^([0-9]{1,6}) (second|minute|hour|day|week)s?$`)

// value returns the value for the SQL.
func (p Param) value(texts []string, today day.Day) (string, error) {
	if p.Type == Events {
		if len(texts) == 1 && texts[0] == "" {
			texts = []string{}
		}
		encoded, err := json.Marshal(texts)
		return string(encoded), err
	}
	if len(texts) > 1 {
		return "", fault.Usage("set it once", "the parameter %s is given %d times", p.Name, len(texts))
	}
	text, wrong := texts[0], ""
	switch p.Type {
	case Date:
		days, err := day.ParseExpr(text, today)
		switch {
		case text == "":
		case err != nil:
			wrong = "use a day such as 2026-01-31, yesterday or 30d (ago)"
		case p.Name == "from":
			text = days.From.String()
		default:
			text = days.To.String()
		}
	case Number:
		if n, err := strconv.ParseInt(text, 10, 64); err != nil || n < 0 {
			wrong = "use a whole number"
		}
	case Interval:
		if !interval.MatchString(text) {
			wrong = "use a length such as 90 minutes, 36 hours or 7 days"
		}
	case Text:
		if len(p.Choices) > 0 && !slices.Contains(p.Choices, text) {
			wrong = "use " + strings.Join(p.Choices, ", ")
		}
	}
	if wrong != "" {
		return "", fault.Usage(wrong, "%q is not valid for the parameter %s", text, p.Name)
	}
	return text, nil
}
