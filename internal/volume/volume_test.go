package volume_test

import (
	"os"
	"path/filepath"
	"testing"

	"mixduck/internal/fault"
	"mixduck/internal/volume"
)

func TestPath(t *testing.T) {
	t.Parallel()
	outside, dir := t.TempDir(), t.TempDir()
	link := filepath.Join(t.TempDir(), "data") // the data directory itself may be a link
	for _, err := range []error{
		os.Symlink(dir, link),
		os.Symlink(outside, filepath.Join(dir, "out")),
		os.Symlink(filepath.Join(dir, "gone.db"), filepath.Join(dir, "dangling.db")),
		os.Symlink(filepath.Join(dir, "real.db"), filepath.Join(dir, "alias.db")),
		os.WriteFile(filepath.Join(dir, "real.db"), nil, 0o600),
		os.Mkdir(filepath.Join(dir, "folder.db"), 0o700),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name, rel string
		want      string // below dir; "" is a usage error
	}{
		{"a new file is fine", "x.db", "x.db"},
		{"so is one in a new directory", "eu/jan.db", "eu/jan.db"},
		{"a link inside is followed", "alias.db", "real.db"},
		{"two dots leave", "../x.db", ""},
		{"two dots leave from inside", "eu/../../x.db", ""},
		{"an absolute path leaves", "/x.db", ""},
		{"nothing is no name", "", ""},
		{"a link leads out", "out/x.db", ""},
		{"a dangling link may lead anywhere", "dangling.db", ""},
		{"a hidden directory is ours", ".mixduck/queue/x.db", ""},
		{"a directory is no database", "folder.db", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, root := range []string{dir, link} {
				got, err := volume.Path(root, tt.rel)
				if tt.want == "" {
					if fault.CodeOf(err) != fault.CodeUsage {
						t.Errorf("Path(%q) = %q, %v, want a usage error", tt.rel, got, err)
					}
					continue
				}
				if want := filepath.Join(dir, tt.want); err != nil || got != want {
					t.Errorf("Path(%q) = %q, %v, want %q", tt.rel, got, err, want)
				}
			}
		})
	}
}
