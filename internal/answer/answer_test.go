package answer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mixduck/internal/eventline"
)

// event returns a line of an event, without its end.
func event(n int) string {
	return fmt.Sprintf(`{"event":"e%d","properties":{"time":%d,"$insert_id":"i%d","note":"a {\"x\":1} \\ b","list":[1,{"y":null}]}}`, n, 1_793_491_200+n, n)
}

// bad is an event that cannot be stored.
const bad = `{"event":"x","properties":{}}`

// read returns the lines of a response: events unchanged, others preceded by their reason.
func read(tb testing.TB, text string, block int) (lines []string, err error) {
	tb.Helper()
	n, err := newBlocks(block, strings.NewReader(text)).each(tb.Context(), func(l Line, e *eventline.Event) error {
		switch {
		case l.Reason != nil:
			lines = append(lines, "("+l.Reason.Error()+") "+string(l.Text))
		case l.Joined:
			lines = append(lines, "(joined) "+string(l.Text))
		default:
			lines = append(lines, string(l.Text))
		}
		if l.Reason == nil && !strings.Contains(string(l.Text), string(e.Properties)) {
			return fmt.Errorf("the event of %q is %q", l.Text, e.Properties)
		}
		return nil
	})
	if n != int64(len(lines)) {
		tb.Fatalf("Each = %d, want %d", n, len(lines))
	}
	return lines, err
}

