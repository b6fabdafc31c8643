//go:build unix

package filesystem

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Clone creates the file to with the content of from by sharing its blocks (a reflink), which takes no time and no
// space. If the file system does not support that, it returns [errors.ErrUnsupported] and leaves no file.
func Clone(from *os.File, to string) error {
	err := clone(from, to)
	for _, cannot := range []error{unix.EOPNOTSUPP, unix.ENOTTY, unix.EXDEV, unix.EINVAL, unix.ENOSYS, unix.EPERM} {
		if errors.Is(err, cannot) {
			return errors.Join(errors.ErrUnsupported, err)
		}
	}
	return err
}

// Copy creates the file to with the content of from, inside the kernel if possible. It does not sync the file. After
// an error it leaves no file.
func Copy(from *os.File, to string) (err error) {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(to)
		}
	}()
	_, err = io.Copy(f, from) // copy_file_range on Linux
	return err
}

// flushEvery is how often [StartFlush] looks for more to write.
const flushEvery = 20 * time.Millisecond

// StartFlush lets the system write the file at path to disk while it is being filled, so that a later Sync takes less
// time. The file may appear later. The returned function ends that, and waits; it does not sync the file.
func StartFlush(path string) (stop func()) {
	done := make(chan struct{})
	var flushing sync.WaitGroup
	flushing.Go(func() {
		tick := time.NewTicker(flushEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				flush(path)
			}
		}
	})
	return sync.OnceFunc(func() {
		close(done)
		flushing.Wait()
	})
}
