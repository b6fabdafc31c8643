package embedredis

import (
	"errors"
	"fmt"
	"io"
	"os"
)

const journalHeader = "mixduck journal 1\n"

// file is the part of an *os.File, opened for appending, that a journal uses.
type file interface {
	io.WriteCloser
	Truncate(size int64) error
	Sync() error
}

// journal appends frames to a file. Not safe for concurrent use, except that sync may run during append.
type journal struct {
	file   file
	size   int64 // bytes of the header and of complete frames
	synced int64 // bytes known to be on disk
	broken error // set when the file does not match size; then nothing can be appended
}

// createJournal creates a journal. On failure it leaves no file behind.
func createJournal(path string) (*journal, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = f.WriteString(journalHeader); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	size := int64(len(journalHeader))
	return &journal{file: f, size: size, synced: size}, nil
}

// append passes a frame to the operating system. From then on it survives the end of the process. After an error the
// journal is unchanged, so the command must not be executed; a later append can succeed.
func (j *journal) append(frame []byte) error {
	if j.broken != nil {
		return j.broken
	}
	_, err := j.file.Write(frame)
	if err == nil {
		j.size += int64(len(frame))
		return nil
	}
	return errors.Join(err, j.cut(j.size))
}

// cut removes everything beyond size.
func (j *journal) cut(size int64) error {
	if err := j.file.Truncate(size); err != nil {
		j.broken = fmt.Errorf("cannot remove an incomplete record: %w", err)
		return j.broken
	}
	j.size = size
	j.synced = min(j.synced, size)
	return nil
}

// close syncs the journal to disk and closes it.
func (j *journal) close() error {
	return errors.Join(j.file.Sync(), j.file.Close())
}
