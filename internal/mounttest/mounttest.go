// Package mounttest provides small, read-only or block-sharing file systems to tests. It needs Linux and root; otherwise the tests
// that call it are skipped.
package mounttest
