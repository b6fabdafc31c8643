package promotion

import (
	"fmt"
	"strings"
	"unicode"
)

// Parse parses properties from user input: names separated by commas, each followed by a colon and a type, or nothing
// for VARCHAR: plan,$city:VARCHAR,amount:DOUBLE. The type follows the last colon, in any case; white space around
// names and types is ignored. A name that contains a comma or a colon, starts with a quote, or starts or ends with a
// space must be in double quotes, in which "" is a quote: "a,b":DOUBLE. Elsewhere quotes are literal.
//
// A blank text has no properties. All problems, including those of [Check], are returned as one error with code
// [fault.CodeUsage].
func Parse(text string) ([]Promotion, error) { return parse(text, Varchar) }

// ParseColumns parses the same form as [Parse], for existing columns. A missing type is "".
func ParseColumns(text string) ([]Promotion, error) { return parse(text, "") }

// parse gives entries without a type the type untyped.
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

// next parses the entry at the start of text; more means that a comma follows, and rest is the text after it.
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

// unquote parses the quoted name at the start of text, and returns the text after it.
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

// String returns p in the form of [Parse].
func (p Promotion) String() string {
	name := p.Property
	if strings.ContainsAny(name, ",:") || strings.HasPrefix(name, `"`) || strings.TrimSpace(name) != name {
		name = `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	}
	return name + ":" + string(p.Type)
}
