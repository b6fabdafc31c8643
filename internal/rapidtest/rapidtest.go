// Package rapidtest allows calling helpers that take a testing.TB in a property test of rapid. It knows nothing about
// what is tested.
package rapidtest

import (
	"flag"
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// Checks sets the number of checks of each property in a test binary, unless -rapid.checks does. Call it in TestMain, before
// the flags are parsed.
func Checks(n int) {
	if err := flag.Set("rapid.checks", strconv.Itoa(n)); err != nil {
		panic(err)
	}
}

// Few returns a function that wraps a property whose checks are slow: only the first n run it, and those that look for a
// smaller example after a failure.
func Few(n int, property func(*rapid.T)) func(*rapid.T) {
	var ran atomic.Int64
	var failed atomic.Bool
	return func(t *rapid.T) {
		if ran.Add(1) > int64(n) && !failed.Load() {
			rapid.Bool().Draw(t, "unused") // rapid wants each check to draw something
			return
		}
		passed := false
		defer func() {
			if !passed {
				failed.Store(true)
			}
		}()
		property(t)
		passed = true
	}
}

// tb is the outer test, except that its failures count for one check. A failure of the outer test would end it at
// once: rapid would neither look for a smaller example nor write the file to repeat it.
type tb struct {
	testing.TB
	check *rapid.T
}

// Wrap returns a testing.TB for use in one check of the test outer. Failures, logs, clean-ups and temporary
// directories belong to the check, and the context to outer.
func Wrap(outer testing.TB, check *rapid.T) testing.TB { return tb{outer, check} }

func (b tb) Helper()                           { b.check.Helper() }
func (b tb) Fail()                             { b.check.Fail() }
func (b tb) FailNow()                          { b.check.FailNow() }
func (b tb) Failed() bool                      { return b.check.Failed() }
func (b tb) Error(args ...any)                 { b.check.Helper(); b.check.Error(args...) }
func (b tb) Errorf(format string, args ...any) { b.check.Helper(); b.check.Errorf(format, args...) }
func (b tb) Fatal(args ...any)                 { b.check.Helper(); b.check.Fatal(args...) }
func (b tb) Fatalf(format string, args ...any) { b.check.Helper(); b.check.Fatalf(format, args...) }
func (b tb) Log(args ...any)                   { b.check.Helper(); b.check.Log(args...) }
func (b tb) Logf(format string, args ...any)   { b.check.Helper(); b.check.Logf(format, args...) }
func (b tb) Skip(args ...any)                  { b.check.Helper(); b.check.Skip(args...) }
func (b tb) Skipf(format string, args ...any)  { b.check.Helper(); b.check.Skipf(format, args...) }
func (b tb) SkipNow()                          { b.check.SkipNow() }
func (b tb) Cleanup(f func())                  { b.check.Cleanup(f) }

// TempDir returns a new directory that is removed after the check, so thousands of checks do not fill the disk.
func (b tb) TempDir() string {
	b.Helper()
	dir, err := os.MkdirTemp("", "check-")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	})
	return dir
}
