package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/cmd/internal/console"
	"mixduck/internal/cli"
	"mixduck/internal/fault"
	"mixduck/internal/question"
	"mixduck/jobs"
)

func TestObject(t *testing.T) {
	t.Parallel()
	job := inState(jobs.StateFailed, func(r *jobs.Record) {
		r.Failure = &jobs.Failure{Code: fault.CodeAuth, Message: "a < b", Hint: "see the <secret>", At: noon}
		r.Fetch.Events, r.Worker, r.Priority = []string{"Sign Up"}, "w1", jobs.PriorityLow
		r.Progress.Warnings = "a < b\nc"
		r.Fetch.ReportIDs = []int64{123, 456}
		r.FinishedAt = noon.In(time.FixedZone("", 3600))
	})
	const want = `{"id":"01KAMG2M7E6Y4T0Q0N8Z5R3V9C","kind":"fetch","state":"failed","project":"12345","database":"main/12345.db",` +
		`"table":"events","from":"2026-10-24","to":"2026-11-21","rows":1234567,"duplicates":0,"quarantined":0,"windows_done":12,` +
		`"windows_total":29,"requests":14,"bytes":84100000,"attempts":1,` +
		`"error":{"code":"authentication_failed","message":"a < b","hint":"see the <secret>"},` +
		`"started_at":"2026-11-22T11:58:00Z","finished_at":"2026-11-22T12:00:00Z","duration_seconds":120,` +
		`"max_attempts":5,"mode":"sync","events":["Sign Up"],"where":"","force":false,"retries":2,"note":"",` +
		`"created_at":"2026-11-22T11:57:00Z","run_at":null,"position":0,"worker":"w1","priority":"low","behind":"","unserved":false,"joined":false,"action":"","sql":"","inspect":"","result":null,` +
		`"added":0,"removed":0,"updated":0,"days_left":0,"unavailable":0,"late_since":null,"late_days":"","schedule":"","tick":null,"piece":0,"warnings":["a < b","c"],"trouble":"","rows_changed":0,"views":0,"columns_added":0,"stream":"events","unchanged":0,"verified":null,"held":null,"question":null,"report_ids":[123,456],"days_published":0,"days_due":0}` + "\n"
	var out strings.Builder
	a := &app{&console.App{Process: &cli.Process{Stdout: &out}}}
	if err := a.PrintJSON(newObject(job, noon.Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("object (-want +got):\n%s", diff)
	}
}

func TestObjectOfADoneJobHasNoError(t *testing.T) {
	t.Parallel()
	job := inState(jobs.StateDone, func(r *jobs.Record) { r.Failure = &jobs.Failure{Code: fault.CodeFailed, Message: "first attempt"} })
	if got := newObject(job, noon).Error; got != nil {
		t.Errorf("Error = %v, want none", got)
	}
}

func TestObjectOfAQuestionNamesIt(t *testing.T) {
	t.Parallel()
	job := inState(jobs.StateRunning, func(r *jobs.Record) {
		r.Kind, r.Query = jobs.KindQuery, jobs.Query{Ask: &jobs.Ask{Project: "1", Question: question.Question{
			Name: "top-events", Values: map[string][]string{"limit": {"3"}},
		}}}
	})
	b, err := json.Marshal(newObject(job, noon))
	if want := `"question":{"name":"top-events","values":{"limit":["3"]}}`; err != nil || !strings.Contains(string(b), want) {
		t.Errorf("%s, %v: no %s", b, err, want)
	}
}
