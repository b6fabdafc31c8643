package flight

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"mixduck/internal/fault"
)

// maxInMemory bounds what a buffer keeps in memory, in bytes.
const maxInMemory = 2 << 20

// buffer passes bytes from a query to a client. The query never waits for the client, because no load can begin before
// the query has ended. What the client has not taken yet waits in memory and then in a file, which has no name, so that
// nothing is left of it if the process is killed. One goroutine may write while another reads.
type buffer struct {
	dir   string // of the file
	share *quota

	mu       sync.Mutex
	changed  *sync.Cond
	blocks   [][]byte // before what is in the file
	inMemory int
	file     *os.File // nil as long as it was not needed
	from, to int64    // what is in the file
	written  int64    // in all
	end      error    // why there is no more: io.EOF or an error; nil if there can be more
	closed   bool
}

func newBuffer(dir string, share *quota) *buffer {
	b := &buffer{dir: dir, share: share}
	b.changed = sync.NewCond(&b.mu)
	return b
}

var (
	errNoReader  = errors.New("nobody reads the result any more")
	errDiskShare = fault.New(fault.CodeFailed, "read or close the results of earlier queries, or increase query.max_result",
		"results that clients have not read yet take all the disk space they may use")
)

// quota is the disk space that the buffers of a server share. Zero max means no limit.
type quota struct {
	max  int64
	used atomic.Int64
}

// take reports whether n more bytes may be used.
func (q *quota) take(n int64) bool {
	if q.used.Add(n) <= q.max || q.max == 0 {
		return true
	}
	q.used.Add(-n)
	return false
}

func (q *quota) give(n int64) { q.used.Add(-n) }

// Write takes everything, or fails. After a failure, nothing more can be read: the reader gets the same error.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, errNoReader
	}
	defer b.changed.Broadcast()
	n, err := b.store(p)
	if err != nil && b.end == nil {
		b.end = err // the query only knows that its pipe is broken
	}
	return n, err
}

// store keeps bytes in memory or in the file.
func (b *buffer) store(p []byte) (int, error) {
	if b.from == b.to && b.inMemory+len(p) <= maxInMemory {
		b.blocks = append(b.blocks, append([]byte(nil), p...))
		b.inMemory += len(p)
		b.written += int64(len(p))
		return len(p), nil
	}
	if err := b.makeFile(); err != nil {
		return 0, err
	}
	if !b.share.take(int64(len(p))) {
		return 0, errDiskShare
	}
	n, err := b.file.WriteAt(p, b.to)
	b.to += int64(n)
	b.share.give(int64(len(p) - n))
	b.written += int64(n)
	return n, err
}

func (b *buffer) makeFile() error {
	if b.file != nil {
		return nil
	}
	f, err := os.CreateTemp(b.dir, ".result-*")
	if err != nil {
		return err
	}
	b.file = f
	return os.Remove(f.Name())
}

// finish says that there is no more; nil means that the result is complete. Of an incomplete one nothing more can be read.
func (b *buffer) finish(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.end != nil {
		return
	}
	if b.end = io.EOF; err != nil {
		b.end = err
	}
	b.changed.Broadcast()
}

// Read waits for bytes, or for the end.
func (b *buffer) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.blocks) == 0 && b.from == b.to && b.end == nil {
		b.changed.Wait()
	}
	switch {
	case b.end != nil && b.end != io.EOF: //nolint:errorlint // it is exactly this
		return 0, b.end
	case len(b.blocks) > 0:
		n := copy(p, b.blocks[0])
		if b.blocks[0] = b.blocks[0][n:]; len(b.blocks[0]) == 0 {
			b.blocks[0], b.blocks = nil, b.blocks[1:]
		}
		b.inMemory -= n
		return n, nil
	case b.from == b.to:
		return 0, b.end
	}
	n, err := b.file.ReadAt(p[:min(int64(len(p)), b.to-b.from)], b.from)
	b.from += int64(n)
	if err == nil && b.from == b.to { // the file begins again
		b.share.give(b.to)
		b.from, b.to = 0, 0
		err = b.file.Truncate(0)
	}
	return n, err
}

// close gives up what was not read. Later writes and reads fail.
func (b *buffer) close() {
	b.finish(errNoReader)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.share.give(b.to)
	b.blocks, b.from, b.to, b.inMemory = nil, 0, 0, 0
	if b.end == io.EOF { //nolint:errorlint // it is exactly this
		b.end = errNoReader
	}
	if b.file != nil {
		_ = b.file.Close() // it has no name
		b.file = nil
	}
	b.changed.Broadcast()
}

// total returns how many bytes were written.
func (b *buffer) total() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.written
}
