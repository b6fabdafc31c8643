package main

import (
	"strings"
	"testing"
	"time"
)

// report passes lines of `go test -json` to a summary and returns the output.
func report(t *testing.T, lines ...string) (text string, ok bool) {
	t.Helper()
	var out strings.Builder
	s := newSummary(&out)
	if _, err := s.read(0, strings.NewReader(strings.Join(lines, "\n"))); err != nil {
		t.Fatal(err)
	}
	s.print(1, time.Second)
	return out.String(), s.ok()
}

const (
	passA    = `{"Action":"pass","Package":"p","Test":"TestA","Elapsed":2.5}`
	passB    = `{"Action":"pass","Package":"p","Test":"TestB/sub","Elapsed":9}`
	skipSaid = `{"Action":"output","Package":"p","Test":"TestC","Output":"    c_test.go:9: SKIPPED: no redis-server: install it\n"}`
	skipMark = `{"Action":"output","Package":"p","Test":"TestC","Output":"--- SKIP: TestC (0.00s)\n"}`
	skipEnd  = `{"Action":"skip","Package":"p","Test":"TestC"}`
	failSaid = `{"Action":"output","Package":"p","Test":"TestD","Output":"    d_test.go:3: broken\n"}`
	failEnd  = `{"Action":"fail","Package":"p","Test":"TestD","Elapsed":1}`
	passPkg  = `{"Action":"pass","Package":"p","Elapsed":3}`
	failPkg  = `{"Action":"fail","Package":"p","Elapsed":3}`
	failSync = `{"Action":"build-output","ImportPath":"q","Output":"q.go:1: no\n"}`
	noBuild  = `{"Action":"build-fail","ImportPath":"q"}`
)

func TestSummary(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		lines []string
		ok    bool
		want  []string
		last  string
	}{
		{
			"all pass: the slowest top-level test is named",
			[]string{passA, passB, passPkg},
			true,
			[]string{"ok   p ", "    2.5s p TestA\n"},
			"2 passed, 0 failed, 0 skipped in 1s",
		},
		{
			"a skip is shown with its reason",
			[]string{passA, skipSaid, skipMark, skipEnd, passPkg},
			true,
			[]string{"SKIPPED: 1 × no redis-server: install it (p TestC)\n"},
			"1 passed, 0 failed, 1 skipped in 1s",
		},
		{
			"a failure is shown with its output and again at the end",
			[]string{passA, failSaid, failEnd, failPkg},
			false,
			[]string{"--- FAIL: p TestD (1.0s)\n    d_test.go:3: broken\n", "FAILED: p TestD\n"},
			"1 passed, 1 failed, 0 skipped in 1s",
		},
		{
			"a package that does not build is a failure",
			[]string{passA, passPkg, failSync, noBuild},
			false,
			[]string{"q.go:1: no\n", "FAILED: q\n"},
			"1 passed, 1 failed, 0 skipped in 1s",
		},
		{"a run without tests is a failure", []string{passPkg}, false, nil, "0 passed, 1 failed, 0 skipped in 1s"},
		{
			"a process that dies shows what the test said last",
			[]string{passA, failSaid, failPkg},
			false,
			[]string{"--- NO END: p TestD\n    d_test.go:3: broken\n", "FAILED: p\n"},
			"1 passed, 1 failed, 0 skipped in 1s",
		},
		{"what is not JSON is shown", []string{"go: cannot find module", passA}, true, []string{"go: cannot find module\n"}, "1 passed, 0 failed, 0 skipped in 1s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := report(t, tt.lines...)
			if ok != tt.ok || !strings.HasSuffix(got, "\n"+tt.last+"\n") {
				t.Errorf("ok = %v, want %v and the last line %q:\n%s", ok, tt.ok, tt.last, got)
			}
			for _, part := range tt.want {
				if !strings.Contains(got, part) {
					t.Errorf("no %q in:\n%s", part, got)
				}
			}
		})
	}
}

// A run that fails although every test in its output has passed is a failure.
func TestTrouble(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	s := newSummary(&out)
	s.take(0, passA)
	s.trouble("go test: signal: killed")
	s.print(0, 0)
	if s.ok() || !strings.Contains(out.String(), "FAILED: go test: signal: killed\n1 passed, 1 failed") {
		t.Errorf("ok = %v:\n%s", s.ok(), &out)
	}
}

// Concurrent runs can test the same package: their output is kept apart, and each counts its own tests.
func TestConcurrentRuns(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	s := newSummary(&out)
	s.take(0, failSaid)
	ended, err := s.read(1, strings.NewReader(strings.Replace(failSaid, "broken", "other", 1)+"\n"+failEnd+"\n"+passPkg))
	if ended != 1 || err != nil {
		t.Errorf("%d tests have ended, %v; want 1", ended, err)
	}
	if text := out.String(); !strings.Contains(text, "other") || strings.Contains(text, "broken") {
		t.Errorf("the failure is shown with:\n%s", text)
	}
	if ended, err := s.read(2, strings.NewReader(passPkg)); ended != 0 || err != nil {
		t.Errorf("%d tests have ended in a run without tests, %v", ended, err)
	}
}
