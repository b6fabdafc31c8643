package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"

	"mixduck/config"
	"mixduck/web"
)

var (
	numericUser = regexp.MustCompile(`^[1-9][0-9]*:[1-9][0-9]*$`)
	byDigest    = regexp.MustCompile(`^[a-z0-9./-]+:[A-Za-z0-9_.-]+@sha256:[0-9a-f]{64}$`)
)

func TestServicesAreHardened(t *testing.T) {
	t.Parallel()
	for name, project := range stacks(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, s := range project.Services {
				for claim, holds := range hardening(s) {
					if !holds {
						t.Errorf("%s: not true: %s", s.Name, claim)
					}
				}
			}
		})
	}
}

func hardening(s types.ServiceConfig) map[string]bool {
	foreign := func(v types.ServiceVolumeConfig) bool {
		return v.Type == types.VolumeTypeBind && !v.ReadOnly && v.Target != "/data" || strings.Contains(v.Source, "docker.sock")
	}
	public := func(p types.ServicePortConfig) bool { return p.HostIP != "127.0.0.1" }
	return map[string]bool{
		"the root file system is read-only":      s.ReadOnly,
		"there are no capabilities":              slices.Equal(s.CapDrop, []string{"ALL"}) && len(s.CapAdd) == 0 && !s.Privileged,
		"no privileges are gained":               slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}),
		"the user is a number and not root":      numericUser.MatchString(s.User),
		"nothing of the host is shared":          s.NetworkMode == "" && s.Pid == "" && s.Ipc == "" && s.UserNSMode == "" && len(s.Devices) == 0 && !s.UseAPISocket,
		"no directory of the host may change":    !slices.ContainsFunc(s.Volumes, foreign),
		"only this machine reaches its ports":    !slices.ContainsFunc(s.Ports, public),
		"logs end":                               s.Logging != nil && s.Logging.Options["max-size"] != "" && s.Logging.Options["max-file"] != "",
		"it comes back, or runs once":            s.Restart == "unless-stopped" || s.Restart == "no",
		"its image is built here, or by digest":  s.Build != nil || byDigest.MatchString(s.Image),
		"no secret is in the environment":        !holdsSecret(s.Environment),
		"it names its networks":                  len(s.Networks) > 0,
		"its temporary files are not executable": !slices.ContainsFunc(s.Tmpfs, func(t string) bool { return strings.Contains(t, ",exec") }),
	}
}

func holdsSecret(env types.MappingWithEquals) bool {
	for name := range env {
		if (strings.Contains(name, "SECRET") || strings.Contains(name, "TOKEN") || strings.Contains(name, "PASSWORD")) && !strings.HasSuffix(name, "_FILE") {
			return true
		}
	}
	return false
}

func TestRedisKeepsWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	for name, project := range stacks(t) {
		s := project.Services["redis"]
		command := strings.Join(s.Command, " ")
		if !strings.Contains(command, "--appendonly yes") || !strings.Contains(command, "--maxmemory-policy noeviction") {
			t.Errorf("%s: redis runs as %s", name, command)
		}
		if len(s.Volumes) != 1 || s.Volumes[0].Type != types.VolumeTypeVolume || s.Volumes[0].Target != "/data" {
			t.Errorf("%s: redis keeps its data in %v", name, s.Volumes)
		}
		if s.HealthCheck == nil || len(s.Ports) > 0 || len(s.Networks) != 1 || !project.Networks["queue"].Internal {
			t.Errorf("%s: redis without a password has to be watched, and be reached by ours only", name)
		}
	}
}

// isWorker reports whether a service runs `worker run`.
func isWorker(s types.ServiceConfig) bool {
	return slices.Equal(s.Command, []string{"run"}) && len(s.Entrypoint) == 0
}

// environ returns the environment of a service, with its files where this process finds them.
func environ(t *testing.T, project *types.Project, s types.ServiceConfig) []string {
	t.Helper()
	var files []string
	for _, secret := range s.Secrets {
		files = append(files, "/run/secrets/"+secret.Source, project.Secrets[secret.Source].File)
	}
	moved := strings.NewReplacer(files...)
	for _, c := range s.Configs {
		name := filepath.Join(t.TempDir(), c.Source)
		if err := os.WriteFile(name, []byte(moved.Replace(read(t, project.Configs[c.Source].File))), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, c.Target, name)
	}
	moved = strings.NewReplacer(files...)
	var environ []string
	for name, value := range s.Environment {
		environ = append(environ, name+"="+moved.Replace(*value))
	}
	return environ
}

