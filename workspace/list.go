package workspace

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"time"

	"mixduck/storage"
)

// list is a [storage.Part] with rows in memory.
type list [][][]byte

// Open returns the rows.
func (l list) Open() (storage.RowReader, error) { return &listRows{left: l}, nil }

type listRows struct{ left list }

func (r *listRows) Next(row *storage.KeyedRow) error {
	if len(r.left) == 0 {
		return io.EOF
	}
	copy(row.Values, r.left[0])
	r.left = r.left[1:]
	return nil
}

func (*listRows) Close() error { return nil }

// harvest returns the rows as the complete content of a table.
func (l list) harvest(fetchedAt time.Time) harvest {
	return harvest{parts: []storage.Part{l}, fetchedAt: fetchedAt}
}

// fetchList requests a list, and repeats the request if the list is empty, because a lost response looks the same.
func fetchList[T any](ctx context.Context, f *refreshing, l ledger, send func() ([]T, error)) (all []T, fetchedAt time.Time, err error) {
	for range 2 {
		fetchedAt = f.cfg.Now()
		f.update(func(p *Progress) { p.WindowsTotal++ })
		err = f.ask(ctx, l, func() (err error) {
			all, err = send()
			return err
		})
		if err != nil {
			return nil, fetchedAt, err
		}
		f.update(func(p *Progress) { p.WindowsDone++ })
		if len(all) > 0 {
			break
		}
	}
	return all, fetchedAt, nil
}

// The values of rows. Empty texts are NULL.

func text(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

func number(n int64) []byte { return strconv.AppendInt(nil, n, 10) }

func boolean(b bool) []byte { return strconv.AppendBool(nil, b) }

func texts(all []string) []byte {
	if len(all) == 0 {
		return []byte("[]")
	}
	b, err := json.Marshal(all)
	if err != nil {
		return nil
	}
	return b
}

// columns returns the columns of a table from alternating names and types. The first key columns are the key.
func columns(key int, namesAndTypes ...string) (all []storage.KeyedColumn) {
	for c := range slices.Chunk(namesAndTypes, 2) {
		all = append(all, storage.KeyedColumn{Name: c[0], Type: c[1], Key: len(all) < key})
	}
	return all
}
