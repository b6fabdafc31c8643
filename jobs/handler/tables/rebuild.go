package tables

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mixduck/jobs"
	"mixduck/storage"
)

// rebuilt is what takes what was read; [queue.Queue] is one.
type rebuilt interface {
	RebuildTables(ctx context.Context, database string, read []jobs.TableState, at time.Time) error
}

// Volume is a directory of databases.
type Volume struct {
	Name string
	Dir  string
}

// Rebuilder tells a queue that has lost its data what the databases of some volumes hold.
type Rebuilder struct {
	volumes []Volume
	reader  *Handler
	queue   rebuilt
	log     *slog.Logger
}

// NewRebuilder returns one that opens databases as locate says, but waits for none that somebody writes to.
func NewRebuilder(volumes []Volume, locate Locator, q rebuilt, log *slog.Logger) *Rebuilder {
	patient := func(database string) (storage.Config, error) {
		cfg, err := locate(database)
		cfg.LockWait = rebuildWait
		return cfg, err
	}
	return &Rebuilder{volumes: volumes, reader: &Handler{locate: patient, log: log}, queue: q, log: log}
}

// rebuildWait is how long it waits for a database that is being written to. Whoever writes reports afterwards.
const rebuildWait = 200 * time.Millisecond

// Rebuild reads the databases of which nothing is known, and those that were written to since they were last read; if only is
// not nil, just those that it names. It reads their bookkeeping. Backups are left out, and so is what cannot be read, which is
// logged. It returns the databases that were locked, to be read later.
func (r *Rebuilder) Rebuild(ctx context.Context, known map[string][]jobs.TableState, only []string) (locked []string, err error) {
	for _, v := range r.volumes {
		files, err := databases(v.Dir)
		if err != nil {
			r.log.Warn("could not list the databases of a volume", slog.String("volume", v.Name), slog.Any("err", err))
		}
		for _, f := range files {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			database := v.Name + "/" + filepath.ToSlash(f.rel)
			tables, ok := known[database]
			if only != nil && !slices.Contains(only, database) || ok && !f.at.After(readAt(tables)) {
				continue
			}
			switch err := r.rebuild(ctx, database); {
			case errors.Is(err, storage.ErrLocked):
				locked = append(locked, database)
			case err != nil:
				return nil, err
			}
		}
	}
	return locked, nil
}

// rebuild does so for one database. It returns [storage.ErrLocked] if somebody writes to the database.
func (r *Rebuilder) rebuild(ctx context.Context, database string) error {
	at := time.Now()
	held, err := r.reader.look(ctx, database)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, storage.ErrLocked):
		return err
	case err != nil:
		r.log.Warn("could not read a database to publish its table states", slog.String("database", database), slog.Any("err", err))
		return nil
	case held.Backup || len(held.Tables) == 0:
		return nil
	}
	return r.queue.RebuildTables(ctx, database, tableStates(held), at)
}

// readAt returns when tables were read from their database.
func readAt(tables []jobs.TableState) (at time.Time) {
	for _, t := range tables {
		if t.ReadAt.After(at) {
			at = t.ReadAt
		}
	}
	return at
}

// file is one that may be a database.
type file struct {
	rel string    // to the volume's directory
	at  time.Time // when it was written to last
}

// databases lists the files in a directory that look like databases: by their names, or because Mixduck has locked them
// before. They are not opened, as closing them would drop the locks of this process. Hidden directories are left out.
func databases(dir string) (all []file, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != dir && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case !d.Type().IsRegular() || !looksLikeDatabase(path):
			return nil
		}
		at, err := writtenAt(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		all = append(all, file{rel, at})
		return err
	})
	return all, err
}

// writtenAt returns when a database was written to last: what a process that was killed had committed may be in its log.
func writtenAt(path string) (time.Time, error) {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}, err
	}
	if log, err := os.Stat(path + ".wal"); err == nil && log.ModTime().After(info.ModTime()) {
		return log.ModTime(), nil
	}
	return info.ModTime(), nil
}

func looksLikeDatabase(path string) bool {
	switch filepath.Ext(path) {
	case ".db", ".duckdb":
		return true
	case ".lock", ".turn", ".wal":
		return false
	}
	_, err := os.Stat(path + ".lock")
	return err == nil
}
