package bench_test

import (
	"bufio"
	"os"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"mixduck/internal/eventline"
)

// counting returns the CPU time per event that counting its properties adds to parsing. It can be negative, because
// counted keys are compared instead of scanned.
func (e *export) counting(b *testing.B) time.Duration {
	b.Helper()
	const maxLines, rounds = 100_000, 7
	lines := e.lines(b, maxLines)
	parse := func(parse func(line []byte, event *eventline.Event) error) time.Duration {
		before := ownCPU(b)
		var event eventline.Event
		for _, line := range lines {
			if err := parse(line, &event); err != nil {
				b.Fatal(err)
			}
		}
		return ownCPU(b) - before
	}
	with, without := time.Hour, time.Hour
	for range rounds {
		census := eventline.NewCensus(nil, 1)
		without = min(without, parse(eventline.Parse))
		with = min(with, parse(func(line []byte, event *eventline.Event) error {
			err := census.Parse(line, event)
			census.Add(0)
			return err
		}))
	}
	return (with - without) / time.Duration(len(lines))
}

// lines returns the first lines of the day.
func (e *export) lines(b *testing.B, most int) (all [][]byte) {
	b.Helper()
	file, err := os.Open(e.file)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(bufio.NewReaderSize(file, 1<<18))
	if err != nil {
		b.Fatal(err)
	}
	scanner := bufio.NewScanner(unpacked)
	scanner.Buffer(nil, 1<<20)
	for len(all) < most && scanner.Scan() {
		all = append(all, append([]byte(nil), scanner.Bytes()...))
	}
	if err := scanner.Err(); err != nil {
		b.Fatal(err)
	}
	return all
}
