package mixpaneltest_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

func TestGzipThreshold(t *testing.T) {
	t.Parallel()
	line := func(length int) string { // with its newline
		head, tail := `{"event":"x","properties":{"time":1740800000,"pad":"`, `"}}`
		return head + strings.Repeat("p", length-1-len(head)-len(tail)) + tail
	}
	tests := []struct {
		name   string
		lines  []string
		accept string
		coding string
	}{
		{"1400 bytes stay as they are", []string{line(1400)}, "gzip", ""},
		{"1401 bytes are compressed", []string{line(1401)}, "gzip", "gzip"},
		{"1401 bytes in two lines are compressed", []string{line(701), line(700)}, "gzip", "gzip"},
		{"nothing stays nothing", nil, "gzip", ""},
		{"only who accepts gzip gets it", []string{line(5000)}, "", ""},
		{"a list may have gzip in it", []string{line(5000)}, "br;q=1.0, gzip;q=0.8", "gzip"},
		{"a weight of 0 refuses gzip", []string{line(5000)}, "gzip; q=0", ""},
	}
	for _, tt := range tests {
		for _, packed := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				p := project(0)
				p.Data = mixpaneltest.Lines{march1: tt.lines}
				if packed {
					p.Data = filled(t, p)
				}
				got, err := ask(t.Context(), start(t, p), params(march1, march1), func(r *http.Request) {
					r.Header.Set("Accept-Encoding", tt.accept)
				})
				if err != nil || got.err != nil {
					t.Fatal(err, got.err)
				}
				if coding := got.header.Get("Content-Encoding"); coding != tt.coding {
					t.Errorf("Content-Encoding %q, want %q (packed: %t)", coding, tt.coding, packed)
				}
				if !slices.Equal(got.lines(), tt.lines) {
					t.Errorf("%d lines, want %d (packed: %t)", len(got.lines()), len(tt.lines), packed)
				}
			})
		}
	}
}

// filled returns p's data with the first days of March in a cache, in both units.
func filled(t *testing.T, p mixpaneltest.Project) *mixpaneltest.Cache {
	t.Helper()
	c := mixpaneltest.NewCache(p.Data)
	for _, inMS := range []bool{false, true} {
		if err := c.Fill(day.Range{From: march1, To: march3}, p.Format(inMS)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func TestCacheServesTheSame(t *testing.T) {
	t.Parallel()
	plain := project(0)
	plain.Data = mixpaneltest.Generator{Seed: 5, EventsOn: func(d day.Day) int { return int(d-march1) * 40 }}
	cached := plain
	cached.Data = filled(t, plain)
	for _, more := range [][]string{nil, {"time_in_ms", "true"}, {"limit", "50"}, {"event", `["Page Viewed"]`}} {
		want := get(t, start(t, plain), march1-1, march3+2, more...)
		got := get(t, start(t, cached), march1-1, march3+2, more...)
		if got.err != nil || got.text != want.text {
			t.Errorf("%v: %d bytes, want %d; %v", more, len(got.text), len(want.text), got.err)
		}
	}
}

func TestDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lines := make([]string, 60)
	for i := range lines {
		lines[i] = `{"event":"x","properties":{"time":1740800000,"n":` + strings.Repeat("1", i+1) + `}}`
	}
	plain := strings.Join(lines[:30], "\n") + "\n\n" + strings.Join(lines[30:], "\n") // an empty line, and no last newline
	if err := os.WriteFile(filepath.Join(dir, "2025-03-01.ndjson"), []byte(plain), 0o600); err != nil {
		t.Fatal(err)
	}
	packed, err := os.Create(filepath.Join(dir, "2025-03-02.ndjson.gz"))
	if err != nil {
		t.Fatal(err)
	}
	zw := gzip.NewWriter(packed)
	if _, err := zw.Write([]byte(strings.Join(lines, "\n") + "\n")); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	p := project(0)
	p.Data = mixpaneltest.Dir{Path: dir}
	s := start(t, p)
	want := slices.Concat(lines, lines)
	for _, accept := range []string{"gzip", "identity"} {
		got, err := ask(t.Context(), s, params(march1-1, march3), func(r *http.Request) {
			r.Header.Set("Accept-Encoding", accept)
		})
		if err != nil || got.err != nil {
			t.Fatal(err, got.err)
		}
		if !slices.Equal(got.lines(), want) {
			t.Errorf("%s: %d lines, want %d", accept, len(got.lines()), len(want))
		}
	}
	if got := get(t, s, march1, march1, "time_in_ms", "true"); got.status != 400 {
		t.Errorf("the other unit: status %d, want 400", got.status)
	}
}
