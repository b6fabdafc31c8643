package page

import (
	"net/http"
	"strings"

	"mixduck/internal/fault"
)

// badFields says what is wrong with the fields of a form, by field. Under "" is what is wrong with the whole form.
type badFields map[string]failure

// add records an error of a field, unless err is nil.
func (f badFields) add(field string, err error) {
	if err != nil {
		f[field] = failure{Status: http.StatusBadRequest, Error: err.Error(), Hint: fault.HintOf(err)}
	}
}

// Of returns what is wrong with a field; nil if nothing is.
func (f badFields) Of(field string) *failure {
	if bad, ok := f[field]; ok {
		return &bad
	}
	return nil
}

// err returns the errors of all fields in order as one, for programs; nil for none.
func (f badFields) err(order ...string) error {
	var texts []string
	hint := ""
	for _, field := range append(order, "") {
		bad, ok := f[field]
		if !ok {
			continue
		}
		text := bad.Error
		if field != "" {
			text = field + ": " + text
		}
		texts = append(texts, text)
		if hint == "" {
			hint = bad.Hint
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return fault.Usage(hint, "%s", strings.Join(texts, "; "))
}

// formField is a field of a form with what is wrong with it.
type formField struct {
	Name, Label, Value, Example string
	Bad                         *failure
}

func newBadField(bad badFields, name string) formField {
	return formField{Name: name, Bad: bad.Of(name)}
}

func newInput(a *addSchedulePage, name, label, example string) formField {
	return formField{Name: name, Label: label, Value: a.Values[name], Example: example, Bad: a.Bad.Of(name)}
}
