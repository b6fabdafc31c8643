package answer

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/eventline"
)

// Each part proves on its own that it is complete: no other part can make up for it.
func TestParts(t *testing.T) {
	t.Parallel()
	a, b, c := event(1), event(2), event(3)
	tests := []struct {
		name  string
		parts []string
		want  []string // nil if the response is not complete
	}{
		{"whole", []string{a + "\n" + b + "\n", c}, []string{a, b, c}},
		{"no last newline", []string{a, b, c}, []string{a, b, c}},
		{"some blank", []string{"", a + "\n", "\n \r\n", b, ""}, []string{a, b}},
		{"all blank", []string{"", "\n", " "}, []string{}},
		{"none", nil, []string{}},
		{"byte order marks", []string{"\ufeff" + a, "\ufeff" + b}, []string{a, b}},
		{"an event over two parts", []string{a + "\n" + b[:40], b[40:] + "\n" + c}, nil},
		{"an event over two parts, with a line end", []string{a + "\n" + b[:40] + "\n", b[40:] + "\n" + c}, nil},
		{"the first is cut", []string{a + "\n" + b[:40], c}, nil},
		{"the middle one ends with a report", []string{a, b + "\nterminated early\n", c}, nil},
		{"the last is a report", []string{a, b, "terminated early"}, nil},
		{"the last is cut", []string{a, b, c[:len(c)-1]}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, block := range []int{7, blockBytes} {
				var parts []io.Reader
				for _, text := range tt.parts {
					parts = append(parts, strings.NewReader(text))
				}
				got := []string{}
				_, err := newBlocks(block, parts...).each(t.Context(), func(l Line, _ *eventline.Event) error {
					if last := int64(len(got)); l.Number <= last {
						t.Errorf("after line %d there is line %d", last, l.Number)
					}
					got = append(got, strings.TrimPrefix(string(l.Text), "\ufeff"))
					return nil
				})
				if tt.want == nil {
					if !errors.Is(err, ErrNotWhole) {
						t.Errorf("in blocks of %d bytes: %q, %v; want %v", block, got, err, ErrNotWhole)
					}
					continue
				}
				if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
					t.Errorf("in blocks of %d bytes: %v, lines (-want +got):\n%s", block, err, diff)
				}
			}
		})
	}
}