func TestWorkersGetWhatTheyNeed(t *testing.T) {
	t.Parallel()
	for name, project := range stacks(t) {
		workers := 0
		for _, s := range project.Services {
			if !isWorker(s) {
				continue
			}
			workers++
			cfg, err := config.Load(environ(t, project, s), nil)
			if err != nil {
				t.Errorf("%s: %s: %v", name, s.Name, err)
				continue
			}
			if err := (web.Config{Listen: cfg.HTTP.Listen, Token: cfg.HTTP.Token}).Check(); err != nil {
				t.Errorf("%s: %s: %v", name, s.Name, err)
			}
			if s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) < cfg.Worker.DrainTimeout+10*time.Second {
				t.Errorf("%s: %s is given %v to stop, and takes %s to drain", name, s.Name, s.StopGracePeriod, cfg.Worker.DrainTimeout)
			}
			if d := s.DependsOn["redis"]; d.Condition != types.ServiceConditionHealthy {
				t.Errorf("%s: %s does not wait for redis", name, s.Name)
			}
			if cfg.Redis.URL.Reveal() != "redis://redis:6379" || cfg.DataDir != "/data" || !isMounted(s, "/data") {
				t.Errorf("%s: %s has its data in %s", name, s.Name, cfg.DataDir)
			}
		}
		if workers == 0 {
			t.Errorf("%s: there is no worker", name)
		}
	}
}

func isMounted(s types.ServiceConfig, target string) bool {
	return slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == target })
}

