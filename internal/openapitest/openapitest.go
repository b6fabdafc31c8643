// Package openapitest finds Mixpanel's published OpenAPI files for tests that compare Mixduck with them. The files are
// not part of this repository; github.com/mixpanel/docs has them. The package knows where the files are, not what they
// contain.
package openapitest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Read returns one of the files: from the directory MIXDUCK_OPENAPI_DIR, otherwise from shared/openapi next to the
// checkout. Without the directory it skips the test with a message.
func Read(tb testing.TB, name string) []byte {
	tb.Helper()
	dir := os.Getenv("MIXDUCK_OPENAPI_DIR")
	if dir == "" {
		dir = filepath.Join(filepath.Dir(checkout(tb)), "shared", "openapi")
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			tb.Skip("SKIPPED: Mixpanel's OpenAPI files are missing, so requests are NOT compared with them: " +
				"set MIXDUCK_OPENAPI_DIR to their directory")
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// checkout returns the directory that contains go.mod.
func checkout(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd() // the directory of the tested package
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			tb.Fatal("no go.mod above the directory of the test")
		}
		dir = parent
	}
}