func TestRules(t *testing.T) {
	t.Parallel()
	a, b, c := event(1), event(2), event(3)
	const fails = "!"
	tests := []struct {
		name, text string
		want       []string // only fails, or the lines
	}{
		{"whole", a + "\n" + b + "\n", []string{a, b}},
		{"without a last newline", a + "\n" + b, []string{a, b}},
		{"blank lines around", "\n \n" + a + "\n\t\r\n" + b + " \t\n   \n\v", []string{a, b}},
		{"carriage returns", a + "\r\n" + b + "\r\n", []string{a, b}},
		{"carriage returns, the last newline missing", a + "\r\n" + b + "\r", []string{a, b}},
		{"white space around events", " \t" + a + " \r\n" + b + "\t \n" + c + " ", []string{a, b, c}},
		{"nothing", "", nil},
		{"blank", "\n \r\n\t", nil},
		{"a byte order mark", "\ufeff" + a + "\n" + b, []string{a, b}},
		{"a byte order mark in the middle", a + "\n\ufeff" + b + "\r\n", []string{a, b}},
		{"a byte order mark and a bad line", "\ufeff" + bad, []string{"(no time) " + bad}},
		{"an event in other order", `{"properties":{"time":1},"event":"a"}`, []string{`{"properties":{"time":1},"event":"a"}`}},
		{"several events on a line", a + b + " " + c + "\n", []string{a, b, c}},

		{"half an event at the end", a + "\n" + b[:40], []string{fails}},
		{"half an event and a newline", a + "\n" + b[:40] + "\n", []string{fails}},
		{"an event but its last byte", a + "\n" + b[:len(b)-1], []string{fails}},
		{"half an event at the end of a line", a + b[:40] + "\n", []string{fails}},
		{"half an event and a text", a + "\n" + b[:40] + "terminated early\n", []string{fails}},
		{"text at the end", a + "\nthat is all\n", []string{fails}},
		{"text at the end of the last line", a + "that is all", []string{fails}},
		{"a page at the end", a + "\n<html>\r\n<body>\r\n</html>\r\n", []string{fails}},
		{"JSON at the end", a + "\n{}\n", []string{fails}},
		{"a number at the end", a + "\n7\n", []string{fails}},
		{"NUL bytes at the end", a + "\n\x00\x00\x00", []string{fails}},
		{"a NUL byte behind the last newline", a + "\n\x00", []string{fails}},
		{"an object without properties at the end", a + "\n" + `{"event":"x"}`, []string{fails}},
		{"an object in other case at the end", a + "\n" + `{"Event":"x","Properties":{}}`, []string{fails}},
		{"pretty JSON at the end", a + "\n{\n  \"error\": \"x\"\n}\n", []string{fails}},
		{"a list", "[" + a + ",\n" + b + "]\n", []string{fails}},
		{"text alone", "that is all\n", []string{fails}},
		{"gzip", "\x1f\x8b\x08\x00\n", []string{fails}},

		{"no time", bad, []string{"(no time) " + bad}},
		{"half of a surrogate pair", `{"event":"x","properties":{"time":1,"x":"\ud800"}}`, []string{`(lone surrogate in a string) {"event":"x","properties":{"time":1,"x":"\ud800"}}`}},
		{"not UTF-8", "{\"event\":\"\xff\",\"properties\":{\"time\":1}}\n", []string{"(not valid UTF-8) {\"event\":\"\xff\",\"properties\":{\"time\":1}}"}},
		{"a control character", "{\"event\":\"\x00\t\",\"properties\":{\"time\":1}}\n", []string{"(not valid JSON) {\"event\":\"\x00\t\",\"properties\":{\"time\":1}}"}},
		{"a number that is none", `{"event":"x","properties":{"time":NaN}}`, []string{`(not valid JSON) {"event":"x","properties":{"time":NaN}}`}},
		{"an unknown escape", `{"event":"x","properties":{"time":1,"x":"\x41"}}`, []string{`(not valid JSON) {"event":"x","properties":{"time":1,"x":"\x41"}}`}},
		{"deep", `{"event":"x","properties":{"x":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}}`, []string{"(nested deeper than 100 levels) " + `{"event":"x","properties":{"x":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}}`}},
		{"an event without a name", `{"event":null,"properties":{"time":1}}`, []string{`(no event name) {"event":null,"properties":{"time":1}}`}},
		{"properties that are a list", `{"event":"x","properties":[]}`, []string{`(no properties object) {"event":"x","properties":[]}`}},

		{"a bad line between", a + "\nthis is no json\n" + b, []string{a, "(not valid JSON) this is no json", b}},
		{"a bad line in front", "this is no json\n\n" + b, []string{"(not valid JSON) this is no json", b}},
		{"half an event between", a + "\n" + b[:40] + "\n" + c, []string{a, "(not valid JSON) " + b[:40], c}},
		{"JSON values between", a + "\nnull\n[]\n{}\n7\n\"x\"\n" + b, []string{
			a, "(not valid JSON) null", "(not valid JSON) []", "(no event name) {}", "(not valid JSON) 7", `(not valid JSON) "x"`, b,
		}},
		{"a text and a JSON value between", a + "\nno json\n{}\n" + b, []string{a, "(not valid JSON) no json", "(no event name) {}", b}},
		{"two texts between", a + "\nno json\nno json either\n" + b, []string{fails}},
		{"two texts in two places", a + "\nno json\n" + b + "\nno json either\n" + c, []string{a, "(not valid JSON) no json", b, "(not valid JSON) no json either", c}},
		{"a page between", a + "\n<html>\n<body/>\n</html>\n" + b, []string{fails}},
		{"a page on one line between", a + "\n<html><body>502</body></html>\n" + b, []string{fails}},
		{"an error between", a + "\n{\"error\":\"x\"}\n" + b, []string{fails}},
		{"errors between", a + "\n" + `{"errors":["x"]}` + "\n" + b, []string{fails}},
		{"a status between", a + "\n" + `{"status":"x"}` + "\n" + b, []string{fails}},
		{"text that names a failure between", a + "\nUpstream connect Error or disconnect\n" + b, []string{fails}},
		{"an error after whole JSON", a + "\n{}\nerror\n" + b, []string{fails}},
		{"an error in front", "error\n" + b, []string{fails}},
		{"pretty JSON between", a + "\n{\n\"x\": 1\n}\n" + b, []string{fails}},
		{"an event that names an error", a + "\n" + `{"event":"Error","properties":{}}` + "\n" + b, []string{a, `(no time) {"event":"Error","properties":{}}`, b}},
		{"half an event that names an error", a + "\n" + `{"event":"Error","prop` + "\n" + b, []string{a, `(not valid JSON) {"event":"Error","prop`, b}},
		{"commas between", a + ",\n" + b + ",\n" + c, []string{a, "(not valid JSON) ,", b, "(not valid JSON) ,", c}},

		{"in two pieces", a + "\n" + b[:50] + "\n" + b[50:] + "\n" + c, []string{a, "(joined) " + b, c}},
		{"in three pieces, with blank lines", a + "\n" + b[:50] + "\r\n\r\n" + b[50:60] + "\n" + b[60:] + "\n" + c, []string{a, "(joined) " + b, c}},
		{"two in pieces, one after the other", a[:30] + "\n" + a[30:] + "\n" + b[:50] + "\n" + b[50:] + "\n" + c, []string{"(joined) " + a, "(joined) " + b, c}},
		{"in pieces at the end", a + "\n" + b[:50] + "\n" + b[50:] + "\n", []string{fails}},
		{"pieces that do not fit", a + "\n" + b[:50] + "\n" + b[60:] + "\n" + c, []string{fails}},
		{"a bad event in pieces", a + "\n" + bad[:15] + "\n" + bad[15:] + "\n" + c, []string{a, "(no time) " + bad[:15] + "\n" + bad[15:], c}},
		{"in pieces, with a bad line in front", a + "\nno json\n" + b[:50] + "\n" + b[50:] + "\n" + c, []string{a, "(not valid JSON) no json", "(joined) " + b, c}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, block := range []int{1, 7, 64, 200, 1 << 12} {
				got, err := read(t, tt.text, block)
				if len(tt.want) == 1 && tt.want[0] == fails {
					broken, ok := errors.AsType[*Error](err)
					if !ok || !errors.Is(err, ErrNotWhole) || len(broken.Text) == 0 || broken.Hint() == "" || broken.Line == 0 {
						t.Errorf("blocks of %d bytes: %v, %q, want an *Error", block, err, got)
					}
					continue
				}
				if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
					t.Errorf("blocks of %d bytes: %v, lines (-want +got):\n%s", block, err, diff)
				}
			}
		})
	}
}

