package answer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"mixduck/internal/answer"
	"mixduck/internal/fault"
	"mixduck/internal/jsonscan"
	"mixduck/mixpanel/mixpaneltest"
)

const onePage = `{"page":0,"page_size":2,"results":[{"$distinct_id":"a","$properties":{"x":9007199254740993,"b":1,"a":"\u00fc","$last_seen":"2026-10-01T10:00:00"}},` +
	`{"$distinct_id":4,"$properties":{ "deep" : [1, {"y":null}] }}],"session_id":"s-1","status":"ok","total":5}`

// got is the result of reading a page.
type got struct {
	Profiles []string
	Info     answer.PageInfo
}

func readPage(src io.Reader, number int64) (got, error) {
	var g got
	p := answer.NewPage(src, number)
	for profile, err := range p.All() {
		if err != nil {
			return g, err
		}
		g.Profiles = append(g.Profiles, fmt.Sprintf("%s %s %s %v", profile.DistinctID, profile.Properties, profile.LastSeen, profile.Reason))
	}
	g.Info = p.Info()
	return g, nil
}

func TestPage(t *testing.T) {
	t.Parallel()
	first := answer.PageInfo{Page: 0, PageSize: 2, Total: 5, SessionID: "s-1", Profiles: 2}
	all := []string{
		`a {"x":9007199254740993,"b":1,"a":"\u00fc","$last_seen":"2026-10-01T10:00:00"} 2026-10-01T10:00:00 <nil>`,
		`4 { "deep" : [1, {"y":null}] }  <nil>`,
	}
	of := func(elements string) string {
		return `{"page":0,"page_size":9,"results":[` + elements + `],"session_id":null,"status":"ok","total":1}`
	}
	whole := func(n int64) answer.PageInfo { return answer.PageInfo{PageSize: 9, Total: 1, Profiles: n} }
	tests := []struct {
		name, text string
		number     int64
		want       got
	}{
		{"a page", onePage, 0, got{all, first}},
		{"white space and a byte order mark", "\ufeff \n" + strings.NewReplacer(",", " ,\n", ":[", ": [ ").Replace(`{"page":0,"results":[],"status":"ok","total":0}`) + "\r\n", 0, got{nil, answer.PageInfo{PageSize: -1}}},
		{
			"fields in another order, and more of them", `{"results":[{"$distinct_id":"a"}],"computed_at":{"x":[1]},"error":"","status":"ok","total":null,"page":3}`, 3,
			got{[]string{"a   <nil>"}, answer.PageInfo{Page: 3, PageSize: -1, Total: -1, Profiles: 1, Extra: "computed_at"}},
		},
		{"no profiles", `{"page":0,"page_size":9,"results":[],"session_id":null,"status":"ok","total":0}`, 0, got{nil, answer.PageInfo{PageSize: 9}}},
		{"a member without a profile", of(`{"$distinct_id":"a","$properties":null}`), 0, got{[]string{"a   <nil>"}, whole(1)}},
		{"a large number as an id", of(`{"$distinct_id":9007199254740993,"$properties":{}}`), 0, got{[]string{"9007199254740993 {}  <nil>"}, whole(1)}},
		{"an escaped id", of(`{"$distinct_id":"\u0061\"","$properties":{}}`), 0, got{[]string{`a" {}  <nil>`}, whole(1)}},
		{"a field twice: the first counts", of(`{"$distinct_id":"a","$distinct_id":"b","$properties":{"$last_seen":"1","$last_seen":"2"},"$properties":{"z":1}}`), 0, got{[]string{`a {"$last_seen":"1","$last_seen":"2"} 1 <nil>`}, whole(1)}},
		{"no id", of(`{"$properties":{}}`), 0, got{[]string{" {}  no distinct id"}, whole(1)}},
		{"an empty id", of(`{"$distinct_id":"","$properties":{}}`), 0, got{[]string{" {}  no distinct id"}, whole(1)}},
		{"an id that is none", of(`{"$distinct_id":["a"],"$properties":{}}`), 0, got{[]string{" {}  no distinct id"}, whole(1)}},
		{"properties that are none", of(`{"$distinct_id":"a","$properties":[1]}`), 0, got{[]string{"a   no properties object"}, whole(1)}},
		{"half of a surrogate pair", of(`{"$distinct_id":"a","$properties":{"x":"\ud800"}},{"$distinct_id":"b"}`), 0, got{[]string{"a   lone surrogate in a string", "b   <nil>"}, whole(2)}},
		{"no UTF-8", of("{\"$distinct_id\":\"a\",\"$properties\":{\"x\":\"\xff\"}}"), 0, got{[]string{"a   not valid UTF-8"}, whole(1)}},
		{"nested too deeply", of(`{"$distinct_id":"a","$properties":{"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}}`), 0, got{[]string{"a   nested deeper than 100 levels"}, whole(1)}},
		{"no number", of(`{"$distinct_id":"a","$properties":{"x":NaN}}`), 0, got{[]string{"a   not valid JSON"}, whole(1)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for name, src := range map[string]io.Reader{"at once": strings.NewReader(tt.text), "byte by byte": iotest.OneByteReader(strings.NewReader(tt.text))} {
				g, err := readPage(src, tt.number)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				} else if diff := cmp.Diff(tt.want, g); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

func TestPageIsNotWhole(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		number     int64
		reason     string
	}{
		{"nothing", "", 0, "the response is empty"},
		{"white space", " \n", 0, "the response is empty"},
		{"text", "terminated early\n", 0, "not a page"},
		{"a web page", "<html></html>", 0, "not a page"},
		{"a list", "[]", 0, "not a page"},
		{"an error", `{"error":"Timeout Error.","status":"error"}`, 0, "reports an error"},
		{"an error, and no results", `{"request":"/engage","error":null,"status":"error"}`, 0, "no results"},
		{"an empty object", `{}`, 0, "no results"},
		{"another status", strings.Replace(onePage, `"ok"`, `"error"`, 1), 0, "status of the response"},
		{"no status", strings.Replace(onePage, `,"status":"ok"`, ``, 1), 0, "status of the response"},
		{"another page", onePage, 1, "not page 1"},
		{"no page", strings.Replace(onePage, `"page":0,`, ``, 1), 0, "not page 0"},
		{"no total", strings.Replace(onePage, `,"total":5`, ``, 1), 0, "no total"},
		{"no session for the other pages", strings.Replace(onePage, `"session_id":"s-1",`, ``, 1), 0, "no session id"},
		{"more than a page", strings.Replace(onePage, `"page_size":2`, `"page_size":1`, 1), 0, "more profiles"},
		{"a total that is no number", strings.Replace(onePage, `"total":5`, `"total":[5]`, 1), 0, "total is not a number"},
		{"a field twice", strings.Replace(onePage, `"total":5`, `"total":5,"results":[]`, 1), 0, `"results" twice`},
		{"results that are no list", strings.Replace(onePage, `"results":[`, `"results":{},"x":[`, 1), 0, "not a list"},
		{"a second page", onePage + onePage, 0, "continues after"},
		{"text behind", onePage + "terminated early", 0, "continues after"},
		{"text between", strings.Replace(onePage, `}},{`, `}},terminated early{`, 1), 0, "invalid JSON"},
		{"a web page between", strings.Replace(onePage, `}},{`, `}},<html>{`, 1), 0, "invalid JSON"},
		{"no comma", strings.Replace(onePage, `}},{`, `}}{`, 1), 0, "invalid JSON"},
		{"two commas", strings.Replace(onePage, `}},{`, `}},,{`, 1), 0, "invalid JSON"},
		{"a comma before the end", strings.Replace(onePage, `}}],`, `}},],`, 1), 0, "invalid JSON"},
		{"a profile that is none", strings.Replace(onePage, `}},{`, `}},4,{`, 1), 0, "invalid JSON"},
		{"a line end in a text", strings.Replace(onePage, "\\u00fc", "\n", 1), 0, "invalid JSON"},
		{"two profiles that became one", strings.Replace(onePage, `}},{`, `},{`, 1), 0, "ends within a profile"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, src := range []io.Reader{strings.NewReader(tt.text), iotest.OneByteReader(strings.NewReader(tt.text))} {
				_, err := readPage(src, tt.number)
				if hint := fault.HintOf(err); strings.Contains(hint, "days") || hint == "" {
					t.Errorf("hint = %q, want one that fits profiles", hint)
				}
				if !errors.Is(err, answer.ErrNotWhole) || !strings.Contains(err.Error(), tt.reason) {
					t.Errorf("error = %v, want something about %q", err, tt.reason)
				}
			}
		})
	}
}

// Every truncated page is rejected, wherever it was cut.
func TestPageCutAnywhere(t *testing.T) {
	t.Parallel()
	for n := range len(onePage) {
		if g, err := readPage(strings.NewReader(onePage[:n]), 0); !errors.Is(err, answer.ErrNotWhole) {
			t.Errorf("the first %d bytes are taken for a page: %v, %v", n, g, err)
		}
	}
}

func TestPageKeepsTheErrorOfItsText(t *testing.T) {
	t.Parallel()
	for n := range len(onePage) + 1 {
		if _, err := readPage(io.MultiReader(strings.NewReader(onePage[:n]), iotest.ErrReader(io.ErrUnexpectedEOF)), 0); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("after %d bytes: %v, want the error of the text", n, err)
		}
	}
}

func TestPagesOfAQuery(t *testing.T) {
	t.Parallel()
	tests := []struct {
		size, total, pages int64
		want               []int64 // on each page, and on one more
	}{
		{1000, 0, 1, []int64{0, 0}},
		{1000, 1, 1, []int64{1, 0}},
		{1000, 1000, 1, []int64{1000, 0}},
		{1000, 1001, 2, []int64{1000, 1, 0}},
		{2, 5, 3, []int64{2, 2, 1, 0}},
		{-1, 5, 1, []int64{5}},
	}
	for _, tt := range tests {
		i := answer.PageInfo{PageSize: tt.size, Total: tt.total}
		if got := i.Pages(); got != tt.pages {
			t.Errorf("%d of %d: %d pages, want %d", tt.total, tt.size, got, tt.pages)
		}
		for page, want := range tt.want {
			if got := i.Want(int64(page)); got != want {
				t.Errorf("%d of %d: %d on page %d, want %d", tt.total, tt.size, got, page, want)
			}
		}
	}
}

// FuzzPage compares the reader with encoding/json: it rejects all text that is not JSON, and loses no profile.
func FuzzPage(f *testing.F) {
	f.Add([]byte(onePage))
	f.Add([]byte(`{"results":[{"$distinct_id":"a"},{}],"page":0,"status":"ok","total":2,"x":1e9}`))
	f.Add([]byte(`{"results":[{"$distinct_id":"a","$properties":{"x":"\ud800"}}],"page":0,"status":"ok","total":1} `))
	f.Fuzz(func(t *testing.T, text []byte) {
		p := answer.NewPage(bytes.NewReader(text), 0)
		p.Hash = true
		var elements []string
		bad := false
		for profile, err := range p.All() {
			if err != nil {
				return
			}
			elements = append(elements, string(profile.Text))
			bad = bad || profile.Reason != nil
			if at := profile.Offset; profile.Properties != nil && !bytes.HasPrefix(text[at:], profile.Properties) {
				t.Fatalf("%q is not at %d in %q", profile.Properties, at, text)
			}
			if want := jsonscan.ContentHash(profile.Properties); profile.Properties != nil && profile.ContentHash != want {
				t.Fatalf("the content hash of %q is %d, want %d", profile.Properties, profile.ContentHash, want)
			}
		}
		var oracle struct {
			Results []json.RawMessage `json:"results"`
		}
		if err := json.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), &oracle); err != nil {
			if !bad {
				t.Fatalf("%q is taken for a page: %v", text, err)
			}
			return
		}
		if len(oracle.Results) != len(elements) {
			t.Fatalf("%d profiles of %d in %q", len(elements), len(oracle.Results), text)
		}
		for i, want := range oracle.Results {
			if string(want) != elements[i] {
				t.Fatalf("profile %d is %q, want %q", i, elements[i], want)
			}
		}
	})
}

