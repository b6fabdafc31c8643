package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"mixduck/config"
	"mixduck/internal/fault"
)

func load(t *testing.T, args []string, environ ...string) (config.Config, error) {
	t.Helper()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	config.Flags(flags, "config", "data_dir", "redis.url", "log.level", "worker.memory_limit")
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return config.Load(append([]string{"HOME=/home/ann"}, environ...), flags)
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := load(t, nil, "HOME=/home/ann")
	if err != nil {
		t.Fatal(err)
	}
	got := []any{c.DataDir, c.Redis.URL.IsZero(), c.Fallback.Region, c.Fallback.Location, c.Worker.Concurrency, c.Jobs.MaxAttempts, c.Worker.DrainTimeout}
	want := []any{"/home/ann/.mp/data", true, "us", time.UTC, 4, 5, 20 * time.Second}
	if diff := cmp.Diff(fmt.Sprint(want...), fmt.Sprint(got...)); diff != "" {
		t.Error(diff)
	}
	if c.VolumeDir("main") != c.DataDir || c.VolumeDir("eu") != "" {
		t.Errorf("Volumes = %v", c.Volumes)
	}
	if c.QueueDir() != "/home/ann/.mp/data/.mixduck/queue" {
		t.Errorf("QueueDir() = %s", c.QueueDir())
	}
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(" from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(t, []string{"--log-level", "debug", "--memory-limit=2GB"},
		"MIXDUCK_LOG_LEVEL=warn", "MIXDUCK_LOG_FORMAT=json", "MP_SECRET_FILE="+file, "MIXDUCK_WORKER_MEMORY_LIMIT=1GB", "MP_USERNAME=")
	if err != nil {
		t.Fatal(err)
	}
	if c.Log.Level != "debug" || c.Log.Format != "json" || c.Fallback.Secret.Reveal() != "from file" || c.Worker.MemoryLimit != 2e9 || c.Fallback.Username != "" {
		t.Errorf("settings = %+v", c)
	}
}

func TestFlagsOfOthersAreNoSettings(t *testing.T) {
	t.Parallel()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.Duration("lock-wait", 0, "of the command's own")
	if err := flags.Parse([]string{"--lock-wait", "5s"}); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load([]string{"HOME=/home/ann"}, flags)
	if err != nil || c.Worker.LockWait != time.Minute {
		t.Errorf("LockWait = %s, %v, want the default", c.Worker.LockWait, err)
	}
}

