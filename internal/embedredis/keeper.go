package embedredis

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"mixduck/internal/filesystem"
)

const (
	keepInterval  = time.Second      // interval of aging keys and syncing the journal
	snapshotPause = 10 * time.Second // after a failed snapshot
	acceptPause   = 100 * time.Millisecond
)

// keep ages keys, syncs the journal and takes snapshots until ctx ends.
func (s *Server) keep(ctx context.Context) {
	ticker := time.NewTicker(keepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.tick()
		}
	}
}

func (s *Server) tick() {
	s.mu.Lock()
	if s.crashed != nil {
		s.mu.Unlock()
		return
	}
	s.age(s.config.Now())
	if s.refused != nil {
		s.write(s.config.Now())
	}
	size := s.behind + s.journal.size
	due := s.overdue || s.journal.broken != nil || size > max(s.config.MaxJournalBytes, s.snapshotBytes)
	due = due && !s.config.Now().Before(s.snapshotAt)
	s.mu.Unlock()
	s.sync()
	if due {
		_ = s.rotate() // it has logged the error, and will be retried
	}
}

// sync writes the journal to disk if it has grown. Commands continue in the meantime.
func (s *Server) sync() {
	s.mu.Lock()
	j, size := s.journal, s.journal.size
	clean := size == j.synced || j.broken != nil
	s.mu.Unlock()
	if clean {
		return
	}
	err := j.file.Sync()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil { // the content of the file is uncertain now: only a snapshot helps
		j.broken = err
		s.refuse(err)
		return
	}
	j.synced = min(size, j.size)
}

// rotate starts a new journal and then replaces the older files with a snapshot. Commands wait only for the first
// step. If that fails, the old journal continues. If the second step fails, the older files stay and the new journal
// is used.
func (s *Server) rotate() error {
	data, number, err := s.switchJournal()
	if err == nil {
		err = s.dir.writeSnapshot(number, data)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.overdue = err != nil
	if err != nil {
		s.snapshotAt = s.config.Now().Add(snapshotPause)
		s.log.Error("could not write a queue snapshot", slog.Any("err", err))
		return err
	}
	s.behind, s.snapshotBytes = 0, int64(len(data))
	return nil
}

// switchJournal returns the data at the start of a new journal, and the number of both.
func (s *Server) switchJournal() (data []byte, number uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if data, err = s.engine.dump(); err != nil {
		return nil, 0, err
	}
	number = s.number + 1
	next, err := createJournal(s.dir.journal(number))
	if err != nil {
		return nil, 0, err
	}
	if err := filesystem.Sync(s.dir.path); err != nil {
		return nil, 0, errors.Join(err, next.close(), os.Remove(s.dir.journal(number)))
	}
	if s.journal != nil {
		if err := s.journal.close(); err != nil {
			s.log.Warn("could not close a queue journal", slog.Any("err", err))
		}
		s.behind += s.journal.size
	}
	s.journal, s.number, s.engine.aged = next, number, 0
	s.resume()
	return data, number, nil
}

// accept serves connections to the socket until it is closed.
func (s *Server) accept(ctx context.Context) {
	for {
		c, err := s.listener.Accept()
		if err == nil {
			s.connections.serve(s, c)
			continue
		}
		if ctx.Err() != nil {
			return
		}
		s.log.Warn("could not accept a connection to the queue", slog.Any("err", err)) // usually too many open files
		select {
		case <-ctx.Done():
			return
		case <-time.After(acceptPause):
		}
	}
}
