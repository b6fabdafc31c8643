package storage_test

import (
	"strings"
	"testing"

	"mixduck/internal/fault"
	"mixduck/storage"
)

func TestDrop(t *testing.T) {
	t.Parallel()
	e, _ := newFile(t)
	prepare(t, e, storage.Table{Name: "other", Project: "1", Job: "job-0"})
	load(t, e, window(span(0, 1), events(first, 10, "a")))
	if err := e.Drop(t.Context(), "events", 7); err != nil {
		t.Fatal(err)
	}
	if plan := prepare(t, e, storage.Table{Name: "events", Project: "2", Job: "job-1", Days: span(0, 1), Fence: 8}); len(plan.Done)+len(plan.Coverage) > 0 {
		t.Errorf("the dropped table is remembered: %+v", plan)
	}
	err := e.Drop(t.Context(), "nothing", 9)
	if fault.CodeOf(err) != fault.CodeNotFound || !strings.Contains(fault.HintOf(err), "events, other") {
		t.Errorf("Drop of what is not there = %v, want not found, and the names of those that are", err)
	}
	if err := e.Drop(t.Context(), "events", 6); err == nil {
		t.Error("Drop under an old fence succeeded")
	}
	names, err := e.DropAll(t.Context(), 10)
	if err != nil || strings.Join(names, " ") != "events other" {
		t.Errorf("DropAll() = %v, %v", names, err)
	}
	if names, err = e.DropAll(t.Context(), 11); err != nil || len(names) > 0 {
		t.Errorf("DropAll() of nothing = %v, %v", names, err)
	}
}
