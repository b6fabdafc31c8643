package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// module is a module as reported by `go list`; Dir contains its files.
type module struct {
	Path, Version, Dir string
	Main               bool
	Replace            *module
}

// legal matches the names of files that must accompany a copy of a program.
var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|copyright|notice|patents)([-._].*)?$`)

// collect writes the licences of the modules that packages need into dir: one directory per module, with its name and
// version, and one for Go, which is partly included in every program.
func collect(ctx context.Context, dir string, packages []string) error {
	modules, err := needed(ctx, packages)
	if err != nil {
		return err
	}
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	goRoot, version, _ := strings.Cut(strings.TrimSpace(string(root)), "\n")
	modules["go"] = module{Path: "go.dev/go", Version: version, Dir: goRoot}
	for _, m := range modules {
		if err := copyLegal(m, filepath.Join(dir, filepath.FromSlash(m.Path)+"@"+m.Version)); err != nil {
			return fmt.Errorf("%s: %w", m.Path, err)
		}
	}
	return nil
}

// needed returns the modules that packages import, by path, except the main one.
func needed(ctx context.Context, packages []string) (map[string]module, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"list", "-deps", "-json=Module"}, packages...)...) //nolint:gosec // arguments of a developer
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("go list: %s", exit.Stderr)
	}
	if err != nil {
		return nil, err
	}
	modules := map[string]module{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct{ Module *module }
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return modules, nil
		}
		if err != nil {
			return nil, err
		}
		if p.Module == nil || p.Module.Main { // part of Go or of this module
			continue
		}
		if p.Module.Replace != nil {
			p.Module.Dir = p.Module.Replace.Dir
		}
		modules[p.Module.Path] = *p.Module
	}
}

func copyLegal(m module, to string) error {
	entries, err := os.ReadDir(m.Dir)
	if err != nil {
		return err
	}
	copied := 0
	for _, e := range entries {
		if !e.Type().IsRegular() || !legal.MatchString(e.Name()) {
			continue
		}
		b, err := os.ReadFile(filepath.Join(m.Dir, e.Name()))
		if err != nil {
			return err
		}
		if err := os.MkdirAll(to, 0o755); err != nil { //nolint:gosec // for everyone to read
			return err
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), b, 0o644); err != nil { //nolint:gosec // for everyone to read
			return err
		}
		copied++
	}
	if copied == 0 {
		return errors.New("the module has no licence")
	}
	return nil
}
