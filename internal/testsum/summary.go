package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// event is a line of `go test -json` (go doc test2json); builds add ImportPath.
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Elapsed    float64 // seconds
	Output     string
}

// name is the name of a test in reports.
type name struct {
	run       int // number of the run of go test
	pkg, test string
}

func (n name) String() string {
	if n.test == "" {
		return n.pkg
	}
	return n.pkg + " " + n.test
}

// summary sums up the results of tests.
type summary struct {
	mu       sync.Mutex // guards everything below
	out      io.Writer
	output   map[name][]string // of what has not passed yet
	took     map[name]float64  // of top-level tests
	passed   int               // including subtests, like all counts
	failures []name
	skipped  map[string][]name // by reason
	troubles []string          // about neither a test nor a package
	costs    []string          // of runs
}

func newSummary(out io.Writer) *summary {
	return &summary{out: out, output: map[name][]string{}, took: map[name]float64{}, skipped: map[string][]name{}}
}

// read reads the events of a run until r ends. It returns the number of finished tests and failed packages.
func (s *summary) read(run int, r io.Reader) (ended int, err error) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line != "" && s.take(run, line) {
			ended++
		}
		if err == io.EOF {
			return ended, nil
		}
		if err != nil {
			return ended, err
		}
	}
}

// take handles an event. It reports whether it ends a test or fails a package.
func (s *summary) take(run int, line string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var e event
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		fmt.Fprint(s.out, line) // a message of go test itself
		return false
	}
	id := name{run, cmp.Or(e.Package, e.ImportPath), e.Test}
	switch e.Action {
	case "output", "build-output":
		s.output[id] = append(s.output[id], e.Output)
	case "pass", "fail", "skip", "build-fail":
		s.end(id, e)
		return e.Test != "" || strings.HasSuffix(e.Action, "fail")
	}
	return false
}

// end handles the end of a test, a package or a build.
func (s *summary) end(id name, e event) {
	said := s.output[id]
	delete(s.output, id)
	if id.test != "" && !strings.Contains(id.test, "/") {
		s.took[id] = e.Elapsed
	}
	switch {
	case e.Action == "fail" || e.Action == "build-fail":
		s.failures = append(s.failures, id)
		fmt.Fprintf(s.out, "--- FAIL: %s (%.1fs)\n%s", id, e.Elapsed, strings.Join(said, ""))
	case id.test == "" && e.Action == "pass":
		fmt.Fprintf(s.out, "ok   %-45s %6.1fs\n", id.pkg, e.Elapsed)
	case id.test == "": // a package without tests
	case e.Action == "skip":
		why := reason(said)
		s.skipped[why] = append(s.skipped[why], id)
	default:
		s.passed++
	}
}

// reason finds in a test's output why it was skipped.
func reason(said []string) string {
	for _, line := range slices.Backward(said) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "--- SKIP") || strings.HasPrefix(line, "=== ") {
			continue
		}
		if _, text, ok := strings.Cut(line, ".go:"); ok { // followed by the line number
			_, line, _ = strings.Cut(text, ": ")
		}
		return strings.TrimPrefix(line, "SKIPPED: ")
	}
	return "no reason given"
}

func (s *summary) trouble(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.troubles = append(s.troubles, text)
}

// used records how long a run took, and its processor time.
func (s *summary) used(args []string, took, cpu time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.costs = append(s.costs, fmt.Sprintf("%7.1fs, CPU %.0fs: go test … %s", took.Seconds(), cpu.Seconds(), args[len(args)-1]))
}

func (s *summary) failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.failures)+len(s.troubles) > 0
}

// ok reports whether tests have run and none has failed.
func (s *summary) ok() bool { return !s.failed() && s.passed > 0 }

// print writes the summary. The last line is the count.
func (s *summary) print(slowest int, took time.Duration) {
	s.printUnended()
	fmt.Fprintf(s.out, "\nslowest tests:\n")
	tests := slices.SortedFunc(maps.Keys(s.took), func(a, b name) int { return cmp.Compare(s.took[b], s.took[a]) })
	for _, id := range tests[:min(slowest, len(tests))] {
		fmt.Fprintf(s.out, "%7.1fs %s\n", s.took[id], id)
	}
	fmt.Fprintf(s.out, "\nruns:\n%s\n", strings.Join(s.costs, "\n"))
	skips := 0
	for _, why := range slices.Sorted(maps.Keys(s.skipped)) {
		skips += len(s.skipped[why])
		fmt.Fprintf(s.out, "SKIPPED: %d × %s (%s)\n", len(s.skipped[why]), why, s.skipped[why][0])
	}
	failures := 0
	for _, id := range s.failures {
		if id.test != "" {
			failures++
		}
		fmt.Fprintln(s.out, "FAILED:", id)
	}
	for _, text := range s.troubles {
		failures++
		fmt.Fprintln(s.out, "FAILED:", text)
	}
	if failures == 0 && !s.ok() { // a package that does not build or has no tests
		failures = max(1, len(s.failures))
	}
	fmt.Fprintf(s.out, "%d passed, %d failed, %d skipped in %s\n", s.passed, failures, skips, took.Round(time.Second))
}

// printUnended shows the output of tests that did not finish, for example because a process was killed.
func (s *summary) printUnended() {
	for id, said := range s.output {
		if id.test != "" && s.failed() {
			fmt.Fprintf(s.out, "--- NO END: %s\n%s", id, strings.Join(said, ""))
		}
	}
}
