package main

import (
	"context"
	"log/slog"
	"strconv"
	"sync"

	"mixduck/config"
	"mixduck/jobs"
	"mixduck/schedule"
)

// whileWorking runs schedules beside work, until ctx is done or work has ended, and returns its error.
func (d *daemon) whileWorking(ctx context.Context, queue *jobs.Queue, seat string, work func() error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	runner := schedule.Runner{Queue: queue, Log: d.log, Worker: seat, File: schedules(d.cfg, d.log)}
	var loop sync.WaitGroup
	loop.Go(func() { runner.Run(ctx) })
	err := work()
	stop()
	loop.Wait()
	return err
}

// schedules returns those of the configuration as the queue keeps them.
func schedules(cfg config.Config, log *slog.Logger) []jobs.Schedule {
	projects := make(map[string]config.Project, len(cfg.Projects))
	for _, p := range cfg.Projects {
		projects[p.Name] = p
	}
	var all []jobs.Schedule
	for _, s := range cfg.Schedules {
		p, ok := projects[s.Project]
		if !ok {
			log.Error("schedule names no project", slog.String("schedule", s.Name), slog.String("project", s.Project))
			continue
		}
		all = append(all, jobs.Schedule{
			Name: s.Name, Project: strconv.FormatInt(p.ID, 10), ProjectZone: p.Location.String(), Stream: s.Stream,
			Database: s.Database, Table: s.Table, Events: s.Events, Where: s.Where, Promote: s.Promote,
			Cron: s.Cron, Zone: s.Location.String(), Jitter: s.Jitter, CatchUp: s.CatchUp, Overlap: jobs.Overlap(s.Overlap), Disabled: !s.Enabled,
			Start: s.Start, Lookback: s.Lookback, IncludeToday: s.IncludeToday, Mode: jobs.Mode(s.Mode),
			Priority: jobs.Priority(s.Priority), MaxAttempts: s.MaxAttempts,
		})
	}
	return all
}
