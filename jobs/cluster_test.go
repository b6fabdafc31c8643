package jobs_test

import (
	"context"
	"fmt"
	"net"
	"testing"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/proctest"
	"mixduck/jobs"
)

// newCluster starts a server that holds all slots of a cluster, and refuses what touches two of them at once.
func newCluster(tb testing.TB) redis.UniversalClient {
	tb.Helper()
	port := proctest.FreePort(tb)
	proctest.NewRedis(tb, "--port", port, "--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1", "--appendonly", "no")
	addr := net.JoinHostPort("127.0.0.1", port)
	node := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})
	defer node.Close()
	if err := node.ClusterAddSlotsRange(context.Background(), 0, 16383).Err(); err != nil {
		tb.Fatal(err)
	}
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{addr}})
	tb.Cleanup(func() { rdb.Close() })
	eventually(tb, "the cluster is up", func() bool { return rdb.Set(context.Background(), "x", 1, 0).Err() == nil })
	return rdb
}

func TestTheQueueWorksOnACluster(t *testing.T) {
	t.Parallel()
	rdb := newCluster(t)
	q := newQueue(t, rdb)
	var log journal
	startWorker(t, q, jobs.WorkerConfig{Concurrency: 4}, func(_ context.Context, a *jobs.Attempt) error {
		log.add("%s", a.Record.ID)
		a.Report(jobs.Progress{WindowsDone: 1})
		return nil
	})
	var last []jobs.Record
	for lane := range 5 {
		for n := range 4 {
			r := submit(t, q, fmt.Sprintf("l%d", lane), fmt.Sprintf("t%d", n))
			if n == 3 {
				last = append(last, r)
			}
		}
	}
	for _, r := range last {
		awaitState(t, q, r.ID, jobs.StateDone)
	}
	if n := len(log.all()); n != 20 {
		t.Errorf("%d attempts, want 20", n)
	}
	found, err := q.List(t.Context(), jobs.Filter{State: jobs.StateDone, Database: "main/l1.db"})
	if err != nil || len(found) != 4 {
		t.Errorf("List() = %d jobs, %v, want 4", len(found), err)
	}
	if _, err := q.Lanes(t.Context()); err != nil {
		t.Errorf("Lanes() = %v", err)
	}
	joined, err := q.Submit(t.Context(), jobs.Request{Fetch: fetch("l1", "t1"), IfBusy: jobs.IfBusyJoin})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Cancel(t.Context(), joined.ID); err != nil {
		t.Errorf("Cancel() = %v", err)
	}
	if err := q.ReportTables(t.Context(), &jobs.Attempt{Record: joined}, jobs.TableReport{Tables: holds(1, "t1")}); err != nil {
		t.Errorf("ReportTables() = %v", err)
	}
	if all, err := q.Tables(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("Tables() = %v, %v, want one", all, err)
	}
	budget, err := jobs.NewBudget(rdb, jobs.BudgetConfig{PerHour: 5})
	if err != nil {
		t.Fatal(err)
	}
	lease, err := budget.Acquire(t.Context(), "12345", "w1")
	if err != nil {
		t.Fatal(err)
	}
	lease.Release(t.Context())
	if _, err := budget.State(t.Context(), "12345"); err != nil {
		t.Errorf("State() = %v", err)
	}
}
