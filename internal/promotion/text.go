package promotion

import (
	"fmt"
	"strings"
	"unicode"
)

// Parse reads properties as a person writes them: names with commas between them, each with a colon and a type behind
// it or, for VARCHAR, without: plan,$city:VARCHAR,amount:DOUBLE. What follows the last colon is the type, in any case; space
// around names and types does not count. A name that has a comma or a colon, begins with a quote, or begins or ends
// with a space stands in double quotes, in which "" is a quote: "a,b":DOUBLE. Anywhere else a quote is itself.
//
// A blank text has no properties. All that is wrong, for [Check] too, comes as one error with code [fault.CodeUsage].
func Parse(text string) ([]Promotion, error) { return parse(text, Varchar) }

// ParseColumns reads what [Parse] reads, for columns that exist: where the type is left out it is "".
func ParseColumns(text string) ([]Promotion, error) { return parse(text, "") }

// parse takes entries without a type for ones of type untyped.
func parse(text string, untyped Type) ([]Promotion, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var all []Promotion
	var wrong []error
	for rest, more := text, true; more; {
		var p Promotion
		var err error
		if p, rest, more, err = next(rest, untyped); err != nil {
			wrong = append(wrong, err)
			continue
		}
		all = append(all, p)
	}
	if err := usage(append(wrong, problems(all, untyped)...)); err != nil {
		return nil, err
	}
	return all, nil
}

// next reads the entry that text begins with; more says that a comma follows, and what is behind it is the rest.
func next(text string, untyped Type) (p Promotion, rest string, more bool, err error) {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	if !strings.HasPrefix(text, `"`) {
		entry, rest, more := strings.Cut(text, ",")
		name, kind := entry, string(untyped)
		if i := strings.LastIndexByte(entry, ':'); i >= 0 {
			name, kind = entry[:i], entry[i+1:]
		}
		return Promotion{strings.TrimSpace(name), typeOf(kind)}, rest, more, nil
	}
	name, behind, err := unquote(text)
	if err != nil {
		return Promotion{}, "", false, err
	}
	after, rest, more := strings.Cut(behind, ",")
	kind, typed := strings.CutPrefix(strings.TrimSpace(after), ":")
	switch {
	case !typed && kind != "":
		return Promotion{}, rest, more, fmt.Errorf("%q: a colon or comma is missing after the quote", name)
	case !typed:
		kind = string(untyped)
	}
	return Promotion{name, typeOf(kind)}, rest, more, nil
}

func typeOf(text string) Type { return Type(strings.ToUpper(strings.TrimSpace(text))) }

// unquote reads the name in quotes that text begins with, and returns what is behind it.
func unquote(text string) (name, behind string, err error) {
	var b strings.Builder
	for rest := text[1:]; ; {
		part, after, ok := strings.Cut(rest, `"`)
		if !ok {
			return "", "", fmt.Errorf("%s: the closing quote is missing", text)
		}
		b.WriteString(part)
		if !strings.HasPrefix(after, `"`) {
			return b.String(), after, nil
		}
		b.WriteByte('"')
		rest = after[1:]
	}
}

// String returns p as [Parse] reads it.
func (p Promotion) String() string {
	name := p.Property
	if strings.ContainsAny(name, ",:") || strings.HasPrefix(name, `"`) || strings.TrimSpace(name) != name {
		name = `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	}
	return name + ":" + string(p.Type)
}
