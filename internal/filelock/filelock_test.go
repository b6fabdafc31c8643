package filelock_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"mixduck/internal/filelock"
)

func TestTry(t *testing.T) {
	t.Parallel()
	const shared, exclusive = false, true
	tests := []struct {
		name          string
		first, second bool
		want          error
	}{
		{"two readers", shared, shared, nil},
		{"a writer beside a reader", shared, exclusive, filelock.ErrHeld},
		{"a reader beside a writer", exclusive, shared, filelock.ErrHeld},
		{"two writers", exclusive, exclusive, filelock.ErrHeld},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "lock")
			first, second := open(t, path), open(t, path)
			if err := filelock.Try(first, tt.first); err != nil {
				t.Fatal(err)
			}
			if err := filelock.Try(second, tt.second); !errors.Is(err, tt.want) {
				t.Errorf("the second gets %v, want %v", err, tt.want)
			}
			if err := filelock.Unlock(first); err != nil {
				t.Fatal(err)
			}
			if err := filelock.Try(second, exclusive); err != nil {
				t.Errorf("after the first has gone the second gets %v", err)
			}
		})
	}
}

func TestTryOfAClosedFile(t *testing.T) {
	t.Parallel()
	f := open(t, filepath.Join(t.TempDir(), "lock"))
	f.Close()
	if err := filelock.Try(f, true); err == nil || errors.Is(err, filelock.ErrHeld) {
		t.Errorf("error = %v, want one that is not about another holder", err)
	}
}

func open(tb testing.TB, path string) *os.File {
	tb.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.Close() })
	return f
}
