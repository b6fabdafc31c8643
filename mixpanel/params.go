package mixpanel

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"mixduck/internal/day"
)

// params collects the parameters of a request, named as in Mixpanel's OpenAPI descriptions.
type params struct {
	url.Values
	project int64
	err     error // the first problem; the request is then not sent
}

func newParams(project int64) *params {
	p := &params{Values: url.Values{"project_id": {strconv.FormatInt(project, 10)}}, project: project}
	if project <= 0 {
		p.refuse("%d is not a project id", project)
	}
	return p
}

func (p *params) refuse(format string, args ...any) {
	if p.err == nil {
		p.err = requestError(format, args...)
	}
}

// required sets a text that must not be empty.
func (p *params) required(key, value string) {
	if value == "" {
		p.refuse("%s is missing", key)
	}
	p.optional(key, value)
}

// optional sets a text; "" omits the parameter.
func (p *params) optional(key, value string) {
	if !utf8.ValidString(value) {
		p.refuse("%s is not valid UTF-8", key)
	}
	if value != "" {
		p.Set(key, value)
	}
}

// oneOf sets one of the texts in known; "" omits the parameter.
func (p *params) oneOf(key, value string, known ...string) {
	if value != "" && !slices.Contains(known, value) {
		p.refuse("%s is %q, not one of %s", key, value, strings.Join(known, ", "))
	}
	p.optional(key, value)
}

// limit sets the maximum number of results; 0 omits the parameter.
func (p *params) limit(n int) {
	if n < 0 {
		p.refuse("the limit %d is negative", n)
	}
	if n > 0 {
		p.Set("limit", strconv.Itoa(n))
	}
}

// days sets the range, which must not be empty.
func (p *params) days(r day.Range) {
	if r.Len() == 0 {
		p.refuse("the range %s is empty", r)
	}
	p.Set("from_date", r.From.String())
	p.Set("to_date", r.To.String())
}

// texts sets a JSON array of texts, without escaping < > &; what names a single text in errors.
func (p *params) texts(key, what string, names []string) {
	for _, n := range names {
		switch {
		case n == "":
			p.refuse("%s is empty", a(what))
		case !utf8.ValidString(n):
			p.refuse("the %s %q is not valid UTF-8", what, n)
		}
	}
	text, err := jsonText(names)
	if err != nil {
		p.refuse("the %ss: %v", what, err)
	}
	p.Set(key, text)
}

// jsonText returns v as JSON, without escaping < > &.
func jsonText(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// a adds the indefinite article to a noun.
func a(noun string) string {
	if strings.ContainsAny(noun[:1], "aeiou") {
		return "an " + noun
	}
	return "a " + noun
}
