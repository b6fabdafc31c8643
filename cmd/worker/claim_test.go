package main

import (
	"os"
	"path/filepath"
	"testing"

	"mixduck/internal/fault"
)

func mustClaim(t *testing.T, dir string, alone bool) *claim {
	t.Helper()
	s, err := takeClaim(dir, alone)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.leave)
	return s
}

func TestClaimIsKeptOverRestarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := mustClaim(t, dir, true)
	first.leave()
	if again := mustClaim(t, dir, true); again.id != first.id {
		t.Errorf("the id changed from %s to %s", first.id, again.id)
	}
	if other := mustClaim(t, t.TempDir(), true); other.id == first.id {
		t.Errorf("two directories share the id %s", other.id)
	}
}

func TestClaimOfTheEmbeddedQueueIsTheOnlyOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustClaim(t, dir, true)
	for _, alone := range []bool{true, false} {
		if _, err := takeClaim(dir, alone); fault.CodeOf(err) != fault.CodeLocked || fault.HintOf(err) == "" {
			t.Errorf("takeClaim(alone %v) = %v, want locked, with a hint", alone, err)
		}
	}
}

func TestWorkersOfARedisShareADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second := mustClaim(t, dir, false), mustClaim(t, dir, false)
	if first.id == second.id {
		t.Fatalf("both have the id %s", first.id)
	}
	first.leave()
	if third := mustClaim(t, dir, false); third.id != first.id {
		t.Errorf("the free claim is %s, but %s was taken", first.id, third.id)
	}
}

func TestClaimSaysThatADirectoryCannotBeUsed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := takeClaim(file, true); fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "" {
		t.Errorf("error = %v, want a usage error with a hint", err)
	}
}
