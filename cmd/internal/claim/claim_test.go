package claim_test

import (
	"os"
	"path/filepath"
	"testing"

	"mixduck/cmd/internal/claim"
	"mixduck/internal/fault"
)

func mustClaim(t *testing.T, dir string, alone bool) *claim.Claim {
	t.Helper()
	s, err := claim.Take(dir, claim.Worker, alone)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Leave)
	return s
}

func TestClaimIsKeptOverRestarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := mustClaim(t, dir, true)
	first.Leave()
	if again := mustClaim(t, dir, true); again.ID != first.ID {
		t.Errorf("the id changed from %s to %s", first.ID, again.ID)
	}
	if other := mustClaim(t, t.TempDir(), true); other.ID == first.ID {
		t.Errorf("two directories share the id %s", other.ID)
	}
}

func TestClaimOfTheEmbeddedQueueIsTheOnlyOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustClaim(t, dir, true)
	for _, alone := range []bool{true, false} {
		if _, err := claim.Take(dir, claim.Worker, alone); fault.CodeOf(err) != fault.CodeLocked || fault.HintOf(err) == "" {
			t.Errorf("Take(alone %v) = %v, want locked, with a hint", alone, err)
		}
	}
}

func TestWorkersOfARedisShareADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second := mustClaim(t, dir, false), mustClaim(t, dir, false)
	if first.ID == second.ID {
		t.Fatalf("both have the id %s", first.ID)
	}
	first.Leave()
	if third := mustClaim(t, dir, false); third.ID != first.ID {
		t.Errorf("the free claim is %s, but %s was taken", first.ID, third.ID)
	}
}

func TestClaimSaysThatADirectoryCannotBeUsed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := claim.Take(file, claim.Worker, true); fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "" {
		t.Errorf("error = %v, want a usage error with a hint", err)
	}
}

// The programs of one installation use the same directory.
func TestLakeSharesTheDirectoryOfTheEmbeddedQueue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	worker := mustClaim(t, dir, true)
	lake, err := claim.Take(dir, claim.Lake, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(lake.Leave)
	if lake.ID == worker.ID {
		t.Errorf("both have the id %s", lake.ID)
	}
}
