package eventline_test

import (
	"errors"
	"strings"
	"testing"

	"mixduck/internal/eventline"
)

// nested returns an event with its deepest value depth levels deep.
func nested(depth int, open, end string) string {
	return `{"event":"a","properties":{"time":1,"x":` + strings.Repeat(open, depth-2) + "1" + strings.Repeat(end, depth-2) + `}}`
}

func TestDepth(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ open, end string }{{"[", "]"}, {`{"y":`, "}"}, {"[1,", "]"}} {
		if _, err := parse(nested(eventline.MaxDepth, tt.open, tt.end)); err != nil {
			t.Errorf("%d levels of %s: %v", eventline.MaxDepth, tt.open, err)
		}
		for _, depth := range []int{eventline.MaxDepth + 1, 100_000} {
			if _, err := parse(nested(depth, tt.open, tt.end)); !errors.Is(err, eventline.ErrDepth) {
				t.Errorf("%d levels of %s: %v, want %v", depth, tt.open, err, eventline.ErrDepth)
			}
		}
	}
	if _, err := parse(`{"event":"a","event":` + strings.Repeat("[", 1000)); !errors.Is(err, eventline.ErrDepth) {
		t.Errorf("a deep event name: %v, want %v", err, eventline.ErrDepth)
	}
}
