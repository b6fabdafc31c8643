package answer

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"strconv"

	"mixduck/internal/jsonscan"
)

// Page reads the response to one request for profiles, and proves that it is complete: a JSON object with the status
// ok and the requested page, and nothing after it. It must not be used concurrently.
type Page struct {
	// Hash asks for the content hash of each profile. Set it before the first call of Next.
	Hash bool

	window

	asked   int64
	info    PageInfo
	status  string
	has     map[string]bool // fields seen so far
	begun   bool
	within  bool // inside the list of results
	comma   bool // after a field or profile, so a comma or the end must follow
	elem    element
	outcome error // io.EOF once the page is proved complete
}

// NewPage returns a reader for the page with this number, from 0. src is its unpacked text; it must end with [io.EOF] only if the
// transfer was complete.
func NewPage(src io.Reader, number int64) *Page {
	return &Page{
		window: window{src: src}, asked: number,
		info: PageInfo{Page: -1, PageSize: -1, Total: -1}, has: make(map[string]bool, 8),
	}
}

// Info returns the information on the page. It is complete after Next has returned [io.EOF].
func (p *Page) Info() PageInfo { return p.info }

// Next reads the next profile into out. After the last one it returns [io.EOF] if the page is complete, otherwise an
// [*Error] or the error of src. Do not use the profiles before that, because the page may turn out to be incomplete.
func (p *Page) Next(out *Profile) error {
	for p.outcome == nil {
		switch {
		case !p.begun:
			p.outcome = p.begin()
		case p.within:
			more, err := p.element(out)
			if more {
				return nil
			}
			p.outcome = err
		default:
			p.outcome = p.field()
		}
	}
	return p.outcome
}

// All yields the profiles. If the page is not complete, the last pair has an error.
func (p *Page) All() iter.Seq2[*Profile, error] {
	return func(yield func(*Profile, error) bool) {
		var out Profile
		for {
			err := p.Next(&out)
			switch {
			case err == io.EOF: //nolint:errorlint // Next returns it as it is
				return
			case err != nil:
				yield(nil, err)
				return
			case !yield(&out, nil):
				return
			}
		}
	}
}

// begin moves to the first field.
func (p *Page) begin() error {
	p.begun, p.elem.hash = true, p.Hash
	if err := p.more(); err != nil {
		return err
	}
	if bytes.HasPrefix(p.rest(), byteOrderMark) {
		p.skip(len(byteOrderMark))
	}
	c, err := p.next()
	if err != nil {
		return err
	}
	switch {
	case c == 0 && p.ended():
		return &Error{page: true, Reason: "the response is empty"}
	case c != '{':
		return p.unfit("the response is not a page of profiles")
	}
	p.skip(1)
	return nil
}

// field reads a field of the page, or its end.
func (p *Page) field() error {
	c, err := p.next()
	if err != nil {
		return err
	}
	switch {
	case c == '}' && (len(p.has) == 0 || p.comma):
		p.skip(1)
		return p.end()
	case c == ',' && p.comma:
		p.skip(1)
		if c, err = p.next(); err != nil {
			return err
		}
	case p.comma:
		return p.broken()
	}
	if c != '"' {
		return p.broken()
	}
	raw, err := p.value()
	if err != nil {
		return err
	}
	name := string(jsonscan.Text(raw))
	if c, err = p.next(); err != nil {
		return err
	}
	if c != ':' {
		return p.broken()
	}
	p.skip(1)
	if p.has[name] {
		return p.unfit(fmt.Sprintf("the response contains %q twice", name))
	}
	p.has[name] = true
	p.comma = true
	return p.valueOf(name)
}

// valueOf reads the value of a field.
func (p *Page) valueOf(name string) error {
	c, err := p.next()
	if err != nil {
		return err
	}
	if name == "results" {
		if c != '[' {
			return p.unfit("results is not a list")
		}
		p.skip(1)
		p.within, p.comma = true, false
		return nil
	}
	raw, err := p.value()
	if err != nil {
		return err
	}
	switch name {
	case "page":
		return number(&p.info.Page, name, raw)
	case "page_size":
		return number(&p.info.PageSize, name, raw)
	case "total":
		return number(&p.info.Total, name, raw)
	case "session_id":
		p.info.SessionID = string(jsonscan.Text(raw))
	case "status":
		p.status = string(jsonscan.Text(raw))
	case "error":
		if len(jsonscan.Text(raw)) > 0 {
			return &Error{page: true, Reason: "the response reports an error", Text: p.head}
		}
	default:
		if p.info.Extra == "" {
			p.info.Extra = name
		}
	}
	return nil
}

