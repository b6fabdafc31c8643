package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"mixduck/internal/cli"
	"mixduck/jobs"
	"mixduck/jobs/budget"
	"mixduck/jobs/queue"
)

// TestScripts runs testdata/*.txtar. In addition to testscript's own commands they have:
//
//	enqueue ARGS          runs the command, which must exit with 0
//	exits CODE ARGS       runs it, and it must exit with CODE
//	serve DIR             starts a queue and a worker in DIR
//	remember VAR          stores the last stdout in a variable
//	await STATE ID        waits until the job is in the state
//	started               waits until a job blocks
//	release               lets one blocked job continue
//	spend PROJECT N       sends N requests, the last of which stays in progress
//	block PROJECT SPAN    makes Mixpanel ask the project to wait
//	publish WORKER ID NAME ZONE  makes a worker publish a project with the database eu/NAME.db
//	save NAME SQL QUESTION  saves a statement or, if SQL is '', a ready-made question
//	object                checks that the last stdout is one object with the documented fields
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("MP_PROJECT_ID", "12345")
			env.Values[theService] = new(*service)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"enqueue": func(ts *testscript.TestScript, _ bool, args []string) { runScripted(ts, 0, args) },
			"exits": func(ts *testscript.TestScript, _ bool, args []string) {
				code, err := strconv.Atoi(args[0])
				ts.Check(err)
				runScripted(ts, code, args[1:])
			},
			"serve": func(ts *testscript.TestScript, _ bool, args []string) {
				*holder(ts) = startService(t, ts.MkAbs(args[0]), ts.Defer)
			},
			"remember": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
			},
			"await": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(awaitState((*holder(ts)).queue, args[1], jobs.State(args[0])))
			},
			"started": func(ts *testscript.TestScript, _ bool, _ []string) { <-(*holder(ts)).started },
			"release": func(ts *testscript.TestScript, _ bool, _ []string) { (*holder(ts)).release <- struct{}{} },
			"object":  checkObject,
			"publish": func(ts *testscript.TestScript, _ bool, args []string) {
				id, err := strconv.ParseInt(args[1], 10, 64)
				ts.Check(err)
				info := jobs.ProjectInfo{ID: id, Name: args[2], Zone: args[3], Database: "eu/" + args[2] + ".db"}
				ts.Check((*holder(ts)).queue.PublishProjects(context.Background(), args[0], []jobs.ProjectInfo{info}))
			},
			"save": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check((*holder(ts)).queue.SaveQuestion(context.Background(), jobs.SavedQuestion{
					Name: args[0], Database: "main/12345.db", SQL: args[1], Question: args[2], Params: map[string][]string{"from": {"2026-01-02"}, "to": {"2026-01-03"}},
				}))
			},
			"spend": func(ts *testscript.TestScript, _ bool, args []string) {
				n, err := strconv.Atoi(args[1])
				ts.Check(err)
				ts.Check(spend((*holder(ts)).budget, args[0], n))
			},
			"block": func(ts *testscript.TestScript, _ bool, args []string) {
				span, err := time.ParseDuration(args[1])
				ts.Check(err)
				ts.Check((*holder(ts)).budget.Overrule(context.Background(), args[0], time.Now().Add(span), 0))
			},
		},
	})
}

type key int

const theService key = 0

func holder(ts *testscript.TestScript) **service { return ts.Value(theService).(**service) }

// environment are the variables that scripts can set for the command.
var environment = []string{
	"HOME", "MP_PROJECT_ID", "MP_TIMEZONE", "MIXDUCK_DATA_DIR", "MIXDUCK_REDIS_URL", "MIXDUCK_JOBS_MAX_ATTEMPTS", "MIXDUCK_BOGUS", "MIXDUCK_CONFIG", "SSL_CERT_FILE",
}

func runScripted(ts *testscript.TestScript, want int, args []string) {
	p := &cli.Process{Args: args, Stdin: strings.NewReader(""), Stdout: ts.Stdout(), Stderr: ts.Stderr()}
	for _, name := range environment {
		if value := ts.Getenv(name); value != "" {
			p.Environ = append(p.Environ, name+"="+value)
		}
	}
	if code := run(context.Background(), p); code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// awaitState waits until the job is in the state.
func awaitState(q *queue.Queue, id string, state jobs.State) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	reached := errors.New("reached")
	err := q.Watch(ctx, id, func(r jobs.Record) {
		if r.State == state {
			cancel(reached)
		}
	})
	if ctx.Err() == nil {
		return errors.Join(errors.New("the job never was "+string(state)), err)
	}
	return nil
}

// spend sends n requests of a project, the last of which stays in progress.
func spend(b *budget.Budget, project string, n int) error {
	for i := range n {
		lease, err := b.Acquire(context.Background(), project, "test")
		if err != nil {
			return err
		}
		if i < n-1 {
			lease.Release(context.Background())
		}
	}
	return nil
}

func checkObject(ts *testscript.TestScript, _ bool, _ []string) {
	decoder := json.NewDecoder(bytes.NewReader([]byte(ts.ReadFile("stdout"))))
	var fields map[string]any
	ts.Check(decoder.Decode(&fields))
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		ts.Fatalf("more than one object")
	}
	for name := range strings.FieldsSeq(`id kind state project database table from to rows duplicates quarantined windows_done
		windows_total requests bytes attempts error started_at finished_at duration_seconds`) {
		if _, ok := fields[name]; !ok {
			ts.Fatalf("no field %s in %v", name, slices.Sorted(maps.Keys(fields)))
		}
	}
}
