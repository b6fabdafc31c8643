package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mixduck/config"
	"mixduck/internal/fault"
)

// Any content of a file results in settings or a usage error. Neither contains a secret of the environment.
func FuzzFile(f *testing.F) {
	for _, kind := range []string{"good", "bad"} {
		files, err := filepath.Glob("testdata/" + kind + "/*.yaml")
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range files {
			b, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(b))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "x.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load([]string{"HOME=/home/ann", "MIXDUCK_CONFIG=" + path, "MP_SECRET=hunter2-of-env"}, nil)
		if err != nil && (fault.CodeOf(err) != fault.CodeUsage || strings.Contains(err.Error(), "hunter2-of-env")) {
			t.Errorf("error = %v", err)
		}
		for _, v := range c.Values() {
			if strings.Contains(v.Value, "hunter2-of-env") {
				t.Errorf("a secret is shown: %v", v)
			}
		}
	})
}
