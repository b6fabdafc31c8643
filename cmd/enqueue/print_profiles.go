package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/internal/fault"
	"mixduck/jobs"
)

// printProfiles writes profiles to stdout: a worker fetches them, and opens no database.
func (a *app) printProfiles(c *cobra.Command, args []string, o *streamOptions, quiet bool) error {
	if !o.stdout {
		return fault.Usage("add --stdout", "--raw only works with --stdout")
	}
	for _, name := range []string{"database", "history", "adopt", "force", "if-busy", "priority", "format", "wait"} {
		if c.Flags().Changed(name) {
			return fault.Usage("omit one of them", "--stdout and --%s exclude each other", name)
		}
	}
	if len(args) > 0 {
		return fault.Usage("omit the table", "--stdout fills no table")
	}
	return a.withProject(c, func(r reader) error {
		if err := o.profiles.Check(a.Now().In(r.project.Location)); err != nil {
			return err
		}
		query := r.query(console.Question{Format: string(jobs.FormatJSONL)})
		query.Profiles = &jobs.Profiles{Project: strconv.FormatInt(r.project.ID, 10), Filter: o.profiles.Filter, Since: o.profiles.Since, Raw: o.raw}
		job, err := r.submit(c.Context(), query)
		if err != nil {
			return err
		}
		if job, err = r.attend(c.Context(), job); err != nil {
			return err
		}
		answer, err := r.open(c.Context(), job)
		if err != nil {
			return err
		}
		lines := console.ResultFlags{Format: &console.Choice{Value: string(jobs.FormatJSONL)}}
		if err := a.Show(answer, &lines); err != nil {
			return err
		}
		return a.PrintedProfiles(answer.Rows, job.Progress.Quarantined, quiet)
	})
}