// packedPage returns a page of 1000 generated profiles with 25 properties as gzip, and its uncompressed length.
func packedPage(tb testing.TB) (packed []byte, length int) {
	tb.Helper()
	const count = 1000
	text := []byte(`{"page":0,"page_size":1000,"results":[`)
	for id, properties := range (mixpaneltest.People{Seed: 1, Count: count}).Range(0, count) {
		text = fmt.Appendf(text, `{"$distinct_id":%q,"$properties":%s},`, id, properties)
	}
	text = append(text[:len(text)-1], `],"session_id":"s","status":"ok","total":1000}`...)
	var out bytes.Buffer
	zw := gzip.NewWriter(&out)
	if _, err := zw.Write(text); err != nil {
		tb.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes(), len(text)
}

// BenchmarkPage unpacks and reads pages.
func BenchmarkPage(b *testing.B) {
	packed, length := packedPage(b)
	b.SetBytes(int64(length))
	b.ReportAllocs()
	profiles := 0
	var zr gzip.Reader
	for b.Loop() {
		if err := zr.Reset(bytes.NewReader(packed)); err != nil {
			b.Fatal(err)
		}
		p, out := answer.NewPage(&zr, 0), answer.Profile{}
		for p.Next(&out) == nil {
			profiles++
		}
	}
	if profiles != 1000*b.N {
		b.Errorf("%d profiles of %d pages", profiles, b.N)
	}
	b.ReportMetric(float64(profiles)/b.Elapsed().Seconds(), "profiles/s")
}
