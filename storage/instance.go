package storage

import (
	"cmp"
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

// instance is an open DuckDB database that the engines of this process share.
type instance struct {
	path     string // "" for an in-memory database
	name     string // name of the database in the driver
	readOnly bool
	settings url.Values // settings with which DuckDB opened it
	db       *sql.DB
	lock     *fileLock
	isNew    bool       // the file did not exist before
	moved    []string   // renamed tables of another program
	writer   sync.Mutex // held until the goroutine that writes has returned
}

// close waits for the writer, closes the file, and then releases the lock.
func (i *instance) close() error {
	i.writer.Lock()
	defer i.writer.Unlock()
	err := i.db.Close()
	giveMemoryNameBack(i.name)
	i.lock.unlock()
	return err
}

// canonical returns the absolute path without symbolic links, so that each file has one name. For writing, it creates
// the directory.
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
	resolved, err := filepath.EvalSymlinks(path)
	if err == nil {
		return resolved, nil
	}
	if cfg.ReadOnly {
		if errors.Is(err, fs.ErrNotExist) {
			err = &NotFoundError{Path: path}
		}
		return "", err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	return filepath.Join(dir, filepath.Base(path)), err
}

// openInstance opens path, or an in-memory database if path is "". The caller holds the file lock.
func openInstance(ctx context.Context, path string, cfg Config) (*instance, error) {
	isNew := true
	if path != "" {
		if err := checkFile(path, cfg.ReadOnly); err != nil {
			return nil, err
		}
		_, err := os.Lstat(path)
		isNew = errors.Is(err, fs.ErrNotExist)
	}
	name := path
	if name == "" {
		var err error
		if name, err = takeMemoryName(); err != nil {
			return nil, err
		}
	}
	connector, err := connect(ctx, name, cfg)
	if err != nil {
		giveMemoryNameBack(name)
		return nil, err
	}
	inst := &instance{path: path, name: name, readOnly: cfg.ReadOnly, isNew: isNew, settings: options(cfg), db: sql.OpenDB(connector)}
	if cfg.ReadOnly {
		err = checkSchema(ctx, inst.db)
	} else if err = refuseSnapshot(ctx, inst.db, path); err == nil {
		if inst.moved, err = migrate(ctx, inst.db, cfg.Adopt); err == nil {
			err = errors.Join(registerFunctions(inst), holdVacuum(ctx, inst.db))
		}
	}
	if err != nil {
		return nil, errors.Join(diskFull(fmt.Errorf("%s: %w", path, err)), inst.close())
	}
	return inst, nil
}

// connect opens the file. If a process without our lock, such as a DuckDB shell, holds it, connect waits as
// [Config.StrangerWait] says.
func connect(ctx context.Context, path string, cfg Config) (*duckdb.Connector, error) {
	wait := cmp.Or(cfg.StrangerWait, cfg.LockWait)
	deadline := time.Now().Add(wait)
	for {
		connector, err := duckdb.NewConnector(path+"?"+options(cfg).Encode(), boot)
		locked := lockedBy(path, err)
		if locked == nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil, &NotFoundError{Path: path}
			}
			return connector, diskFull(err)
		}
		if wait >= 0 && !time.Now().Before(deadline) {
			return nil, locked
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(10 * lockPoll):
		}
	}
}

// options returns the settings with which DuckDB opens a file. Their order does not matter.
func options(cfg Config) url.Values {
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
		"storage_compatibility_version": {"v1.5.0"}, // below v1.2, DuckDB silently ignores zstd compression
		"autoinstall_known_extensions":  {"false"},
		"autoload_known_extensions":     {"false"},
		"allow_community_extensions":    {"false"},
	}
	if cfg.ReadOnly {
		opt.Set("access_mode", "READ_ONLY")
	}
	return opt
}

// newestFormat is the newest storage format that the linked DuckDB can read: the one of v1.5.
const newestFormat = 68

// headersBytes is the size of a database without data.
const headersBytes = 3 * 4096

// checkFile checks the start of an existing file before DuckDB opens it, because DuckDB's messages describe internals.
// No instance of the file is open in this process, so closing the descriptor drops no lock.
//
// A full disk or a crash can leave a new database that ends within its headers. DuckDB rejects such a file, so
// checkFile removes it.
func checkFile(path string, readOnly bool) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return fault.New(fault.CodeFailed, "run this as the owner of the file, or give this user read permission", "%w", err)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	var head [20]byte
	_, err = f.ReadAt(head[:], 0)
	isDuckDB := string(head[8:12]) == "DUCK"
	if size := info.Size(); info.Mode().IsRegular() && (size == 0 || isDuckDB && size < headersBytes) {
		if readOnly {
			return &NotFoundError{Path: path}
		}
		return os.Remove(path)
	}
	if info.IsDir() {
		return fault.Usage("use a file in it, for example "+filepath.Join(path, "events.db"), "%s is a directory", path)
	}
	if err != nil || !isDuckDB {
		return fault.Usage("move the file, or use another one (--database, mp: --path)", "%s is not a DuckDB database", path)
	}
	if format := binary.LittleEndian.Uint64(head[12:]); format > newestFormat {
		return fault.New(fault.CodeFailed, "install the newest Mixduck",
			"%s was written by a newer DuckDB (storage format %d; this version reads up to %d)", path, format, newestFormat)
	}
	return nil
}
