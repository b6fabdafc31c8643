package storage

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mixduck/internal/fault"
	"mixduck/internal/filesystem"
	"mixduck/internal/name"
)

// Backup copies the database at cfg.Path to a new file. The file gets its name when it is complete and synced. It
// contains what was committed when the copy started. During the copy, queries continue and writers wait.
//
// job identifies the request: a second call with the same job finds its copy and does nothing. The copy stores it in
// mixduck.backups. Any other existing file is an error with [fault.CodeExists]. Backup returns [ErrLocked] and
// [ErrNotFound] like [Open] does for reading.
func Backup(ctx context.Context, cfg Config, to, job string) (err error) {
	defer func() { err = ended(ctx, err) }()
	cfg.ReadOnly = true
	if err := name.File(to); err != nil {
		return err
	}
	share, err := NewShare(ctx, cfg.Path, cfg.LockWait)
	if err != nil {
		return err
	}
	defer share.Release()
	s := slotOf(share.Path(), true)
	if err := s.enter(ctx, cfg); err != nil {
		return err
	}
	defer s.leave()
	if s.inst != nil { // opening and closing it again would drop the locks of readers
		return &LockedError{Path: cfg.Path, PID: os.Getpid()}
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	if done, err := backedUp(ctx, to, job); done || err != nil {
		return err
	}
	connector, err := connect(ctx, "", Config{MemoryLimit: cfg.MemoryLimit, Threads: cfg.Threads})
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	const source = "mixduck_source"
	if _, err := conn.ExecContext(ctx, "ATTACH "+text(share.Path())+" AS "+source+" (READ_ONLY)"); err != nil {
		if locked := lockedBy(cfg.Path, err); locked != nil {
			return locked
		}
		return err
	}
	// Each attempt writes its own file, so a frozen attempt that resumes cannot publish the file of another.
	mine := to + "." + job
	if err := removeCopies(mine); err != nil {
		return err
	}
	c := copier{conn: conn, source: source, path: mine + "." + rand.Text() + copying}
	if err := c.run(ctx, func(conn *sql.Conn) error { return signBackup(ctx, conn, share.Path(), job) }); err != nil {
		return err
	}
	err = publish(c.path, to)
	if errors.Is(err, fs.ErrExist) { // created since the check, maybe by another attempt
		if done, foreign := backedUp(ctx, to, job); done || foreign != nil {
			return foreign
		}
	}
	return err
}

// copying ends the names of unfinished backups.
const copying = ".copying"

// removeCopies removes files that killed attempts have left. Their names start with begin.
func removeCopies(begin string) error {
	dir := filepath.Dir(begin)
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		database := strings.TrimSuffix(f.Name(), ".wal")
		if strings.HasPrefix(database, filepath.Base(begin)+".") && strings.HasSuffix(database, copying) {
			if err := removeDatabase(filepath.Join(dir, database)); err != nil {
				return err
			}
		}
	}
	return nil
}

// signBackup records the source and job in the copy.
func signBackup(ctx context.Context, conn *sql.Conn, source, job string) error {
	const table = "CREATE TABLE IF NOT EXISTS " + target + ".mixduck.backups (job_id VARCHAR NOT NULL, source VARCHAR NOT NULL, taken_at TIMESTAMP NOT NULL)"
	if _, err := conn.ExecContext(ctx, table); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, "INSERT INTO "+target+".mixduck.backups VALUES (?, ?, now()::TIMESTAMP)", job, source)
	return err
}

// backedUp reports whether the file at to is the backup of this job. Any other existing file is an error.
func backedUp(ctx context.Context, to, job string) (done bool, err error) {
	if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	exists := fault.New(fault.CodeExists, "use another file name", "%s exists", to)
	e, err := Open(ctx, Config{Path: to, ReadOnly: true})
	if err != nil {
		return false, exists
	}
	defer e.Close()
	const mine = "SELECT count(*) > 0 FROM mixduck.backups WHERE job_id = ?"
	if err := e.inst.db.QueryRowContext(ctx, mine, job).Scan(&done); err != nil || !done {
		return false, exists
	}
	return true, nil
}

// isBackup reports whether the database is a backup beside its source. A restored backup, at the path of its source or
// with fetched data, does not count.
func (e *Engine) isBackup(ctx context.Context) (is bool, err error) {
	const signed = "SELECT count(*) > 0 FROM duckdb_tables() WHERE schema_name = 'mixduck' AND table_name = 'backups'"
	if err := e.inst.db.QueryRowContext(ctx, signed).Scan(&is); err != nil || !is {
		return false, err
	}
	const aside = `SELECT count(*) > 0 FROM (SELECT source, taken_at FROM mixduck.backups ORDER BY taken_at DESC LIMIT 1)
		WHERE source <> ? AND NOT EXISTS (SELECT 1 FROM mixduck.receipts WHERE loaded_at > taken_at)`
	err = e.inst.db.QueryRowContext(ctx, aside, e.inst.path).Scan(&is)
	return is, err
}

// publish gives a finished file its name. If that name exists, it returns [fs.ErrExist] and removes the finished file.
func publish(tmp, to string) error {
	if err := filesystem.RenameNew(tmp, to); err != nil {
		return errors.Join(err, removeDatabase(tmp))
	}
	return filesystem.Sync(filepath.Dir(to))
}
