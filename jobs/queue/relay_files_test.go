package queue_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
)

// files are the results in the volume of a test's workers.
type files struct {
	mu   sync.Mutex
	all  map[string][]byte
	read atomic.Int64 // bytes
}

func (f *files) set(name string, content []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all == nil {
		f.all = make(map[string][]byte)
	}
	f.all[name] = content
}

func (f *files) open(_, name string) (io.ReadSeekCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	content, ok := f.all[name]
	if !ok {
		return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
	}
	return &file{bytes.NewReader(content), f}, nil
}

// file counts the bytes read.
type file struct {
	*bytes.Reader

	of *files
}

func (f *file) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	f.of.read.Add(int64(n))
	return n, err
}

func (*file) Close() error { return nil }
