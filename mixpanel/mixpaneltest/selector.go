package mixpaneltest

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
)

var (
	comparedPattern  = regexp.MustCompile(`^properties\[("(?:[^"\\]|\\.)*")\] (==|>=) ("(?:[^"\\]|\\.)*")$`)
	definedPattern   = regexp.MustCompile(`^defined\(properties\[("(?:[^"\\]|\\.)*")\]\)$`)
	behaviorsPattern = regexp.MustCompile(`^behaviors\[("(?:[^"\\]|\\.)*")\] > ([0-9]{1,9})$`)
)

// condition is a condition on a profile: on a property, or on how often the user had a behavior.
type condition struct {
	property string
	operator string // ==, >= or defined; > for a behavior
	value    string
	behavior string
	count    int
}

// selector is the parameter where of a request for profiles: conditions that must all be met.
//
// It supports these of Mixpanel's expressions: properties["K"] == "V" and >=, which compare texts,
// defined(properties["K"]), behaviors["B"] > N, and these in parentheses, joined by and.
type selector []condition

func parseSelector(text string) (selector, *refusal) {
	if text == "" {
		return nil, nil
	}
	unknown := wrapped(http.StatusBadRequest, "this stand-in does not know the expression %s", text)
	var all selector
	for text != "" {
		part, rest := text, ""
		if text[0] == '(' {
			end := closingParenthesis(text)
			if end < 0 {
				return nil, unknown
			}
			part, rest = text[1:end], text[end+1:]
		}
		if rest != "" {
			var ok bool
			if rest, ok = cutPrefix(rest, " and "); !ok || rest == "" {
				return nil, unknown
			}
		}
		c, ok := parseCondition(part)
		switch {
		case ok:
			all = append(all, c)
		case text[0] == '(':
			within, no := parseSelector(part)
			if no != nil {
				return nil, unknown
			}
			all = append(all, within...)
		default:
			return nil, unknown
		}
		text = rest
	}
	return all, nil
}

func cutPrefix(text, prefix string) (string, bool) {
	if len(text) < len(prefix) || text[:len(prefix)] != prefix {
		return text, false
	}
	return text[len(prefix):], true
}

// closingParenthesis returns the position of the parenthesis that closes the one at the start of text, or -1.
func closingParenthesis(text string) int {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func parseCondition(text string) (c condition, ok bool) {
	unquote := func(quoted string, to *string) { ok = ok && json.Unmarshal([]byte(quoted), to) == nil }
	ok = true
	if m := comparedPattern.FindStringSubmatch(text); m != nil {
		unquote(m[1], &c.property)
		unquote(m[3], &c.value)
		c.operator = m[2]
		return c, ok
	}
	if m := definedPattern.FindStringSubmatch(text); m != nil {
		unquote(m[1], &c.property)
		c.operator = "defined"
		return c, ok
	}
	if m := behaviorsPattern.FindStringSubmatch(text); m != nil {
		unquote(m[1], &c.behavior)
		c.count, _ = strconv.Atoi(m[2]) // nine digits at most
		c.operator = ">"
		return c, ok
	}
	return c, false
}

// takes reports whether p meets all conditions. counts is the number of each behavior by user.
func (s selector) takes(p Profile, counts map[string]map[string]int) bool {
	if len(s) == 0 {
		return true
	}
	var properties map[string]json.RawMessage
	if json.Unmarshal([]byte(p.Properties), &properties) != nil {
		return false
	}
	for _, c := range s {
		if c.behavior != "" {
			if counts[c.behavior][p.DistinctID] <= c.count {
				return false
			}
			continue
		}
		value, has := properties[c.property]
		var said string
		isText := isString(value) && json.Unmarshal(value, &said) == nil
		switch c.operator {
		case "defined":
			if !has {
				return false
			}
		case "==":
			if !isText || said != c.value {
				return false
			}
		case ">=":
			if !isText || said < c.value {
				return false
			}
		}
	}
	return true
}
