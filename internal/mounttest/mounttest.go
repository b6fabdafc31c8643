// Package mounttest gives tests file systems that are small or read-only. It needs Linux and root; without them the tests
// that call it are skipped.
package mounttest
