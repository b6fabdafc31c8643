package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"mixduck/internal/fault"
	"mixduck/internal/invisible"
)

// settingFlag marks flags that are settings, because a command may have another flag of the same name.
const settingFlag = "mixduck_setting"

// Flags adds flags for the named settings to set. A command shows the settings it uses. The key "config" is the file.
// Only flags that are given count.
func Flags(set *pflag.FlagSet, keys ...string) {
	for _, s := range append(settings(), fileSetting()) {
		if s.flag != "" && slices.Contains(keys, s.key) {
			set.String(s.flag, "", s.usage+" ("+s.env+")")
			set.Lookup(s.flag).Annotations = map[string][]string{settingFlag: nil}
		}
	}
}

// Load reads all settings, for programs that run jobs. Flags beat the environment, which beats the file, which beats
// the defaults. environ has the form of [os.Environ]; flags may be nil. Load returns all problems at once, including
// unknown settings, as an error with code [fault.CodeUsage]. Problems never contain secrets.
func Load(environ []string, flags *pflag.FlagSet) (Config, error) {
	return load(environ, flags, false)
}

// LoadClient is [Load] for programs that only submit jobs. It neither reads nor checks settings for workers, including
// the credentials of projects.
func LoadClient(environ []string, flags *pflag.FlagSet) (Config, error) {
	return load(environ, flags, true)
}

func load(environ []string, flags *pflag.FlagSet, client bool) (Config, error) {
	l := &loader{env: map[string]string{}, flags: flags, client: client, known: map[string]bool{}, sources: map[string]source{}}
	for _, kv := range environ {
		k, v, _ := strings.Cut(kv, "=")
		l.env[k] = v
	}
	cfg := newConfig(l.env["HOME"])
	cfg.Authorities = Authorities{File: l.env["SSL_CERT_FILE"], Dirs: l.env["SSL_CERT_DIR"]}
	root := l.open(&cfg)
	all := settings()
	l.checkKeys(root, "", fileKeys())
	apply(l, "", root, &cfg, all)
	cfg.HTTP.Asked = l.sources["http.listen"].origin != ""
	l.lake(&cfg)
	l.volumes(root.get("volumes"), &cfg)
	l.projects(root.get("projects"), &cfg)
	l.schedules(root.get("schedules"), &cfg)
	l.checkVariables()
	if !client || cfg.Redis.URL.IsZero() {
		l.checkHome()
	}
	if err := cfg.finish(); err != nil {
		l.complain("", source{}, err)
	}
	if err := l.err(); err != nil {
		return Config{}, err
	}
	cfg.values = l.values(&cfg)
	return cfg, nil
}

// checkHome reports a data directory below an unknown home directory. The working directory is no substitute, because
// the databases would end up wherever the program was started.
func (l *loader) checkHome() {
	if l.sources["data_dir"].origin == "" && !filepath.IsAbs(l.env["HOME"]) {
		l.problems = append(l.problems, problem{err: errors.New("data_dir: the default is ~/.mp/data, and HOME is not set to an absolute path; set HOME or MIXDUCK_DATA_DIR")})
	}
}

// loader collects settings and problems.
type loader struct {
	env      map[string]string
	flags    *pflag.FlagSet
	client   bool            // skip settings for workers
	file     string          // as given; "" for none
	broken   bool            // the file is unreadable, so its content is unknown
	known    map[string]bool // variables that are settings
	sources  map[string]source
	problems []problem
}

// source says where a value was found.
type source struct {
	origin string   // --redis-url, MIXDUCK_REDIS_URL or mixduck.yaml:3:9; "" for a default
	at     position // in the file
}

// problem is a problem with a setting.
type problem struct {
	at  position
	err error
}

func (l *loader) in(at position) source {
	return source{fmt.Sprintf("%s:%d:%d", l.file, at.line, at.column), at}
}

// complain records a problem with the setting key, whose value is from p.
func (l *loader) complain(key string, p source, err error) {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if hint := fault.HintOf(err); hint != "" {
		text += "; try: " + hint
	}
	if p.at.line > 0 {
		if key != "" {
			key += ": "
		}
		text = p.origin + ": " + key + text
	} else if p.origin != "" {
		text = key + " (" + p.origin + "): " + text
	}
	l.problems = append(l.problems, problem{p.at, errors.New(text)})
}

// err returns all problems as one error, those of the file first, from top to bottom.
func (l *loader) err() error {
	if len(l.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(l.problems, func(a, b problem) int {
		if (a.at.line == 0) != (b.at.line == 0) {
			return b.at.line - a.at.line
		}
		return cmp.Or(cmp.Compare(a.at.line, b.at.line), cmp.Compare(a.at.column, b.at.column))
	})
	all := make([]error, len(l.problems))
	for i, p := range l.problems {
		all[i] = p.err
	}
	return fault.Usage("see docs/configuration.md; 'worker validate' shows the effective settings", "%w", errors.Join(all...))
}

// defaultFile is read if no file is named and it exists.
const defaultFile = "mixduck.yaml"

// open reads the file. It returns nil if there is none.
func (l *loader) open(cfg *Config) *node {
	apply(l, "", nil, cfg, []setting[Config]{fileSetting()})
	named := cfg.File != ""
	switch cfg.File {
	case off:
		cfg.File = ""
		return nil
	case "":
		cfg.File = defaultFile
	}
	b, err := os.ReadFile(cfg.File)
	if !named && errors.Is(err, fs.ErrNotExist) {
		cfg.File = ""
		return nil
	}
	if err != nil {
		l.complain("config", l.sources["config"], err)
		l.broken = true
		return nil
	}
	l.file = cfg.File
	root, wrong := parseTree(b)
	for _, w := range wrong {
		l.complain("", l.in(w.at), w.err)
	}
	if l.broken = root == nil; root != nil && root.kind != mapping && root.kind != blank {
		l.complain("", l.in(root.at), errors.New("must be a mapping, for example 'log: {level: debug}'"))
		l.broken = true
		return nil
	}
	return root
}

// path resolves a path relative to the file.
func (l *loader) path(v string) string {
	if rest, ok := strings.CutPrefix(v, "~/"); ok && l.env["HOME"] != "" {
		return filepath.Join(l.env["HOME"], rest)
	}
	if filepath.IsAbs(v) {
		return v
	}
	return filepath.Join(filepath.Dir(l.file), v)
}

// readSecret returns the content of a secret's file.
func readSecret(name string) (string, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	text, err := invisible.Decode(b)
	if err != nil {
		return "", fmt.Errorf("%s %w", name, err)
	}
	return text, nil
}
