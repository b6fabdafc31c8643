package storage

import (
	"bytes"
	"context"
	"io"
)

const (
	blockBytes   = 1 << 20
	blocksInUse  = 8
	maxLineBytes = 64 << 20
)

// block is a run of whole lines.
type block struct {
	buf   []byte
	lines []byte // the part of buf in use; it ends with a newline
	first int64  // number of the first line, from 1
}

// grow doubles the buffer and keeps what it holds.
func (b *block) grow() { b.buf = append(b.buf, make([]byte, len(b.buf))...) }

// blocks cuts a stream into blocks of whole lines, ahead of those who take them.
type blocks struct {
	src  io.Reader
	full chan *block
	free chan *block
	err  error // why the stream ended, nil at its proper end; written before full is closed
}

func newBlocks(src io.Reader) *blocks {
	b := &blocks{src: src, full: make(chan *block, blocksInUse/2), free: make(chan *block, blocksInUse)}
	for range blocksInUse {
		b.free <- &block{buf: make([]byte, blockBytes)}
	}
	return b
}

// read fills blocks until the stream or ctx ends; then it closes full.
func (b *blocks) read(ctx context.Context) {
	b.err = b.fill(ctx)
	close(b.full)
}

func (b *blocks) fill(ctx context.Context) error {
	var rest []byte // of the block before: the beginning of a line
	line := int64(1)
	for {
		blk, err := b.take(ctx)
		if err != nil {
			return err
		}
		for len(blk.buf) <= len(rest) { // what follows a long line can be long too
			blk.grow()
		}
		n := copy(blk.buf, rest)
		n, readErr := readFull(b.src, blk.buf, n)
		end := bytes.LastIndexByte(blk.buf[:n], '\n') + 1
		for readErr == nil && end == 0 { // a line longer than the block
			if n >= maxLineBytes {
				return ErrLineTooLong
			}
			blk.grow()
			start := n
			n, readErr = readFull(b.src, blk.buf, n)
			if i := bytes.LastIndexByte(blk.buf[start:n], '\n'); i >= 0 {
				end = start + i + 1
			}
		}
		rest = append(rest[:0], blk.buf[end:n]...)
		blk.lines, blk.first = blk.buf[:end], line
		if readErr != nil && readErr != io.EOF { //nolint:errorlint // wrapped it is part of another failure
			return readErr
		}
		line += int64(bytes.Count(blk.lines, []byte{'\n'}))
		select {
		case b.full <- blk:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if readErr == nil {
			continue
		}
		if len(rest) > 0 {
			return ErrTruncated
		}
		return nil
	}
}

func (b *blocks) take(ctx context.Context) (*block, error) {
	select {
	case blk := <-b.free:
		return blk, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// readFull reads into buf from n on until it is full. Unlike io.ReadFull it hands on the stream's own error, since a
// truncated gzip stream ends with io.ErrUnexpectedEOF and a whole one with io.EOF.
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
