package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/cli"
	"mixduck/internal/day"
	"mixduck/internal/embedredis"
	"mixduck/internal/fault"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/storage"
)

const (
	demoProject  = 12345
	demoDays     = 30
	demoProfiles = 3000
)

// demoJoin is a query for events and profiles.
const demoJoin = `SELECT p.properties->>'plan' AS plan, count(DISTINCT distinct_id) AS people,
  count(*) AS events, count(*) FILTER (event_name = 'Purchase') AS purchases
FROM events JOIN profiles AS p USING (distinct_id) GROUP BY plan ORDER BY events DESC`

func demoCommand(p *cli.Process) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Run a complete sync with generated data",
		Long: `Run a complete sync without an account or network. The demo starts a simulated
Mixpanel API and a worker in a temporary directory, fetches 30 days of events and
all profiles, and queries both. Everything is deleted at the end.`,
		Example: "  worker demo",
		Args:    console.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			dir, err := os.MkdirTemp("", "mixduck-demo-*")
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
			d := &demo{process: p, dir: dir, yesterday: day.Of(time.Now().UTC()) - 1}
			return d.run(cmd.Context())
		},
	}
}

// demo is a run of the demonstration.
type demo struct {
	process   *cli.Process
	dir       string // temporary
	yesterday day.Day
	fake      *mixpaneltest.Server
}

func (d *demo) days() day.Range { return day.Range{From: d.yesterday - demoDays + 1, To: d.yesterday} }

// eventsOn makes weekends quiet and lets the project grow.
func (d *demo) eventsOn(on day.Day) int {
	n := 6600 + 45*int(on-d.days().From)
	if wd := on.Start(time.UTC).Weekday(); wd == time.Saturday || wd == time.Sunday {
		n /= 2
	}
	return n + int(on)%7*90
}

func (d *demo) run(ctx context.Context) error {
	enqueue, err := findEnqueue()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if d.fake, err = mixpaneltest.New(mixpaneltest.Config{Projects: []mixpaneltest.Project{{
		ID: demoProject, Region: "us", Username: "demo", Secret: "demo",
		Data: mixpaneltest.Generator{Seed: 1, EventsOn: d.eventsOn}, Profiles: mixpaneltest.People{Seed: 1, Count: demoProfiles},
	}}}); err != nil {
		return err
	}
	url, fakeStopped := make(chan string, 1), make(chan error, 1)
	go func() { fakeStopped <- d.fake.Listen(ctx, "127.0.0.1:0", false, func(u string) { url <- u }) }()
	var environ []string
	select {
	case err := <-fakeStopped:
		return err
	case u := <-url:
		fmt.Fprintf(d.process.Stdout, "A simulated Mixpanel API listens at %s.\nA worker runs in %s.\n\n", u, d.dir)
		environ = d.environ(u)
	}
	workerStopped, err := d.startWorker(ctx, environ)
	if err != nil {
		return err
	}
	days := d.days()
	fetchErr := d.enqueue(ctx, enqueue, environ,
		[]string{"fetch", "events", "--from", days.From.String(), "--to", days.To.String(), "--wait"},
		[]string{"fetch", "profiles", "--wait"},
		[]string{"query", demoJoin},
	)
	stop()
	if err := errors.Join(fetchErr, <-workerStopped, <-fakeStopped); err != nil {
		return err
	}
	return d.report(context.WithoutCancel(ctx))
}

// findEnqueue returns the CLI installed next to this binary.
func findEnqueue() (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	beside := filepath.Join(filepath.Dir(exe), "enqueue")
	if _, err := os.Stat(beside); err == nil {
		return beside, nil
	}
	path, err := exec.LookPath("enqueue")
	if err != nil {
		return "", fault.New(fault.CodeNotFound, "build both with 'make build'", "enqueue is not in the directory of %s", exe)
	}
	return path, nil
}

// environ returns the environment of the worker and the CLI.
func (d *demo) environ(url string) []string {
	env := []string{
		"MP_USERNAME=demo", "MP_SECRET=demo", "MP_PROJECT_ID=" + strconv.Itoa(demoProject),
		"MIXDUCK_MIXPANEL_BASE_URL=" + url, "MIXDUCK_DATA_DIR=" + d.dir, "MIXDUCK_LOG_LEVEL=warn", "MIXDUCK_HTTP_LISTEN=off",
		"MIXDUCK_CONFIG=off", // ignore the configuration of a real setup
	}
	for _, name := range []string{"HOME", "TERM", "COLUMNS", "NO_COLOR"} {
		if v := d.process.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// startWorker runs a worker until ctx is done. It returns when the worker's queue is reachable.
func (d *demo) startWorker(ctx context.Context, environ []string) (<-chan error, error) {
	cfg, err := config.Load(environ, nil)
	if err != nil {
		return nil, err
	}
	worker, err := newDaemon(cfg, time.Now(), console.Logger(cfg.Log, d.process.Stderr))
	if err != nil {
		return nil, err
	}
	stopped := make(chan error, 1)
	go func() { stopped <- worker.run(ctx) }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-stopped:
			return nil, err
		case <-tick.C:
		}
		if rdb, err := embedredis.Connect(ctx, cfg.QueueDir()); err == nil {
			return stopped, rdb.Close()
		}
	}
}

