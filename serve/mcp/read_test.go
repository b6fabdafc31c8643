package mcp

import (
	"slices"
	"strings"
	"testing"
)

func TestHead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		maxRows, bytes int
		writes, want   []string
	}{
		{"all", 5, 100, []string{"1\n2\n3\n"}, []string{"1", "2", "3"}},
		{"in pieces", 5, 100, []string{"1", "2\n3", "4\n", "5\n"}, []string{"12", "34", "5"}},
		{"too many rows", 2, 100, []string{"1\n2\n3\n4\n"}, []string{"1", "2"}},
		{"too many bytes", 9, 4, []string{"12\n", "34\n", "5\n"}, []string{"12", "34"}},
		{"a long row and short ones after it", 9, 4, []string{"123456", "7\n", "8\n"}, nil},
		{"a row without an end", 9, 10, []string{"1\n", "23"}, []string{"1"}},
	} {
		h := &head{maxRows: tt.maxRows, left: tt.bytes}
		for _, text := range tt.writes {
			if n, err := h.Write([]byte(text)); n != len(text) || err != nil {
				t.Errorf("%s: write = %d, %v", tt.name, n, err)
			}
		}
		var got []string
		for _, row := range h.rows {
			got = append(got, string(row))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: rows = %s, want %s", tt.name, strings.Join(got, "|"), strings.Join(tt.want, "|"))
		}
	}
}
