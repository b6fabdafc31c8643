package main

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"mixduck/config"
	"mixduck/jobs"
	"mixduck/jobs/handler/tables"
	"mixduck/jobs/keep"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
)

// whileWorking keeps the queue's data complete and runs schedules during work, until ctx is done or work has ended. It
// returns the error of work. Work begins when all data of this worker is published; until then the queue may be
// unreachable.
func (d *daemon) whileWorking(ctx context.Context, queue *queue.Queue, workerID string, server *redisServer, beside []func(context.Context), work func() error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	keeper := d.keeper(queue, workerID)
	d.page.watchKeeper(keeper)
	runner := schedule.Runner{Queue: queue, Log: d.log, Worker: workerID}
	var loops sync.WaitGroup
	defer loops.Wait()
	defer stop()
	loops.Go(func() { keeper.Run(ctx) })
	if !d.cfg.Redis.URL.IsZero() {
		loops.Go(func() { server.watch(ctx) })
	}
	select {
	case <-keeper.Published():
	case <-ctx.Done():
		return nil
	}
	loops.Go(func() { runner.Run(ctx) })
	for _, run := range beside {
		loops.Go(func() { run(ctx) })
	}
	return work()
}

// keeper returns a keeper that publishes what this worker knows, and copies data that exists only in the queue.
func (d *daemon) keeper(queue *queue.Queue, workerID string) *keep.Keeper {
	volumes := make([]tables.Volume, len(d.cfg.Volumes))
	for i, v := range d.cfg.Volumes {
		volumes[i] = tables.Volume(v)
	}
	return keep.New(queue, keep.Config{
		Worker: workerID, Schedules: schedules(d.cfg, d.log), Projects: d.projects.infos(), File: d.cfg.QueueCopy(workerID),
		Rebuild: tables.NewRebuilder(volumes, d.storage, queue, d.log).Rebuild,
	}, d.log)
}

// schedules converts the schedules of the configuration for the queue.
func schedules(cfg config.Config, log *slog.Logger) []jobs.Schedule {
	projects := make(map[string]config.Project, len(cfg.Projects))
	for _, p := range cfg.Projects {
		projects[p.Name] = p
	}
	var all []jobs.Schedule
	for _, s := range cfg.Schedules {
		p, ok := projects[s.Project]
		if !ok {
			log.Error("schedule has an unknown project", slog.String("schedule", s.Name), slog.String("project", s.Project))
			continue
		}
		all = append(all, jobs.Schedule{
			Name: s.Name, Project: strconv.FormatInt(p.ID, 10), ProjectZone: p.Location.String(), Stream: s.Stream,
			Database: s.Database, Table: s.Table, Events: s.Events, Where: s.Where, Promote: s.Promote,
			Cron: s.Cron, Zone: s.Location.String(), Jitter: s.Jitter, CatchUp: s.CatchUp, Overlap: jobs.Overlap(s.Overlap), Disabled: !s.Enabled,
			Start: s.Start, Lookback: s.Lookback, IncludeToday: s.IncludeToday, Mode: jobs.Mode(s.Mode),
			Priority: jobs.Priority(s.Priority), MaxAttempts: s.MaxAttempts, FullEvery: s.FullEvery, History: s.History, Group: s.Group, ReportIDs: s.ReportIDs,
			Verify: strings.TrimPrefix(s.Verify, "false"),
		})
	}
	return all
}
