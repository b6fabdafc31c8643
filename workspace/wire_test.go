package workspace_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/proctest"
	"mixduck/workspace"
)

// sentEvent is an event in a body.
type sentEvent struct {
	end   int    // in the text
	line  string // in its delivered form
	split bool   // contains a line end
}

// sentBody is the text of a response.
type sentBody struct {
	name   string
	text   string
	events []sentEvent
}

func (b *sentBody) add(line, asSent, end string) {
	b.text += asSent
	b.events = append(b.events, sentEvent{end: len(b.text), line: line, split: line != asSent})
	b.text += end
}

// wireBodies returns an ordinary body, and one with everything unusual that a complete body can have.
func wireBodies() []sentBody {
	event := func(n int) string {
		return fmt.Sprintf(`{"event":"Sign up %d","properties":{"time":%d,"distinct_id":"u%d","$insert_id":"i%d","mp_processing_time_ms":1793500000123,"note":"é \ud83d\ude00 \"}{\" \\","list":[1,{"x":null}]}}`,
			n, 1_793_491_200+n, n, n)
	}
	plain, odd := sentBody{name: "ordinary"}, sentBody{name: "odd"}
	for n := range 4 {
		e := event(n)
		plain.add(e, e, "\n")
		switch n {
		case 1:
			odd.add(e, e[:70]+"\r\n"+e[70:], "\r\n\r\n")
		case 3:
			odd.add(e, e, "")
		default:
			odd.add(e, e, "\r\n")
		}
	}
	return []sentBody{plain, odd}
}

// prefix returns the events in the first n bytes, and whether these bytes alone are a complete response.
func (b *sentBody) prefix(n int) (lines []string, whole bool) {
	end, split := 0, false
	for _, e := range b.events {
		if e.end > n {
			break
		}
		lines = append(lines, e.line)
		end, split = e.end, e.split
	}
	return lines, !split && strings.TrimSpace(b.text[end:n]) == ""
}

func (b *sentBody) lines() []string {
	lines, _ := b.prefix(len(b.text))
	return lines
}

// How a body is compressed.
const (
	unpacked  = "plain"
	oneMember = "gzip"
	members   = "gzip of three members" // one ends inside an event, one after an event
)

// pack returns the parts of a body as sent, and the length of the text before the end of each.
func (b *sentBody) pack(tb testing.TB, packing, text string) (parts [][]byte, ends []int) {
	tb.Helper()
	switch middle, inside := min(b.events[1].end+2, len(text)), min(b.events[0].end-40, len(text)); packing {
	case unpacked:
		return [][]byte{[]byte(text)}, []int{len(text)}
	case oneMember:
		return zip(tb, text), []int{len(text)}
	default:
		return zip(tb, text[:inside], text[inside:middle], text[middle:]), []int{inside, middle, len(text)}
	}
}

// eachWay runs a test for each body and each way to send it, concurrently.
func eachWay(t *testing.T, test func(*stage)) {
	t.Helper()
	server := newWireServer(t)
	n := 0
	for _, body := range wireBodies() {
		for _, framing := range []string{byLength, byChunks, byClosing, byStream} {
			for _, packing := range []string{unpacked, oneMember, members} {
				n++
				first := n
				t.Run(body.name+", "+framing+", "+packing, func(t *testing.T) {
					t.Parallel()
					ws, source, _ := server.workspace(t)
					test(&stage{T: t, sentBody: body, framing: framing, packing: packing, ws: ws, source: source, first: first})
				})
			}
		}
	}
}

// stage is a test of a body, a way to send it, and a workspace that receives it.
type stage struct {
	*testing.T
	sentBody
	framing, packing string
	ws               *workspace.Workspace
	source           *tamperer
	first            int // start of steps
}

// steps returns every position from 1 to n if tests may take long, otherwise every 29th, with a different start for
// each stage, and the last ones.
func (s *stage) steps(n int) (at []int) {
	for i := 1; i <= n; i++ {
		if proctest.Soak() || i%29 == s.first%29 || i > n-4 {
			at = append(at, i)
		}
	}
	return at
}

