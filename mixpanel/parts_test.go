package mixpanel

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/secret"
	"mixduck/mixpanel/mixpaneltest"
)

// partsClient returns a client with a path in its base URL, and a request for two days.
func partsClient(tb testing.TB, url string) (*Client, ExportRequest) {
	tb.Helper()
	c, err := New(Config{BaseURL: url + "/behind/a proxy", Username: "sa", Secret: secret.New("s3cret")})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.CloseIdleConnections)
	return c, ExportRequest{Project: 12345, Days: day.Range{From: day.New(2026, 11, 1), To: day.New(2026, 11, 2)}}
}

// lineOf returns the length of the request line of r.
func (c *Client) lineOf(tb interface{ Fatal(...any) }, r ExportRequest) int {
	p := r.params()
	line, err := requestLine(c.exportURL, p)
	if err != nil || p.err != nil {
		tb.Fatal(err, p.err)
	}
	return len(line)
}

// The measured line is the line that is sent.
func TestRequestLineIsTheOneSent(t *testing.T) {
	t.Parallel()
	var sent string
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		sent = r.Method + " " + r.RequestURI + " " + r.Proto
	}))
	t.Cleanup(srv.Close)
	c, r := partsClient(t, srv.URL)
	r.Events, r.Where = []string{"täglich “x”", "a b+c%&=<>\u2028", "日本"}, `properties["ä"] == "1 & 2"`
	want, err := requestLine(c.exportURL, r.params())
	if err != nil {
		t.Fatal(err)
	}
	body, err := c.Export(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	_ = body.Close()
	if sent != want {
		t.Errorf("sent %q, want %q", sent, want)
	}
}

func TestPartsAtTheLimit(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"x", "ü", `"`, "日", " "} {
		c, r := partsClient(t, "http://127.0.0.1:1")
		r.Events = []string{"first"}
		for c.lineOf(t, r) <= maxRequestLine-400 {
			r.Events = append(r.Events, name+strings.Repeat(name, len(r.Events)%7)+strings.Repeat("i", len(r.Events)))
		}
		last := len(r.Events)
		r.Events = append(r.Events, "")
		r.Events[last] = strings.Repeat("x", maxRequestLine-c.lineOf(t, withName(r, "x"))+1)
		if n := c.lineOf(t, r); n != maxRequestLine {
			t.Fatalf("%q: the line has %d bytes, want %d", name, n, maxRequestLine)
		}
		if parts, err := c.Parts(r); err != nil || len(parts) != 1 || !slices.Equal(parts[0].Events, r.Events) {
			t.Errorf("%q: at the limit there are %d parts, %v; want the request itself", name, len(parts), err)
		}
		parts, err := c.Parts(withName(r, r.Events[last]+"x"))
		if err != nil || len(parts) != 2 || len(parts[0].Events) != last || len(parts[1].Events) != 1 {
			t.Errorf("%q: a byte over the limit there are %d parts, %v; want two", name, len(parts), err)
		}
	}
}

// withName returns r with another last name.
func withName(r ExportRequest, name string) ExportRequest {
	r.Events = append(slices.Clone(r.Events[:len(r.Events)-1]), name)
	return r
}

// For any names: each is in one part, in order, no line is too long, and no part has room for a name of the next one.
func TestPartsHoldEachNameOnce(t *testing.T) {
	t.Parallel()
	c, r := partsClient(t, "http://127.0.0.1:1")
	names := rapid.SliceOfN(rapid.OneOf(
		rapid.StringN(1, 20, -1), rapid.StringN(1, 400, -1), rapid.SampledFrom([]string{"Signup", "Sign up", strings.Repeat("ü", 1000)}),
	), 1, 120)
	rapid.Check(t, func(t *rapid.T) {
		r := r
		r.Events = names.Draw(t, "names")
		r.Where = rapid.SampledFrom([]string{"", strings.Repeat("w", 1500)}).Draw(t, "where")
		parts, err := c.Parts(r)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, p := range parts {
			got = append(got, p.Events...)
			if n := c.lineOf(t, p); n > maxRequestLine || len(p.Events) == 0 || p.Where != r.Where || p.Days != r.Days || p.Project != r.Project {
				t.Fatalf("part %d has %d names and a line of %d bytes", i, len(p.Events), n)
			}
			if i > 0 {
				more := parts[i-1]
				more.Events = append(slices.Clone(more.Events), p.Events[0])
				if n := c.lineOf(t, more); n <= maxRequestLine {
					t.Fatalf("part %d has room for a name of the next", i-1)
				}
			}
		}
		if want := unique(r.Events); !slices.Equal(got, want) {
			t.Fatalf("names = %q, want %q", got, want)
		}
	})
}

