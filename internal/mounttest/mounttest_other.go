//go:build !linux

package mounttest

import "testing"

const notHere = "NOT TESTED: small file systems are mounted on Linux only"

// Small skips the test.
func Small(tb testing.TB, _, _ string) { tb.Helper(); tb.Skip(notHere) }

// Resize skips the test.
func Resize(tb testing.TB, _, _ string) { tb.Helper(); tb.Skip(notHere) }

// ReadOnly skips the test.
func ReadOnly(tb testing.TB, _ string) { tb.Helper(); tb.Skip(notHere) }

// Cloning skips the test.
func Cloning(tb testing.TB, _, _ string) { tb.Helper(); tb.Skip(notHere) }
