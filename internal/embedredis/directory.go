package embedredis

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mixduck/internal/fault"
	"mixduck/internal/filesystem"
)

// directory contains the data. snapshot-N contains everything from before journal-N. The data on disk is the newest
// complete snapshot and all journals from its number on, in order. A new number starts with its journal; its snapshot
// appears when it is complete, and then older files are removed. So each record is replayed exactly once, whenever the
// process dies.
type directory struct {
	path string
	log  *slog.Logger
}

const (
	snapshotPrefix = "snapshot-"
	journalPrefix  = "journal-"
	corruptPrefix  = "journal.corrupt-"
	temporaryName  = "snapshot.tmp"
)

func (d directory) snapshot(n uint64) string { return d.numbered(snapshotPrefix, n) }
func (d directory) journal(n uint64) string  { return d.numbered(journalPrefix, n) }

func (d directory) numbered(prefix string, n uint64) string {
	return filepath.Join(d.path, fmt.Sprintf("%s%012d", prefix, n))
}

// numbers returns the numbers of files with the prefix, ascending.
func (d directory) numbers(prefix string) ([]uint64, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	var list []uint64
	for _, e := range entries {
		var n uint64
		if _, err := fmt.Sscanf(e.Name(), prefix+"%d", &n); err == nil && d.numbered(prefix, n) == filepath.Join(d.path, e.Name()) {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list, nil
}

// load returns an engine with the data of the directory, and the highest number of any file. The age of keys is that
// at the last record. now is used to name files that are set aside.
func (d directory) load(ctx context.Context, now time.Time) (*engine, uint64, error) {
	snapshots, err := d.numbers(snapshotPrefix)
	if err != nil {
		return nil, 0, err
	}
	journals, err := d.numbers(journalPrefix)
	if err != nil {
		return nil, 0, err
	}
	e, base, err := d.loadSnapshot(snapshots)
	if err != nil {
		return nil, 0, err
	}
	highest := slices.Max(slices.Concat(snapshots, journals, []uint64{0}))
	newest := slices.Max(append(snapshots, 0))
	through, err := d.loadJournals(ctx, e, base, journals, now)
	if err == nil && through+1 < newest {
		err = d.damaged(fmt.Errorf("snapshot %d: %w", newest, errMalformed))
	}
	for _, n := range journals {
		if err == nil && n > through {
			d.log.Warn("queue journal renamed and ignored: an earlier one is damaged or missing", slog.String("file", d.journal(n)))
			err = os.Rename(d.journal(n), d.corrupt(n, now))
		}
	}
	if err != nil {
		e.redis.Close()
		return nil, 0, err
	}
	return e, highest, nil
}

// loadSnapshot returns the data and number of the newest complete snapshot. If there is no snapshot at all, it returns
// no data and 1.
func (d directory) loadSnapshot(numbers []uint64) (*engine, uint64, error) {
	var damage error
	for _, n := range slices.Backward(numbers) {
		data, err := os.ReadFile(d.snapshot(n))
		if err != nil {
			return nil, 0, err
		}
		e, err := newEngine()
		if err != nil {
			return nil, 0, err
		}
		if err = e.restore(data); err == nil {
			return e, n, nil
		}
		e.redis.Close()
		damage = errors.Join(damage, fmt.Errorf("snapshot %d: %w", n, err))
	}
	if damage != nil {
		return nil, 0, d.damaged(damage)
	}
	e, err := newEngine()
	return e, 1, err
}

func (d directory) damaged(err error) error {
	return fault.New(fault.CodeFailed, "restore a backup of "+d.path+", or move the directory to start with an empty queue",
		"the files of the queue are damaged: %w", err)
}

// loadJournals replays the journals from base on and returns the number of the last one replayed, or base-1. It stops
// at a gap or damage: later records may depend on lost ones.
func (d directory) loadJournals(ctx context.Context, e *engine, base uint64, journals []uint64, now time.Time) (uint64, error) {
	through := base - 1
	for _, n := range journals {
		if n < base {
			continue
		}
		if n != through+1 {
			break
		}
		through = n
		sound, err := d.loadJournal(ctx, e, n, now)
		if err != nil {
			return 0, fmt.Errorf("journal %d: %w", n, err)
		}
		if !sound {
			break
		}
	}
	return through, nil
}

// loadJournal replays a journal and cuts off anything that is not a complete record. It reports whether it cut off
// only an unfinished append. A damaged journal is copied before it is cut.
func (d directory) loadJournal(ctx context.Context, e *engine, n uint64, now time.Time) (sound bool, err error) {
	data, err := os.ReadFile(d.journal(n))
	if err != nil {
		return false, err
	}
	rest, sound, err := replayAll(ctx, e, data)
	if err != nil || len(rest) == 0 {
		return sound, err
	}
	d.log.Warn("incomplete end of the queue journal removed", slog.String("file", d.journal(n)), slog.Int("bytes", len(rest)),
		slog.Bool("damaged", !sound))
	if !sound {
		if err := os.WriteFile(d.corrupt(n, now), data, 0o600); err != nil { //nolint:gosec // a path of this directory, whatever it holds
			return false, err
		}
	}
	return sound, os.Truncate(d.journal(n), int64(len(data)-len(rest)))
}

// replayAll replays the complete records of a journal. It returns the rest, and whether that is only an unfinished
// append.
func replayAll(ctx context.Context, e *engine, data []byte) (rest []byte, sound bool, err error) {
	if !strings.HasPrefix(string(data[:min(len(data), len(journalHeader))]), journalHeader) {
		torn := strings.HasPrefix(journalHeader, string(data[:min(len(data), len(journalHeader))]))
		return data, torn || !hasFrame(data), nil
	}
	rest = data[len(journalHeader):]
	for i := 0; ; i++ {
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, false, ctx.Err()
		}
		payload, after, ok := nextFrame(rest, maxPayloadBytes)
		if !ok {
			return rest, len(rest) == 0 || !hasFrame(rest[1:]), nil
		}
		r, err := decodeRecord(payload)
		if err != nil {
			return rest, false, nil //nolint:nilerr // damage is what the second result says
		}
		e.replay(r)
		rest = after
	}
}

func (d directory) corrupt(n uint64, now time.Time) string {
	return filepath.Join(d.path, fmt.Sprintf("%s%s-%d", corruptPrefix, now.UTC().Format("20060102T150405Z"), n))
}

// writeSnapshot writes snapshot n with the data from dump, and removes the files with lower numbers. After an error
// all earlier files still exist.
func (d directory) writeSnapshot(n uint64, data []byte) error {
	tmp := filepath.Join(d.path, temporaryName)
	if err := writeSynced(tmp, data); err != nil {
		return errors.Join(err, ignoreMissing(os.Remove(tmp)))
	}
	if err := filesystem.Rename(tmp, d.snapshot(n)); err != nil {
		return err
	}
	for _, prefix := range []string{snapshotPrefix, journalPrefix} {
		numbers, err := d.numbers(prefix)
		if err != nil {
			return err
		}
		for _, old := range numbers {
			if old < n {
				if err := os.Remove(d.numbered(prefix, old)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
