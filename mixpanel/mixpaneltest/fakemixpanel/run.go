package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 3
)

const example = `Serves made-up events and profiles of a project or several as Mixpanel's APIs do, and prints its base URL when it is ready.

Examples:
  fakemixpanel --project 12345 --events-per-day 7000 --precompute 2026-01-01..2026-01-31
  fakemixpanel --project 12345 --also 67890,zone=America/Los_Angeles,shifted

Flags:
`

// options are the command-line options.
type options struct {
	listen     string
	project    mixpaneltest.Project
	others     []mixpaneltest.Project
	generator  mixpaneltest.Generator
	dir        string
	zone       string
	noLimits   bool
	control    bool
	timeInMS   bool
	precompute string
	maxLine    int
	live       bool
	profiles   int
}

// run serves until ctx is done and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if err != nil {
		return exitUsage // the flag set has printed the reason
	}
	server, err := o.server()
	if err == nil {
		err = server.Listen(ctx, o.listen, o.control, func(url string) { _, _ = fmt.Fprintln(stdout, url) })
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "fakemixpanel:", err)
		return exitFailed
	}
	return exitDone
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("fakemixpanel", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		_, _ = io.WriteString(stderr, example)
		flags.PrintDefaults()
	}
	flags.StringVar(&o.listen, "listen", "127.0.0.1:9999", "`address` to listen on; port 0 takes a free one")
	flags.Int64Var(&o.project.ID, "project", 12345, "project `id`")
	flags.Func("also", "another `project`, as 67890,region=eu,zone=America/Los_Angeles,shifted, with the same service account and events of its own; may be repeated", o.also)
	flags.StringVar(&o.project.Region, "region", "us", "region of the project: us, eu or in")
	flags.StringVar(&o.project.Username, "username", "sa", "`name` of the service account")
	flags.StringVar(&o.project.Secret, "secret", "s3cret", "`secret` of the service account")
	flags.StringVar(&o.zone, "zone", "UTC", "time `zone` of the project")
	flags.BoolVar(&o.project.ShiftedTimes, "shifted-times", false, "dates and times as in projects from before 2023")
	flags.IntVar(&o.generator.EventsPerDay, "events-per-day", 7000, "`number` of events a day")
	flags.Uint64Var(&o.generator.Seed, "seed", 1, "`number` that the made-up events depend on")
	flags.IntVar(&o.profiles, "profiles", 1000, "`number` of user profiles; there are groups, cohorts, annotations and so on, too")
	flags.IntVar(&o.project.PageSize, "page-size", 1000, "`number` of profiles on a page")
	flags.StringVar(&o.dir, "dir", "", "`directory` with yyyy-mm-dd.ndjson or .ndjson.gz to serve in place of made-up events")
	flags.BoolVar(&o.noLimits, "no-limits", false, "allow any number of requests")
	flags.BoolVar(&o.control, "control", false, "serve /_requests, /_queries, /_faults, /_profiles, /_members, /_sessions, /_annotations, /_cohorts, /_lexicon and /_funnels")
	flags.BoolVar(&o.timeInMS, "time-in-ms", false, "unit of time in the files of --dir and of the days of --precompute")
	flags.IntVar(&o.maxLine, "max-request-line", 8190, "longest first line of a request, in `bytes`; a longer one gets a 414")
	flags.StringVar(&o.precompute, "precompute", "", "days `FROM..TO` to make and compress before serving")
	flags.BoolVar(&o.live, "live", false, "leave out made-up events that would not have arrived by now")
	err := flags.Parse(args)
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
		_, _ = fmt.Fprintln(stderr, err)
	}
	return o, err
}

// also adds the project described by text.
func (o *options) also(text string) error {
	id, more, _ := strings.Cut(text, ",")
	p := mixpaneltest.Project{Region: o.project.Region}
	var err error
	if p.ID, err = strconv.ParseInt(id, 10, 64); err != nil {
		return fmt.Errorf("%q is no project id", id)
	}
	for part := range strings.SplitSeq(more, ",") {
		switch name, value, _ := strings.Cut(part, "="); name {
		case "":
		case "region":
			p.Region = value
		case "zone":
			if p.Location, err = time.LoadLocation(value); err != nil {
				return err
			}
		case "shifted":
			p.ShiftedTimes = true
		default:
			return fmt.Errorf("%q is none of region=, zone=, shifted", part)
		}
	}
	o.others = append(o.others, p)
	return nil
}

// all returns the first project and the others, which have different events.
func (o *options) all(first mixpaneltest.Project) []mixpaneltest.Project {
	projects := []mixpaneltest.Project{first}
	for i, p := range o.others {
		g := o.generator
		g.Seed += uint64(i) + 1
		p.Username, p.Secret, p.Data, p.PageSize = first.Username, first.Secret, g, first.PageSize
		p = mixpaneltest.Sample(p, g.Seed, o.profiles)
		projects = append(projects, p)
	}
	return projects
}

// server returns the server described by o, with its days precomputed.
func (o *options) server() (*mixpaneltest.Server, error) {
	zone, err := time.LoadLocation(o.zone)
	if err != nil {
		return nil, err
	}
	p := o.project
	p.Location = zone
	if o.live {
		o.generator.Now = time.Now
	}
	p.Data = o.generator
	p = mixpaneltest.Sample(p, o.generator.Seed, o.profiles)
	if o.dir != "" {
		p.Data = mixpaneltest.Dir{Path: o.dir, TimeInMS: o.timeInMS}
	}
	if o.precompute != "" {
		days, err := parseRange(o.precompute)
		if err != nil {
			return nil, err
		}
		cache := mixpaneltest.NewCache(p.Data)
		if err := cache.Fill(days, p.Format(o.timeInMS)); err != nil {
			return nil, err
		}
		p.Data = cache
	}
	return mixpaneltest.New(mixpaneltest.Config{
		Projects:    o.all(p),
		Limits:      mixpaneltest.Limits{Off: o.noLimits},
		QueryLimits: mixpaneltest.Limits{Off: o.noLimits},

		MaxRequestLine: o.maxLine,
	})
}

// parseRange parses FROM..TO or a single day.
func parseRange(text string) (day.Range, error) {
	first, last, ok := strings.Cut(text, "..")
	if !ok {
		last = first
	}
	from, err := day.Parse(first)
	if err != nil {
		return day.Range{}, err
	}
	to, err := day.Parse(last)
	if err != nil {
		return day.Range{}, err
	}
	if from > to {
		return day.Range{}, fmt.Errorf("%s is after %s", from, to)
	}
	return day.Range{From: from, To: to}, nil
}
