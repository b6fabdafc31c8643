package flight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"mixduck/internal/fault"
	"mixduck/storage/query"
)

// answer is the result of a query, from its start until a client has read it.
type answer struct {
	id     string
	schema []byte // the head of its message
	buffer *buffer
	cancel context.CancelCauseFunc
	result query.Result  // once the buffer has ended
	unread *time.Timer   // throws it away; stopped by the client that reads it
	gone   chan struct{} // closed when it is thrown away
	once   sync.Once
}

// claim reports whether the caller is the first who wants to read the result. It stays in the list, where it can be cancelled.
func (a *answer) claim() bool { return a.unread.Stop() }

// unreadTime is how long a result waits for its client before it is thrown away.
const unreadTime = time.Minute

var errUnread = fault.New(fault.CodeNotFound, "run the query again", "nobody has read the result in time")

// open starts a query and returns when its schema is known. Nothing was computed then; errors of the statement are known.
func (s *service) open(ctx context.Context, req query.Request) (*answer, error) {
	running, cancel := context.WithCancelCause(s.ctx)
	a := &answer{id: newID(), buffer: newBuffer(s.cfg.Dir, &s.disk), cancel: cancel, gone: make(chan struct{})}
	s.mu.Lock()
	if len(s.answers) >= maxAnswers {
		s.mu.Unlock()
		cancel(nil)
		return nil, errTooMany
	}
	s.answers[a.id] = a
	s.mu.Unlock()
	a.unread = time.AfterFunc(unreadTime, func() { s.discard(a, errUnread) })
	a.unread.Stop() // until there is something to read
	req.SchemaFirst = true
	launch := s.cfg.Launcher
	launch.Stdout = a.buffer
	s.running.Go(func() {
		var err error
		a.result, err = s.run(running, launch, req)
		if err == nil && a.result.Bytes != a.buffer.total() {
			err = errIncomplete
		}
		a.buffer.finish(err)
	})
	stop := context.AfterFunc(ctx, func() { s.discard(a, context.Cause(ctx)) })
	defer stop()
	var m message
	if err := readMessage(a.buffer, &m); err != nil {
		s.discard(a, err)
		return nil, err
	}
	a.schema = m.head
	// The batch after the schema is empty. It is there only because a schema cannot be written alone.
	if err := readMessage(a.buffer, &message{}); err != nil {
		s.discard(a, err)
		return nil, err
	}
	a.unread.Reset(unreadTime)
	return a, nil
}

// discard ends the query of a result, if it runs, for a reason.
func (s *service) discard(a *answer, reason error) {
	a.unread.Stop()
	s.mu.Lock()
	delete(s.answers, a.id)
	s.mu.Unlock()
	a.cancel(reason)
	a.buffer.finish(reason)
	a.buffer.close()
	a.once.Do(func() { close(a.gone) })
}

// each calls send with each message after the schema. They are valid during the call. The error is nil only if the result is
// complete.
func (a *answer) each(send func(*message) error) error {
	var m message
	for {
		err := readMessage(a.buffer, &m)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = send(&m)
		}
		if err != nil {
			return err
		}
	}
	// The end of the buffer, other than the mark in the stream, says that the process has ended well.
	if n, err := a.buffer.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
		return errors.Join(fmt.Errorf("after its end: %w", errIncomplete), err)
	}
	return nil
}
