package embedredis

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/filelock"
)

// Config says where and how a server stores its data.
type Config struct {
	Dir             string           // created with mode 0700 if missing
	MaxJournalBytes int64            // a snapshot is taken when journals exceed this and the size of the last snapshot; 0 means 64 MiB
	Now             func() time.Time // the wall clock; nil means time.Now
}

const defaultMaxJournalBytes = 64 << 20

// Server is a Redis in this process. Its methods are safe for concurrent use.
type Server struct {
	config    Config
	dir       directory
	log       *slog.Logger
	lock      *os.File
	listener  *net.UnixListener
	stop      context.CancelFunc
	keeper    sync.WaitGroup
	done      chan struct{}
	closeOnce func() error

	// mu is held while a command runs, so the journal has commands in the order of execution. It guards the fields
	// below.
	mu      sync.Mutex
	engine  *engine
	journal *journal
	number  uint64     // of the journal
	script  *scriptRun // the running script; nil if there is none or the journal has it
	answers answers
	refused error // why writes are rejected
	crashed error // why the server has failed

	behind        int64     // bytes in journals not yet replaced by a snapshot, except for the current one
	snapshotBytes int64     // of the last snapshot
	overdue       bool      // the last snapshot failed
	snapshotAt    time.Time // when to retry after that

	connections connections
}

// Open serves the data in config.Dir until Close, to this process and on the unix socket redis.sock there (mode 0600).
// ctx is used only for opening. Open returns [ErrInUse] if another process already serves the directory, and an error
// that names the files if they are too damaged to use. An unfinished record at the end of a journal is dropped with a
// warning.
func Open(ctx context.Context, config Config, log *slog.Logger) (*Server, error) {
	if config.MaxJournalBytes == 0 {
		config.MaxJournalBytes = defaultMaxJournalBytes
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	dir, err := filepath.Abs(config.Dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := lockDirectory(dir)
	if err != nil {
		return nil, err
	}
	s := &Server{config: config, dir: directory{path: dir, log: log}, log: log, lock: lock, done: make(chan struct{})}
	s.closeOnce = sync.OnceValue(s.close)
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, filelock.Unlock(lock))
	}
	return s, nil
}

// start loads the data, takes a snapshot of it and starts serving.
func (s *Server) start(ctx context.Context) (err error) {
	if err := os.Chmod(s.dir.path, 0o700); err != nil { //nolint:gosec // a directory is entered by its execute bit
		return err
	}
	start := time.Now()
	if s.engine, s.number, err = s.dir.load(ctx, s.config.Now()); err != nil {
		return err
	}
	s.engine.age(s.config.Now())
	s.engine.before = s.beforeEach
	if err := s.rotate(); err != nil && s.journal == nil {
		s.engine.redis.Close()
		return err
	}
	if s.listener, err = listenSocket(ctx, s.dir.path); err != nil {
		s.engine.redis.Close()
		return errors.Join(err, s.journal.close())
	}
	s.log.Info("queue opened", slog.String("dir", s.dir.path), slog.Int("keys", len(s.engine.redis.Keys())),
		slog.Duration("took", time.Since(start)))
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.keeper.Go(func() { s.keep(keeping) })
	s.keeper.Go(func() { s.accept(keeping) })
	return nil
}

// Client returns a client in this process. The caller must close it. Its commands fail after Close.
func (s *Server) Client() *redis.Client {
	return newClient(func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		if !s.connections.serve(s, far) {
			return nil, net.ErrClosed
		}
		return near, nil
	})
}

// Err returns why writes are currently rejected, usually a full disk, or nil. About a second after the cause is gone,
// writes are accepted again and Err returns nil.
func (s *Server) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.crashed != nil {
		return s.crashed
	}
	return s.refused
}

// Done is closed when the server has ended: by Close, or, with an Err, because it has failed. Acknowledged data is
// then on disk, and the process has to open the directory again.
func (s *Server) Done() <-chan struct{} { return s.done }

// Close ends all connections, takes a last snapshot, removes the socket and releases the directory. An error means
// that the snapshot failed; no data is lost.
func (s *Server) Close() error { return s.closeOnce() }

func (s *Server) close() error {
	s.stop()
	_ = s.listener.Close()
	s.connections.close()
	s.keeper.Wait()
	err := s.finish()
	return errors.Join(err, removeSocket(s.dir.path), filelock.Unlock(s.lock))
}

// finish writes the data to disk. Nothing else uses the server any more.
func (s *Server) finish() error {
	if s.crashed != nil { // miniredis may hold its lock forever
		return s.journal.close()
	}
	defer close(s.done)
	defer s.engine.redis.Close()
	var err error
	if s.journal.size > int64(len(journalHeader)) {
		err = s.rotate()
	}
	return errors.Join(err, s.journal.close())
}
