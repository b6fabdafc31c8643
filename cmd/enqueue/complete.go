package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/connect"
	"mixduck/config"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/status"
)

const (
	completionPatience = 2 * time.Second // for a person who has pressed Tab
	maxCompletions     = 30
)

// completeJobs returns a function that completes up to most job IDs, 0 for any number. It offers the newest jobs
// accepted by fits; nil accepts all. If the queue is unreachable, it offers nothing.
func (a *app) completeJobs(most int, fits func(jobs.Record) bool) cobra.CompletionFunc {
	return func(c *cobra.Command, given []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		const directive = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		cfg, err := config.LoadClient(a.Process.Environ, c.Flags())
		if err != nil || most > 0 && len(given) >= most {
			return nil, directive
		}
		ctx, cancel := context.WithTimeout(c.Context(), completionPatience)
		defer cancel()
		var found []jobs.Record
		err = connect.With(ctx, cfg, func(q *queue.Queue) error {
			for _, kind := range []jobs.Kind{"", jobs.KindQuery} { // "" is all other kinds
				some, err := q.List(ctx, queue.Filter{Kind: kind})
				if err != nil {
					return err
				}
				found = append(found, some...)
			}
			return nil
		})
		if err != nil {
			return nil, directive
		}
		slices.SortFunc(found, func(x, y jobs.Record) int { return strings.Compare(y.ID, x.ID) }) // newest first
		var all []cobra.Completion
		for _, job := range found {
			if len(all) == maxCompletions {
				break
			}
			again := slices.ContainsFunc(given, func(id string) bool { return strings.EqualFold(id, job.ID) })
			if !again && (fits == nil || fits(job)) && len(typed) <= len(job.ID) && strings.EqualFold(job.ID[:len(typed)], typed) {
				what := strings.Join([]string{string(job.State), status.What(job), status.Database(job.Database), job.Table()}, ", ")
				all = append(all, cobra.CompletionWithDesc(job.ID, wording.Printable(strings.TrimSuffix(what, ", "))))
			}
		}
		return all, directive
	}
}
