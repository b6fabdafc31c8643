package mixpaneltest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"

	"github.com/klauspost/compress/gzip"

	"mixduck/internal/day"
)

// Dir is a Source of files, one per day: yyyy-mm-dd.ndjson, or yyyy-mm-dd.ndjson.gz, which is sent unchanged. A day
// without a file has no events.
type Dir struct {
	Path string // not empty
	// TimeInMS means that the files contain times in milliseconds. Requests for the other unit fail.
	TimeInMS bool
}

// Lines yields the lines of d's file. It skips empty lines, and adds a missing newline to the last line.
func (dir Dir) Lines(d day.Day, f Format) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		file, err := dir.open(d, f)
		if err != nil {
			yield(nil, err)
			return
		}
		if file == nil {
			return
		}
		defer func() { _ = file.Close() }() // only read
		in := bufio.NewReaderSize(file, 1<<20)
		for {
			line, err := in.ReadBytes('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				yield(nil, fmt.Errorf("day %s: %w", d, err))
				return
			}
			end := err != nil
			if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 && !yield(append(line, '\n'), nil) {
				return
			}
			if end {
				return
			}
		}
	}
}

// Packed returns d's file if it is compressed.
func (dir Dir) Packed(d day.Day, f Format) (io.ReadCloser, error) {
	if f.TimeInMS != dir.TimeInMS {
		return nil, dir.errUnit()
	}
	file, err := os.DirFS(dir.Path).Open(fileName(d) + ".gz")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // as packedSource wants it
	}
	return file, err
}

func fileName(d day.Day) string { return d.String() + ".ndjson" }

func (dir Dir) errUnit() error {
	return fmt.Errorf("the files in %s hold times with time_in_ms=%t only", dir.Path, dir.TimeInMS)
}

// open returns the lines of d's file, or nil if there is none.
func (dir Dir) open(d day.Day, f Format) (io.ReadCloser, error) {
	packed, err := dir.Packed(d, f)
	if err != nil {
		return nil, err
	}
	if packed != nil {
		return unpack(packed)
	}
	file, err := os.DirFS(dir.Path).Open(fileName(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // a day without a file is a day without events
	}
	return file, err
}

// unpacked reads gzip and also closes the underlying file.
type unpacked struct {
	*gzip.Reader
	file io.Closer
}

func unpack(packed io.ReadCloser) (io.ReadCloser, error) {
	zr, err := gzip.NewReader(packed)
	if err != nil {
		return nil, errors.Join(err, packed.Close())
	}
	return &unpacked{zr, packed}, nil
}

// Close closes both.
func (u *unpacked) Close() error { return errors.Join(u.Reader.Close(), u.file.Close()) }
