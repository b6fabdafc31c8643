package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/jobs"
)

func TestWorkersAreShownWithTheirDisks(t *testing.T) {
	t.Parallel()
	at := surveyed.Add(-time.Second)
	w := jobs.WorkerInfo{
		ID: "w1", Host: "a\x1b[31m", PID: 7, Version: "v1", Started: surveyed.Add(-2 * time.Hour), Volumes: []jobs.Volume{{Name: "eu"}, {Name: "main"}},
		Disks: map[string]jobs.Disk{"main": {Free: 12_340_000_000, Size: 100_000_000_000, At: at}},
	}
	want := [][]string{
		{"ID", "HOST", "VERSION", "RUNNING", "VOLUMES"},
		{"w1", "a [31m", "v1", "2h", "eu: free space unknown, main: 12.3 of 100.0 GB free"},
	}
	if diff := cmp.Diff(want, workerRows([]jobs.WorkerInfo{w}, surveyed)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	b, err := json.Marshal(newWorkerObject(w).Volumes)
	text := `[{"name":"eu","free_bytes":null,"size_bytes":null,"at":null},` +
		`{"name":"main","free_bytes":12340000000,"size_bytes":100000000000,"at":"2026-11-25T10:59:59Z"}]`
	if diff := cmp.Diff(text, string(b)); err != nil || diff != "" {
		t.Errorf("volumes (-want +got):\n%s%v", diff, err)
	}
}