func TestVolumes(t *testing.T) {
	t.Parallel()
	c, err := load(t, nil, "HOME=/home/ann", "MIXDUCK_VOLUMES=eu=/mnt/eu, old=/mnt/old/")
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Volume{{Name: "eu", Dir: "/mnt/eu"}, {Name: "old", Dir: "/mnt/old"}}
	if diff := cmp.Diff(want, c.Volumes); diff != "" {
		t.Error(diff)
	}
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	c, err := load(t, nil, "MIXDUCK_HTTP_PPROF=localhost:6060", "MIXDUCK_HTTP_TOKEN=abc")
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTP.Listen != "127.0.0.1:6493" || c.HTTP.Pprof != "localhost:6060" || c.HTTP.Token.Reveal() != "abc" {
		t.Errorf("HTTP = %+v", c.HTTP)
	}
	if c, err = load(t, nil, "MIXDUCK_HTTP_HOSTS=Worker, a.example.com,0:0::1"); err != nil || !slices.Equal(c.HTTP.Hosts, []string{"worker", "a.example.com", "::1"}) {
		t.Errorf("hosts = %q, %v", c.HTTP.Hosts, err)
	}
	if c, err = load(t, nil, "MIXDUCK_HTTP_LISTEN=off"); err != nil || c.HTTP.Listen != "" || c.HTTP.Pprof != "" {
		t.Errorf("off: HTTP = %+v, %v", c.HTTP, err)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, env, want string }{
		{"region", "MP_REGION=usa", `project.region (MP_REGION): "usa" is not one of us, eu, in`},
		{"project id", "MP_PROJECT_ID=web", `project.id (MP_PROJECT_ID): "web" is not a project id`},
		{"negative project id", "MP_PROJECT_ID=-1", "is not a project id"},
		{"time zone", "MP_TIMEZONE=Berlin", `project.timezone (MP_TIMEZONE): unknown time zone "Berlin"`},
		{"the machine's zone is nobody's", "MP_TIMEZONE=Local", "unknown time zone"},
		{"time encoding", "MP_TIME_ENCODING=local", "not one of utc, shifted"},
		{"duration without a unit", "MIXDUCK_WORKER_DRAIN_TIMEOUT=20", "is not a duration"},
		{"negative duration", "MIXDUCK_WORKER_LOCK_WAIT=-1s", "is not a duration"},
		{"count", "MIXDUCK_WORKER_CONCURRENCY=0", "is not a positive number"},
		{"requests", "MIXDUCK_MIXPANEL_REQUESTS_PER_HOUR=0", "not a positive number, or off"},
		{"size", "MIXDUCK_WORKER_MEMORY_LIMIT=lots", "is not a size"},
		{"little memory", "MIXDUCK_WORKER_MEMORY_LIMIT=64MB", "is too small"},
		{"address without a port", "MIXDUCK_HTTP_LISTEN=localhost", `http.listen (MIXDUCK_HTTP_LISTEN): "localhost" is not an address`},
		{"port with a name", "MIXDUCK_HTTP_PPROF=127.0.0.1:http", "is not an address like 127.0.0.1:6493, or off"},
		{"port out of range", "MIXDUCK_HTTP_LISTEN=:65536", "is not an address"},
		{"host with a port", "MIXDUCK_HTTP_HOSTS=a,b:80", `http.hosts (MIXDUCK_HTTP_HOSTS): "b:80" is not a host name without a port`},
		{"host that is a URL", "MIXDUCK_HTTP_HOSTS=https://a", "is not a host name"},
		{"any host", "MIXDUCK_HTTP_HOSTS=*", "is not a host name"},
		{"no host between commas", "MIXDUCK_HTTP_HOSTS=a,,b", "is not a host name"},
		{"blank token", "MIXDUCK_HTTP_TOKEN= ", "http.token (MIXDUCK_HTTP_TOKEN): is empty"},
		{"level", "MIXDUCK_LOG_LEVEL=loud", "not one of debug, info, warn, error"},
		{"missing secret file", "MP_SECRET_FILE=/nowhere/x", "project.secret (MP_SECRET_FILE)"},
		{"volume without a directory", "MIXDUCK_VOLUMES=main", `volumes (MIXDUCK_VOLUMES): "main" is not name=directory`},
		{"volume with a strange name", "MIXDUCK_VOLUMES=Main=/a", "is not name=directory"},
		{"volume named twice", "MIXDUCK_VOLUMES=a=/a,a=/b", "duplicate name or directory"},
		{"directory with two names", "MIXDUCK_VOLUMES=a=/a,b=/a/", "duplicate name or directory"},
		{"unknown variable", "MIXDUCK_REDIS=redis://h", "MIXDUCK_REDIS: unknown setting"},
		{"a file for what is no secret", "MIXDUCK_LOG_LEVEL_FILE=/x", "unknown setting"},
		{"a byte order mark before a name", "\ufeffMP_PROJECT_ID=1", `"\ufeffMP_PROJECT_ID": the name of the variable has a byte order mark (U+FEFF) at character 1`},
		{"a zero-width space in a name", "MIXDUCK_LOG\u200b_LEVEL=info", `the name of the variable has a zero-width space (U+200B) at character 12`},
		{"a zero-width space in a value", "MIXDUCK_DATA_DIR=/da\u200bta", "data_dir (MIXDUCK_DATA_DIR): has a zero-width space (U+200B) at character 4: remove it"},
		{"a secret of two lines", "MP_SECRET=hunter2\nhunter2", "project.secret (MP_SECRET): has a line break (U+000A) at character 8"},
		{"a joiner in a secret", "MP_SECRET=hunter2\u200dhunter2", "project.secret (MP_SECRET): has a zero-width joiner (U+200D) at character 8"},
		{"Redis URL", "MIXDUCK_REDIS_URL=http://u:hunter2@h", "redis.url (MIXDUCK_REDIS_URL): is not a redis://"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, nil, tt.env)
			if fault.CodeOf(err) != fault.CodeUsage || !strings.Contains(fmt.Sprint(err), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
			if strings.Contains(fmt.Sprint(err), "hunter2") {
				t.Errorf("error shows the password: %v", err)
			}
		})
	}
	t.Run("all at once", func(t *testing.T) {
		t.Parallel()
		_, err := load(t, nil, "MP_REGION=x", "MP_PROJECT_ID=x", "MIXDUCK_X=1")
		if n := strings.Count(fmt.Sprint(err), "\n") + 1; n != 3 {
			t.Errorf("%d problems in %v, want 3", n, err)
		}
	})
}

