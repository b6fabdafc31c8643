package jobs

import (
	"errors"
	"fmt"
	"io"

	"github.com/zeebo/xxh3"

	"mixduck/internal/fault"
)

// Proven returns content, with an error instead of io.EOF unless it has exactly the bytes that the query wrote.
func (r Result) Proven(content io.ReadCloser) io.ReadCloser {
	return &proven{content: content, of: r, sum: xxh3.New()}
}

type proven struct {
	content io.ReadCloser
	of      Result
	read    int64
	sum     *xxh3.Hasher
}

func (p *proven) Read(b []byte) (int, error) {
	n, err := p.content.Read(b)
	_, _ = p.sum.Write(b[:n]) // hashes return no errors
	p.read += int64(n)
	switch {
	case p.read > p.of.Bytes:
		return 0, p.fault("it goes on after %d bytes", p.of.Bytes)
	case !errors.Is(err, io.EOF):
		return n, err
	case p.read < p.of.Bytes:
		return n, p.fault("%d of %d bytes arrived", p.read, p.of.Bytes)
	case p.of.Sum != "" && p.of.Sum != fmt.Sprintf("%016x", p.sum.Sum64()):
		return n, p.fault("its bytes have another checksum")
	}
	return n, err
}

func (*proven) fault(format string, args ...any) error {
	return fault.New(fault.CodeFailed, "discard what was written, and run the query again",
		"the result is not what the query found: %s", fmt.Sprintf(format, args...))
}

func (p *proven) Close() error { return p.content.Close() }