func (s *stage) answer(body []byte) wired {
	return wired{framing: s.framing, gzip: s.packing != unpacked, body: body}
}

func (s *stage) deliver(a wired) (lines []string, err error) {
	s.Helper()
	s.source.now = a
	_, err = s.ws.Stream(s.Context(), workspace.FetchRequest{Days: days(s, "2026-11-01", "2026-11-01")}, func(line []byte) error {
		lines = append(lines, string(line))
		return nil
	})
	return lines, err
}

// check delivers a response. If whole is set it expects these lines, otherwise a failure and no line.
func (s *stage) check(a wired, what string, want []string, whole bool) {
	s.Helper()
	got, err := s.deliver(a)
	if whole != (err == nil) || !whole && len(got) > 0 || whole && !slices.Equal(got, want) {
		s.Fatalf("%s: error %v, want whole %t; lines (-want +got):\n%s", what, err, whole, cmp.Diff(want, got))
	}
}

// A transfer that is cut off anywhere fails. The limit: an HTTP/1.0 response of several gzip members that is cut off
// between two of them, after an event, looks complete.
func TestTransfersThatBreakOff(t *testing.T) {
	t.Parallel()
	eachWay(t, func(s *stage) {
		parts, ends := s.pack(s.T, s.packing, s.text)
		whole := s.answer(bytes.Join(parts, nil))
		s.check(whole, "whole", s.lines(), s.framing != byClosing || s.packing != unpacked)
		last, head := len(whole.body), 0 // HTTP/2 can also be cut off after the last byte
		if s.framing != byStream {
			last = len(whole.raw()) - 1
			head = len(whole.raw()) - len(whole.body)
		}
		limits := map[int]int{} // where an HTTP/1.0 response looks complete, and the length of its text there
		if s.framing == byClosing && s.packing == members {
			for i, end := range ends {
				head += len(parts[i])
				limits[head] = end
			}
		}
		for _, cut := range s.steps(last) {
			a := whole
			a.cut = cut
			want, looksWhole := s.prefix(limits[cut])
			s.check(a, fmt.Sprintf("cut after %d bytes", cut), want, looksWhole && limits[cut] > 0)
		}
	})
}

// A text that was truncated before compression, and that the server announces as complete, fails unless it ends after
// an event. The limit: there it looks like a response with fewer events.
func TestTextsThatAreCut(t *testing.T) {
	t.Parallel()
	eachWay(t, func(s *stage) {
		for _, cut := range append(s.steps(len(s.text)), 0) {
			parts, _ := s.pack(s.T, s.packing, s.text[:cut])
			want, whole := s.prefix(cut)
			s.check(s.answer(bytes.Join(parts, nil)), fmt.Sprintf("cut after %d bytes", cut), want, whole && (s.framing != byClosing || s.packing != unpacked))
		}
	})
}

// A text appended to a truncated text makes the response fail.
func TestTextsWithAnotherEnd(t *testing.T) {
	t.Parallel()
	tails := []string{
		"terminated early", "terminated early\n", "\nterminated early\n", "\nThe weather is fine.", "}", "{}", "\n{\"ok\":true}\n", "\x00", "\n\x00", " ", "\r\n",
		"\n<html>\r\n<body>\r\n</body>\r\n</html>\r\n", "\n{\n  \"error\": \"x\"\n}\n", "\n{\"event\":\"x\"}", "\n{\"event\":\"x\",\"properties\":{", "null",
	}
	eachWay(t, func(s *stage) {
		for i, cut := range append(s.steps(len(s.text)), 0) {
			tail := tails[(i+s.first)%len(tails)]
			text := s.text[:cut] + tail
			parts, _ := s.pack(s.T, s.packing, text)
			var want []string
			var whole bool
			if kept := strings.TrimSpace(text); strings.HasPrefix(s.text, kept) { // by chance the tail is the missing part, or it is blank
				want, whole = s.prefix(len(kept))
			}
			s.check(s.answer(bytes.Join(parts, nil)), fmt.Sprintf("%q after %d bytes", tail, cut), want, whole && (s.framing != byClosing || s.packing != unpacked))
		}
	})
}

