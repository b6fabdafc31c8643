package eventline_test

import (
	"bytes"
	"testing"

	"mixduck/internal/day"
	"mixduck/internal/eventline"
	"mixduck/mixpanel/mixpaneltest"
)

// generated returns lines like those of an export, without newlines.
func generated(tb testing.TB, n int) (lines [][]byte) {
	tb.Helper()
	for line, err := range (mixpaneltest.Generator{Seed: 1, EventsPerDay: n}).Lines(day.New(2026, 11, 1), mixpaneltest.Format{}) {
		if err != nil {
			tb.Fatal(err)
		}
		lines = append(lines, bytes.Clone(line[:len(line)-1]))
	}
	return lines
}

func TestGeneratedLines(t *testing.T) {
	t.Parallel()
	for _, line := range generated(t, 500) {
		want, ok := oracle(line)
		got, err := parse(string(line))
		if !ok || err != nil || got != want {
			t.Fatalf("Parse(%s) = %+v, %v, want %+v", line, got, err, want)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	lines := generated(b, 1000)
	var total int64
	for _, line := range lines {
		total += int64(len(line))
	}
	b.SetBytes(total / int64(len(lines)))
	b.ReportAllocs()
	var e eventline.Event
	for i := 0; b.Loop(); i++ {
		if err := eventline.Parse(lines[i%len(lines)], &e); err != nil {
			b.Fatal(err)
		}
	}
}