func TestEnqueueHasSettingsOnly(t *testing.T) {
	t.Parallel()
	for name, project := range stacks(t) {
		s := project.Services["enqueue"]
		if _, err := config.LoadClient(environ(t, project, s), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !slices.Equal(sorted(s.Networks), []string{"outside", "queue"}) {
			t.Errorf("%s: enqueue reaches %v, and Redis may be one outside", name, sorted(s.Networks))
		}
		if len(s.Secrets) > 0 || len(s.Volumes) > 0 || len(s.Ports) > 0 || s.Restart != "no" || !slices.Equal(s.Profiles, []string{"cli"}) {
			t.Errorf("%s: enqueue runs once, and asks the queue: %+v", name, s)
		}
	}
}

// The override in docs/deployment.md gives the same URL to all services that need it, and leaves nothing of the other
// Redis.
func TestRedisWithAPassword(t *testing.T) {
	t.Parallel()
	override := filepath.Join(t.TempDir(), "docker-compose.override.yml")
	shown := regexp.MustCompile("(?s)```yaml\n(services:\n.*?redis_url.*?)```").FindStringSubmatch(read(t, filepath.Join(root, "docs", "deployment.md")))
	if shown == nil {
		t.Fatal("docs/deployment.md shows no override")
	}
	const url = "rediss://:s3cret@queue.example:6379"
	file := filepath.Join(t.TempDir(), "redis_url")
	for name, text := range map[string]string{override: strings.ReplaceAll(shown[1], "./secrets/redis_url", file), file: url + "\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	project := load(t, nil, override)
	for _, name := range []string{"worker", "enqueue"} {
		cfg, err := config.LoadClient(environ(t, project, project.Services[name]), nil)
		if err != nil || cfg.Redis.URL.Reveal() != url {
			t.Errorf("%s asks %q, %v", name, cfg.Redis.URL.Reveal(), err)
		}
	}
}

// A .env means that real projects are synced: nothing of the demo is left in it.
func TestDemoNeedsNoAccountAndIsNoDefault(t *testing.T) {
	t.Parallel()
	demo, own := load(t, nil), load(t, example(t))
	cfg, err := config.Load(environ(t, demo, demo.Services["worker"]), nil)
	if err != nil {
		t.Fatal(err)
	}
	project, err := cfg.Project("demo")
	if err != nil || cfg.Mixpanel.BaseURL != "http://fakemixpanel:9999" {
		t.Fatalf("the demo asks %s, %v", cfg.Mixpanel.BaseURL, err)
	}
	fake := strings.Join(demo.Services["fakemixpanel"].Command, " ")
	for _, want := range []string{
		"--username " + project.Username, "--secret " + project.Secret.Reveal(), "--project " + strconv.FormatInt(project.ID, 10),
	} {
		if !strings.Contains(fake, want) {
			t.Errorf("the stand-in is started as %s, without %s", fake, want)
		}
	}
	cfg, err = config.Load(environ(t, own, own.Services["worker"]), nil)
	if err != nil || cfg.Mixpanel.BaseURL != "" || len(cfg.Projects) == 0 || cfg.Projects[0].Secret.Reveal() != "s3cret" {
		t.Errorf("with a .env: %+v, %v", cfg, err)
	}
	for _, name := range []string{"fakemixpanel", "demo"} {
		if !slices.Equal(demo.Services[name].Profiles, []string{"demo"}) {
			t.Errorf("%s starts without the profile demo", name)
		}
	}
	for _, s := range own.Services {
		for _, secret := range s.Secrets {
			if strings.Contains(own.Secrets[secret.Source].File, "demo") {
				t.Errorf("with a .env %s gets the demo's %s", s.Name, secret.Source)
			}
		}
	}
}

func TestWhatIsMountedIsThere(t *testing.T) {
	t.Parallel()
	for name, project := range stacks(t) {
		for _, s := range project.Services {
			for _, v := range s.Volumes {
				if _, err := os.Stat(v.Source); v.Type == types.VolumeTypeBind && err != nil {
					t.Errorf("%s: %s: %v", name, s.Name, err)
				}
			}
		}
	}
}

func TestMonitoringIsAProfile(t *testing.T) {
	t.Parallel()
	project := load(t, nil)
	for _, name := range []string{"prometheus", "grafana"} {
		s := project.Services[name]
		if !slices.Equal(s.Profiles, []string{"monitoring"}) || len(s.Networks) != 1 || s.Networks["queue"] != nil {
			t.Errorf("%s: profiles %v, networks %v", name, s.Profiles, sorted(s.Networks))
		}
	}
	prometheus := read(t, "monitoring/prometheus.yml")
	for _, secret := range project.Services["prometheus"].Secrets {
		if !strings.Contains(prometheus, "/run/secrets/"+secret.Source) {
			t.Errorf("prometheus.yml does not use %s", secret.Source)
		}
	}
}

func TestLakeGetsWhatItNeeds(t *testing.T) {
	t.Parallel()
	for name, project := range stacks(t) {
		s, ok := project.Services["lake"]
		if !ok {
			t.Fatalf("%s has no lake", name)
		}
		cfg, err := config.LoadClient(environ(t, project, s), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !cfg.Lake.Set() || len(s.Secrets) > 0 {
			t.Errorf("%s: the lake has the settings %+v and the secrets %v", name, cfg.Lake, s.Secrets)
		}
		if s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) < cfg.Worker.DrainTimeout+10*time.Second {
			t.Errorf("%s: the lake is given %v to stop, and takes %s to drain", name, s.StopGracePeriod, cfg.Worker.DrainTimeout)
		}
	}
}

func TestSeveralWorkersOnOneVolume(t *testing.T) {
	t.Parallel()
	s := load(t, nil, "compose.workers.yml").Services["worker"]
	if s.Deploy == nil || s.Deploy.Replicas == nil || *s.Deploy.Replicas != 2 {
		t.Fatalf("there are not two workers: %+v", s.Deploy)
	}
	if len(s.Ports) != 1 || s.Ports[0].Published != "" {
		t.Errorf("two workers cannot have one port: %v", s.Ports)
	}
}

func TestSeveralVolumes(t *testing.T) {
	t.Parallel()
	project := load(t, nil, "compose.volumes.yml")
	var volumes, ports, data []string
	for _, s := range project.Services {
		if isWorker(s) {
			cfg, err := config.Load(environ(t, project, s), nil)
			if err != nil {
				t.Fatal(err)
			}
			volumes = append(volumes, cfg.Volumes[0].Name)
			ports = append(ports, s.Ports[0].Published)
			data = append(data, s.Volumes[0].Source)
		}
	}
	for _, two := range [][]string{volumes, ports, data} {
		if len(two) != 2 || two[0] == two[1] {
			t.Errorf("two workers share %v", two)
		}
	}
}

func TestSecretsAreFilesOutsideOfTheRepository(t *testing.T) {
	t.Parallel()
	ignored := strings.Fields(read(t, filepath.Join(root, ".gitignore")))
	for _, name := range []string{"/.env", "/secrets/", "/mixduck.yaml"} {
		if !slices.Contains(ignored, name) {
			t.Errorf("git does not ignore %s", name)
		}
	}
	want := []string{"grafana_password", "http_token", "mp_secret"}
	if diff := cmp.Diff(want, sorted(load(t, nil).Secrets)); diff != "" {
		t.Error(diff)
	}
}
