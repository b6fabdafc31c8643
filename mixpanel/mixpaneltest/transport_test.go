package mixpaneltest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

// linesADay make a body of about 160 KiB, 20 KiB compressed.
const linesADay = 200

func TestFaultsOfTheAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault  mixpaneltest.Fault
		status int
		body   string
		header map[string]string
	}{
		{mixpaneltest.Fault{Kind: mixpaneltest.OverQuota}, 429, "rate limit", map[string]string{
			"Retry-After": "3600", "RateLimit": `"project";r=0;t=3600, "project-concurrency";r=3`,
		}},
		{
			mixpaneltest.Fault{Kind: mixpaneltest.OverQuota, RetryAfter: 5 * time.Second},
			429, "rate limit",
			map[string]string{"Retry-After": "5"},
		},
		{
			mixpaneltest.Fault{Kind: mixpaneltest.TooManyAtOnce},
			429, "too many export requests in progress",
			map[string]string{"Retry-After": ""},
		},
		{
			mixpaneltest.Fault{Kind: mixpaneltest.Bare429},
			429, "",
			map[string]string{"Retry-After": "", "RateLimit": ""},
		},
		{mixpaneltest.Fault{Kind: mixpaneltest.Refused, Status: 413, Text: "too large"}, 413, "too large", nil},
		{mixpaneltest.Fault{Kind: mixpaneltest.Refused, Text: "hmm"}, 400, "hmm", nil},
		{mixpaneltest.Fault{Kind: mixpaneltest.Status402}, 402, "plan", nil},
		{mixpaneltest.Fault{Kind: mixpaneltest.Status403}, 403, "Date range exceeds 90 days into the past", nil},
		{mixpaneltest.Fault{Kind: mixpaneltest.Status404}, 404, "no data", nil},
		{mixpaneltest.Fault{Kind: mixpaneltest.Status500}, 500, "", nil},
		{mixpaneltest.Fault{Kind: mixpaneltest.Status502}, 502, "", nil},
		{mixpaneltest.Fault{Kind: mixpaneltest.Status503}, 503, "", nil},
		{mixpaneltest.Fault{Kind: mixpaneltest.TimeoutError}, 400, "Timeout Error.", nil},
		{mixpaneltest.Fault{Kind: mixpaneltest.TerminatedOnly}, 200, "terminated early", nil},
		{mixpaneltest.Fault{Kind: mixpaneltest.EmptyBody}, 200, "", map[string]string{"Content-Encoding": ""}},
	}
	for _, tt := range tests {
		t.Run(string(tt.fault.Kind), func(t *testing.T) {
			t.Parallel()
			s := start(t, project(linesADay))
			inject(t, s, tt.fault)
			got := get(t, s, march1, march1)
			if got.status != tt.status || !strings.Contains(got.text, tt.body) || got.err != nil {
				t.Errorf("status %d, body %.100q, %v; want %d with %q", got.status, got.text, got.err, tt.status, tt.body)
			}
			if len(got.lines()) > 1 {
				t.Errorf("%d lines", len(got.lines()))
			}
			for key, want := range tt.header {
				if h := got.header.Get(key); h != want {
					t.Errorf("%s: %s, want %s", key, h, want)
				}
			}
			if log := s.Requests(); log[0].Fault != tt.fault.Kind || log[0].Status != tt.status {
				t.Errorf("logged as %+v", log[0])
			}
		})
	}
}