// enqueue runs commands of the CLI as a person would.
func (d *demo) enqueue(ctx context.Context, program string, environ []string, commands ...[]string) error {
	for i, args := range commands {
		if i > 0 {
			fmt.Fprintln(d.process.Stdout)
		}
		fmt.Fprintf(d.process.Stdout, "$ enqueue %s\n", shellWords(args))
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Env, cmd.Stdout, cmd.Stderr = environ, d.process.Stdout, console.Raw(d.process.Stderr)
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("enqueue %s: %w", args[0], err)
		}
	}
	return nil
}

// shellWords joins arguments for a shell. Those with spaces are put in double quotes, which fits the commands here.
func shellWords(args []string) string {
	words := slices.Clone(args)
	for i, w := range words {
		if strings.ContainsAny(w, " \n") {
			words[i] = `"` + w + `"`
		}
	}
	return strings.Join(words, " ")
}

// report shows the content of the file, and compares it with the stand-in's data.
func (d *demo) report(ctx context.Context) error {
	path := filepath.Join(d.dir, strconv.Itoa(demoProject)+".db")
	e, err := storage.Open(ctx, storage.Config{Path: path, ReadOnly: true})
	if err != nil {
		return err
	}
	defer e.Close()
	coverage, err := e.Coverage(ctx, "events", d.days())
	if err != nil {
		return err
	}
	top, err := e.TopEvents(ctx, "events", d.days(), 8)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	out := d.process.Stdout
	fmt.Fprintf(out, "\nRows by day\n")
	var bars []bar
	total := int64(0)
	for _, c := range coverage {
		bars = append(bars, bar{c.Day.String(), c.Rows})
		total += c.Rows
	}
	chart(out, bars)
	fmt.Fprintf(out, "\nTop events\n")
	bars = nil
	for _, c := range top {
		bars = append(bars, bar{c.Name, c.Rows})
	}
	chart(out, bars)
	fmt.Fprintf(out, "\n%s: %s events in %s MB, %d bytes per event\n",
		filepath.Base(path), thousands(total), strconv.FormatFloat(float64(info.Size())/1e6, 'f', 1, 64), info.Size()/max(1, total))
	if err := errors.Join(d.verify(coverage), d.verifyProfiles(ctx, e)); err != nil {
		return err
	}
	nextSteps(out)
	return nil
}

// verify compares the number of rows of each day with the stand-in's.
func (d *demo) verify(coverage []storage.Coverage) error {
	truth, err := d.fake.Truth(demoProject, d.days())
	if err != nil {
		return err
	}
	want := map[day.Day]int64{}
	for _, row := range truth.Rows {
		want[row.Day]++
	}
	if len(coverage) != d.days().Len() {
		return fmt.Errorf("%d of %d days are stored", len(coverage), d.days().Len())
	}
	for _, c := range coverage {
		if c.Rows != want[c.Day] {
			return fmt.Errorf("%s has %d rows, Mixpanel has %d", c.Day, c.Rows, want[c.Day])
		}
	}
	fmt.Fprintf(d.process.Stdout, "Checked: every day has exactly the rows of the simulated API.\n")
	return nil
}

// verifyProfiles compares the profiles with the stand-in's.
func (d *demo) verifyProfiles(ctx context.Context, e *storage.Engine) error {
	truth, err := d.fake.Profiles(mixpaneltest.ProfileAsk{Project: demoProject})
	if err != nil {
		return err
	}
	want := make(map[string]string, len(truth.Rows))
	for _, p := range truth.Rows {
		want[p.DistinctID] = p.Properties
	}
	rows, err := e.Query(ctx, "SELECT distinct_id, properties::VARCHAR FROM profiles")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, properties string
		if err := rows.Scan(&id, &properties); err != nil {
			return err
		}
		if want[id] != properties {
			return fmt.Errorf("profile %s is not the one of the simulated API", id)
		}
		delete(want, id)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if len(want) > 0 {
		return fmt.Errorf("%d profiles are missing", len(want))
	}
	fmt.Fprintf(d.process.Stdout, "Checked: the %s profiles are those of the simulated API.\n", thousands(demoProfiles))
	return nil
}

func nextSteps(w io.Writer) {
	fmt.Fprint(w, `
To use your own project, create a service account in Mixpanel's organization
settings. In one terminal, start a worker:
  export PATH="$PWD/bin:$PATH"
  export MP_USERNAME=… MP_SECRET=… MP_PROJECT_ID=… MP_REGION=us
  worker run
In another one, with the same variables, fetch and query:
  enqueue fetch events --from 30d --wait
  enqueue fetch profiles --wait
  enqueue query "SELECT event_name, count(*) FROM events GROUP BY ALL"
`)
}
