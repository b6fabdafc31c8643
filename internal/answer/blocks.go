package answer

import (
	"bytes"
	"context"
	"io"
)

const (
	blockBytes  = 1 << 20
	blocksInUse = 8
	maxLine     = 64 << 20 // bytes
)

// Blocks splits a response into blocks, ahead of the callers of Take. A block ends with a line that is an event, so
// everything between two events is in one block. Only the last block of a part can end differently.
type Blocks struct {
	parts []io.Reader
	size  int // of a block in bytes, unless it has to grow
	full  chan *Block
	free  chan *Block
	err   error // why the text ended, nil for a proper end; written before full is closed
}

// NewBlocks returns the blocks of the unpacked text of a response. A response can have several parts, one per request.
// Each part must prove to be complete, or be blank. The reader of a part must return [io.EOF] only if its transfer was
// complete.
func NewBlocks(parts ...io.Reader) *Blocks { return newBlocks(blockBytes, parts...) }

func newBlocks(size int, parts ...io.Reader) *Blocks {
	b := &Blocks{parts: parts, size: size, full: make(chan *Block, blocksInUse/2), free: make(chan *Block, blocksInUse)}
	for range blocksInUse {
		b.free <- &Block{}
	}
	return b
}

// Read fills blocks until the text or ctx ends. It must run concurrently with the callers of Take.
func (b *Blocks) Read(ctx context.Context) {
	b.err = b.fill(ctx)
	close(b.full)
}

// Take waits for the next block. After the last one it returns nil, and the error that ended the text, if any. It is
// safe for concurrent use.
func (b *Blocks) Take() (*Block, error) {
	if blk, ok := <-b.full; ok {
		return blk, nil
	}
	return nil, b.err
}

// Give returns a used block, so its memory can be reused.
func (b *Blocks) Give(blk *Block) { b.free <- blk }

func (b *Blocks) fill(ctx context.Context) (err error) {
	number := int64(1)
	for _, part := range b.parts {
		if number, err = b.fillFrom(ctx, part, number); err != nil {
			return err
		}
	}
	return nil
}

// fillFrom splits a part that starts with the given line number, and returns the number of the line after it.
func (b *Blocks) fillFrom(ctx context.Context, part io.Reader, number int64) (int64, error) {
	var rest []byte // from the previous block: lines and the start of a line
	for {
		blk, err := b.blank(ctx)
		if err != nil {
			return number, err
		}
		n, end, readErr := blk.fill(part, rest)
		if readErr != nil && readErr != io.EOF { //nolint:errorlint // wrapped it is part of another failure
			return number, readErr
		}
		final := readErr != nil
		if final {
			end = blk.close(n)
		} else {
			rest = append(rest[:0], blk.buf[end:n]...)
		}
		blk.begin(end, number)
		number += int64(bytes.Count(blk.rest, []byte{'\n'}))
		select {
		case b.full <- blk:
		case <-ctx.Done():
			return number, context.Cause(ctx)
		}
		if final {
			return number, nil //nolint:nilerr // io.EOF is the proper end
		}
	}
}

// blank waits for an empty block.
func (b *Blocks) blank(ctx context.Context) (*Block, error) {
	select {
	case blk := <-b.free:
		if blk.buf == nil {
			blk.buf = make([]byte, b.size)
		}
		return blk, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// fill reads into the block, after rest, and returns the number of bytes in it and where it can be cut. It grows the
// block until there is such a position, or the text ends.
func (b *Block) fill(src io.Reader, rest []byte) (n, end int, err error) {
	for len(b.buf) <= len(rest) { // a long line may be followed by another
		b.grow()
	}
	n = copy(b.buf, rest)
	for {
		n, err = readFull(src, b.buf, n)
		if end = lastCut(b.buf[:n]); end > 0 || err != nil {
			return n, end, err
		}
		if n >= maxLine {
			if bytes.IndexByte(b.buf[:n], '\n') < 0 {
				return n, 0, ErrLineTooLong
			}
			return n, 0, &Error{Reason: "64 MiB of text contain no event", Text: clip(b.buf[:n])}
		}
		b.grow()
	}
}

// grow doubles the buffer and keeps its content.
func (b *Block) grow() { b.buf = append(b.buf, make([]byte, len(b.buf))...) }

// close ends the last line of n bytes with a newline, if necessary, and returns the new number of bytes.
func (b *Block) close(n int) int {
	if n == 0 || b.buf[n-1] == '\n' {
		return n
	}
	if n == len(b.buf) {
		b.grow()
	}
	b.buf[n] = '\n'
	return n + 1
}

// lastCut returns the end of the last line in text that is an event, 0 if there is none.
func lastCut(text []byte) int {
	for end := bytes.LastIndexByte(text, '\n') + 1; end > 0; {
		start := bytes.LastIndexByte(text[:end-1], '\n') + 1
		if isEvent(text[start:end]) {
			return end
		}
		end = start
	}
	return 0
}

// isEvent reports whether a line consists of an event only.
func isEvent(line []byte) bool {
	line = trim(line)
	return len(line) > 0 && leadingEvent(line) == len(line)
}

// readFull reads into buf from position n until it is full. Unlike io.ReadFull it returns the reader's own error: a
// truncated gzip stream ends with io.ErrUnexpectedEOF and a complete one with io.EOF.
func readFull(r io.Reader, buf []byte, n int) (int, error) {
	for n < len(buf) {
		m, err := r.Read(buf[n:])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
