package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mixduck/internal/cli"
)

const twoProjects = `data_dir: data
redis: {url: redis://127.0.0.1:1}
projects:
  web: {id: 12345, username: sa, secret_file: secret}
  app: {id: 77}
schedules:
  - {name: morning, project: web, cron: 15 6 * * *}
`

// validate runs `worker validate` on a file with this text, in a separate directory.
func validate(t *testing.T, text string, environ []string, args ...string) (code int, stdout, stderr, dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range map[string]string{"x.yaml": text, "secret": "hunter2"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs strings.Builder
	code = run(t.Context(), &cli.Process{
		Args:    append([]string{"validate", "--config", filepath.Join(dir, "x.yaml")}, args...),
		Environ: append(environ, "HOME="+dir), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
	})
	if strings.Contains(out.String()+errs.String(), "hunter2") {
		t.Errorf("the secret is shown:\n%s%s", &out, &errs)
	}
	return code, out.String(), errs.String(), dir
}

func TestValidate(t *testing.T) {
	t.Parallel()
	app := []string{"MIXDUCK_PROJECTS_APP_USERNAME=app", "MIXDUCK_PROJECTS_APP_SECRET=hunter2"}
	code, stdout, stderr, dir := validate(t, twoProjects, app, "--concurrency", "2")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var got []string // one per line, with single spaces
	for line := range strings.Lines(stdout) {
		got = append(got, strings.Join(strings.Fields(strings.ReplaceAll(line, dir, "DIR")), " "))
	}
	for _, want := range []string{
		"SETTING VALUE FROM", "data_dir DIR/data DIR/x.yaml:1:11", "worker.concurrency 2 --concurrency", "worker.lock_wait 1m default",
		"projects.web.secret [redacted] DIR/x.yaml:4:47", "projects.app.secret [redacted] MIXDUCK_PROJECTS_APP_SECRET",
		"schedules.morning.cron 15 6 * * * DIR/x.yaml:7:41",
	} {
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("no line %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); !os.IsNotExist(err) {
		t.Errorf("the data directory was made: %v", err)
	}
}

func TestValidateAsJSON(t *testing.T) {
	t.Parallel()
	code, stdout, stderr, dir := validate(t, "log: {level: warn}\n", []string{"MP_USERNAME=sa", "MP_SECRET=hunter2"}, "--format", "json")
	var got validated
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v: %s", code, err, stderr)
	}
	file := filepath.Join(dir, "x.yaml")
	found := false
	for _, v := range got.Settings {
		found = found || v.Key == "log.level" && v.Value == "warn" && v.Origin == file+":1:14"
	}
	if got.File != file || !found {
		t.Errorf("got %+v", got)
	}
}

func TestValidateRefusesCertificatesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, variable := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR"} {
		missing := filepath.Join(t.TempDir(), "missing")
		code, stdout, stderr, _ := validate(t, "{}\n", []string{"MP_USERNAME=sa", "MP_SECRET=hunter2", variable + "=" + missing})
		if code != 3 || stdout != "" || !strings.Contains(stderr, variable+": ") || !strings.Contains(stderr, missing) {
			t.Errorf("%s: exit code %d, stdout %q, stderr %s", variable, code, stdout, stderr)
		}
	}
}

func TestValidateRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		code       int
		want       []string
	}{
		{"bad settings, all of them", "log: {level: loud}\nworker: {lock_wait: 1}\n", 3, []string{"log.level", "worker.lock_wait"}},
		{"projects without credentials, all of them", "projects: {a: {id: 1}, b: {id: 2, username: x}}\n", 2, []string{"MIXDUCK_PROJECTS_A_SECRET", "MIXDUCK_PROJECTS_B_SECRET"}},
		{"a page for everybody without a token", "http: {listen: '0.0.0.0:80'}\nprojects: {a: {id: 1, username: x, secret_file: secret}}\n", 3, []string{"token"}},
		{"schedules that start in the future, all of them", "projects: {a: {id: 1, username: x, secret_file: secret}}\nschedules:\n" +
			"  - {name: m, cron: '@daily', start: 2962-01-01}\n  - {name: n, cron: '@daily', table: t, start: 2963-01-01}\n", 3, []string{"x.yaml:3:38: schedules.m.start: 2962-01-01", "schedules.n.start"}},
		{"directories in which no database could be opened", "volumes: {main: 'a%b', b: x.lock}\nprojects: {a: {id: 1, username: x, secret_file: secret}}\n", 3, []string{"volume main", "'%'", "volume b", ".lock"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr, _ := validate(t, tt.text, nil)
			if code != tt.code || stdout != "" {
				t.Errorf("exit code %d, want %d; stdout %q", code, tt.code, stdout)
			}
			for _, want := range tt.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("no %q in %s", want, stderr)
				}
			}
		})
	}
}