func TestLineNumbers(t *testing.T) {
	t.Parallel()
	text := strings.Join([]string{event(1), "", "no json", event(2)[:50], event(2)[50:], "", event(3) + event(4), "7", event(5), "end"}, "\r\n")
	want := []string{"1", "3", "4 joined", "7", "7", "8", "9"}
	for _, block := range []int{1, 30, 300, 1 << 12} {
		var got []string
		_, err := newBlocks(block, strings.NewReader(text)).each(t.Context(), func(l Line, _ *eventline.Event) error {
			number := strconv.FormatInt(l.Number, 10)
			if l.Joined {
				number += " joined"
			}
			got = append(got, number)
			return nil
		})
		broken, ok := errors.AsType[*Error](err)
		if diff := cmp.Diff(want, got); !ok || broken.Line != 10 || diff != "" {
			t.Errorf("blocks of %d bytes: %v, numbers (-want +got):\n%s", block, err, diff)
		}
	}
}

// squeeze removes white space and byte order marks, which lines do not keep at their ends.
func squeeze(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "\ufeff", "")), "")
}

// accounted reports whether all of the text was returned in lines.
func accounted(text string, lines []string) bool {
	var all strings.Builder
	for _, l := range lines {
		if _, rest, ok := strings.Cut(l, ") "); ok && strings.HasPrefix(l, "(") {
			l = rest
		}
		all.WriteString(l)
	}
	return squeeze(text) == squeeze(all.String())
}

// bodies returns responses with complete events.
func bodies() map[string]string {
	lines := []string{event(1), event(2), `{"properties":{"time":1.5,"é":"\ud83d\ude00 ]}"},"event":"","v":2}`, bad, event(3)}
	return map[string]string{
		"lines":                    strings.Join(lines, "\n") + "\n",
		"without a last newline":   strings.Join(lines, "\n"),
		"with carriage returns":    strings.Join(lines, "\r\n") + "\r\n",
		"with a byte order mark":   "\ufeff" + strings.Join(lines, "\n") + "\n",
		"with blank lines between": "\n" + strings.Join(lines, "\n\n") + "\n\n",
	}
}

