// Package presence lets processes on one machine see at once that one of them has died. Each keeps a locked file in a
// directory that they share. The operating system releases the lock when the process ends, however it ends, and a
// process that is only slow or stopped keeps it.
package presence

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"mixduck/internal/filelock"
)

// Mark is the file of a living process.
type Mark struct{ f *os.File }

// content is the content of a mark. A copy of the file, or a lock on another machine, proves nothing: the file counts
// only with the inode and on the running kernel that it names.
type content struct {
	ID     string `json:"id"`
	Kernel string `json:"kernel"`
	Inode  uint64 `json:"inode"`
}

const (
	suffix   = ".alive"
	unlisted = ".new-*" // until the file is locked and complete
)

// Enter marks this process in dir as alive until it ends, and creates dir if necessary. The ID identifies this run of
// the process. A mark outlives its process until another one calls [Forget].
func Enter(dir, id string) (_ *Mark, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, unlisted)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()), f.Close())
		}
	}()
	if err := filelock.Try(f, true); err != nil {
		return nil, err
	}
	inode, err := inodeOf(f)
	if err != nil {
		return nil, err
	}
	if err := json.NewEncoder(f).Encode(content{ID: id, Kernel: kernel(), Inode: inode}); err != nil {
		return nil, err
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, fmt.Sprintf("%d-%d%s", os.Getpid(), inode, suffix))); err != nil {
		return nil, err
	}
	return &Mark{f}, nil
}

// Leave ends the proof that this process is alive. To others that looks like the end of the process.
func (m *Mark) Leave() error { return filelock.Unlock(m.f) }

// Sighting is the mark of a process, as another process sees it.
type Sighting struct {
	ID    string // of the run of a process; "" if the mark proves nothing here
	Alive bool   // otherwise the process has ended
	name  string
}

// Look returns the marks in dir, in no order. Marks that cannot be read are left out.
func Look(dir string) ([]Sighting, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	here := kernel()
	var all []Sighting
	for _, f := range files {
		if filepath.Ext(f.Name()) != suffix {
			continue
		}
		if s, err := sight(filepath.Join(dir, f.Name()), here); err == nil {
			all = append(all, s)
		}
	}
	return all, nil
}

// Forget removes the mark of a process that has ended.
func Forget(s Sighting) error {
	if err := os.Remove(s.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// sight reads a mark on the kernel here.
func sight(name, here string) (Sighting, error) {
	f, err := os.Open(name)
	if err != nil {
		return Sighting{}, err
	}
	defer filelock.Unlock(f) //nolint:errcheck // the file is closed in any case
	inode, err := inodeOf(f)
	if err != nil {
		return Sighting{}, err
	}
	s := Sighting{name: name}
	var c content
	if err := json.NewDecoder(f).Decode(&c); err == nil && here != "" && c.Kernel == here && c.Inode == inode {
		s.ID = c.ID
	}
	err = filelock.Try(f, false)
	if errors.Is(err, filelock.ErrHeld) {
		s.Alive, err = true, nil
	}
	return s, err
}

func inodeOf(f *os.File) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return 0, &os.PathError{Op: "stat", Path: f.Name(), Err: err}
	}
	return st.Ino, nil
}
