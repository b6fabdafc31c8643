package claim_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mixduck/cmd/internal/claim"
)

func TestDirectoryIDStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	made, err := claim.DirectoryID(dir)
	if err != nil || len(made) != 12 {
		t.Fatalf("DirectoryID = %q, %v, want 12 characters", made, err)
	}
	if again, err := claim.DirectoryID(dir); again != made || err != nil {
		t.Errorf("DirectoryID the second time = %q, %v, want %q", again, err, made)
	}
}

// A crash of the machine can leave an empty file. If it counted as an ID, all such directories would have the same
// one.
func TestEmptyIDIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, ".mixduck", "id")
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if id, err := claim.DirectoryID(dir); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("DirectoryID = %q, %v, want an error that says what to do", id, err)
	}
}
