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

// settingFlag marks the flags that are settings: a command may have another of the same name.
const settingFlag = "mixduck_setting"

// Flags adds the flags of the named settings to set: a command shows those that it heeds. "config" names that of the file.
// Their values count only if they are given.
func Flags(set *pflag.FlagSet, keys ...string) {
	for _, s := range append(settings(), fileSetting()) {
		if s.flag != "" && slices.Contains(keys, s.key) {
			set.String(s.flag, "", s.usage+" ("+s.env+")")
			set.Lookup(s.flag).Annotations = map[string][]string{settingFlag: nil}
		}
	}
}

// Load reads the settings of those who do the work: a flag beats the environment, which beats the file, which beats the
// default. environ is as [os.Environ] returns it; a nil flags has none. It returns all problems at once, as an error with
// code [fault.CodeUsage]; what is no setting is one. No secret is part of a problem.
func Load(environ []string, flags *pflag.FlagSet) (Config, error) {
	return load(environ, flags, false)
}

// LoadClient is [Load] for those who only ask for work: what is the worker's alone, the credentials of projects among it,
// is neither read nor checked.
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
	root := l.open(&cfg)
	all := settings()
	l.checkKeys(root, "", fileKeys())
	apply(l, "", root, &cfg, all)
	cfg.HTTP.Asked = l.sources["http.listen"].origin != ""
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

// checkHome complains if the data directory would be below a home directory that is not known. The working directory is no
// substitute: the databases would be wherever the program was started.
func (l *loader) checkHome() {
	if l.sources["data_dir"].origin == "" && !filepath.IsAbs(l.env["HOME"]) {
		l.problems = append(l.problems, problem{err: errors.New("data_dir: the default is ~/.mp/data, and HOME is not set to an absolute path; set HOME or MIXDUCK_DATA_DIR")})
	}
}

// loader gathers settings and what is wrong with them.
type loader struct {
	env      map[string]string
	flags    *pflag.FlagSet
	client   bool            // what is the worker's is passed over
	file     string          // as it is named; "" for none
	broken   bool            // the file cannot be read: nobody knows what is in it
	known    map[string]bool // variables that are settings
	sources  map[string]source
	problems []problem
}

// source is where a value was found.
type source struct {
	origin string   // --redis-url, MIXDUCK_REDIS_URL or mixduck.yaml:3:9; "" for a default
	at     position // in the file
}

// problem is something that is wrong.
type problem struct {
	at  position
	err error
}

func (l *loader) in(at position) source {
	return source{fmt.Sprintf("%s:%d:%d", l.file, at.line, at.column), at}
}

// complain notes that something is wrong with the setting key, whose value is from p.
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

// defaultFile is the file that is read if none is named, and if it is there.
const defaultFile = "mixduck.yaml"

// open reads the file, and returns nil if there is none.
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

// path returns a path of the file, which is relative to that.
func (l *loader) path(v string) string {
	if rest, ok := strings.CutPrefix(v, "~/"); ok && l.env["HOME"] != "" {
		return filepath.Join(l.env["HOME"], rest)
	}
	if filepath.IsAbs(v) {
		return v
	}
	return filepath.Join(filepath.Dir(l.file), v)
}

// readSecret returns the content of the file of a secret.
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