// inflate decompresses valid gzip with another implementation than the product's.
func inflate(packed []byte) (text string, ok bool) {
	zr, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return "", false
	}
	all, err := io.ReadAll(zr)
	return string(all), err == nil
}

// A gzip body that is damaged anywhere, by a wrong byte or by missing, doubled or replaced bytes, fails, or the damage
// has no effect. The limit: missing whole members at the end, after an event, are not noticed if the server does not
// announce them.
func TestDamagedGzip(t *testing.T) {
	t.Parallel()
	eachWay(t, func(s *stage) {
		if s.packing == unpacked {
			return
		}
		parts, _ := s.pack(s.T, s.packing, s.text)
		body := bytes.Join(parts, nil)
		try := func(what string, damaged []byte) {
			s.Helper()
			text, ok := inflate(damaged)
			if ok && !strings.HasPrefix(s.text, text) {
				s.Fatalf("%s: unpacks to a text that was not sent", what)
			}
			var want []string
			if ok {
				want, ok = s.prefix(len(text))
			}
			got, err := s.deliver(s.answer(damaged)) // flags that have no meaning yet may also fail
			if err != nil && len(got) > 0 || err == nil && (!ok || !slices.Equal(got, want)) {
				s.Fatalf("%s: error %v, unpacks %t; lines (-want +got):\n%s", what, err, ok, cmp.Diff(want, got))
			}
		}
		random := rand.New(rand.NewPCG(11, uint64(s.first)))
		for _, n := range s.steps(len(body)) {
			i := n - 1
			wrong := slices.Clone(body)
			wrong[i] ^= 1 << random.IntN(8)
			try(fmt.Sprintf("a wrong bit in byte %d", i), wrong)
			try(fmt.Sprintf("cut after %d bytes", i), body[:i])
			j := i + 1 + random.IntN(len(body)-i)
			switch random.IntN(3) {
			case 0:
				try(fmt.Sprintf("without %d to %d", i, j), slices.Concat(body[:i], body[j:]))
			case 1:
				try(fmt.Sprintf("%d to %d twice", i, j), slices.Concat(body[:j], body[i:]))
			default:
				other := []byte("terminated early")
				try(fmt.Sprintf("%q for %d to %d", other, i, j), slices.Concat(body[:i], other, body[j:]))
			}
		}
	})
}

// isEventJSON reports whether a line is an event, according to encoding/json.
func isEventJSON(line string) bool {
	var e struct {
		Event      *string        `json:"event"`
		Properties map[string]any `json:"properties"`
	}
	return json.Unmarshal([]byte(line), &e) == nil && e.Event != nil && e.Properties != nil
}

// If bytes are missing, doubled or added inside the text, the response fails, or all of the text is delivered and at
// most one event is different. The limit: a plain text does not show that it was changed, if the result is an event.
func TestSplicedTexts(t *testing.T) {
	t.Parallel()
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
	eachWay(t, func(s *stage) {
		if s.framing == byClosing {
			return
		}
		random := rand.New(rand.NewPCG(12, uint64(s.first)))
		for _, i := range s.steps(len(s.text) - 1) {
			j := i + 1 + random.IntN(min(len(s.text)-i, 300))
			text := s.text[:i] + []string{"", s.text[i:j] + s.text[i:j], "terminated early\n", "<html>\n</html>\n", "\n"}[random.IntN(5)] + s.text[j:]
			parts, _ := s.pack(s.T, s.packing, text)
			got, err := s.deliver(s.answer(bytes.Join(parts, nil)))
			changed := 0
			for _, line := range got {
				if isEventJSON(line) && !slices.Contains(s.lines(), line) {
					changed++
				}
			}
			switch {
			case err != nil && len(got) > 0:
				s.Fatalf("%q: %v, and %d lines", text, err, len(got))
			case err == nil && (changed > 1 || squeeze(text) != squeeze(strings.Join(got, "")) || !strings.HasSuffix(got[len(got)-1], "}}")):
				s.Fatalf("%q: %q, want all of it, and at most one event that was not sent", text, got)
			}
		}
	})
}
