package query

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/zeebo/xxh3"

	"mixduck/jobs"
	"mixduck/storage/query"
)

// Store makes what write writes the result of the query. write returns the number of rows.
func (h *Handler) Store(ctx context.Context, a *jobs.Attempt, write func(io.Writer) (rows int64, err error)) error {
	dir, _, err := h.place(a)
	if err != nil {
		return jobs.Permanent(err)
	}
	name := a.Record.ID + "." + string(a.Record.Query.Format)
	found, err := h.fill(filepath.Join(dir, name), write)
	if err == nil {
		err = h.keep(ctx, a, dir, name, found)
	}
	if err != nil {
		return jobs.Permanent(err) // a client waits, and can ask again
	}
	return nil
}

// place returns the directory for the result of a query, and the path of its database.
func (h *Handler) place(a *jobs.Attempt) (dir, database string, err error) {
	volume, database, err := h.locate(a.Record.Database)
	if err != nil {
		return "", "", err
	}
	dir = filepath.Join(volume, resultDir)
	return dir, database, errors.Join(os.MkdirAll(dir, 0o700), tidy(dir, time.Now().Add(-h.cfg.Retention)))
}

// fill writes a file. If it returns an error, there is none.
func (h *Handler) fill(path string, write func(io.Writer) (int64, error)) (found query.Result, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return found, err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	to := &measured{w: bufio.NewWriter(f), most: h.cfg.MaxResultBytes, sum: xxh3.New()}
	if found.Rows, err = write(to); err != nil {
		return found, err
	}
	found.Bytes, found.Sum = to.bytes, fmt.Sprintf("%016x", to.sum.Sum64())
	return found, to.w.Flush()
}

// measured is a writer that counts and hashes.
type measured struct {
	w     *bufio.Writer
	most  int64 // bytes; 0 means no limit
	bytes int64
	sum   *xxh3.Hasher
}

func (m *measured) Write(p []byte) (int, error) {
	if m.bytes += int64(len(p)); m.most > 0 && m.bytes > m.most {
		return 0, query.ErrTooLarge
	}
	_, _ = m.sum.Write(p) // hashes return no errors
	return m.w.Write(p)
}
