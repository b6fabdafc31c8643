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

// Config says where a server keeps its data, and how.
type Config struct {
	Dir             string           // made with mode 0700 where it is missing
	MaxJournalBytes int64            // a snapshot is taken beyond it, and beyond the size of the last; 0: 64 MiB
	Now             func() time.Time // the wall clock; nil: time.Now
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

	// mu is held while a command is carried out, so that the journal has commands in the order in which they were. It
	// guards what follows.
	mu      sync.Mutex
	engine  *engine
	journal *journal
	number  uint64     // of journal
	script  *scriptRun // the script that is running, nil if none or if the journal has it
	answers answers
	refused error // why writes are refused
	crashed error // why nothing can be done any more

	behind        int64     // bytes in journals that no snapshot has replaced yet, but for the current one
	snapshotBytes int64     // of the last snapshot
	overdue       bool      // the last snapshot failed
	snapshotAt    time.Time // when to try again, then

	connections connections
}

// Open serves the data in config.Dir until Close, to this process and on the unix socket redis.sock there (mode 0600).
// ctx is for opening only. It returns [ErrInUse] where another process does so already, and an error that names the
// files when they are damaged beyond what can be left out; a journal's torn end is dropped with a warning.
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

// start brings the data back, takes a snapshot of it and begins to serve.
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

// Client returns a client in this process; the caller closes it. Its commands fail after Close.
func (s *Server) Client() *redis.Client {
	return newClient(func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		if !s.connections.serve(s, far) {
			return nil, net.ErrClosed
		}
		return near, nil
	})
}

// Err returns why writes are refused at the moment, for want of space as a rule, or nil. Within about a second of the
// reason going they are taken again, and Err is nil.
func (s *Server) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.crashed != nil {
		return s.crashed
	}
	return s.refused
}

// Done is closed when the server has ended: by Close, or, with an Err, because it could not go on. What was
// acknowledged is on the disk then; the process has to open the directory again.
func (s *Server) Done() <-chan struct{} { return s.done }

// Close ends all connections, takes a last snapshot, removes the socket and gives up the directory. An error says that
// the snapshot could not be taken; nothing is lost by it.
func (s *Server) Close() error { return s.closeOnce() }

func (s *Server) close() error {
	s.stop()
	_ = s.listener.Close()
	s.connections.close()
	s.keeper.Wait()
	err := s.finish()
	return errors.Join(err, removeSocket(s.dir.path), filelock.Unlock(s.lock))
}

// finish leaves the data on the disk. Nothing else uses the server any more.
func (s *Server) finish() error {
	if s.crashed != nil { // miniredis may hold its lock for ever
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
