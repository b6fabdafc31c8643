package workspace

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/zeebo/xxh3"

	"mixduck/mixpanel"
)

// errDamaged says that a response does not unpack: it was cut off, or damaged on the way.
var errDamaged = errors.New("the response is damaged")

// response is an answer of Mixpanel that waits on disk to be loaded, byte by byte as it was sent.
type response struct {
	path      string
	gzip      bool
	bytes     int64
	hash      string // XXH3-64 of the bytes
	fetchedAt time.Time
}

const copyBytes = 256 << 10

// download spools the answer to one request. It counts the request when it is sent, and the bytes as they come. On
// failure no file is left. A request that repeats one that failed leaves the budget's reserve to others.
func (w *Workspace) download(ctx context.Context, r mixpanel.ExportRequest, repeat bool, sent, received *atomic.Int64) (_ *response, err error) {
	release, err := w.acquire(ctx, repeat)
	if err != nil {
		return nil, err
	}
	defer release()
	sent.Add(1)
	resp := &response{fetchedAt: w.cfg.Now()}
	body, err := w.source.Export(ctx, r)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	w.hear(ctx, body.Limits)
	// An attempt that has lost its turn without knowing may still write beside this one: so each file has a name of its
	// own, and the directory may have been removed.
	if err := os.MkdirAll(w.cfg.SpoolDir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(w.cfg.SpoolDir, spoolPrefix+r.Days.String()+"-*")
	if err != nil {
		return nil, err
	}
	resp.path = f.Name()
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			resp.remove()
		}
	}()
	hash := xxh3.New()
	to := io.MultiWriter(f, hash, counter{received})
	if resp.bytes, err = io.CopyBuffer(to, struct{ io.Reader }{body}, make([]byte, copyBytes)); err != nil {
		return nil, err
	}
	resp.gzip, resp.hash = body.Gzip, fmt.Sprintf("%016x", hash.Sum64())
	return resp, nil
}

// spoolPrefix begins the names of all files that a workspace writes into its spool.
const spoolPrefix = "window-"

// clearSpool makes the spool and removes what an attempt has left that was killed, and nothing else.
func (w *Workspace) clearSpool() error {
	if err := os.MkdirAll(w.cfg.SpoolDir, 0o700); err != nil {
		return err
	}
	left, err := os.ReadDir(w.cfg.SpoolDir)
	if err != nil {
		return err
	}
	for _, file := range left {
		if !strings.HasPrefix(file.Name(), spoolPrefix) {
			continue
		}
		if err := os.Remove(filepath.Join(w.cfg.SpoolDir, file.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// acquire books a request.
func (w *Workspace) acquire(ctx context.Context, repeat bool) (release func(), err error) {
	switch {
	case repeat && w.cfg.RepeatBudget != nil:
		return w.cfg.RepeatBudget.Acquire(ctx, w.cfg.Project.ID)
	case w.cfg.Budget != nil:
		return w.cfg.Budget.Acquire(ctx, w.cfg.Project.ID)
	}
	return func() {}, nil
}

// hear hands on what an answer says of the hourly limit.
func (w *Workspace) hear(ctx context.Context, limits []mixpanel.Limit) {
	for _, l := range limits {
		if w.cfg.Budget != nil && l.Hourly() && l.Remaining >= 0 && l.Reset > 0 {
			w.cfg.Budget.Heard(ctx, w.cfg.Project.ID, l.Remaining, w.cfg.Now().Add(l.Reset))
		}
	}
}

// counter counts what is written to it.
type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

func (r *response) remove() { _ = os.Remove(r.path) }

// open returns the lines of the response. Reading them ends with io.EOF only if the gzip stream is whole and its
// checksum right, else with errDamaged.
func (r *response) open() (io.ReadCloser, error) {
	f, err := os.Open(r.path)
	if err != nil {
		return nil, err
	}
	if !r.gzip {
		return f, nil
	}
	zr, err := gzip.NewReader(bufio.NewReaderSize(f, copyBytes))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", errDamaged, err), f.Close())
	}
	return &unpacked{zr, f}, nil
}

// unpacked reads a gzip file.
type unpacked struct {
	zr   *gzip.Reader
	file *os.File
}

func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.zr.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // readers return io.EOF as it is
		err = fmt.Errorf("%w: %w", errDamaged, err)
	}
	return n, err
}

func (u *unpacked) Close() error { return u.file.Close() }
