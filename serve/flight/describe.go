package flight

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"mixduck/storage/query"
)

// description is what is known of a statement before it runs, as Arrow streams without batches.
type description struct{ columns, parameters []byte }

// maxDescriptions bounds how many the server remembers.
const maxDescriptions = 256

// describe returns the columns and parameters of a statement. Many clients ask before each execution, so it remembers them for as
// long as the database does not change.
func (s *service) describe(ctx context.Context, req query.Request) (description, error) {
	version, err := fileVersion(req.Database)
	if err != nil {
		return description{}, err
	}
	key := strings.Join([]string{req.Database, version, req.SQL}, "\x00")
	s.mu.Lock()
	known, ok := s.descriptions[key]
	s.mu.Unlock()
	if ok {
		return known, nil
	}
	var out bytes.Buffer
	launch := s.cfg.Launcher
	launch.Stdout = &out
	req.Describe = true
	res, err := s.run(ctx, launch, req)
	if err != nil {
		return description{}, err
	}
	d := description{out.Bytes(), res.Parameters}
	if after, err := fileVersion(req.Database); err == nil && after == version {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.descriptions) >= maxDescriptions {
			clear(s.descriptions)
		}
		s.descriptions[key] = d
	}
	return d, nil
}

// fileVersion returns a text that changes with a database. It does not open the file.
func fileVersion(path string) (string, error) {
	var b strings.Builder
	for _, file := range []string{path, path + ".wal"} {
		info, err := os.Stat(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the query says so, or there is no log
		}
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%d %d;", info.ModTime().UnixNano(), info.Size())
	}
	return b.String(), nil
}
