package edit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/handler/edit"
	"mixduck/storage"
)

// busy says that others wait for the lane.
type busy bool

func (b *busy) OthersWait(context.Context, string) (bool, error) { return bool(*b), nil }

func TestPromoteLetsOthersGoFirst(t *testing.T) {
	t.Parallel()
	path, first := filepath.Join(t.TempDir(), "x.db"), day.New(2026, 11, 1)
	e, err := storage.Open(t.Context(), storage.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Prepare(t.Context(), storage.Table{Name: "events", Project: "1", Job: "job"}); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		d := first + day.Day(i)
		line := fmt.Sprintf(`{"event":"e","properties":{"time":%d,"$insert_id":"1","plan":"pro"}}`, int(d)*86400) + "\n"
		if _, err = e.Load(t.Context(), storage.Window{
			Table: "events", Days: day.Range{From: d, To: d}, Parts: []io.Reader{strings.NewReader(line)}, Job: "job", FetchedAt: time.Now(),
			DayEnd: func(d day.Day) time.Time { return (d + 1).Start(time.UTC) },
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	wait, draining := busy(true), make(chan struct{})
	h := edit.New(func(string) (storage.Config, error) { return storage.Config{Path: path, PieceRows: 1}, nil }, &wait)
	record := jobs.Record{Database: "main/x.db", Edit: jobs.Edit{Action: jobs.ActionPromote, Table: "events", Promote: "plan"}}

	a := jobs.NewAttempt(record, 1, draining)
	if _, paused := jobs.PausedUntil(h.Run(t.Context(), a)); !paused || a.Progress().RowsChanged != 1 {
		t.Errorf("while others wait: paused %t after %d rows, want a pause after 1", paused, a.Progress().RowsChanged)
	}
	record.Progress = a.Progress()
	wait = false
	close(draining)
	if err := h.Run(t.Context(), jobs.NewAttempt(record, 2, draining)); !errors.Is(err, jobs.ErrShutdown) {
		t.Errorf("while the worker stops: %v, want %v", err, jobs.ErrShutdown)
	}
	a = jobs.NewAttempt(record, 3, make(chan struct{}))
	if err := h.Run(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if rows := a.Progress().RowsChanged; rows != 2 { // one by the attempt that was told to stop
		t.Errorf("%d rows filled, want 2", rows)
	}
}
