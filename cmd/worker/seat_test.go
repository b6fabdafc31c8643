package main

import (
	"os"
	"path/filepath"
	"testing"

	"mixduck/internal/fault"
)

func mustSit(t *testing.T, dir string, alone bool) *seat {
	t.Helper()
	s, err := takeSeat(dir, alone)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.leave)
	return s
}

func TestSeatIsKeptOverRestarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := mustSit(t, dir, true)
	first.leave()
	if again := mustSit(t, dir, true); again.id != first.id {
		t.Errorf("the id changed from %s to %s", first.id, again.id)
	}
	if other := mustSit(t, t.TempDir(), true); other.id == first.id {
		t.Errorf("two directories share the id %s", other.id)
	}
}

func TestSeatOfTheEmbeddedQueueIsTheOnlyOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustSit(t, dir, true)
	for _, alone := range []bool{true, false} {
		if _, err := takeSeat(dir, alone); fault.CodeOf(err) != fault.CodeLocked || fault.HintOf(err) == "" {
			t.Errorf("takeSeat(alone %v) = %v, want locked, with a hint", alone, err)
		}
	}
}

func TestWorkersOfARedisShareADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second := mustSit(t, dir, false), mustSit(t, dir, false)
	if first.id == second.id {
		t.Fatalf("both have the id %s", first.id)
	}
	first.leave()
	if third := mustSit(t, dir, false); third.id != first.id {
		t.Errorf("the free seat is %s, but %s was taken", first.id, third.id)
	}
}

func TestSeatSaysThatADirectoryCannotBeUsed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := takeSeat(file, true); fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "" {
		t.Errorf("error = %v, want a usage error with a hint", err)
	}
}