func TestPartsThatCannotBe(t *testing.T) {
	t.Parallel()
	c, r := partsClient(t, "http://127.0.0.1:1")
	long := strings.Repeat("x", maxRequestLine)
	for want, r := range map[string]ExportRequest{
		"the where expression is":         {Project: r.Project, Days: r.Days, Where: long},
		"the where expression":            {Project: r.Project, Days: r.Days, Where: long, Events: []string{"a"}},
		`the event name "xxxx`:            {Project: r.Project, Days: r.Days, Events: []string{"a", long}},
		`the event name "a`:               {Project: r.Project, Days: r.Days, Events: []string{"a" + long}},
		"an event name is empty":          {Project: r.Project, Days: r.Days, Events: []string{"a", long, ""}},
		"is not valid UTF-8":              {Project: r.Project, Days: r.Days, Events: []string{"a\xff"}},
		"0 is not a project id":           {Days: r.Days, Events: []string{"a"}},
		"the range 2026-11-02..2026-11-0": {Project: 1, Days: day.Range{From: r.Days.To, To: r.Days.From}},
	} {
		parts, err := c.Parts(r)
		if err == nil || !strings.Contains(err.Error(), want) || fault.CodeOf(err) != fault.CodeUsage || parts != nil {
			t.Errorf("Parts = %d, %.200v; want a usage error with %q", len(parts), err, want)
		}
	}
}

// A month of 200 event names takes few requests, none of which the edge rejects, and each name is in one of them.
func TestCountsOfManyNamesAreSplit(t *testing.T) {
	t.Parallel()
	fake := mixpaneltest.Start(t, mixpaneltest.Config{
		Projects: []mixpaneltest.Project{{ID: 12345, Region: "us", Username: "sa", Secret: "s3cret", Data: mixpaneltest.Generator{Seed: 1, EventsPerDay: 30}}},
		Now:      func() time.Time { return time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC) },
	})
	c, err := New(Config{BaseURL: fake.URL, Username: "sa", Secret: secret.New("s3cret")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	names := []string{"Page Viewed", "Search", "Page Viewed"}
	for i := range 200 {
		names = append(names, fmt.Sprintf("Übersicht geöffnet, Nummer %d", i))
	}
	r := CountsRequest{Project: 12345, Events: names, Days: day.Range{From: day.New(2026, 11, 1), To: day.New(2026, 11, 30)}}
	if _, err := c.EventCounts(t.Context(), r); err == nil {
		t.Error("all names at once are taken")
	}
	parts, err := c.CountsParts(r)
	if err != nil || len(parts) < 2 || len(parts) > 5 {
		t.Fatalf("%d parts, %v", len(parts), err)
	}
	var asked []string
	for _, part := range parts {
		got, err := c.EventCounts(t.Context(), part)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range part.Events {
			if asked = append(asked, name); name == "Page Viewed" && len(got.Values[name]) != 30 {
				t.Errorf("%d days of %s", len(got.Values[name]), name)
			}
		}
	}
	if want := unique(names); !slices.Equal(asked, want) {
		t.Errorf("%d names are asked for, want %d", len(asked), len(want))
	}
	if _, err := c.CountsParts(CountsRequest{Project: 12345}); err == nil {
		t.Error("no names are split")
	}
}
