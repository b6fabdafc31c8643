// Package snapshot makes copies of databases for other programs. Each copy is made by a separate process, because it opens the
// database file without DuckDB: closing that descriptor would drop DuckDB's locks in the process of the worker.
package snapshot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"mixduck/internal/cage"
	"mixduck/storage"
	"mixduck/storage/internal/remote"
)

// Launcher says how to start the process that runs [Child].
type Launcher struct {
	Exe  string
	Args []string // that make it call Child
}

// reply is what the child writes to its standard output.
type reply struct {
	Snapshot storage.Snapshot `json:"snapshot"`
	Made     bool             `json:"made"`
	Error    *remote.Failure  `json:"error,omitempty"`
}

func sentinels() []error {
	return []error{storage.ErrSnapshotBusy, storage.ErrNoRoom}
}

// Run calls [storage.TakeSnapshot] in another process. If ctx ends, it kills that process and returns the cause.
func Run(ctx context.Context, launch Launcher, r storage.SnapshotRequest) (s storage.Snapshot, made bool, err error) {
	task, err := json.Marshal(r)
	if err != nil {
		return storage.Snapshot{}, false, err
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, launch.Exe, launch.Args...)
	cmd.Env = []string{"TZ=UTC", "GOTRACEBACK=none"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(task), &stdout, &stderr
	p, err := cage.Start(cmd)
	if err == nil {
		err = p.Wait()
	}
	if ctx.Err() != nil {
		return storage.Snapshot{}, false, context.Cause(ctx)
	}
	var answer reply
	if jsonErr := json.Unmarshal(stdout.Bytes(), &answer); jsonErr != nil {
		return storage.Snapshot{}, false, fmt.Errorf("the process that makes snapshots ended without an answer: %w: %.300s", errors.Join(err, jsonErr), stderr.Bytes())
	}
	if answer.Error != nil {
		return storage.Snapshot{}, false, answer.Error.Err(sentinels())
	}
	return answer.Snapshot, answer.Made, nil
}

// Child is the other process: a program that calls Run has a hidden command that calls Child with its standard streams and
// exits with what it returns.
func Child(ctx context.Context, stdin io.Reader, stdout io.Writer) int {
	var a reply
	var r storage.SnapshotRequest
	err := json.NewDecoder(stdin).Decode(&r)
	if err == nil {
		a.Snapshot, a.Made, err = storage.TakeSnapshot(ctx, r)
	}
	if err != nil {
		a = reply{Error: remote.NewFailure(err, sentinels())}
	}
	if json.NewEncoder(stdout).Encode(a) != nil || err != nil {
		return 1
	}
	return 0
}
