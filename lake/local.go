package lake

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	icebergio "github.com/apache/iceberg-go/io"

	"mixduck/internal/filesystem"
)

// syncedFiles is a local file system on which a closed file survives a power cut. Otherwise the catalog could name
// metadata that is empty or missing.
type syncedFiles struct{ icebergio.LocalFS }

// syncLocalFiles makes iceberg-go use it for file:// locations.
var syncLocalFiles = sync.OnceFunc(func() {
	const scheme = "file"
	icebergio.Unregister(scheme)
	icebergio.Register(scheme, func(context.Context, *url.URL, map[string]string) (icebergio.IO, error) { return syncedFiles{}, nil })
})

// Create returns a file that is synced when it is closed.
func (s syncedFiles) Create(name string) (icebergio.FileWriter, error) {
	w, err := s.LocalFS.Create(name)
	if err != nil {
		return nil, err
	}
	if f, ok := w.(*os.File); ok {
		return &syncedFile{f}, nil
	}
	return w, nil
}

// WriteFile writes and syncs a file.
func (s syncedFiles) WriteFile(name string, content []byte) error {
	w, err := s.Create(name)
	if err != nil {
		return err
	}
	if _, err := w.Write(content); err != nil {
		_ = w.Close()
		return err
	}
	return w.Close()
}

type syncedFile struct{ *os.File }

// Close syncs the file and its directory, and closes it.
func (f *syncedFile) Close() error {
	if err := errors.Join(f.Sync(), f.File.Close()); err != nil {
		return err
	}
	return filesystem.Sync(filepath.Dir(f.Name()))
}
