package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"mixduck/internal/fault"
	"mixduck/internal/filelock"
	"mixduck/internal/filesystem"
	"mixduck/internal/name"
)

// Snapshot describes a copy of a database for other programs.
type Snapshot struct {
	Path    string    `json:"path"`
	Job     string    `json:"job,omitempty"` // the job before it; "" for none
	TakenAt time.Time `json:"taken_at"`      // it contains what was committed by then, UTC
	Bytes   int64     `json:"bytes"`

	// Source describes the database file at that time, see [SourceState].
	Source string `json:"source"`
	Inode  uint64 `json:"inode"` // of the snapshot
}

// SnapshotRequest says what to copy where.
type SnapshotRequest struct {
	Database string        `json:"database"` // path of the database
	To       string        `json:"to"`       // path of the snapshot
	Name     string        `json:"name"`     // the snapshot's name for itself: the end of To, see [refuseSnapshot]
	Job      string        `json:"job"`
	LockWait time.Duration `json:"lock_wait"` // see [Config.LockWait]
}

// Errors of [TakeSnapshot] that callers distinguish.
var (
	ErrSnapshotBusy = errors.New("another process is making this snapshot")
	ErrNoRoom       = errors.New("not enough disk space for a snapshot")
)

// TakeSnapshot replaces the snapshot of a database in one step. Programs that have the old snapshot open keep it. Writers
// of the database wait while the file is copied, queries do not. If the database has not changed since the last snapshot,
// made is false and s describes that one. A crash or an error leaves the old snapshot; the next call removes the remains.
//
// It opens the database file without DuckDB, and closing it drops all locks that this process has on it. So call it in a
// process that has nothing to do with the database otherwise.
//
// Errors: [ErrNotFound], [ErrLocked] if another program writes to the database, [ErrSnapshotBusy], [ErrNoRoom], and
// [fault.CodeExists] if there is another file at the snapshot's path.
func TakeSnapshot(ctx context.Context, r SnapshotRequest) (s Snapshot, made bool, err error) {
	defer func() { err = ended(ctx, err) }()
	if err := errors.Join(name.File(r.Database), name.File(r.To)); err != nil {
		return Snapshot{}, false, err
	}
	if err := copyDirs(filepath.Dir(r.Database), filepath.Dir(r.To)); err != nil {
		return Snapshot{}, false, err
	}
	label, err := lockLabel(r.To)
	if err != nil {
		return Snapshot{}, false, err
	}
	defer filelock.Unlock(label) //nolint:errcheck // the file is closed in any case
	old, err := currentSnapshot(ctx, r.To)
	if err != nil {
		return Snapshot{}, false, err
	}
	share, err := NewShare(ctx, r.Database, r.LockWait)
	if err != nil {
		return Snapshot{}, false, err
	}
	defer share.Release()
	c := snapshotCopy{from: share.Path(), to: r.To, tmp: hiddenBeside(r.To, copying)}
	if err := removeDatabase(c.tmp); err != nil { // left by a process that was killed
		return Snapshot{}, false, err
	}
	s = Snapshot{Path: r.To, Job: r.Job, TakenAt: time.Now().UTC().Truncate(time.Microsecond)}
	if s.Source, err = SourceState(c.from); err != nil {
		return Snapshot{}, false, err
	}
	if old != nil && old.Source == s.Source {
		return *old, false, nil
	}
	c.flushed = filesystem.StartFlush(c.tmp)
	defer func() {
		c.flushed()
		if err != nil {
			err = errors.Join(noRoom(err), removeDatabase(c.tmp))
		}
	}()
	if err := c.fill(ctx, r.LockWait); err != nil {
		return Snapshot{}, false, err
	}
	share.Release()
	if err := c.finish(ctx, r.Name, s); err != nil {
		return Snapshot{}, false, err
	}
	return s.publish(c, label)
}

// SourceState describes the content of a database file without opening it. The description changes with the file. It
// returns an error with [fs.ErrNotExist] if there is no file.
func SourceState(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	state := fmt.Sprintf("%d:%d:%d", inodeOf(info), info.Size(), info.ModTime().UnixNano())
	if log, err := os.Stat(path + ".wal"); err == nil {
		state += fmt.Sprintf(":%d:%d", log.Size(), log.ModTime().UnixNano())
	}
	return state, nil
}

// ReadSnapshot describes the snapshot at path, or returns nil if there is none. It does not open the snapshot with DuckDB.
func ReadSnapshot(path string) (*Snapshot, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // documented
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(hiddenBeside(path, labelSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // documented
	}
	var s Snapshot
	if err != nil || json.Unmarshal(text, &s) != nil || s.Inode != inodeOf(info) {
		return nil, err
	}
	s.Path = path
	return &s, nil
}

// RemoveSnapshot deletes the snapshot at path and all its files. A missing snapshot is not an error.
func RemoveSnapshot(path string) error {
	s, err := ReadSnapshot(path)
	if err != nil || s == nil {
		return err
	}
	return errors.Join(removeDatabase(path), os.Remove(hiddenBeside(path, labelSuffix)))
}

// labelSuffix is the suffix of the hidden file that describes a snapshot, and that is locked while one is made.
const labelSuffix = ".snapshot"

// hiddenBeside returns the path of a hidden file that belongs to the file at path.
func hiddenBeside(path, suffix string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+suffix)
}