// Variables that Kubernetes and docker-compose.yml set are not settings; mistyped settings are still reported.
func TestVariablesOfOthers(t *testing.T) {
	t.Parallel()
	for _, kv := range []string{
		"MIXDUCK_PORT=tcp://10.0.0.1:6493", "MIXDUCK_SERVICE_HOST=10.0.0.1", "MIXDUCK_SERVICE_PORT_HTTP=6493", "MIXDUCK_WORKER_SERVICE_HOST=fd00::1",
		"MIXDUCK_WORKER_PORT_6493_TCP_ADDR=10.0.0.1", "MIXDUCK_PORT_6493_TCP_PROTO=tcp", "MIXDUCK_DATA=./data", "MIXDUCK_WORKERS=2", "MIXDUCK_LIBEXEC=/usr/lib/mixduck",
	} {
		if _, err := load(t, nil, kv); err != nil {
			t.Errorf("%s: %v", kv, err)
		}
	}
	for _, kv := range []string{"MIXDUCK_PORT=8o8o", "MIXDUCK_DATA_DRI=/data", "MIXDUCK_RETENTION_JOB=1d", "MIXDUCK_SERVICE=x"} {
		if _, err := load(t, nil, kv); err == nil {
			t.Errorf("%s is accepted", kv)
		}
	}
}

// Invisible characters that editors and pipelines add around a value are not part of it.
func TestInvisibleCharactersAroundValues(t *testing.T) {
	t.Parallel()
	c, err := load(t, nil, "MP_SECRET=\ufeffs3cret\u200b\r", "MP_REGION=eu\r", "MIXDUCK_HTTP_TOKEN=\u00a0abc\u2060", "MIXDUCK_DATA_DIR=/❤\ufe0f 👩\u200d💻 ")
	if err != nil {
		t.Fatal(err)
	}
	if c.Fallback.Secret.Reveal() != "s3cret" || c.Fallback.Region != "eu" || c.HTTP.Token.Reveal() != "abc" || c.DataDir != "/❤\ufe0f 👩\u200d💻" {
		t.Errorf("secret %+q, region %q, token %+q, directory %+q", c.Fallback.Secret.Reveal(), c.Fallback.Region, c.HTTP.Token.Reveal(), c.DataDir)
	}
}

func TestSecretFiles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, content string
		err           string // part of the error; "" if the secret is read
	}{
		{"plain", "hunter2", ""},
		{"lines of Windows", "hunter2\r\n", ""},
		{"byte order mark", "\ufeffhunter2\r\n", ""},
		{"zero-width space at the end", "hunter2\u200b\n", ""},
		{"zero-width space inside", "hun\u200bter2", "has a zero-width space (U+200B) at character 4"},
		{"user and secret", "ann\nhunter2\n", "has a line break (U+000A) at character 4"},
		{"UTF-16", "\xff\xfeh\x00u\x00n\x00", "is UTF-16 text: save it as UTF-8"},
		{"UTF-16 without a mark", "h\x00u\x00n\x00", "is UTF-16 text: save it as UTF-8"},
		{"Latin-1", "hunter2\xe9", "is not UTF-8 text"},
		{"nothing", "\ufeff\r\n", "is empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(file, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := load(t, nil, "MP_SECRET_FILE= "+file+"\u200b")
			switch {
			case tt.err == "" && (err != nil || c.Fallback.Secret.Reveal() != "hunter2"):
				t.Errorf("secret = %+q, %v", c.Fallback.Secret.Reveal(), err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), "project.secret (MP_SECRET_FILE): ") || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("error = %v, want one with %q", err, tt.err)
			}
			if strings.Contains(fmt.Sprint(err), "hunter2") || strings.Contains(fmt.Sprint(err), "hun") && tt.err != "" {
				t.Errorf("error shows the secret: %v", err)
			}
		})
	}
}

func TestNoHome(t *testing.T) {
	t.Parallel()
	for _, home := range [][]string{nil, {"HOME="}, {"HOME=here"}} {
		if c, err := config.Load(home, nil); err == nil || !strings.Contains(err.Error(), "HOME") {
			t.Errorf("%q: data directory %s, %v; want an error about HOME", home, c.DataDir, err)
		}
	}
	if _, err := config.LoadClient([]string{"MIXDUCK_REDIS_URL=redis://queue"}, nil); err != nil {
		t.Errorf("a client of a Redis needs no home: %v", err)
	}
	if c, err := config.Load([]string{"MIXDUCK_DATA_DIR=/data"}, nil); err != nil || c.DataDir != "/data" {
		t.Errorf("data directory %s, %v", c.DataDir, err)
	}
}
