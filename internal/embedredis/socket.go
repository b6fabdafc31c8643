package embedredis

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"mixduck/internal/fault"
)

const (
	socketName     = "redis.sock"
	maxSocketBytes = 100 // the system's limit is 107 on Linux and 103 elsewhere
)

// ErrNoWorker means that no process serves the directory.
var ErrNoWorker = errors.New("no worker is running")

// Connect returns a client of the process that serves dir, over its socket. The caller must close it. If there is no
// such process, Connect returns [ErrNoWorker], and so do later commands after the process has ended.
func Connect(ctx context.Context, dir string) (*redis.Client, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	c, err := dialSocket(ctx, dir)
	if err != nil {
		return nil, err
	}
	_ = c.Close()
	return newClient(func(ctx context.Context) (net.Conn, error) { return dialSocket(ctx, dir) }), nil
}

// newClient returns a client without features that only other servers support: names of clients, notices of moves.
func newClient(dial func(context.Context) (net.Conn, error)) *redis.Client {
	return redis.NewClient(&redis.Options{
		Dialer:                   func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		Protocol:                 2,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		ContextTimeoutEnabled:    true,
		DialerRetries:            1, // commands are retried anyway
	})
}

func dialSocket(ctx context.Context, dir string) (conn net.Conn, err error) {
	err = withSocketPath(dir, func(path string) error {
		var d net.Dialer
		conn, err = d.DialContext(ctx, "unix", path)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fault.New(fault.CodeFailed, "start one with 'worker run' and the same data directory",
			"%w for %s", ErrNoWorker, dir)
	}
	return conn, err
}

// listenSocket replaces the socket of a killed process. The caller must hold the directory's lock.
func listenSocket(ctx context.Context, dir string) (*net.UnixListener, error) {
	if err := removeSocket(dir); err != nil {
		return nil, err
	}
	var listener *net.UnixListener
	err := withSocketPath(dir, func(path string) error {
		var config net.ListenConfig
		l, err := config.Listen(ctx, "unix", path)
		if err != nil {
			return err
		}
		listener, _ = l.(*net.UnixListener)
		listener.SetUnlinkOnClose(false) // the path may be a short form that no longer exists by then
		return os.Chmod(path, 0o600)
	})
	return listener, err
}

func removeSocket(dir string) error {
	return ignoreMissing(os.Remove(filepath.Join(dir, socketName)))
}

// withSocketPath calls use with a path of the socket that is short enough for the system. If the plain path is too
// long, it uses one through a descriptor of dir, valid until use returns.
func withSocketPath(dir string, use func(path string) error) error {
	if path := filepath.Join(dir, socketName); len(path) <= maxSocketBytes {
		return use(path)
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = use(fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), socketName))
	return errors.Join(err, d.Close())
}
