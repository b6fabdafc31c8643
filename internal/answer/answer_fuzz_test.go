package answer

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzAnswer checks that any text has the same outcome for all block sizes, and that nothing is lost.
func FuzzAnswer(f *testing.F) {
	for _, body := range bodies() {
		f.Add(body, 64)
	}
	f.Add(event(1)+"\n"+event(2)[:50]+"\n"+event(2)[50:]+"\n"+event(3), 7)
	f.Add(event(1)+event(2)+"\n{\n}\n"+event(3), 1)
	f.Fuzz(func(t *testing.T, text string, block int) {
		want, wantErr := read(t, text, 1<<16)
		got, err := read(t, text, 1+block&1023)
		if (wantErr == nil) != (err == nil) {
			t.Fatalf("%q: %v in small blocks, %v in large ones", text, err, wantErr)
		}
		if err != nil {
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q: lines (-large blocks +small blocks):\n%s", text, diff)
		}
		if !accounted(text, got) {
			t.Fatalf("%q: %q does not account for everything", text, got)
		}
	})
}
