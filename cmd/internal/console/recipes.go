package console

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"mixduck/internal/wording"
)

// SnapshotFile is the snapshot of a database.
type SnapshotFile struct {
	Path    string
	TakenAt time.Time
}

// snapshotter is a [Reader] that knows its database's snapshot.
type snapshotter interface {
	// Snapshot returns nil if there is none.
	Snapshot(ctx context.Context) (*SnapshotFile, error)
}

// inspectInfo shows the result of `inspect info`, and how other programs read the snapshot.
func (a *App) inspectInfo(ctx context.Context, r Reader, q Question, f *ResultFlags) error {
	if err := a.ask(ctx, r, q, f, nil); err != nil {
		return err
	}
	s, ok := r.(snapshotter)
	if !ok || f.Format.Value != FormatTable || f.output != "" {
		return nil
	}
	found, err := s.Snapshot(ctx)
	if err != nil || found == nil {
		return err
	}
	return a.Print(recipes(*found, a.Now()))
}

// recipes returns code to paste into other programs.
func recipes(s SnapshotFile, now time.Time) string {
	path := wording.Printable(s.Path)
	return fmt.Sprintf(`
Other programs can read the snapshot and keep it open. It was taken %s ago:

  %s

Python      duckdb.connect(%s, read_only=True)
duckdb CLI  duckdb -readonly %s
DBeaver     DuckDB connection with this path, and the driver property duckdb.read_only = true
Metabase    DuckDB database with this file, and "Establish a read-only connection"
`, wording.ShortTime(max(0, now.Sub(s.TakenAt))), path, strconv.Quote(path), wording.Shell(path))
}