func TestFaultsOfTheLines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault mixpaneltest.Fault
		whole int    // lines before the last
		last  string // prefix
	}{
		{"in the middle", mixpaneltest.Fault{Kind: mixpaneltest.TerminatedEarly}, 100, "terminated early"},
		{"at the end", mixpaneltest.Fault{Kind: mixpaneltest.TerminatedEarly, AtEnd: true}, 200, "terminated early"},
		{"after a line", mixpaneltest.Fault{Kind: mixpaneltest.TerminatedEarly, AfterLines: 1}, 1, "terminated early"},
		{"export", mixpaneltest.Fault{Kind: mixpaneltest.ExportTerminatedEarly}, 100, "export terminated early"},
		{"error", mixpaneltest.Fault{Kind: mixpaneltest.ErrorTail, AtEnd: true}, 200, `{"error":`},
		{"half", mixpaneltest.Fault{Kind: mixpaneltest.HalfLine, AfterLines: 7}, 7, `{"event":`},
		{"half at the end", mixpaneltest.Fault{Kind: mixpaneltest.HalfLine, AtEnd: true}, 200, `{"event":`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, project(linesADay))
			want := get(t, s, march1, march1).lines()
			inject(t, s, tt.fault)
			got := get(t, s, march1, march1)
			if got.err != nil {
				t.Fatalf("the answer does not look whole: %v", got.err)
			}
			lines := got.lines()
			if len(lines) != tt.whole+1 || !slices.Equal(lines[:tt.whole], want[:tt.whole]) {
				t.Fatalf("%d lines, want %d of the day's and one more", len(lines), tt.whole)
			}
			if last := lines[tt.whole]; !strings.HasPrefix(last, tt.last) || slices.Contains(want, last) {
				t.Errorf("last line %q, want %q", last, tt.last)
			}
			if newline := strings.HasSuffix(got.text, "\n"); newline == (tt.fault.Kind == mixpaneltest.HalfLine) {
				t.Errorf("last newline: %t", newline)
			}
		})
	}
}

func TestFaultsOfTheWire(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault mixpaneltest.Fault
		err   error
		bytes func(whole int) int // of the body
	}{
		{
			"cut in the middle",
			mixpaneltest.Fault{Kind: mixpaneltest.CutConnection},
			io.ErrUnexpectedEOF, func(whole int) int { return whole / 2 },
		},
		{
			"cut after bytes",
			mixpaneltest.Fault{Kind: mixpaneltest.CutConnection, AfterBytes: 3000},
			io.ErrUnexpectedEOF, func(int) int { return 3000 },
		},
		{
			"cut at the end",
			mixpaneltest.Fault{Kind: mixpaneltest.CutConnection, AtEnd: true},
			io.ErrUnexpectedEOF, func(whole int) int { return whole },
		},
		{
			"cut later than the end",
			mixpaneltest.Fault{Kind: mixpaneltest.CutConnection, AfterBytes: 1 << 40},
			io.ErrUnexpectedEOF, func(whole int) int { return whole },
		},
		{
			"no trailer",
			mixpaneltest.Fault{Kind: mixpaneltest.MissingGzipTrailer},
			io.ErrUnexpectedEOF, func(whole int) int { return whole - 8 },
		},
		{
			"corrupt CRC",
			mixpaneltest.Fault{Kind: mixpaneltest.CorruptGzipCRC},
			gzip.ErrChecksum, func(whole int) int { return whole },
		},
		{
			"short stall",
			mixpaneltest.Fault{Kind: mixpaneltest.Stall, Hold: time.Millisecond},
			nil, func(whole int) int { return whole },
		},
		{
			"short wait",
			mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Hold: time.Millisecond},
			nil, func(whole int) int { return whole },
		},
	}
	for _, tt := range tests {
		for _, packed := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				p := project(linesADay)
				if packed {
					p.Data = filled(t, p)
				}
				s := start(t, p)
				want := get(t, s, march1, march3)
				injection := inject(t, s, tt.fault)
				got := get(t, s, march1, march3)
				if !errors.Is(got.err, tt.err) {
					t.Errorf("error %v, want %v (packed: %t)", got.err, tt.err, packed)
				}
				if n := tt.bytes(len(want.wire)); len(got.wire) != n {
					t.Errorf("%d bytes, want %d of %d (packed: %t)", len(got.wire), n, len(want.wire), packed)
				}
				if !strings.HasPrefix(want.text, got.text) {
					t.Error("the bytes before the fault are others than without it")
				}
				injection.Remove()
				if again := get(t, s, march1, march3); again.err != nil || again.text != want.text {
					t.Errorf("the fault outlives its removal: %v", again.err)
				}
			})
		}
	}
}

func TestBodiesWithoutGzipHaveNoTrailerToLose(t *testing.T) {
	t.Parallel()
	s := start(t, project(1))
	want := get(t, s, march1, march1)
	inject(t, s, mixpaneltest.Fault{Kind: mixpaneltest.MissingGzipTrailer})
	if got := get(t, s, march1, march1); got.err != nil || got.text != want.text {
		t.Errorf("body %q, %v", got.text, got.err)
	}
}

func TestResetAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, project(3))
	inject(t, s, mixpaneltest.Fault{Kind: mixpaneltest.ResetAtOnce, Times: 1})
	if got, err := ask(t.Context(), s, params(march1, march1), nil); err == nil {
		t.Errorf("status %d, want no answer at all", got.status)
	}
	if got := get(t, s, march1, march1); got.status != http.StatusOK {
		t.Errorf("second request: status %d", got.status)
	}
}

func TestHeldUntilReleased(t *testing.T) {
	t.Parallel()
	for _, kind := range []mixpaneltest.Kind{mixpaneltest.SlowFirstByte, mixpaneltest.Stall} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := start(t, project(linesADay))
			want := get(t, s, march1, march1)
			injection := inject(t, s, mixpaneltest.Fault{Kind: kind})
			outcome := make(chan answer, 1)
			go func() {
				got, err := ask(t.Context(), s, params(march1, march1), nil)
				got.err = errors.Join(got.err, err)
				outcome <- got
			}()
			<-injection.Reached()
			select {
			case got := <-outcome:
				t.Fatalf("answered while held: %d", got.status)
			default:
			}
			injection.Release()
			if got := <-outcome; got.err != nil || got.text != want.text {
				t.Errorf("%d bytes, want %d; %v", len(got.text), len(want.text), got.err)
			}
		})
	}
}

func TestHeldClientMayLeave(t *testing.T) {
	t.Parallel()
	s := start(t, project(linesADay))
	injection := inject(t, s, mixpaneltest.Fault{Kind: mixpaneltest.Stall})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-injection.Reached()
		cancel()
	}()
	if got, err := ask(ctx, s, params(march1, march1), nil); !errors.Is(errors.Join(err, got.err), context.Canceled) {
		t.Errorf("%v, want a cancelled request", err)
	}
}

func TestWhichRequestsAFaultHits(t *testing.T) {
	t.Parallel()
	const hit, spared = http.StatusInternalServerError, http.StatusOK
	kind := mixpaneltest.Status500
	tests := []struct {
		name   string
		fault  mixpaneltest.Fault
		from   day.Day
		to     day.Day
		event  string
		status []int // of consecutive requests
	}{
		{"always", mixpaneltest.Fault{Kind: kind}, march1, march1, "", []int{hit, hit, hit}},
		{"some times", mixpaneltest.Fault{Kind: kind, Times: 2}, march1, march1, "", []int{hit, hit, spared}},
		{"overlap", mixpaneltest.Fault{Kind: kind, Days: day.Range{From: march3, To: march3}}, march1, march3, "", []int{hit}},
		{"other days", mixpaneltest.Fault{Kind: kind, Days: day.Range{From: march3, To: march3}}, march1, march1, "", []int{spared}},
		{"long enough", mixpaneltest.Fault{Kind: kind, MinDays: 2}, march1, march1 + 1, "", []int{hit}},
		{"too short", mixpaneltest.Fault{Kind: kind, MinDays: 2}, march1, march1, "", []int{spared}},
		{"short enough", mixpaneltest.Fault{Kind: kind, MaxDays: 2}, march1, march1 + 1, "", []int{hit}},
		{"too long", mixpaneltest.Fault{Kind: kind, MaxDays: 2}, march1, march3, "", []int{spared}},
		{"other project", mixpaneltest.Fault{Kind: kind, Project: 8}, march1, march1, "", []int{spared}},
		{"names an event", mixpaneltest.Fault{Kind: kind, WithoutEvents: true}, march1, march1, `["Search"]`, []int{spared}},
		{"names none", mixpaneltest.Fault{Kind: kind, WithoutEvents: true}, march1, march1, "", []int{hit}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, project(3))
			injection := inject(t, s, tt.fault)
			hits := 0
			for i, want := range tt.status {
				var more []string
				if tt.event != "" {
					more = []string{"event", tt.event}
				}
				if got := get(t, s, tt.from, tt.to, more...); got.status != want {
					t.Errorf("request %d: status %d, want %d", i+1, got.status, want)
				}
				if want == hit {
					hits++
				}
			}
			if n := injection.Hits(); n != hits {
				t.Errorf("%d hits, want %d", n, hits)
			}
		})
	}
}
