package tables

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"mixduck/internal/volume"
	"mixduck/jobs"
	"mixduck/storage"
)

// rebuilt accepts what was read; [queue.Queue] is one.
type rebuilt interface {
	RebuildTables(ctx context.Context, database string, read []jobs.TableState, days map[string]jobs.Days, at time.Time) error
	Mapped(ctx context.Context) (map[string]bool, error)
}

// Volume is a directory of databases.
type Volume struct {
	Name string
	Dir  string
}

// Rebuilder reports the content of databases to a queue that has lost its data.
type Rebuilder struct {
	volumes []Volume
	reader  *Handler
	queue   rebuilt
	log     *slog.Logger
}

// NewRebuilder returns a rebuilder that opens databases as locate says, but does not wait for locked ones.
func NewRebuilder(volumes []Volume, locate Locator, q rebuilt, log *slog.Logger) *Rebuilder {
	patient := func(database string) (storage.Config, error) {
		cfg, err := locate(database)
		cfg.LockWait = rebuildWait
		return cfg, err
	}
	return &Rebuilder{volumes: volumes, reader: &Handler{locate: patient, log: log}, queue: q, log: log}
}

// rebuildWait is how long to wait for a database that is being written to. Its writer reports afterwards.
const rebuildWait = 200 * time.Millisecond

// Rebuild reads the databases that the queue does not know, those without day maps, and those written to since they were
// last read. If only is not nil, it reads just the ones in it. It reads only their bookkeeping. It skips backups, and logs and skips
// unreadable files. It returns the locked databases, to be read later.
func (r *Rebuilder) Rebuild(ctx context.Context, known map[string][]jobs.TableState, only []string) (locked []string, err error) {
	mapped, err := r.queue.Mapped(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range r.volumes {
		files, err := volume.Databases(v.Dir)
		if err != nil {
			r.log.Warn("could not list the databases of a volume", slog.String("volume", v.Name), slog.Any("err", err))
		}
		for _, f := range files {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			database := v.Name + "/" + filepath.ToSlash(f.Rel)
			tables, ok := known[database]
			if only != nil && !slices.Contains(only, database) || ok && mapped[database] && !f.WrittenAt.After(readAt(tables)) {
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

// rebuild does this for one database. It returns [storage.ErrLocked] if the database is being written to.
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
	return r.queue.RebuildTables(ctx, database, tableStates(held), dayMaps(held), at)
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
