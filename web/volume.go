package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"mixduck/internal/filesystem"
	"mixduck/internal/name"
)

// MinFree is the free space in bytes that a file system must have for a worker to be ready.
const MinFree = 512 << 20

// CheckWritable returns a check that files can be created in a directory.
func CheckWritable(dir string) func(context.Context) error {
	return func(context.Context) error {
		f, err := os.CreateTemp(dir, ".ready-*")
		if err != nil {
			return err
		}
		defer os.Remove(f.Name())
		return f.Close()
	}
}

// CheckRoom returns a check that the file system of a directory has [MinFree] bytes free.
func CheckRoom(dir string) func(context.Context) error {
	return func(context.Context) error {
		free, _, err := filesystem.Room(dir)
		if err != nil {
			return err
		}
		if free < MinFree {
			return fmt.Errorf("%s has %d MiB of free space, but needs %d", dir, free>>20, MinFree>>20)
		}
		return nil
	}
}

// Volume is a directory of databases.
type Volume struct {
	Name string
	Dir  string
}

// filesKept is the maximum age of file sizes: finding them requires walking the volume.
const filesKept = time.Minute

// WatchVolumes adds the metrics of volumes. A disk that does not respond has no metrics, and does not delay others.
func (m *Metrics) WatchVolumes(volumes []Volume) {
	f := make(volumeMetrics)
	for _, v := range volumes {
		f[v.Name] = volumeState{
			room: newSnapshot(time.Second, func(context.Context) (space, error) {
				free, size, err := filesystem.Room(v.Dir)
				return space{free, size}, err
			}),
			files: newSnapshot(filesKept, func(ctx context.Context) (files, error) { return databaseFiles(ctx, v.Dir) }),
		}
	}
	m.registry.MustRegister(f)
}

type space struct{ free, size uint64 } // bytes

// files are the databases of a volume.
type files struct {
	count int
	bytes int64 // including what is written but not yet in the database file
}

// databaseFiles finds the databases below a directory, except Mixduck's own directories and snapshots.
func databaseFiles(ctx context.Context, dir string) (found files, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case path == dir:
			return err
		case errors.Is(err, fs.ErrNotExist):
			return nil // removed after its directory was read
		case err != nil:
			return err
		case strings.HasPrefix(d.Name(), "."), path == filepath.Join(dir, name.SnapshotDir):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		file, logged := strings.CutSuffix(d.Name(), ".wal")
		if !d.Type().IsRegular() || !strings.HasSuffix(file, ".db") && !strings.HasSuffix(file, ".duckdb") {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // gone, too
		}
		found.bytes += info.Size()
		if !logged {
			found.count++
		}
		return nil
	})
	return found, err
}

// volumeMetrics is the collector of volume metrics, by volume name.
type volumeMetrics map[string]volumeState

type volumeState struct {
	room  *snapshot[space]
	files *snapshot[files]
}

var (
	volumeFree    = gauge("mixduck_volume_free_bytes", "Free space on the file system of a volume.", "volume")
	volumeSize    = gauge("mixduck_volume_size_bytes", "Size of the file system of a volume.", "volume")
	databaseCount = gauge("mixduck_databases", "Number of database files in a volume.", "volume")
	databaseBytes = gauge("mixduck_database_bytes", "Size of all database files in a volume, including write-ahead logs.", "volume")
)

// Describe sends the descriptions of the metrics.
func (volumeMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{volumeFree, volumeSize, databaseCount, databaseBytes} {
		out <- d
	}
}

// Collect reads the metrics of the volumes.
func (f volumeMetrics) Collect(out chan<- prometheus.Metric) {
	var looking sync.WaitGroup
	for name, v := range f {
		looking.Go(func() {
			if s, err := v.room.get(context.Background()); err == nil {
				set(out, volumeFree, float64(s.free), name)
				set(out, volumeSize, float64(s.size), name)
			}
			if found, err := v.files.get(context.Background()); err == nil {
				set(out, databaseCount, float64(found.count), name)
				set(out, databaseBytes, float64(found.bytes), name)
			}
		})
	}
	looking.Wait()
}
