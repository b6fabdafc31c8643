package eventline_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"mixduck/internal/eventline"
)

func BenchmarkParse(b *testing.B) {
	f, err := os.Open("/tmp/lab/ev.ndjson.gz")
	if err != nil {
		b.Skip(err)
	}
	z, _ := gzip.NewReader(f)
	sc := bufio.NewScanner(z)
	var lines [][]byte
	var n int64
	for sc.Scan() && len(lines) < 20000 {
		lines = append(lines, []byte(sc.Text()))
		n += int64(len(sc.Bytes()))
	}
	b.SetBytes(n / int64(len(lines)))
	var e eventline.Event
	for i := 0; b.Loop(); i++ {
		if err := eventline.Parse(lines[i%len(lines)], &e); err != nil {
			b.Fatal(err)
		}
	}
}

var (
	_ = cmp.Diff
	_ = json.Valid
	_ = errors.Is
	_ = strings.Cut
	_ = utf8.Valid
)