func inodeOf(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}

// lockLabel locks the file that describes the snapshot at to.
func lockLabel(to string) (*os.File, error) {
	f, err := os.OpenFile(hiddenBeside(to, labelSuffix), os.O_RDWR|os.O_CREATE, 0o644) //nolint:gosec // those who read the snapshot may see its age
	if err != nil {
		return nil, noRoom(err)
	}
	if err := filelock.Try(f, true); err != nil {
		if errors.Is(err, filelock.ErrHeld) {
			err = ErrSnapshotBusy
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// currentSnapshot returns the snapshot at path, nil if there is none. If the file is not a snapshot, the error has
// [fault.CodeExists].
func currentSnapshot(ctx context.Context, path string) (*Snapshot, error) {
	s, err := ReadSnapshot(path)
	if s != nil || err != nil {
		return s, err
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // documented
	}
	foreign := fault.New(fault.CodeExists, "move the file to another directory, or set snapshot: off", "%s exists and is not a snapshot", path)
	e, err := Open(ctx, Config{Path: path, ReadOnly: true, Shared: true, Threads: 1}) // the description is lost
	if err != nil {
		return nil, foreign
	}
	defer e.Close()
	if is, err := e.hasTable(ctx, "snapshot"); err != nil || !is {
		return nil, foreign
	}
	return nil, nil //nolint:nilnil // one that must be made anew
}

// publish gives a finished copy its name and describes it.
func (s Snapshot) publish(c snapshotCopy, label *os.File) (Snapshot, bool, error) {
	info, err := os.Stat(c.tmp)
	if err != nil {
		return Snapshot{}, false, err
	}
	s.Inode, s.Bytes = inodeOf(info), info.Size()
	text, err := json.Marshal(s)
	if err != nil {
		return Snapshot{}, false, err
	}
	if err := removeLogs(c.to); err != nil { // of a program that wrote to the old snapshot: DuckDB would apply them to the new one
		return Snapshot{}, false, err
	}
	if err := filesystem.Rename(c.tmp, c.to); err != nil {
		return Snapshot{}, false, err
	}
	_, err = label.WriteAt(fmt.Appendf(nil, "%-4096s", text), 0) // of constant length, so that readers never see a mix of two texts
	return s, true, err
}

// snapshotCopy is a copy in progress. DuckDB's logs are next to each file.
type snapshotCopy struct {
	from, to, tmp string

	flushed func() // waits until the system writes no more of tmp, see [filesystem.StartFlush]
}

// fill copies the file and its logs. The caller must keep writers of this program away.
func (c snapshotCopy) fill(ctx context.Context, wait time.Duration) error {
	f, err := os.Open(c.from)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := awaitRecordLock(ctx, f, wait); err != nil {
		return err
	}
	logs, err := LogFiles(c.from)
	if err != nil {
		return err
	}
	if err := c.copy(f, c.tmp); err != nil {
		return err
	}
	for _, log := range logs {
		f, err := os.Open(log)
		if err != nil {
			return err
		}
		err = c.copy(f, c.tmp+log[len(c.from):])
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// copy copies a file in the cheapest way.
func (c snapshotCopy) copy(from *os.File, to string) error {
	err := filesystem.Clone(from, to)
	if !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	info, err := from.Stat()
	if err != nil {
		return err
	}
	free, _, err := filesystem.Room(filepath.Dir(to))
	if err != nil {
		return err
	}
	if need := info.Size() + max(info.Size()/8, 16<<20); uint64(need) > free {
		return roomError("a snapshot of %s needs %d MB, but only %d MB are free", c.from, need/1e6, min(free, math.MaxInt64)/1e6)
	}
	return filesystem.Copy(from, to)
}

// finish applies the logs to the copy, marks it and writes everything to disk. The result is not writable.
func (c snapshotCopy) finish(ctx context.Context, called string, s Snapshot) error {
	info, err := os.Stat(c.from)
	if err != nil {
		return err
	}
	c.flushed() // DuckDB's lock on the copy would go with a descriptor of it
	connector, err := connect(ctx, c.tmp, Config{MemoryLimit: 256 << 20, Threads: 1})
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	for _, q := range []string{
		"CREATE SCHEMA IF NOT EXISTS mixduck",
		"CREATE OR REPLACE TABLE mixduck.snapshot (name VARCHAR NOT NULL, source VARCHAR NOT NULL, job_id VARCHAR NOT NULL, taken_at TIMESTAMP NOT NULL)",
	} {
		if err == nil {
			_, err = db.ExecContext(ctx, q)
		}
	}
	if err == nil {
		_, err = db.ExecContext(ctx, "INSERT INTO mixduck.snapshot VALUES (?, ?, ?, ?)", called, c.from, s.Job, s.TakenAt)
	}
	if err == nil {
		_, err = db.ExecContext(ctx, "FORCE CHECKPOINT")
	}
	if err := errors.Join(diskFull(err), db.Close()); err != nil {
		return err
	}
	if err := removeLogs(c.tmp); err != nil {
		return err
	}
	copyOwner(c.tmp, info)
	if err := os.Chmod(c.tmp, info.Mode().Perm()&^0o222); err != nil {
		return err
	}
	return filesystem.Sync(c.tmp)
}