// A body cut at any position is either cut at the end of an event, and all events before it are returned, or it fails.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	for name, body := range bodies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole, err := read(t, body, 64)
			if err != nil {
				t.Fatal(err)
			}
			for i := range len(body) {
				got, err := read(t, body[:i], 64)
				cut := strings.TrimRight(strings.TrimSuffix(body[:i], "\ufeff"), "\r\n")
				atEnd := cut == "" || strings.HasSuffix(cut, "}}") && isEvent([]byte(cut[strings.LastIndexByte(cut, '\n')+1:])) || strings.HasSuffix(cut, `"v":2}`)
				if atEnd != (err == nil) {
					t.Fatalf("cut after %d bytes: %v, want it to fail: %t", i, err, !atEnd)
				}
				if diff := cmp.Diff(whole[:len(got)], got, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("cut after %d bytes: lines (-want +got):\n%s", i, diff)
				}
				if err == nil && !accounted(body[:i], got) {
					t.Fatalf("cut after %d bytes: %q does not account for everything", i, got)
				}
			}
		})
	}
}

// Text appended to a body cut at any position makes it fail, unless it follows a line end and is blank.
func TestGlueAnywhere(t *testing.T) {
	t.Parallel()
	for name, body := range bodies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, text := range []string{
				"terminated early", "terminated early\n", "\nterminated early\n", "upstream request timeout", "{\"error\":\"x\"}\n", "\x00", "}", "{}", `"`, ",",
				"\n", "\n\x00", "<html>\r\n<body>\r\n</body>\r\n</html>\r\n", "{\n  \"error\": \"x\"\n}\n", "\n{\"status\":\"error\",\n\"message\":\"x\"}", event(9)[:30], "\n" + event(9)[:30] + "\n",
			} {
				for i := range len(body) + 1 {
					got, err := read(t, body[:i]+text, 64)
					if err == nil && strings.TrimSpace(text) != "" && !isEvent([]byte(lastLine(body[:i]+text))) {
						t.Fatalf("%q after %d bytes: %q, want it to fail", text, i, got)
					}
					if err == nil && !accounted(body[:i]+text, got) {
						t.Fatalf("%q after %d bytes: %q does not account for everything", text, i, got)
					}
				}
			}
		})
	}
}

func lastLine(text string) string {
	text = strings.TrimRight(text, "\r\n ")
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// If bytes are missing from the middle of plain text, the remaining events are returned unchanged or set aside, or the
// response fails. Text is never lost silently. By chance the rest can be an event that never existed: only the
// transfer, and gzip, can exclude that.
func TestSpliceAnywhere(t *testing.T) {
	t.Parallel()
	body := bodies()["lines"]
	for i := range len(body) {
		for j := i + 1 + i%3; j < len(body); j += 11 + (i+j)%23 {
			text := body[:i] + body[j:]
			if got, err := read(t, text, 128); err == nil && !accounted(text, got) {
				t.Fatalf("without bytes %d to %d: %q does not account for everything", i, j, got)
			}
		}
	}
}

func TestEachEnds(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	text := strings.Repeat(event(1)+"\n", 100)
	if _, err := Each(t.Context(), []io.Reader{strings.NewReader(text), failing{broken}}, ignore); !errors.Is(err, broken) {
		t.Errorf("Each of a text that fails = %v, want %v", err, broken)
	}
	if n, err := Each(t.Context(), []io.Reader{strings.NewReader(text)}, func(Line, *eventline.Event) error { return broken }); n != 0 || !errors.Is(err, broken) {
		t.Errorf("Each with a function that fails = %d, %v, want 0, %v", n, err, broken)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(broken)
	if _, err := Each(ctx, []io.Reader{endless{}}, ignore); !errors.Is(err, broken) {
		t.Errorf("Each = %v, want the cause of the context's end", err)
	}
}

func ignore(Line, *eventline.Event) error { return nil }

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	return copy(p, bytes.Repeat([]byte(event(1)+"\n"), 10)), nil
}

func TestTextWithoutEnd(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want error
	}{
		"a long line":             {strings.Repeat("x", maxLine+1), ErrLineTooLong},
		"lines that are no event": {strings.Repeat("no event"+strings.Repeat(" ", 1000)+"\n", maxLine/1009+100), ErrNotWhole},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Each(t.Context(), []io.Reader{strings.NewReader(tt.text)}, ignore); !errors.Is(err, tt.want) {
				t.Errorf("Each = %v, want %v", err, tt.want)
			}
		})
	}
}
