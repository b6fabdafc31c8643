package mixpanel

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxRequestLine is how many bytes the first line of a request can have, without its line end. Mixpanel's edge refuses longer ones.
const maxRequestLine = 8190

// Parts returns the requests that together ask for what r asks for: r if its request line is short enough, else several, each
// with some of the event names. A name that is given twice is asked for once, so the parts have no event in common. Errors are
// [*Error]; nothing is sent.
func (c *Client) Parts(r ExportRequest) ([]ExportRequest, error) {
	r.Events = unique(r.Events)
	p := r.params()
	if p.err != nil {
		return nil, p.err
	}
	line, err := c.requestLine(p)
	if err != nil {
		return nil, err
	}
	if len(line) <= maxRequestLine {
		return []ExportRequest{r}, nil
	}
	p.Del("event")
	if line, err = c.requestLine(p); err != nil {
		return nil, err
	}
	room := maxRequestLine - len(line)
	if len(r.Events) > 0 {
		room -= len("&event=" + url.QueryEscape("[]"))
	}
	if room < 0 {
		return nil, tooLong("shorten the where expression", "the where expression is %d bytes too long for a request", -room)
	}
	return r.cut(room)
}

// cut returns r in parts. The list of names of each takes at most room bytes in the request line, beside its brackets.
func (r ExportRequest) cut(room int) (parts []ExportRequest, err error) {
	comma, first, used := len(url.QueryEscape(",")), 0, 0
	part := func(end int) {
		next := r
		next.Events = r.Events[first:end]
		parts = append(parts, next)
	}
	for i, name := range r.Events {
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
	part(len(r.Events))
	return parts, nil
}

// requestLine returns the first line of an export request, without its line end.
func (c *Client) requestLine(p *params) (string, error) {
	u, err := url.Parse(c.exportURL)
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

// unique returns the names, each once, in the order in which they come first.
func unique(names []string) []string {
	seen := make(map[string]bool, len(names))
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		again := seen[name]
		seen[name] = true
		return again
	})
}
