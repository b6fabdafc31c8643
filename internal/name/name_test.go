package name_test

import (
	"strings"
	"testing"

	"mixduck/internal/fault"
	"mixduck/internal/name"
)

func TestFile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path string
		ok   bool
	}{
		{"x.db", true},
		{"/data/with space/日本/quo'te;&-dash/x.db", true},
		{`back\slash.db`, true},
		{"no suffix", true},
		{"wal", true},
		{"x.wal.db", true},
		{"xturn", true},
		{"x.db.wal", false},
		{"x.db.WAL", false},
		{"x.lock", false},
		{"x.Turn", false},
		{"x.db.tmp", false},
		{"x.db.1.copying", false},
		{"x.db.wal/y.db", false},
		{"x.LOCK/y.db", false},
		{"what?.db", false},
		{"hash#x.db", false},
		{"a%b.db", false},
		{"per%41cent/x.db", false},
		{"new\nline.db", false},
		{"nul\x00.db", false},
		{"del\x7f.db", false},
		{"\xff.db", false},
	} {
		err := name.File(tt.path)
		if (err == nil) != tt.ok || err != nil && (fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "") {
			t.Errorf("File(%q) = %v, want nothing: %t", tt.path, err, tt.ok)
		}
		// Names of databases in a volume are rejected for the same reasons.
		if full := "main/" + strings.TrimPrefix(tt.path, "/") + "/x.db"; !tt.ok && name.Database(full) == nil {
			t.Errorf("Database(%q) is allowed", full)
		}
	}
}

// DuckDB could not tell a database from a schema of the same name.
func TestFileLikeASchema(t *testing.T) {
	t.Parallel()
	for path, ok := range map[string]bool{
		"mixduck.db": false, "/data/Mixduck.2025.db": false, "compat.duckdb": false, "model": false, "information_schema.db": false,
		"mixduck/x.db": true, "mixduck_1.db": true, "main.db": true, "x.mixduck.db": true, "models.db": true,
	} {
		if err := name.File(path); (err == nil) != ok || err != nil && (fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "") {
			t.Errorf("File(%q) = %v, want nothing: %t", path, err, ok)
		}
		if err := name.Database("main/" + strings.Trim(path, "/")); err == nil && !ok {
			t.Errorf("Database(main/%s) is allowed", path)
		}
	}
}

func TestDatabase(t *testing.T) {
	t.Parallel()
	for full, ok := range map[string]bool{
		"main/12345.db": true, "eu/a/b.duckdb": true, "main/with space.db": true, "main/日本.db": true,
		"main": false, "main/": false, "Main/x.db": false, "main/x": false, "main/x.db.wal": false, "main/x.DB": false, "main/../x.db": false,
		"main/.x.db": false, "main//x.db": false, `main/a\b.db`: false, "main/a%b.db": false, "main/" + strings.Repeat("x", 600) + ".db": false,
	} {
		if err := name.Database(full); (err == nil) != ok {
			t.Errorf("Database(%q) = %v, want nothing: %t", full, err, ok)
		}
	}
}
