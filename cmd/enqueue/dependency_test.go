package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestLinksNoDuckDB checks that the command is pure Go, so it runs where DuckDB does not.
func TestLinksNoDuckDB(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range strings.Lines(string(out)) {
		pkg = strings.TrimSpace(pkg)
		if strings.Contains(pkg, "duckdb") || pkg == "mixduck/storage" || pkg == "mixduck/workspace" || pkg == "mixduck/mixpanel" {
			t.Errorf("enqueue links %s", pkg)
		}
	}
}
