// Package mounttest provides small or read-only file systems to tests. It needs Linux and root; otherwise the tests
// that call it are skipped.
package mounttest
