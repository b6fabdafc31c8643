package storage

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"mixduck/internal/fault"
)

// instance is one open DuckDB database, shared by the engines of this process.
type instance struct {
	path     string
	readOnly bool
	db       *sql.DB
	lock     *fileLock
	writer   sync.Mutex // held until the goroutine that writes has returned

	refs int // guarded by registry.mu
}

// registry knows the open files of this process: DuckDB allows one instance of a file per process.
var registry = struct {
	mu   sync.Mutex
	open map[instanceKey]*instance
}{open: map[instanceKey]*instance{}}

type instanceKey struct {
	path     string
	readOnly bool
}

// acquire returns the shared instance of a persistent file, opening it if it is the first. An instance opened for
// writing and one opened for reading exclude each other by the file lock, as those of two processes do.
func acquire(ctx context.Context, cfg Config) (*instance, error) {
	path, err := canonical(cfg)
	if err != nil {
		return nil, err
	}
	cfg.Path = path
	key := instanceKey{path, cfg.ReadOnly}
	if inst := share(key); inst != nil {
		return inst, nil
	}
	lock, err := lockFile(ctx, path, !cfg.ReadOnly, cfg.LockWait)
	if err != nil {
		if inst := share(key); inst != nil { // another goroutine of this process was faster
			return inst, nil
		}
		return nil, err
	}
	inst, err := openInstance(ctx, path, cfg)
	if err != nil {
		lock.unlock()
		return nil, err
	}
	inst.lock = lock
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if cfg.ReadOnly {
		if first := registry.open[key]; first != nil { // readers share the lock, so that two can get here
			first.refs++
			err := inst.close()
			return first, err
		}
	}
	inst.refs = 1
	registry.open[key] = inst
	return inst, nil
}

func share(key instanceKey) *instance {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	inst := registry.open[key]
	if inst != nil {
		inst.refs++
	}
	return inst
}

// release gives up one engine's share and closes the instance with the last.
func release(inst *instance) error {
	registry.mu.Lock()
	inst.refs--
	last := inst.refs == 0
	if last {
		delete(registry.open, instanceKey{inst.path, inst.readOnly})
	}
	registry.mu.Unlock()
	if !last {
		return nil
	}
	return inst.close()
}

// close closes the file first and lets others in then.
func (i *instance) close() error {
	err := i.db.Close()
	i.lock.unlock()
	return err
}

// canonical returns the absolute path without symbolic links, so that one file has one name; for writing it makes the
// directory.
func canonical(cfg Config) (string, error) {
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return "", err
	}
	if !cfg.ReadOnly {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return "", err
		}
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		return resolved, nil
	}
	if cfg.ReadOnly {
		return "", &NotFoundError{Path: path}
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	return filepath.Join(dir, filepath.Base(path)), err
}

// openInstance opens path, or a database in memory if it is "". The caller holds the file lock.
func openInstance(ctx context.Context, path string, cfg Config) (*instance, error) {
	if path != "" {
		if err := checkFile(path); err != nil {
			return nil, err
		}
	}
	connector, err := connect(ctx, path, cfg)
	if err != nil {
		return nil, err
	}
	inst := &instance{path: path, readOnly: cfg.ReadOnly, db: sql.OpenDB(connector)}
	if !cfg.ReadOnly {
		err = migrate(ctx, inst.db)
	} else {
		err = checkSchema(ctx, inst.db)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), inst.db.Close())
	}
	return inst, nil
}

// connect opens the file, waiting for a process that holds it without our lock (a DuckDB shell) as long as for one that
// does.
func connect(ctx context.Context, path string, cfg Config) (*duckdb.Connector, error) {
	deadline := time.Now().Add(cfg.LockWait)
	for {
		connector, err := duckdb.NewConnector(dsn(path, cfg), boot)
		locked := lockedBy(path, err)
		if locked == nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil, &NotFoundError{Path: path}
			}
			return connector, diskFull(err)
		}
		if cfg.LockWait >= 0 && !time.Now().Before(deadline) {
			return nil, locked
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(10 * lockPoll):
		}
	}
}

// dsn lists the options that DuckDB has to know when it opens; they do not depend on each other's order.
func dsn(path string, cfg Config) string {
	memory, threads := cfg.MemoryLimit, cfg.Threads
	if memory == 0 {
		memory = defaultMemoryLimit
	}
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	opt := url.Values{
		"threads":                       {strconv.Itoa(threads)},
		"memory_limit":                  {strconv.FormatInt(memory/1e6, 10) + "MB"},
		"storage_compatibility_version": {"v1.5.0"}, // below v1.2 zstd silently falls back to uncompressed
		"autoinstall_known_extensions":  {"false"},
		"autoload_known_extensions":     {"false"},
		"allow_community_extensions":    {"false"},
	}
	if cfg.ReadOnly {
		opt.Set("access_mode", "READ_ONLY")
	}
	return path + "?" + opt.Encode()
}

// newestFormat is the newest storage format that the linked DuckDB reads: that of v1.5.
const newestFormat = 68

// checkFile looks at the head of a file that is there, before DuckDB opens it: its own messages speak of its insides.
// No instance of the file is open in this process, so that closing the descriptor drops no lock.
func checkFile(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	var head [20]byte
	n, err := f.ReadAt(head[:], 0)
	if n == 0 {
		return nil // DuckDB takes an empty file for a new database
	}
	if err != nil || string(head[8:12]) != "DUCK" {
		return fault.Usage("move the file away, or choose another --database", "%s is no DuckDB database", path)
	}
	if format := binary.LittleEndian.Uint64(head[12:]); format > newestFormat {
		return fault.New(fault.CodeFailed, "install the newest Mixduck",
			"%s was written by a newer DuckDB (storage format %d; this one reads up to %d)", path, format, newestFormat)
	}
	return nil
}
