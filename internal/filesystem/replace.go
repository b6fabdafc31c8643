package filesystem

import (
	"errors"
	"os"
	"path/filepath"
)

// WriteFile replaces the file name, or creates it, with mode 0600. After a crash or an error, the file has either its old or
// its new content, never a part. Concurrent calls are safe; the last one wins. When WriteFile returns nil, the content is on
// disk.
func WriteFile(name string, data []byte) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return Rename(tmp.Name(), name)
}

// Rename gives the file from the name to, and replaces a file with that name. When it returns nil, the name is on disk. The
// content of from must have been synced before.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return Sync(filepath.Dir(to))
}

// Sync writes the content of a file, or the names in a directory, to disk.
func Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
