// Package jobstest contains what tests of the queue share: a queue on each kind of Redis, workers, and checks. The
// package's own tests make each command of each call fail.
package jobstest

import "mixduck/jobs/budget"

// NewBudget returns a budget on the Redis of t.
func NewBudget(t Rig, cfg budget.Config) *budget.Budget {
	t.Helper()
	b, err := budget.New(t.Rdb, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