// number reads a field that is a number, or null.
func number(to *int64, name string, raw []byte) error {
	if raw[0] == 'n' {
		return nil
	}
	n, err := strconv.ParseInt(string(jsonscan.Text(raw)), 10, 64)
	if err != nil || n < 0 {
		return &Error{page: true, Reason: name + " is not a number"}
	}
	*to = n
	return nil
}

// element reads a profile; more is false at the end of the list.
func (p *Page) element(out *Profile) (more bool, err error) {
	c, err := p.next()
	if err != nil {
		return false, err
	}
	switch {
	case c == ']':
		p.skip(1)
		p.within, p.comma = false, true
		return false, nil
	case c == ',' && p.comma:
		p.skip(1)
		if c, err = p.next(); err != nil {
			return false, err
		}
	case p.comma:
		return false, p.broken()
	}
	if c != '{' {
		return false, p.broken()
	}
	if err := p.profile(out); err != nil {
		return false, err
	}
	p.comma = true
	p.info.Profiles++
	return true, nil
}

// profile reads a profile.
func (p *Page) profile(out *Profile) error {
	for {
		n, err := p.elem.read(p.rest(), out)
		if err == nil {
			out.Offset += p.past
			p.skip(n)
			return nil
		}
		if n, _ := jsonValue(p.rest()); n > 0 { // the element is complete
			if p.elem.cut(err) {
				return p.broken()
			}
			out.Text, out.Properties, out.Reason = p.rest()[:n], nil, err
			p.skip(n)
			return nil
		}
		if err := p.grow("a profile"); err != nil {
			return err
		}
	}
}

// value reads a short value, and returns its text.
func (p *Page) value() ([]byte, error) {
	for {
		s := jsonscan.Scanner{B: p.rest()}
		s.Value(1)
		if s.Err == nil && (s.I < len(s.B) || p.ended()) { // otherwise a number could continue
			p.skip(s.I)
			return s.B[:s.I], nil
		}
		if n, _ := jsonValue(s.B); s.Err != nil && n > 0 && (n < len(s.B) || p.ended()) {
			return nil, p.broken()
		}
		if err := p.grow("a field"); err != nil {
			return nil, err
		}
	}
}

// end proves that the page is complete, after its last brace.
func (p *Page) end() error {
	c, err := p.next()
	switch {
	case err != nil:
		return err
	case c != 0 || !p.ended():
		return p.unfit("the response continues after the page")
	}
	lacks := func(reason string) error { return &Error{page: true, Reason: reason, Text: p.head} }
	i := p.info
	switch {
	case !p.has["results"]:
		return lacks("the response has no results")
	case p.status != "ok":
		return lacks("the status of the response is not ok")
	case i.Page != p.asked:
		return lacks(fmt.Sprintf("the response is not page %d", p.asked))
	case i.PageSize >= 0 && i.Profiles > i.PageSize:
		return lacks("the response has more profiles than a page can have")
	case p.asked == 0 && i.Total < 0:
		return lacks("page 0 has no total")
	case p.asked == 0 && i.Total > i.Profiles && (i.SessionID == "" || i.PageSize <= 0):
		return lacks("page 0 has no session id or no page size")
	}
	return io.EOF
}

// unfit is the error of a page that continues with something unexpected.
func (p *Page) unfit(reason string) error {
	return &Error{page: true, Reason: reason, Text: clip(p.rest())}
}

// broken is the error of a page with broken or truncated JSON.
func (p *Page) broken() error {
	if len(p.rest()) == 0 && p.ended() {
		return p.unfit("the response ends early")
	}
	return p.unfit("the response contains invalid JSON")
}

// grow reads more of the text, or returns an error that the text ends within what.
func (p *Page) grow(what string) error {
	if p.ended() {
		return p.unfit("the response ends within " + what)
	}
	if len(p.rest()) >= maxLine {
		return &Error{page: true, Reason: what + " is longer than 64 MiB"}
	}
	return p.more()
}
