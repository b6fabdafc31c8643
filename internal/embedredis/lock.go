package embedredis

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"mixduck/internal/fault"
	"mixduck/internal/filelock"
)

// ErrInUse means that another process serves the directory.
var ErrInUse = errors.New("another process uses this queue")

// lockDirectory locks the file "lock" in dir and returns it. [filelock.Unlock], or the end of the process, releases
// the lock. The file stays and contains the number of the last process that held it.
func lockDirectory(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = filelock.Try(f, true)
	if errors.Is(err, filelock.ErrHeld) {
		err = inUse(dir, f)
	}
	if err == nil {
		err = errors.Join(f.Truncate(0), writeAt(f, strconv.Itoa(os.Getpid())+"\n"))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

func inUse(dir string, lock io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(lock, 32))
	pid := strings.TrimSpace(string(text))
	if err != nil || pid == "" {
		pid = "unknown"
	}
	return fault.New(fault.CodeFailed, fmt.Sprintf("stop process %s, or use another data directory", pid),
		"%w: %s, process %s", ErrInUse, dir, pid)
}
