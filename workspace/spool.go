package workspace

import (
	"bufio"
	"bytes"
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

// errDamaged means that a response cannot be unpacked, because it was truncated or corrupted.
var errDamaged = errors.New("the response is corrupt")

// response is Mixpanel's response for a window. It is stored on disk byte for byte until it is loaded.
type response struct {
	parts     []*part
	fetchedAt time.Time // when the first request was sent
}

// part is the response to one request.
type part struct {
	path  string
	gzip  bool
	bytes int64
	hash  string // XXH3-64 of its bytes
}

const copyBytes = 256 << 10

// download spools Mixpanel's response to r, which can take several requests: see [mixpanel.Client.Parts]. It counts
// each request when it is sent, and the bytes as they arrive. On failure it leaves no file. Requests that repeat
// failed ones do not use the budget's reserve.
//
// A blank part among others is requested again, because a lost response looks the same.
func (w *Workspace) download(ctx context.Context, r mixpanel.ExportRequest, repeat bool, sent, received *atomic.Int64) (_ *response, err error) {
	requests, err := w.source.Parts(r)
	if err != nil {
		return nil, err
	}
	resp := &response{fetchedAt: w.cfg.Now()}
	defer func() {
		if err != nil {
			resp.remove()
		}
	}()
	var blank []int
	for i, r := range requests {
		p, err := w.downloadPart(ctx, r, repeat, sent, received)
		if err != nil {
			return nil, err
		}
		resp.parts = append(resp.parts, p)
		if p.blank() {
			blank = append(blank, i)
		}
	}
	if len(blank) == len(requests) {
		return resp, nil
	}
	for _, i := range blank {
		p, err := w.downloadPart(ctx, requests[i], repeat, sent, received)
		if err != nil {
			return nil, err
		}
		resp.parts[i].remove()
		resp.parts[i] = p
	}
	return resp, nil
}

// downloadPart spools the response to one request.
func (w *Workspace) downloadPart(ctx context.Context, r mixpanel.ExportRequest, repeat bool, sent, received *atomic.Int64) (*part, error) {
	release, err := w.acquire(ctx, repeat)
	if err != nil {
		return nil, err
	}
	defer release()
	sent.Add(1)
	body, err := w.source.Export(ctx, r)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	w.hear(ctx, w.cfg.Budget, body.Limits)
	return w.spool(body, r.Days.String(), received)
}

// spool writes the body of a response to a file of the spool. On failure it leaves no file.
func (w *Workspace) spool(body *mixpanel.Body, name string, received *atomic.Int64) (_ *part, err error) {
	// An attempt that lost its turn unnoticed may still write next to this one. So each file has a unique name, and
	// the directory may be missing.
	if err := os.MkdirAll(w.cfg.SpoolDir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(w.cfg.SpoolDir, spoolPrefix+name+"-*")
	if err != nil {
		return nil, err
	}
	p := &part{path: f.Name()}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			p.remove()
		}
	}()
	hash := xxh3.New()
	to := io.MultiWriter(f, hash, counter{received})
	if p.bytes, err = io.CopyBuffer(to, struct{ io.Reader }{body}, make([]byte, copyBytes)); err != nil {
		return nil, err
	}
	p.gzip, p.hash = body.Gzip, fmt.Sprintf("%016x", hash.Sum64())
	return p, nil
}

// spoolPrefix starts the names of all files that a workspace writes to its spool.
const spoolPrefix = "window-"

// clearSpool creates the spool directory and removes only the files left by a killed attempt.
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

// acquire books a request in the budget.
func (w *Workspace) acquire(ctx context.Context, repeat bool) (release func(), err error) {
	switch {
	case repeat && w.cfg.RepeatBudget != nil:
		return w.cfg.RepeatBudget.Acquire(ctx, w.cfg.Project.ID)
	case w.cfg.Budget != nil:
		return w.cfg.Budget.Acquire(ctx, w.cfg.Project.ID)
	}
	return func() {}, nil
}

// hear passes what a response says about the hourly limit to a budget, which may be nil.
func (w *Workspace) hear(ctx context.Context, b budget, limits []mixpanel.Limit) {
	for _, l := range limits {
		if b != nil && l.Hourly() && l.Remaining >= 0 && l.Reset > 0 {
			b.Heard(ctx, w.cfg.Project.ID, l.Remaining, w.cfg.Now().Add(l.Reset))
		}
	}
}

// counter counts the bytes written to it.
type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

func (r *response) remove() {
	for _, p := range r.parts {
		p.remove()
	}
}

// bytes returns the number of received bytes.
func (r *response) bytes() (n int64) {
	for _, p := range r.parts {
		n += p.bytes
	}
	return n
}

// hash returns the hash of the bytes; for several parts, the hash of their hashes.
func (r *response) hash() string {
	if len(r.parts) == 1 {
		return r.parts[0].hash
	}
	all := xxh3.New()
	for _, p := range r.parts {
		_, _ = all.WriteString(p.hash) // never fails
	}
	return fmt.Sprintf("%016x", all.Sum64())
}

// open returns the lines of each part, see [part.open]. The caller must call done after reading them.
func (r *response) open() (parts []io.Reader, done func(), err error) {
	var opened []io.Closer
	done = func() {
		for _, c := range opened {
			_ = c.Close() // was only read
		}
	}
	for _, p := range r.parts {
		lines, err := p.open()
		if err != nil {
			done()
			return nil, nil, err
		}
		parts, opened = append(parts, lines), append(opened, lines)
	}
	return parts, done, nil
}

func (p *part) remove() { _ = os.Remove(p.path) }

// blank reports whether the part contains only white space. If it is damaged, that is detected when it is read.
func (p *part) blank() bool {
	lines, err := p.open()
	if err != nil {
		return false
	}
	defer lines.Close()
	buf := make([]byte, 4<<10)
	for {
		n, err := lines.Read(buf)
		if len(bytes.Trim(buf[:n], " \t\r\n\v\f\ufeff")) > 0 {
			return false
		}
		if err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

// open returns the lines of the part. Reading ends with io.EOF only if the gzip stream is complete and its checksum
// correct, otherwise with errDamaged.
func (p *part) open() (io.ReadCloser, error) {
	f, err := os.Open(p.path)
	if err != nil {
		return nil, err
	}
	if !p.gzip {
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
