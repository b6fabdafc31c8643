package mixpanel

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxRequestLine is the maximum length of a request's first line in bytes, without its line end. Mixpanel's edge
// rejects longer ones.
const maxRequestLine = 8190

// Parts splits r into requests with short enough request lines. It returns r if that is short enough, otherwise
// several requests, each with some of the event names. It removes duplicate names, so the parts have no event in
// common. Errors are [*Error]; nothing is sent.
func (c *Client) Parts(r ExportRequest) ([]ExportRequest, error) {
	r.Events = unique(r.Events)
	return split(c.exportURL, r.params(), r.Events, func(events []string) ExportRequest {
		r.Events = events
		return r
	})
}

// CountsParts is [Client.Parts] for [Client.EventCounts].
func (c *Client) CountsParts(r CountsRequest) ([]CountsRequest, error) {
	r.Events = unique(r.Events)
	return split(c.queryURL+"/events", r.params(), r.Events, func(events []string) CountsRequest {
		r.Events = events
		return r
	})
}

// split returns requests, made by with, each with some of the names and short enough to be accepted. All use target
// and p, except for the parameter event.
func split[R any](target string, p *params, names []string, with func(names []string) R) ([]R, error) {
	if p.err != nil {
		return nil, p.err
	}
	line, err := requestLine(target, p)
	if err != nil {
		return nil, err
	}
	if len(line) <= maxRequestLine {
		return []R{with(names)}, nil
	}
	p.Del("event")
	if line, err = requestLine(target, p); err != nil {
		return nil, err
	}
	room := maxRequestLine - len(line)
	if len(names) > 0 {
		room -= len("&event=" + url.QueryEscape("[]"))
	}
	if room < 0 {
		return nil, tooLong("shorten the where expression", "the where expression is %d bytes too long for a request", -room)
	}
	lists, err := cut(names, room)
	if err != nil {
		return nil, err
	}
	parts := make([]R, len(lists))
	for i, list := range lists {
		parts[i] = with(list)
	}
	return parts, nil
}

// cut splits the names into parts. Each takes at most room bytes in a request line, not counting its brackets.
func cut(names []string, room int) (parts [][]string, err error) {
	comma, first, used := len(url.QueryEscape(",")), 0, 0
	part := func(end int) { parts = append(parts, names[first:end]) }
	for i, name := range names {
		text, err := jsonText(name)
		if err != nil {
			return nil, requestError("the event name %q: %v", name, err)
		}
		n := len(url.QueryEscape(text))
		if n > room {
			return nil, tooLong("shorten the where expression, or leave the name out", "the event name %q is %d bytes too long for a request", name, n-room)
		}
		if i > first && used+comma+n > room {
			part(i)
			first = i
		}
		if i == first {
			used = n
		} else {
			used += comma + n
		}
	}
	part(len(names))
	return parts, nil
}

// requestLine returns the first line of a GET request, without its line end.
func requestLine(target string, p *params) (string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return "", requestError("%v", err)
	}
	u.RawQuery = p.Encode()
	return strings.Join([]string{http.MethodGet, u.RequestURI(), "HTTP/1.1"}, " "), nil
}

func tooLong(hint, format string, args ...any) *Error {
	e := requestError("%s", fmt.Sprintf(format, args...))
	e.hint = hint
	return e
}

// unique returns the names without duplicates, in order of first occurrence.
func unique(names []string) []string {
	seen := make(map[string]bool, len(names))
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		again := seen[name]
		seen[name] = true
		return again
	})
}
